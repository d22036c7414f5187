// Which panes are seen. On a wide screen all of them, the side panel with one of its tabs; on a narrow one a single
// pane at a time: places, channel, thread or side.

const tabs = () => [...document.querySelectorAll(".tabs [role=tab]")];

export class Panes {
  #hasPlace;
  #shown;
  #behind; // what the side panel was opened from

  /** `hasPlace()` says whether a channel is open; `shown(pane)` hears what a narrow screen now shows. */
  constructor({ hasPlace, shown }) {
    this.#hasPlace = hasPlace;
    this.#shown = shown;
    for (const tab of tabs()) {
      tab.addEventListener("click", () => this.tab(nameOf(tab)));
      tab.addEventListener("keydown", (event) => this.#walk(event, tab));
    }
    for (const button of document.querySelectorAll("[data-go]")) {
      button.addEventListener("click", () => this.#go(button.dataset.go));
    }
  }

  /** Whether the screen is so narrow that one pane is seen at a time. */
  get narrow() {
    return window.matchMedia("(max-width: 820px)").matches;
  }

  get pane() {
    return document.body.dataset.pane;
  }

  /** Show a tab of the side panel; `alone` also shows the side panel itself on a narrow screen. */
  tab(name, alone = false) {
    for (const tab of tabs()) {
      const chosen = nameOf(tab) === name;
      tab.setAttribute("aria-selected", String(chosen));
      tab.tabIndex = chosen ? 0 : -1;
      document.getElementById(nameOf(tab)).hidden = !chosen;
    }
    document.body.dataset.tab = name;
    if (alone) this.show("side");
  }

  /** Show a pane, where one is seen at a time. */
  show(pane) {
    if (pane === "side" && this.pane !== "side") this.#behind = this.pane;
    document.body.dataset.pane = pane;
    for (const button of document.querySelectorAll("[data-go]")) {
      const here = pane === "side" ? button.dataset.go === (document.body.dataset.tab ?? "story") : button.dataset.go === "places";
      button.setAttribute("aria-current", here ? "page" : "false");
    }
    this.#shown(pane);
  }

  #go(where) {
    if (where !== "places") this.tab(where, true);
    else this.show(this.pane === "side" && this.#behind !== "places" && this.#hasPlace() ? "channel" : "places");
  }

  #walk(event, tab) {
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (!step) return;
    const all = tabs();
    const next = all[(all.indexOf(tab) + step + all.length) % all.length];
    this.tab(nameOf(next));
    next.focus();
  }
}

function nameOf(tab) {
  return tab.getAttribute("aria-controls");
}
