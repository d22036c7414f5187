// A message box: Enter sends, Shift+Enter breaks the line, Up brings back what was sent before, and a slash offers the
// commands there are, `@`, `#` and `:` names (Up and Down choose, Tab or Enter takes one, Escape closes the list).

import { completed, completions, halfNamed, namesFor } from "./completion.js";
import { element, icon, ICONS } from "./dom.js";

const REMEMBERED = 50;

export class Composer {
  #send;
  #sent = [];
  #recalled = -1;
  #known;
  #named;
  #offers = [];
  #picked = -1;

  /**
   * `send(text)` may reject: then the text comes back into the box. `offers()` are the commands to complete, absent
   * where Slack takes none (threads); `named()` are the names (see `namesFor`); `tools` stands beside the box.
   */
  constructor(root, { label, offers = null, named, tools = null, send }) {
    this.#send = send;
    this.#known = offers;
    this.#named = named;
    const id = `${root.id}-offers`;
    this.list = element("ul", { class: "offers", id, role: "listbox", "aria-label": "What it may become", hidden: true });
    this.box = element("textarea", {
      rows: "1",
      "aria-label": label,
      placeholder: label,
      autocomplete: "off",
      spellcheck: "true",
      role: "combobox",
      "aria-autocomplete": "list",
      "aria-expanded": "false",
      "aria-controls": id,
      on: {
        input: () => {
          this.#recalled = -1;
          this.#fit();
          this.#offer(this.#fitting());
        },
        keydown: (event) => this.#key(event),
        blur: () => this.#offer([]),
      },
    });
    this.button = element("button", { type: "submit", class: "send", "aria-label": "Send", title: "Send (Enter)" }, icon(ICONS.send));
    const form = element("form", { class: "composer-form", on: { submit: (event) => { event.preventDefault(); this.submit(); } } }, tools, this.box, this.button);
    root.replaceChildren(this.list, form);
  }

  /** Say where what is written goes. */
  label(words) {
    this.box.placeholder = words;
    this.box.setAttribute("aria-label", words);
  }

  /** Whether writing makes sense here at all. */
  enable(yes) {
    this.box.disabled = this.button.disabled = !yes;
  }

  focus() {
    this.box.focus();
  }

  /** Begin to write these words, where nothing is written yet. */
  begin(words) {
    this.box.focus();
    if (this.box.value) return;
    this.#write(words);
    this.#offer(this.#fitting());
  }

  async submit() {
    const text = this.box.value;
    if (!text.trim()) return;
    this.#write("");
    this.#offer([]);
    this.#sent = [text, ...this.#sent.filter((one) => one !== text)].slice(0, REMEMBERED);
    this.#recalled = -1;
    try {
      await this.#send(text);
    } catch {
      if (!this.box.value) this.#write(text);
    }
  }

  #key(event) {
    if (event.isComposing) return;
    if (this.#offers.length && this.#offerKey(event)) {
      event.preventDefault();
      event.stopPropagation();
    } else if (event.key === "Enter" && !event.shiftKey && !event.altKey) {
      event.preventDefault();
      this.submit();
    } else if (!event.altKey && ["ArrowUp", "ArrowDown"].includes(event.key) && this.#recall(event.key === "ArrowUp" ? 1 : -1)) {
      event.preventDefault();
    }
  }

  #offerKey(event) {
    const count = this.#offers.length;
    if (event.altKey) return false;
    if (event.key === "ArrowDown") this.#pick((this.#picked + 1) % count);
    else if (event.key === "ArrowUp") this.#pick(this.#picked > 0 ? this.#picked - 1 : count - 1);
    else if (event.key === "Escape") this.#offer([]);
    else if (event.key === "Tab" && !event.shiftKey) this.#take(this.#offers[Math.max(this.#picked, 0)]);
    else if (event.key === "Enter" && this.#picked >= 0) this.#take(this.#offers[this.#picked]);
    else if (event.key === "Enter" && !event.shiftKey && halfNamed(this.box.value, this.#offers)) this.#take(this.#offers[0]);
    else return false;
    return true;
  }

  #take(offer) {
    if (offer.named) {
      const { from, to, write } = offer.named;
      this.box.setRangeText(write, from, to, "end");
      this.#fit();
      this.#offer([]);
      return;
    }
    this.#write(completed(offer));
    this.#offer(completed(offer).endsWith(" ") ? this.#fitting() : []);
  }

  #fitting() {
    const commands = this.#known ? completions(this.box.value, this.#known()) : [];
    return commands.length ? commands : namesFor(this.box.value, this.box.selectionStart, this.#named());
  }

  #offer(offers) {
    this.#offers = offers;
    this.#picked = -1;
    this.list.hidden = !offers.length;
    this.list.replaceChildren(
      ...offers.map((offer, index) =>
        element(
          "li",
          {
            id: `${this.list.id}-${index}`,
            role: "option",
            "aria-selected": "false",
            on: { mousedown: (event) => { event.preventDefault(); this.#take(offer); } },
          },
          element("b", {}, offer.command),
          offer.usage && element("code", {}, offer.usage),
          element("span", {}, offer.summary),
        ),
      ),
    );
    this.box.setAttribute("aria-expanded", String(Boolean(offers.length)));
    this.box.removeAttribute("aria-activedescendant");
    if (offers[0]?.named) this.#pick(0); // as in Slack: Enter takes the first name
  }

  #pick(index) {
    this.#picked = index;
    for (const [number, item] of [...this.list.children].entries()) item.setAttribute("aria-selected", String(number === index));
    this.box.setAttribute("aria-activedescendant", `${this.list.id}-${index}`);
    this.list.children[index].scrollIntoView({ block: "nearest" });
  }

  #recall(step) {
    if (this.#recalled < 0 && this.box.value) return false;
    const next = this.#recalled + step;
    if (next < -1 || next >= this.#sent.length) return false;
    this.#recalled = next;
    this.#write(next < 0 ? "" : this.#sent[next]);
    return true;
  }

  #write(text) {
    this.box.value = text;
    this.box.setSelectionRange(text.length, text.length);
    this.#fit();
  }

  #fit() {
    this.box.style.height = "auto";
    this.box.style.height = `${Math.min(this.box.scrollHeight, 180)}px`;
  }
}
