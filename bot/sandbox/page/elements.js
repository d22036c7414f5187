// Interactive Block Kit elements: what somebody does with one is sent to the bot as Slack would send it.
// Confirmation dialogs come first, where the element asks for one; a URL button opens its page and is sent as well.

import { drawImage, drawText } from "./blocks.js";
import { element, icon, ICONS } from "./dom.js";
import { followable } from "./mrkdwn.js";

/** Draw one element of a block; see drawBlocks for `context`. */
export function drawElement(part, block, context) {
  return (ELEMENTS[part.type] ?? unknownElement)(part, block, context);
}

const ELEMENTS = {
  button: drawButton,
  workflow_button: drawButton,
  static_select: drawSelect,
  overflow: drawOverflow,
  radio_buttons: (part, block, context) => drawChoices("radio", part, block, context),
  checkboxes: (part, block, context) => drawChoices("checkbox", part, block, context),
  datepicker: (part, block, context) => drawPicker("date", "selected_date", part, block, context),
  timepicker: (part, block, context) => drawPicker("time", "selected_time", part, block, context),
  image: (part, block) => drawImage(part.image_url, part.alt_text, block.type === "context" ? "context-picture" : "thumbnail"),
};

function drawButton(part, block, context) {
  const style = ["primary", "danger"].includes(part.style) ? part.style : "plain";
  const press = async () => {
    if (part.confirm && !(await confirmed(part.confirm, context))) return;
    const page = part.url ? followable(part.url) : null;
    if (page) window.open(page, "_blank", "noopener");
    await whileBusy(button, () => send(part, block, context, { value: part.value }));
  };
  const button = element(
    "button",
    { type: "button", class: `block-button ${style}`, "aria-label": part.accessibility_label, dataset: { action: part.action_id ?? "" }, on: { click: press } },
    drawText(part.text, context),
  );
  return button;
}

function drawSelect(part, block, context) {
  const groups = part.option_groups ?? [{ options: part.options ?? [] }];
  const options = groups.flatMap((group) => group.options);
  const drawn = (option) =>
    element("option", { value: String(options.indexOf(option)), selected: option.value === part.initial_option?.value }, plainWords(option.text));
  const chosen = async () => {
    const option = options[Number(select.value)];
    if (part.confirm && !(await confirmed(part.confirm, context))) {
      select.value = before;
      return;
    }
    before = select.value;
    await whileBusy(select, () => send(part, block, context, { selected_option: option }));
  };
  const select = element(
    "select",
    { class: "block-select", "aria-label": plainWords(part.placeholder) || "Choose", dataset: { action: part.action_id ?? "" }, on: { change: chosen } },
    !part.initial_option && element("option", { value: "", disabled: true, selected: true }, plainWords(part.placeholder) || "Choose an option"),
    groups.map((group) => (group.label ? element("optgroup", { label: plainWords(group.label) }, group.options.map(drawn)) : group.options.map(drawn))),
  );
  let before = select.value;
  return select;
}

function drawOverflow(part, block, context) {
  const pick = async (option) => {
    close();
    if (part.confirm && !(await confirmed(part.confirm, context))) return;
    const page = option.url ? followable(option.url) : null;
    if (page) window.open(page, "_blank", "noopener");
    await whileBusy(button, () => send(part, block, context, { selected_option: option }));
  };
  const items = (part.options ?? []).map((option) =>
    element(
      "button",
      { type: "button", role: "menuitem", tabindex: "-1", class: option.danger ? "danger" : null, on: { click: () => pick(option) } },
      element("span", {}, drawText(option.text, context)),
      option.description && element("small", {}, drawText(option.description, context)),
    ),
  );
  const menu = element("div", { class: "overflow-menu", role: "menu", hidden: true }, items);
  const close = () => {
    menu.hidden = true;
    button.setAttribute("aria-expanded", "false");
  };
  const toggle = () => {
    menu.hidden = !menu.hidden;
    button.setAttribute("aria-expanded", String(!menu.hidden));
    if (!menu.hidden) items[0]?.focus();
  };
  const keys = (event) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step) {
      event.preventDefault();
      items[(items.indexOf(document.activeElement) + step + items.length) % items.length]?.focus();
    } else if (event.key === "Escape" && !menu.hidden) {
      event.stopPropagation();
      close();
      button.focus();
    }
  };
  const button = element(
    "button",
    { type: "button", class: "block-button plain overflow-button", "aria-label": "More actions", "aria-haspopup": "menu", "aria-expanded": "false", dataset: { action: part.action_id ?? "" }, on: { click: toggle } },
    icon(ICONS.dots),
  );
  const left = (event) => {
    if (!holder.contains(event.relatedTarget)) close();
  };
  const holder = element("span", { class: "overflow", on: { keydown: keys, focusout: left } }, button, menu);
  return holder;
}

function drawChoices(kind, part, block, context) {
  const name = crypto.randomUUID();
  const initial = new Set([part.initial_option, ...(part.initial_options ?? [])].filter(Boolean).map((option) => option.value));
  const options = part.options ?? [];
  const changed = async () => {
    const picked = options.filter((_, index) => boxes[index].checked);
    if (part.confirm && !(await confirmed(part.confirm, context))) return;
    await whileBusy(set, () => send(part, block, context, kind === "radio" ? { selected_option: picked[0] ?? null } : { selected_options: picked }));
  };
  const boxes = options.map((option) => element("input", { type: kind, name, checked: initial.has(option.value), on: { change: changed } }));
  const set = element(
    "fieldset",
    { class: "block-choices" },
    options.map((option, index) =>
      element(
        "label",
        {},
        boxes[index],
        element("span", {}, drawText(option.text, context), option.description && element("small", {}, drawText(option.description, context))),
      ),
    ),
  );
  return set;
}

function drawPicker(type, field, part, block, context) {
  const changed = async () => {
    if (part.confirm && !(await confirmed(part.confirm, context))) return;
    await whileBusy(input, () => send(part, block, context, { [field]: input.value }));
  };
  const input = element("input", {
    type,
    class: "block-select",
    value: part.initial_date ?? part.initial_time ?? null,
    "aria-label": plainWords(part.placeholder) || type,
    dataset: { action: part.action_id ?? "" },
    on: { change: changed },
  });
  return input;
}

function unknownElement(part) {
  return element("span", { class: "element-unknown" }, `[${part.type}: this page does not draw it]`);
}

function plainWords(text) {
  return text?.text ?? "";
}

function send(part, block, context, choice) {
  return context.act(block, { type: part.type, action_id: part.action_id, ...choice });
}

async function whileBusy(control, work) {
  control.classList.add("busy");
  control.setAttribute("aria-busy", "true");
  try {
    await work();
  } finally {
    control.classList.remove("busy");
    control.removeAttribute("aria-busy");
  }
}

function confirmed(confirm, context) {
  return new Promise((resolve) => {
    const answer = (yes) => {
      dialog.close();
      dialog.remove();
      resolve(yes);
    };
    const dialog = element(
      "dialog",
      { class: "confirm", "aria-labelledby": "confirm-title", on: { cancel: () => answer(false) } },
      element("h2", { id: "confirm-title" }, drawText(confirm.title, context)),
      element("p", {}, drawText(confirm.text, context)),
      element(
        "div",
        { class: "confirm-buttons" },
        element("button", { type: "button", class: "block-button plain", on: { click: () => answer(false) } }, plainWords(confirm.deny) || "Cancel"),
        element(
          "button",
          { type: "button", class: `block-button ${confirm.style === "danger" ? "danger solid" : "primary"}`, autofocus: true, on: { click: () => answer(true) } },
          plainWords(confirm.confirm) || "Yes",
        ),
      ),
    );
    document.body.append(dialog);
    dialog.showModal();
  });
}
