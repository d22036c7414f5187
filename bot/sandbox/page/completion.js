// The slash commands the message box knows, and which of them fit what was typed so far. They are those of the app's
// manifest; a usage hint like "status [service] | help" makes one line of each of its words.

const SUMMARIES = {
  "/ship": "the deploy crew: start here",
  "/ship status": "what is live, and what is on its way",
  "/ship where": "how far a change has got",
  "/ship me": "who Shipmate thinks you are, and what you hear",
  "/ship help": "every word it knows",
};
const DEEPER = {
  "/ship me": [
    { word: "mute", usage: "[#812]", summary: "no more direct messages about your changes, or one of them" },
    { word: "unmute", usage: "[#812]", summary: "everything again" },
    { word: "failures", usage: "", summary: "only what went wrong" },
    { word: "github", usage: "<your login>", summary: "which GitHub account is yours" },
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
