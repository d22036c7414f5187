// The app's Home tab: a view of one's own, published by the bot, asked for anew each time it is opened.

import { drawBlocks } from "./blocks.js";
import { element, icon, ICONS } from "./dom.js";
import { focusAgain, focusOf } from "./focus.js";
import { Form } from "./form.js";

export class Home {
  #root;
  #context;
  #does;
  #form = new Form();
  #person = null;

  /** `does` has `act(view, block, action, values)`, `suggest(view, block, part, words)`, `appName()`. */
  constructor(root, context, does) {
    this.#root = root;
    this.#context = context;
    this.#does = does;
  }

  /** Draw the Home tab that this person sees; null where the bot never published one for them. */
  show(person, view) {
    if (person !== this.#person) this.#form = new Form();
    this.#person = person;
    this.#form.redraw();
    const focused = focusOf(this.#root);
    this.#root.replaceChildren(view ? this.#drawView(view) : this.#drawNothing());
    if (focused && !focusAgain(this.#root, focused)) this.#root.focus({ preventScroll: true });
  }

  #drawView(view) {
    const context = {
      ...this.#context,
      form: this.#form,
      act: (block, action) => this.#does.act(view, block, action, this.#form.values()),
      suggest: (block, part, words) => this.#does.suggest(view, block, part, words),
    };
    return element("div", { class: "blocks home-blocks" }, drawBlocks(view.blocks ?? [], context));
  }

  #drawNothing() {
    return element(
      "div",
      { class: "home-nothing" },
      element("span", { class: "avatar app large", "aria-hidden": "true" }, icon(ICONS.anchor)),
      element("h3", {}, "Nothing here yet"),
      element("p", {}, `${this.#does.appName()} has published no Home tab for you. In Slack this says “This is a work in progress”.`),
    );
  }
}
