// The faults panel: what the stand-ins can be made to do wrong, and what is wrong just now.

import { element, icon, ICONS } from "./dom.js";

const LASTING = [["60", "for a minute"], ["10", "for 10 seconds"], ["600", "for 10 minutes"], ["", "until I end it"]];
const TIMES = [["", "every time"], ["1", "once"], ["3", "3 times"], ["10", "10 times"]];
const WAITS = [["1", "1 second"], ["5", "5 seconds"], ["30", "30 seconds"], ["400", "400 seconds"]];
const SYSTEMS = { slack: "Slack", github: "GitHub", pagerduty: "PagerDuty" };

export class Faults {
  #root;
  #does;
  #kinds = [];
  #timer = null;
  #since = 0;
  #faults = [];

  /** `does` has `kinds()` (a promise), `begin(fault)`, `end(id)`, `endAll()`, `channels()`, `methods()`, and `now()` of the world. */
  constructor(root, does) {
    this.#root = root;
    this.#does = does;
    this.active = element("div", { class: "faults-active", "aria-live": "polite" });
    this.offered = element("div", { class: "faults-offered" });
    root.append(this.active, this.offered);
  }

  /** Ask what can go wrong here, and draw it. */
  async load() {
    this.#kinds = await this.#does.kinds();
    this.#drawOffered();
  }

  /** Draw the faults that are on. */
  show(faults) {
    this.#faults = faults;
    this.#since = this.#does.now();
    clearInterval(this.#timer);
    if (faults.some((fault) => fault.left !== null && fault.left !== undefined)) this.#timer = setInterval(() => this.#drawActive(), 1000);
    this.#drawActive();
  }

  #drawActive() {
    if (!this.#faults.length) {
      this.active.replaceChildren(element("p", { class: "all-well" }, icon(ICONS.check), " Everything works."));
      return;
    }
    const rows = this.#faults.map((fault) =>
      element(
        "div",
        { class: "fault-on" },
        element("div", {}, element("b", {}, fault.summary ?? fault.kind), element("p", {}, this.#howLong(fault))),
        element("button", { type: "button", class: "quiet-button", on: { click: () => this.#does.end(fault.id) } }, "End it"),
      ),
    );
    const all = element("button", { type: "button", class: "quiet-button", on: { click: () => this.#does.endAll() } }, "End them all");
    this.active.replaceChildren(...rows, ...(rows.length > 1 ? [all] : []));
  }

  #howLong({ method, channel, times, left }) {
    const gone = (this.#does.now() - this.#since) / 1000; // they last by the world's clock
    const what = [method, channel && this.#does.channels().find((one) => one.id === channel)?.name].filter(Boolean).join(" in ");
    const until = left !== null && left !== undefined ? `${countdown(Math.max(left - gone, 0))} left` : times ? (times === 1 ? "once more" : `${times} times more`) : "until it is ended";
    return what ? `${what}, ${until}` : until;
  }

  #drawOffered() {
    if (!this.#kinds.length) {
      this.offered.replaceChildren(element("p", { class: "empty" }, "This sandbox offers no faults."));
      return;
    }
    const systems = [...new Set(this.#kinds.map(({ system }) => system))];
    this.offered.replaceChildren(
      ...systems.flatMap((system) => [
        element("h3", { class: "side-heading" }, SYSTEMS[system] ?? system),
        ...this.#kinds.filter((kind) => kind.system === system).map((kind) => this.#drawKind(kind)),
      ]),
    );
  }

  #drawKind({ system, kind, summary, fields = [] }) {
    const form = element(
      "form",
      { class: "fault", dataset: { fault: `${system}-${kind}` }, on: { submit: (event) => { event.preventDefault(); this.#does.begin({ system, kind, ...entered(form) }); } } },
      element("div", { class: "fault-head" }, element("b", {}, summary), element("button", { type: "submit", class: "play" }, "Begin")),
      fields.length > 0 &&
        element("details", {}, element("summary", {}, saidOf(fields)), element("div", { class: "fault-fields" }, fields.map((name) => this.#drawField(name)))),
    );
    return form;
  }

  #drawField(name) {
    const draw = FIELDS[name];
    return draw ? draw(this.#does) : null;
  }
}

const choice = (name, label, options) =>
  element("label", {}, element("span", { class: "sr-only" }, label), element("select", { name, "aria-label": label }, options.map(([value, words]) => element("option", { value }, words))));

const FIELDS = {
  for: () => choice("for", "For how long", LASTING),
  times: () => choice("times", "How often", TIMES),
  seconds: () => choice("seconds", "Seconds", WAITS),
  retry_after: () => choice("retry_after", "Retry after", WAITS.map(([value, words]) => [value, `retry after ${words}`])),
  channel: ({ channels }) => choice("channel", "Where", [["", "everywhere"], ...channels().map(({ id, name }) => [id, name])]),
  method: ({ methods }) => choice("method", "Which call", [["", "every call"], ...methods().map((method) => [method, method])]),
};

/** What may be chosen, and what happens where nobody chooses. */
function saidOf(fields) {
  const everything = fields.includes("method") ? "Every call, " : "";
  return `${everything}${fields.includes("for") ? LASTING[0][1] : "at once"}: change`.replace(/^./, (letter) => letter.toUpperCase());
}

function entered(form) {
  const wish = {};
  for (const [name, value] of new FormData(form)) {
    if (value !== "") wish[name] = /^\d+$/.test(value) ? Number(value) : value;
  }
  return wish;
}

function countdown(seconds) {
  const whole = Math.ceil(seconds);
  return whole < 60 ? `${whole} s` : `${Math.floor(whole / 60)} min ${whole % 60} s`;
}
