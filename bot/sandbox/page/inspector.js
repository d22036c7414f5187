// The inspector: every request between the bot and the stand-in world, both ways, newest first. A row opens to its
// headers (the signature among them), its body and the answer.

import { exactTime } from "./dates.js";
import { element, icon, ICONS } from "./dom.js";

const ROWS_DRAWN = 200;
const PAGES_AT_ONCE = 5; // asked for with one press, while nothing of what is looked for turns up
const SYSTEMS = { slack: "Slack", github: "GitHub", pagerduty: "PagerDuty", monitoring: "monitoring", flags: "flags" };
const SHOWS = {
  all: () => true,
  in: (request) => request.direction === "in",
  out: (request) => request.direction === "out",
  failed: (request) => failed(request),
};
const NOTED_HEADERS = /^(x-slack-(signature|request-timestamp|retry-num|retry-reason)|x-hub-signature-256|x-github-(event|delivery)|x-pagerduty-signature|x-webhook-id|x-ld-signature)$/i;
const SIGNATURES = [
  ["x-slack-signature", "HMAC-SHA256 with the signing secret over v0:timestamp:body."],
  ["x-hub-signature-256", "HMAC-SHA256 with the webhook’s secret over the body."],
  ["x-pagerduty-signature", "HMAC-SHA256 with the webhook’s secret over the body."],
  ["x-ld-signature", "HMAC-SHA256 with the webhook’s secret over the body."],
];

export class Inspector {
  #list;
  #store;
  #zone;
  #show = "all";
  #words = "";
  #rows = ROWS_DRAWN;
  #before;
  #older = element("li", { class: "older" });
  #open = new Set();

  /** `zone()` is the reader's: the hours of requests are real ones in it, whatever the world's clock says. `before(id)` asks for what was before. */
  constructor({ list, filters, search }, store, zone, before) {
    this.#list = list;
    this.#store = store;
    this.#zone = zone;
    this.#before = before;
    for (const button of filters) {
      button.addEventListener("click", () => {
        this.#show = button.dataset.show;
        for (const one of filters) one.setAttribute("aria-pressed", String(one === button));
        this.draw();
      });
    }
    search.addEventListener("input", () => {
      this.#words = search.value.trim().toLowerCase();
      this.draw();
    });
  }

  /** Draw the whole list. */
  draw() {
    const rows = this.#found().slice(-this.#rows).reverse();
    this.#list.replaceChildren(...rows.map((request) => this.#row(request)));
    if (!rows.length) this.#list.append(element("li", { class: "empty" }, this.#store.requests.length ? "None of these." : "Nothing has been sent yet. Play a scene."));
    this.#list.append(this.#older);
    this.#sayOlder();
  }

  /** Add what has just happened. */
  add(request) {
    if (!this.#wanted(request)) return;
    this.#list.querySelector(".empty")?.remove();
    this.#list.prepend(this.#row(request));
    if (this.#list.children.length > this.#rows + 1) this.#older.previousElementSibling.remove();
    this.#sayOlder();
  }

  /** The calls the bot has made to Slack so far, by name. */
  methods() {
    const called = this.#store.requests.filter((request) => request.direction === "in" && request.system === "slack" && /^\w+\.\w/.test(request.name ?? ""));
    return [...new Set(["chat.postMessage", "chat.update", ...called.map((request) => request.name)])].sort();
  }

  #found() {
    return this.#store.requests.filter((request) => this.#wanted(request));
  }

  /** What stands below the last row: a way to what was before, where there is something. */
  #sayOlder() {
    const drawn = this.#list.querySelectorAll(":scope > li:not(.older, .empty)").length;
    const hidden = this.#show === "all" && !this.#words ? this.#store.requestsTotal - drawn : null;
    const more = drawn < this.#found().length || !this.#store.requestsAreAll;
    if (more) {
      const words = hidden === null ? "Look further back" : `Show older (${hidden.toLocaleString("en")} more)`;
      if (this.#older.textContent !== words) this.#older.replaceChildren(element("button", { type: "button", class: "quiet-button", on: { click: () => this.#showOlder() } }, words));
    } else {
      this.#older.replaceChildren(hidden ? "The sandbox keeps none of those before." : "");
    }
  }

  async #showOlder() {
    const button = this.#older.querySelector("button");
    button.disabled = true;
    const wanted = this.#rows + ROWS_DRAWN;
    for (let page = 0; page < PAGES_AT_ONCE && this.#found().length < wanted && !this.#store.requestsAreAll; page += 1) {
      const answer = await this.#before(this.#store.requests[0].id);
      if (!answer) break;
      this.#store.takeOlderRequests(answer);
    }
    this.#rows = wanted;
    const place = this.#list.scrollTop;
    this.draw();
    this.#list.scrollTop = place;
    this.#older.querySelector("button")?.focus({ preventScroll: true });
  }

  #wanted(request) {
    if (!SHOWS[this.#show](request)) return false;
    return !this.#words || `${request.system} ${request.method} ${request.path} ${request.name ?? ""} ${request.status}`.toLowerCase().includes(this.#words);
  }

  #row(request) {
    let clicked = false;
    const opened = () => {
      if (details.open) this.#open.add(request.id);
      else this.#open.delete(request.id);
      if (details.open && details.children.length === 1) details.append(drawInside(request, this.#zone()));
      if (details.open && clicked) this.#uncover(details);
      clicked = false;
    };
    const details = element("details", { class: "request", open: this.#open.has(request.id), on: { toggle: opened, click: () => { clicked = true; } } }, drawSummary(request, this.#zone()));
    return element("li", {}, details);
  }

  /** Bring what was just opened into view, where it ends below the list. */
  #uncover(details) {
    const [list, row] = [this.#list.getBoundingClientRect(), details.getBoundingClientRect()];
    if (row.bottom > list.bottom) this.#list.scrollTop += row.top - list.top;
  }
}

function drawSummary(request, zone) {
  const fromBot = request.direction === "in";
  const way = fromBot ? `from the bot to ${systemOf(request)}` : `from ${systemOf(request)} to the bot`;
  return element(
    "summary",
    {},
    element("span", { class: `way ${fromBot ? "from-bot" : "to-bot"}`, title: way }, icon(fromBot ? ICONS.outgoing : ICONS.incoming), element("span", { class: "sr-only" }, way)),
    element("span", { class: "request-name" }, request.name || `${request.method} ${request.path}`),
    element("span", { class: failed(request) ? "status bad" : "status" }, outcome(request)),
    element("span", { class: "request-way" }, fromBot ? `bot → ${systemOf(request)}` : `${systemOf(request)} → bot`, ` · ${timeOf(request, zone)}`),
    element("span", { class: "duration" }, duration(request.duration_ms)),
  );
}

function drawInside(request, zone) {
  const headers = Object.entries(request.request_headers ?? {});
  const noted = headers.filter(([name]) => NOTED_HEADERS.test(name));
  const other = headers.filter(([name]) => !NOTED_HEADERS.test(name));
  return element(
    "div",
    { class: "request-inside" },
    element("p", { class: "request-line" }, element("b", {}, request.method), " ", request.path),
    element("p", { class: "request-at" }, `${request.direction === "in" ? "The bot called" : "Sent to the bot by"} ${systemOf(request)} at ${timeOf(request, zone)} by this machine’s clock`),
    element("h4", {}, "Signature"),
    drawSignature(request, noted),
    request.request_body && [element("h4", {}, "Body"), element("pre", { tabindex: "0" }, legible(request.request_body))],
    element("h4", {}, `Answer ${request.status || ""}`),
    request.response_body ? element("pre", { tabindex: "0" }, legible(request.response_body)) : element("p", { class: "muted" }, request.status ? "Empty, which is all it takes." : "None came."),
    other.length > 0 && element("details", { class: "more-headers" }, element("summary", {}, `${other.length} other headers`), drawHeaders(other)),
  );
}

/** How the receiver can know who sent it: the header, and what was signed. */
function drawSignature(request, noted) {
  const names = noted.map(([name]) => name.toLowerCase());
  const how = SIGNATURES.find(([header]) => names.includes(header))?.[1] ?? unsigned(request);
  return [element("p", { class: "muted" }, how), noted.length > 0 && drawHeaders(noted)];
}

function unsigned(request) {
  if (request.method === "WS") return "None: it came through the app’s own websocket (Socket Mode).";
  const headers = Object.keys(request.request_headers ?? {}).map((name) => name.toLowerCase());
  if (headers.includes("authorization")) return `None: ${request.direction === "in" ? "the bot shows its token" : `${systemOf(request)} shows the API’s token`} (Authorization, below).`;
  if (request.system === "pagerduty" && /"routing_key"/.test(request.request_body ?? "")) return "None: the integration’s routing key stands in the body.";
  return request.path.startsWith("/commands") || request.path.startsWith("/actions") ? "None: whoever knows the address may answer there (response_url)." : "None.";
}

function drawHeaders(headers) {
  return element("dl", { class: "headers" }, headers.map(([name, value]) => [element("dt", {}, name), element("dd", {}, value)]));
}

function systemOf(request) {
  return SYSTEMS[request.system] ?? request.system;
}

function failed(request) {
  return !request.status || request.status >= 400 || refusal(request) !== null;
}

/** Slack's word for a refusal, which comes with a 200; null where there is none. */
function refusal(request) {
  const body = request.response_body ?? "";
  return /^\s*\{\s*"ok":\s*false/.test(body) ? (/"error":\s*"([^"]+)"/.exec(body)?.[1] ?? "refused") : null;
}

function outcome(request) {
  if (!request.status) return "no answer";
  return refusal(request) && request.status === 200 ? refusal(request) : String(request.status);
}

function timeOf(request, zone) {
  return exactTime(new Date(request.at * 1000), zone);
}

function duration(milliseconds) {
  if (milliseconds === undefined || milliseconds === null) return "";
  return milliseconds < 1000 ? `${Math.max(Math.round(milliseconds), 1)} ms` : `${(milliseconds / 1000).toFixed(1)} s`;
}

/** JSON with indents, a form as its fields (a payload inside it as JSON), anything else as it is. */
function legible(body) {
  const json = indented(body);
  if (json !== null) return json;
  if (!/^[\w.%+-]+=[^\s]*$/.test(body)) return body;
  return [...new URLSearchParams(body)].map(([name, value]) => `${name} = ${indented(value) ?? value}`).join("\n");
}

function indented(text) {
  try {
    const value = JSON.parse(text);
    return typeof value === "object" ? JSON.stringify(value, null, 2) : null;
  } catch {
    return null;
  }
}
