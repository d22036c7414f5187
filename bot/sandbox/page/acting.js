// Sending what somebody did with an element: after the confirmation it asks for, and visibly busy until it is answered.

import { element } from "./dom.js";
import { drawText, plainWords } from "./texts.js";

/**
 * Send what was done with an element: `done` are the fields of the action. Resolves to false when the person
 * thought better of it, so that the element can show what it showed before.
 */
export async function send(part, block, context, done, control) {
  if (part.confirm && !(await confirmed(part.confirm, context))) return false;
  await whileBusy(control, () => context.act(block, { type: part.type, action_id: part.action_id, ...done }));
  return true;
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

/** Ask the question of a confirmation object (docs.slack.dev/reference/block-kit/composition-objects/confirmation-dialog-object). */
function confirmed(confirm, context) {
  return new Promise((resolve) => {
    const answer = (yes) => {
      dialog.close();
      dialog.remove();
      resolve(yes);
    };
    const dialog = element(
      "dialog",
      { class: "confirm", "aria-labelledby": "confirm-title", "aria-describedby": "confirm-text", on: { cancel: () => answer(false) } },
      element("h2", { id: "confirm-title" }, drawText(confirm.title, context)),
      element("p", { id: "confirm-text", dir: "auto" }, drawText(confirm.text, context)),
      element(
        "div",
        { class: "dialog-buttons" },
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
