// Modals: what the app opened for the person one acts as, the view on top of the stack drawn as a dialog. What is
// entered goes to the bot on submit; its errors stand under the inputs they are about (docs.slack.dev/surfaces/modals).

import { drawBlocks } from "./blocks.js";
import { element, icon, ICONS } from "./dom.js";
import { focusAgain, focusOf } from "./focus.js";
import { Form } from "./form.js";
import { drawText, plainWords } from "./texts.js";

const TROUBLE = "We had some trouble connecting. Try again?";

export class Modals {
  #context;
  #does;
  #dialog;
  #stack = [];
  #forms = new Map();
  #errors = {};
  #trouble = "";
  #busy = false;

  /** `context` is what blocks are drawn with; `does` has `submit(view, values)`, `close(view, all)`, `act(view, block, action, values)`, `suggest(view, block, part, words)`, `appName()`. */
  constructor(context, does) {
    this.#context = context;
    this.#does = does;
    this.#dialog = element("dialog", {
      class: "modal",
      "aria-labelledby": "modal-title",
      on: {
        cancel: (event) => {
          event.preventDefault();
          this.#close(false);
        },
      },
    });
    document.body.append(this.#dialog);
  }

  /** Whether one is open. */
  get open() {
    return this.#dialog.open;
  }

  /** Show the top of this stack, or nothing where it is empty. */
  show(stack) {
    const [before, top] = [this.#stack.at(-1), stack.at(-1)];
    this.#stack = stack;
    for (const id of this.#forms.keys()) if (!stack.some((view) => view.id === id)) this.#forms.delete(id);
    if (!top) {
      this.#dialog.close();
      this.#dialog.replaceChildren();
      return;
    }
    if (before?.id === top.id && before.hash === top.hash && this.#dialog.open) return;
    this.#errors = {};
    this.#trouble = "";
    this.#draw(before?.id === top.id);
  }

  #draw(again) {
    const view = this.#stack.at(-1);
    const form = this.#formOf(view);
    form.redraw();
    const body = this.#dialog.querySelector(".modal-body");
    const scrolled = again ? (body?.scrollTop ?? 0) : 0;
    const focused = again ? focusOf(this.#dialog) : null;
    const context = {
      ...this.#context,
      form,
      errors: this.#errors,
      act: (block, action) => this.#does.act(view, block, action, form.values()),
      suggest: (block, part, words) => this.#does.suggest(view, block, part, words),
    };
    this.#dialog.replaceChildren(this.#drawForm(view, context));
    if (!this.#dialog.open) this.#dialog.showModal();
    this.#dialog.querySelector(".modal-body").scrollTop = scrolled;
    const wrong = this.#dialog.querySelector("[aria-invalid]");
    if (wrong) wrong.focus();
    else if (!again) this.#dialog.querySelector("[autofocus], .block-input [data-action]")?.focus();
    else focusAgain(this.#dialog, focused);
  }

  #drawForm(view, context) {
    const deep = this.#stack.length > 1;
    return element(
      "form",
      { class: "modal-form", novalidate: true, dataset: { view: view.id, callback: view.callback_id ?? "" }, on: { submit: (event) => { event.preventDefault(); this.#submit(); } } },
      element(
        "header",
        {},
        deep && element("button", { type: "button", class: "pane-button", "aria-label": "Back to the view below", title: "Back", on: { click: () => this.#close(false) } }, icon(ICONS.back)),
        element("span", { class: "avatar app medium", "aria-hidden": "true" }, icon(ICONS.anchor)),
        element("h2", { id: "modal-title" }, drawText(view.title, context)),
        deep && element("span", { class: "modal-depth" }, `${this.#stack.length} of 3 deep`),
        element("button", { type: "button", class: "pane-button", "aria-label": "Close", title: deep ? "Close all" : "Close (Esc)", on: { click: () => this.#close(true) } }, icon(ICONS.close)),
      ),
      this.#trouble && element("p", { class: "modal-trouble", role: "alert" }, this.#trouble),
      element("div", { class: "modal-body blocks" }, drawBlocks(view.blocks ?? [], context)),
      element(
        "footer",
        { class: "dialog-buttons" },
        element("p", { class: "modal-private" }, icon(ICONS.eye), " Only you see this"),
        element("button", { type: "button", class: "block-button plain modal-close", on: { click: () => this.#close(false) } }, plainWords(view.close) || (view.submit ? "Cancel" : "Close")),
        view.submit && element("button", { type: "submit", class: "block-button primary modal-submit", disabled: Boolean(view.submit_disabled) }, plainWords(view.submit)),
      ),
    );
  }

  async #submit() {
    const view = this.#stack.at(-1);
    await this.#whileBusy(async () => {
      const { action, errors } = await this.#does.submit(view, this.#formOf(view).values());
      this.#errors = errors ?? {};
      this.#trouble = action === "failed" ? TROUBLE : "";
    });
    // A view that was closed or replaced meanwhile was told by the live line; what it said no longer matters.
    const stays = this.#stack.at(-1)?.id === view.id && (this.#trouble || Object.keys(this.#errors).length);
    if (stays) this.#draw(true);
  }

  async #close(all) {
    const view = this.#stack.at(-1);
    if (view) await this.#whileBusy(() => this.#does.close(view, all));
  }

  async #whileBusy(work) {
    if (this.#busy) return;
    this.#busy = true;
    this.#dialog.classList.add("waiting");
    try {
      await work();
    } catch (fault) {
      this.#errors = {};
      this.#trouble = fault.message;
    } finally {
      this.#busy = false;
      this.#dialog.classList.remove("waiting");
    }
  }

  #formOf(view) {
    if (!this.#forms.has(view.id)) this.#forms.set(view.id, new Form());
    return this.#forms.get(view.id);
  }
}
