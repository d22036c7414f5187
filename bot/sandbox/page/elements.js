// Interactive Block Kit elements (docs.slack.dev/reference/block-kit/block-elements): what somebody does with one is
// sent to the bot as Slack would send it. A URL button opens its page and is sent as well.

import { send } from "./acting.js";
import { drawCheckboxes, drawRadioButtons } from "./choices.js";
import { element, icon, ICONS } from "./dom.js";
import { drawDatePicker, drawDateTimePicker, drawEmailInput, drawNumberInput, drawRichTextInput, drawTextInput, drawTimePicker, drawUrlInput } from "./fields.js";
import { menuButton } from "./floating.js";
import { followable } from "./mrkdwn.js";
import { drawPicker } from "./picker.js";
import { SELECTS, sourceOf } from "./sources.js";
import { drawImage, drawText, plainWords } from "./texts.js";

/** Draw one element of a block; see drawBlocks for `context`. */
export function drawElement(part, block, context) {
  return (ELEMENTS[part.type] ?? unknownElement)(part, block, context);
}

const ELEMENTS = {
  button: drawButton,
  workflow_button: drawButton,
  overflow: drawOverflow,
  radio_buttons: drawRadioButtons,
  checkboxes: drawCheckboxes,
  datepicker: drawDatePicker,
  timepicker: drawTimePicker,
  datetimepicker: drawDateTimePicker,
  plain_text_input: drawTextInput,
  number_input: drawNumberInput,
  email_text_input: drawEmailInput,
  url_text_input: drawUrlInput,
  rich_text_input: drawRichTextInput,
  image: (part, block) => drawImage(part.image_url, part.alt_text, block.type === "context" ? "context-picture" : "thumbnail"),
  ...Object.fromEntries(SELECTS.map((type) => [type, (part, block, context) => drawPicker(sourceOf(part, block, context), part, block, context)])),
};

function drawButton(part, block, context) {
  const style = ["primary", "danger"].includes(part.style) ? part.style : "plain";
  const press = async () => {
    const page = part.url ? followable(part.url) : null;
    if (page && !part.confirm) window.open(page, "_blank", "noopener");
    const sent = await send(part, block, context, {}, button);
    if (sent && page && part.confirm) window.open(page, "_blank", "noopener");
  };
  const button = element(
    "button",
    { type: "button", class: `block-button ${style}`, "aria-label": part.accessibility_label, dataset: { action: part.action_id ?? "", value: part.value ?? "" }, on: { click: press } },
    drawText(part.text, context),
  );
  return button;
}

function drawOverflow(part, block, context) {
  const pick = async (option) => {
    const page = option.url ? followable(option.url) : null;
    const sent = await send(part, block, context, { chosen: option.value }, button);
    if (sent && page) window.open(page, "_blank", "noopener");
  };
  const items = () =>
    (part.options ?? []).map((option) => ({
      words: drawText(option.text, context),
      detail: option.description ? drawText(option.description, context) : null,
      pick: () => pick(option),
    }));
  const button = menuButton({ class: "block-button plain overflow-button", "aria-label": plainWords(part.text) || "More actions", dataset: { action: part.action_id ?? "" } }, icon(ICONS.dots), items);
  return button;
}

function unknownElement(part) {
  return element("span", { class: "element-unknown" }, `[${part.type}: this page does not draw it]`);
}
