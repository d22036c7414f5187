// The world's clock as the page knows it: what the sandbox last said, counted on at its speed. And its small panel,
// to turn it forward or let it run faster.

import { exactTime } from "./dates.js";
import { element } from "./dom.js";

const TURNS = [["5m", "+5 min"], ["30m", "+30 min"], ["2h", "+2 h"], ["1d", "+1 day"]];
const SPEEDS = [[1, "1×"], [10, "10×"], [60, "60×"]];

export class Clock {
  #base = Date.now();
  #since = performance.now();
  #speed = 1;

  /** The present in the world. */
  now() {
    return new Date(this.#base + (performance.now() - this.#since) * this.#speed);
  }

  get speed() {
    return this.#speed;
  }

  /** What the sandbox said: `{now, speed}`. */
  set({ now, speed }) {
    this.#base = new Date(now).getTime();
    this.#since = performance.now();
    this.#speed = speed ?? 1;
  }
}

export class ClockPanel {
  #clock;
  #zone;
  #time = element("time", { class: "world-time" });
  #note = element("p", { class: "world-note" });
  #speeds;

  /** `does` has `turn(by)` and `run(speed)`; `zone()` is the reader's. */
  constructor(root, clock, { does, zone }) {
    this.#clock = clock;
    this.#zone = zone;
    this.#speeds = SPEEDS.map(([speed, words]) => element("button", { type: "button", "aria-pressed": "false", dataset: { speed }, on: { click: () => does.run(speed) } }, words));
    root.replaceChildren(
      element("div", { class: "clock-face" }, element("span", { class: "clock-label" }, "World’s clock"), this.#time, this.#note),
      element("div", { class: "clock-turns", role: "group", "aria-label": "Turn the clock forward" }, TURNS.map(([by, words]) => element("button", { type: "button", dataset: { turn: by }, on: { click: () => does.turn(by) } }, words))),
      element("div", { class: "clock-turns", role: "group", "aria-label": "How fast it runs" }, element("span", { class: "muted" }, "Runs at"), this.#speeds),
    );
  }

  /** Draw what time it is now. */
  draw() {
    const now = this.#clock.now();
    const zone = this.#zone() ?? undefined;
    const day = new Intl.DateTimeFormat("en-GB", { timeZone: zone, weekday: "short", day: "numeric", month: "short" }).format(now);
    this.#time.textContent = `${day}, ${exactTime(now, zone)}`; // in hours as messages have them
    this.#time.dateTime = now.toISOString();
    const ahead = Math.round((now - Date.now()) / 60_000);
    this.#note.textContent = ahead > 0 ? `${aheadWords(ahead)} ahead of this machine` : "";
    for (const button of this.#speeds) button.setAttribute("aria-pressed", String(Number(button.dataset.speed) === this.#clock.speed));
  }
}

function aheadWords(minutes) {
  const [days, hours, rest] = [Math.floor(minutes / 1440), Math.floor((minutes % 1440) / 60), minutes % 60];
  return [days && `${days} d`, hours && `${hours} h`, rest && `${rest} min`].filter(Boolean).join(" ");
}
