// The select menus of Block Kit, single and multi: a list with a search box, as in Slack
// (docs.slack.dev/reference/block-kit/block-elements/select-menu-element). Where the choices come from is the only
// difference between them: the block itself, the app (external), or the workspace's people and channels.

import { send } from "./acting.js";
import { element, icon, ICONS } from "./dom.js";
import { float } from "./floating.js";
import { drawText, plainWords } from "./texts.js";

const TYPING_PAUSE = 250;

/**
 * Draw a select. `source` has `initial` (choices), `find(words)` (choices, or a promise of them) and `action(values)`;
 * a choice is `{value, text, detail?, group?}`, its texts being text objects.
 */
export function drawPicker(source, part, block, context) {
  const multi = part.type.startsWith("multi_");
  const valueOf = (choices) => (multi ? (choices.length ? choices.map(({ value }) => value) : null) : (choices[0]?.value ?? null));
  let chosen = context.form.recall(block, part, source.initial, valueOf);
  const words = plainWords(part.placeholder) || (multi ? "Choose options" : "Choose an option");
  const choose = (next) => {
    chosen = next;
    context.form.enter(block, part, chosen);
    button.replaceChildren(...drawChosen(chosen, words, multi, context), icon(ICONS.chevron, "icon chevron"));
    if (context.label) button.setAttribute("aria-label", `${context.label}: ${chosen.map((choice) => plainWords(choice.text)).join(", ") || words}`);
  };
  const settle = async (before) => {
    const changed = JSON.stringify(valueOf(before)) !== JSON.stringify(valueOf(chosen));
    if (changed && context.act && !(await send(part, block, context, source.action(valueOf(chosen)), button))) choose(before);
  };
  const open = () => {
    if (button.getAttribute("aria-expanded") === "true") return;
    openChoices({ button, source, multi, most: part.max_selected_items ?? Infinity, chosen, choose, settle, label: context.label ?? words, shortest: part.min_query_length ?? 0 }, context);
  };
  const keys = (event) => {
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      open();
    }
  };
  const button = element("button", {
    type: "button",
    class: multi ? "block-select picker multi" : "block-select picker",
    "aria-haspopup": "listbox",
    "aria-expanded": "false",
    dataset: { action: part.action_id ?? "", element: part.action_id ?? "" },
    on: { click: open, keydown: keys },
  });
  choose(chosen);
  return button;
}

function drawChosen(chosen, words, multi, context) {
  if (!chosen.length) return [element("span", { class: "placeholder" }, words)];
  if (!multi) return [element("span", {}, drawText(chosen[0].text, context))];
  return [element("span", { class: "chips" }, chosen.map((choice) => element("span", { class: "chip" }, drawText(choice.text, context))))];
}

/** The list itself. What is chosen is entered at once; it is acted upon when the list closes, which a single choice does. */
function openChoices({ button, source, multi, most, chosen, choose, settle, label, shortest }, context) {
  let picked = [...chosen];
  let choices = [];
  let at = -1;
  let asked = 0;
  let timer = null;
  const id = `choices-${crypto.randomUUID()}`;
  const search = element("input", {
    type: "text",
    class: "field",
    role: "combobox",
    "aria-expanded": "true",
    "aria-controls": id,
    "aria-label": `Search: ${label}`,
    placeholder: shortest ? `Type ${shortest === 1 ? "a letter" : `${shortest} letters`} to search` : "Search",
    autocomplete: "off",
  });
  const list = element("div", { class: "choices", id, role: "listbox", "aria-multiselectable": multi ? "true" : null });
  const panel = element("div", { class: "picker-panel" }, search, list);

  const has = (choice) => picked.some(({ value }) => value === choice.value);
  const point = (next) => {
    at = next;
    const options = [...list.querySelectorAll("[role=option]")];
    options.forEach((option, index) => option.classList.toggle("at", index === at));
    options[at]?.scrollIntoView({ block: "nearest" });
    if (options[at]) search.setAttribute("aria-activedescendant", options[at].id);
    else search.removeAttribute("aria-activedescendant");
  };
  const pick = (next) => {
    picked = next;
    choose(picked);
  };
  const take = (choice) => {
    if (!choice) return;
    if (!multi) {
      pick([choice]);
      floating.close();
    } else {
      if (has(choice)) pick(picked.filter(({ value }) => value !== choice.value));
      else if (picked.length < most) pick([...picked, choice]);
      draw();
      point(at);
    }
  };
  const draw = (words = null) => {
    let group = null;
    const rows = choices.flatMap((choice, index) => {
      const heading = choice.group && choice.group !== group ? [element("p", { class: "menu-heading", role: "presentation" }, (group = choice.group))] : [];
      return [...heading, drawChoice(choice, { id: `${id}-${index}`, chosen: has(choice), full: multi && picked.length >= most }, context, () => take(choice))];
    });
    list.replaceChildren(...rows);
    if (!rows.length) list.append(element("p", { class: "menu-heading", role: "status" }, words ?? "No results"));
    floating?.place();
  };
  const find = async () => {
    asked += 1;
    const mine = asked;
    if (search.value.trim().length < shortest) {
      choices = [];
      draw("Keep typing…");
      return;
    }
    try {
      const found = source.find(search.value.trim().toLowerCase());
      if (found instanceof Promise) draw("Asking the app…");
      const answer = await found;
      if (mine !== asked) return; // typed on meanwhile
      choices = answer;
      draw();
    } catch (fault) {
      choices = [];
      draw(fault.message);
    }
    point(choices.length && search.value ? 0 : choices.findIndex(has));
  };
  const keys = (event) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step && choices.length) {
      event.preventDefault();
      point((at + step + choices.length) % choices.length);
    } else if (event.key === "Enter" && !event.isComposing) {
      event.preventDefault();
      take(choices[at]);
    } else if (event.key === "Backspace" && multi && !search.value && picked.length) {
      pick(picked.slice(0, -1));
      draw();
    } else if (event.key === "Tab") {
      floating.close();
    } else if (event.key === "Escape") {
      event.stopPropagation();
    }
  };
  search.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(find, source.asks ? TYPING_PAUSE : 0);
  });
  panel.addEventListener("keydown", keys);
  const floating = float(panel, button, () => {
    clearTimeout(timer);
    settle(chosen);
  });
  search.focus();
  find();
}

function drawChoice(choice, { id, chosen, full }, context, pick) {
  const held = (event) => event.preventDefault(); // the search box keeps the focus
  return element(
    "div",
    { class: "choice", role: "option", id, "aria-selected": String(chosen), "aria-disabled": full && !chosen ? "true" : null, dataset: { value: choice.value }, on: { mousedown: held, click: pick } },
    chosen ? icon(ICONS.check) : element("span", { class: "icon" }),
    element("span", {}, drawText(choice.text, context), choice.detail && element("small", {}, drawText(choice.detail, context))),
  );
}
