// The slash commands the message box knows, and which of them fit what was typed so far.

const COMMANDS = [
  { command: "/ship", usage: "", summary: "the deploy crew: start here" },
  { command: "/ship status", usage: "[service]", summary: "what is live, and what is on its way" },
  { command: "/ship where", usage: "<PR | sha | url>", summary: "how far a change has got" },
  { command: "/ship me", usage: "", summary: "who Shipmate thinks you are, and what you hear" },
  { command: "/ship me mute", usage: "", summary: "no more direct messages about your changes" },
  { command: "/ship me github", usage: "<your login>", summary: "which GitHub account is yours" },
  { command: "/ship help", usage: "", summary: "every word it knows" },
];

/** The commands that begin as `text` does, as long as it is still the beginning of one. */
export function completions(text) {
  if (!text.startsWith("/") || text.includes("\n")) return [];
  const typed = text.toLowerCase();
  return COMMANDS.filter(({ command }) => command.startsWith(typed) && (command !== "/ship" || typed !== "/ship "));
}

/** What picking a command leaves in the message box: with a space where a word may follow. */
export function completed({ command, usage }) {
  return usage || command === "/ship" ? `${command} ` : command;
}

/** `/word rest` as `{command, text}`, or null when the text is no command. */
export function asCommand(text) {
  const found = /^(\/[\w-]+)(?:\s+([\s\S]*))?$/.exec(text.trim());
  return found ? { command: found[1], text: (found[2] ?? "").trim() } : null;
}
