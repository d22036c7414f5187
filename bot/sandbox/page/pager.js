// The pager in the story panel: whose phone rings and for what, and the buttons by which they answer or do not.

import { clockTime } from "./dates.js";
import { element } from "./dom.js";

const DOES = [
  ["silence", "Sleeps through it"],
  ["answer", "Answers"],
  ["decline", "Declines when asked for help"],
];
const STATES = { triggered: "Ringing", acknowledged: "Acknowledged", resolved: "Resolved" };
const MOST_RINGS = 4;

/** Draw PagerDuty, or hide it where nothing ever rang. `does(person, what)` tells what somebody does; `zone` is the reader's. */
export function drawPager(root, pager, { does, zone }) {
  root.hidden = !pager?.incidents?.length;
  if (root.hidden) return root.replaceChildren();
  const focused = document.activeElement?.dataset?.pager;
  const ringing = pager.people.filter((person) => person.ringing.length);
  const over = pager.incidents.filter(({ status }) => status === "resolved");
  const under = pager.incidents.filter(({ status }) => status !== "resolved");
  const opened = (name) => root.querySelector(`details.${name}`)?.open;
  root.replaceChildren(
    element("h2", {}, "PagerDuty"),
    ...ringing.map((person) => phone(person, does)),
    under.length > 0 ? element("ul", { class: "incidents" }, under.map((incident) => drawIncident(incident))) : "",
    over.length > 0
      ? element(
          "details",
          { class: "pager-over", open: opened("pager-over") },
          element("summary", {}, `${over.length} resolved`),
          element("ul", { class: "incidents" }, over.map((incident) => drawIncident(incident))),
        )
      : "",
    element(
      "details",
      { class: "who-answers", open: opened("who-answers") },
      element("summary", {}, "Who answers their phone"),
      element("ul", { class: "answers" }, pager.people.map((person) => answers(person, does))),
    ),
    pager.rings.length === 0 ? "" : element("ol", { class: "rings", "aria-label": "Whose phones rang" }, pager.rings.slice(0, MOST_RINGS).map((ring) => element("li", {}, `${clockTime(new Date(ring.at), zone)} ${ring.name}’s phone rang (${ring.method})`))),
  );
  if (focused) root.querySelector(`[data-pager="${CSS.escape(focused)}"]`)?.focus();
  return root;
}

function phone(person, does) {
  return element(
    "div",
    { class: "phone", role: "status" },
    element("p", {}, element("strong", {}, `${person.name}’s phone rings`), element("span", {}, person.ringing.join(" · "))),
    element("button", { type: "button", class: "play", dataset: { pager: `take-${person.key}` }, on: { click: () => does(person.key, "acknowledge") } }, "Acknowledge"),
  );
}

function drawIncident(incident) {
  const who = incident.status === "acknowledged" ? incident.acknowledged : incident.assigned;
  const asked = incident.responders.map(({ name, state }) => `${name} ${state === "pending" ? "was asked" : state}`);
  return element(
    "li",
    { class: `pager-incident ${incident.status}` },
    element("span", { class: "pager-state" }, STATES[incident.status]),
    element("span", {}, incident.title),
    element("small", {}, [incident.service, who.join(", "), ...asked, ...incident.notes].filter(Boolean).join(" · ")),
  );
}

function answers(person, does) {
  const choice = element(
    "select",
    { "aria-label": `${person.name}, when woken`, dataset: { pager: `does-${person.key}` }, on: { change: (event) => does(person.key, event.target.value) } },
    DOES.map(([value, words]) => element("option", { value, selected: person.does === value }, words)),
  );
  return element("li", {}, element("span", {}, person.name), choice);
}
