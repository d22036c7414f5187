// Elements that are typed into: text, numbers, addresses, dates and times (docs.slack.dev/reference/block-kit/block-elements).
// A date or time picker acts when its value is settled; a text input acts only where its block says so (dispatch_action).

import { send } from "./acting.js";
import { element } from "./dom.js";
import { plainWords } from "./texts.js";

export function drawTextInput(part, block, context) {
  return drawTyped(part, block, context, part.multiline ? { tag: "textarea", rows: "4" } : { type: "text" });
}

export function drawNumberInput(part, block, context) {
  return drawTyped(part, block, context, { type: "text", inputmode: part.is_decimal_allowed ? "decimal" : "numeric" });
}

export function drawEmailInput(part, block, context) {
  return drawTyped(part, block, context, { type: "email", inputmode: "email", autocomplete: "off" });
}

export function drawUrlInput(part, block, context) {
  return drawTyped(part, block, context, { type: "url", inputmode: "url" });
}

/** Drawn as a box for plain words: what is typed is sent as one section of rich text. */
export function drawRichTextInput(part, block, context) {
  const asRichText = (text) => text && { type: "rich_text", elements: [{ type: "rich_text_section", elements: [{ type: "text", text }] }] };
  return drawTyped({ ...part, initial_value: "" }, block, context, { tag: "textarea", rows: "4" }, asRichText);
}

export function drawDatePicker(part, block, context) {
  return drawSettled("date", part.initial_date, (date) => ({ selected_date: date }), part, block, context);
}

export function drawTimePicker(part, block, context) {
  return drawSettled("time", part.initial_time, (time) => ({ selected_time: time }), part, block, context);
}

/** Date and time are the reader's own; Slack sends Unix seconds. */
export function drawDateTimePicker(part, block, context) {
  const seconds = (local) => (local ? Math.floor(new Date(local).getTime() / 1000) : null);
  const initial = part.initial_date_time ? localMoment(new Date(part.initial_date_time * 1000)) : "";
  return drawSettled("datetime-local", initial, (local) => ({ selected_date_time: seconds(local) }), part, block, context, seconds);
}

function drawTyped(part, block, context, { tag = "input", ...attributes }, valueOf = (text) => text) {
  const triggers = part.dispatch_action_config?.trigger_actions_on ?? ["on_enter_pressed"];
  const dispatch = (when) => {
    if (context.act && triggers.includes(when)) send(part, block, context, { value: box.value || null }, box);
  };
  const entered = context.form.recall(block, part, String(part.initial_value ?? ""), (text) => valueOf(text) || null);
  const box = element(tag, {
    ...attributes,
    class: "field",
    maxlength: part.max_length,
    placeholder: plainWords(part.placeholder) || null,
    autofocus: part.focus_on_load,
    "aria-label": context.label,
    dataset: { action: part.action_id ?? "", element: part.action_id ?? "" },
    on: {
      input: () => {
        context.form.enter(block, part, box.value);
        dispatch("on_character_entered");
      },
      keydown: (event) => {
        if (event.key !== "Enter" || event.isComposing || (tag === "textarea" && !(event.ctrlKey || event.metaKey))) return;
        if (context.act && triggers.includes("on_enter_pressed")) {
          event.preventDefault(); // it acts instead of submitting the whole view
          dispatch("on_enter_pressed");
        }
      },
    },
  });
  box.value = entered;
  return box;
}

function drawSettled(type, initial, actionOf, part, block, context, valueOf = (text) => text) {
  let before = context.form.recall(block, part, initial ?? "", (text) => valueOf(text) || null);
  const changed = async () => {
    context.form.enter(block, part, input.value);
    if (context.act && !(await send(part, block, context, actionOf(input.value || null), input))) {
      input.value = before;
      context.form.enter(block, part, before);
    }
    before = input.value;
  };
  const input = element("input", {
    type,
    class: "block-select",
    value: before,
    autofocus: part.focus_on_load,
    "aria-label": context.label ?? (plainWords(part.placeholder) || type),
    dataset: { action: part.action_id ?? "", element: part.action_id ?? "" },
    on: { change: changed },
  });
  return input;
}

function localMoment(at) {
  return new Date(at.getTime() - at.getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
}
