// What the message box completes: slash commands, and the names of people, groups, channels and emoji. The commands are
// those of the app's manifest; a usage hint like "status [service] | help" makes one line of each of its words.

import { characterOf } from "./emoji.js";

const MOST_NAMES = 8;
const SUMMARIES = {
  "/ship": "the deploy crew: start here",
  "/ship status": "what is live where, and what is on its way",
  "/ship where": "how far a change has got",
  "/ship me": "who Shipmate thinks you are, and what you hear",
  "/ship promote": "bring a build to the next environment",
  "/ship rollback": "go back to the last good build",
  "/ship lock": "hold a service, an environment, a team or everything",
  "/ship unlock": "let it go again",
  "/ship locks": "what is locked and frozen, by whom, until when",
  "/ship freeze until": "hold one service or all until then",
  "/ship watch": "hear when a change is there",
  "/ship drift": "what production does not have yet, and who waits",
  "/ship train": "when trains leave, who is aboard, who not and why",
  "/ship oncall": "who is on call there, until when",
  "/ship metrics": "whether pages were right, what failed, how long it took",
  "/ship help": "every word it knows",
  "/incident open": "make a room, and wake whoever is on call",
  "/incident status": "what is open, or one of them",
  "/incident lead": "take it, or hand it over",
  "/incident update": "say how it stands",
  "/incident resolve": "it is over",
  "/incident timeline": "what happened, in order",
};
const DEEPER = {
  "/ship me": [
    { word: "mute", usage: "[#812]", summary: "no more direct messages about your changes, or one of them" },
    { word: "unmute", usage: "[#812]", summary: "everything again" },
    { word: "failures", usage: "", summary: "only what went wrong" },
    { word: "github", usage: "<your login>", summary: "which GitHub account is yours" },
    { word: "hours", usage: "<9-18 | off>", summary: "when you can be asked, and are woken first" },
  ],
};
const WITHOUT_MANIFEST = [{ command: "/ship", description: SUMMARIES["/ship"], usage_hint: "status [service] | where <PR | sha | url> | me | help" }];

/** Every line the list may offer, from the manifest's `commands` (`{command, description, usage_hint}`). */
export function offersOf(commands) {
  return (commands?.length ? commands : WITHOUT_MANIFEST).flatMap(({ command, description, usage_hint: hint }) => [
    offer(command, "", description ?? "", Boolean(hint)),
    ...hintWords(hint).flatMap(({ word, usage }) => offersFor(`${command} ${word}`, usage)),
  ]);
}

function offersFor(command, usage) {
  const deeper = DEEPER[command] ?? [];
  return [offer(command, usage, SUMMARIES[command] ?? "", Boolean(usage)), ...deeper.map((one) => offer(`${command} ${one.word}`, one.usage, one.summary, Boolean(one.usage)))];
}

/** `words` is whether more may follow. */
function offer(command, usage, summary, words) {
  return { command, usage, summary, words };
}

/** The offers that begin as `text` does, as long as it is still the beginning of one. */
export function completions(text, offers) {
  if (!text.startsWith("/") || text.includes("\n")) return [];
  const typed = text.toLowerCase();
  return offers.filter(({ command }) => command.startsWith(typed));
}

/**
 * What the name that is being typed before the caret may become: `@` people, groups and the app, `#` channels, and from
 * two letters on `:` emoji. `known` has `people`, `groups`, `channels` (of the store), `app` and `emoji` (names).
 */
export function namesFor(text, caret, known) {
  const found = /(?:^|[\s(])([@#:])([\w+-]*)$/.exec(text.slice(0, caret));
  if (!found || (found[1] === ":" && found[2].length < 2)) return [];
  const [, sign, word] = found;
  const typed = word.toLowerCase();
  const fit = NAMED[sign](known).filter(({ names }) => names.some((name) => name?.toLowerCase().startsWith(typed)));
  if (fit.length === 1 && fit[0].write === word) return [];
  const end = sign === ":" ? ": " : " ";
  return fit.slice(0, MOST_NAMES).map(({ write, about }) => ({
    command: `${sign}${write}${end.trim()}`,
    usage: "",
    summary: about ?? "",
    named: { from: caret - word.length, to: caret, write: `${write}${end}` },
  }));
}

const NAMED = {
  "@": ({ people, groups, app }) => [
    ...people.map((person) => ({ write: person.key, about: person.real_name, names: [person.key, ...(person.real_name ?? "").split(" ")] })),
    ...groups.map((group) => ({ write: group.handle, about: group.name, names: [group.handle] })),
    { write: app, about: "the app", names: [app] },
    ...["here", "channel"].map((write) => ({ write, about: "everybody in this channel", names: [write] })),
  ],
  "#": ({ channels }) => channels.map(({ name, topic, purpose }) => ({ write: name, about: topic || purpose, names: [name, ...name.split("-").slice(1)] })),
  ":": ({ emoji }) => emoji.map((name) => ({ write: name, about: characterOf(name), names: [name] })),
};

/** Whether `text` is the beginning of a command's name only: Enter then takes the first offer, as in Slack. */
export function halfNamed(text, offers) {
  return /^\/[\w-]*$/.test(text) && offers.length > 0 && !offers.some(({ command }) => command === text.toLowerCase());
}

/** What picking an offer leaves in the message box: with a space where a word may follow. */
export function completed({ command, words }) {
  return words ? `${command} ` : command;
}

/** `/word rest` as `{command, text}`, or null when the text is no command. */
export function asCommand(text) {
  const found = /^(\/[\w-]+)(?:\s+([\s\S]*))?$/.exec(text.trim());
  return found ? { command: found[1], text: (found[2] ?? "").trim() } : null;
}

/** The alternatives of a usage hint: `a [x] | b <c | d>` are two, the first word of each being the command's. */
function hintWords(hint = "") {
  const alternatives = [];
  let depth = 0;
  let piece = "";
  for (const character of `${hint}|`) {
    if ("[<(".includes(character)) depth += 1;
    if ("]>)".includes(character)) depth -= 1;
    if (character === "|" && depth <= 0) {
      alternatives.push(piece.trim());
      piece = "";
    } else {
      piece += character;
    }
  }
  return alternatives
    .map((one) => /^([\w-]+(?: [\w-]+)*)\s*(.*)$/.exec(one))
    .filter(Boolean)
    .map(([, word, usage]) => ({ word, usage }));
}
