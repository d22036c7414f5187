// Radio buttons and checkboxes (docs.slack.dev/reference/block-kit/block-elements).

import { send } from "./acting.js";
import { element } from "./dom.js";
import { drawText } from "./texts.js";

export function drawRadioButtons(part, block, context) {
  return drawChoices("radio", part, block, context, ([picked]) => ({ chosen: picked ?? null }), ([picked]) => picked ?? null);
}

export function drawCheckboxes(part, block, context) {
  return drawChoices("checkbox", part, block, context, (picked) => ({ selected_options: picked }), (picked) => (picked.length ? picked : null));
}

function drawChoices(kind, part, block, context, actionOf, valueOf) {
  const initial = [part.initial_option, ...(part.initial_options ?? [])].filter(Boolean).map((option) => option.value);
  let picked = context.form.recall(block, part, initial, valueOf);
  const show = () => boxes.forEach((box) => { box.checked = picked.includes(box.value); });
  const changed = async () => {
    const before = picked;
    picked = boxes.filter((box) => box.checked).map((box) => box.value);
    context.form.enter(block, part, picked);
    if (!context.act || (await send(part, block, context, actionOf(picked), set))) return;
    picked = before;
    context.form.enter(block, part, before);
    show();
  };
  const options = part.options ?? [];
  const name = crypto.randomUUID();
  const boxes = options.map((option) =>
    element("input", { type: kind, name, value: option.value, dataset: { action: `${part.action_id} ${option.value}` }, on: { change: changed } }),
  );
  const set = element(
    "fieldset",
    { class: "block-choices", dataset: { element: part.action_id ?? "" }, "aria-label": context.label },
    options.map((option, index) =>
      element(
        "label",
        {},
        boxes[index],
        element("span", {}, drawText(option.text, context), option.description && element("small", {}, drawText(option.description, context))),
      ),
    ),
  );
  show();
  return set;
}
