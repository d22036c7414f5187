// The status of the person one acts as: what Slack offers by itself, and nothing.

import { namedEmoji } from "./emoji.js";
import { menuButton } from "./floating.js";

const OFFERED = [
  ["In a meeting", ":date:", "1h"],
  ["Commuting", ":bus:", "30m"],
  ["Out sick", ":face_with_thermometer:", "8h"],
  ["Vacationing", ":palm_tree:", null],
  ["Working remotely", ":house_with_garden:", "8h"],
];

/** Put the button for the status into `root`. `person()` is who it is of; `set(status)` tells of another. */
export function statusButton(root, person, set) {
  const items = () => [
    ...OFFERED.map(([text, emoji, time]) => ({ words: text, detail: time ? `For ${time}` : "Until you clear it", pick: () => set({ text, emoji, ...(time ? { for: time } : {}) }) })),
    { words: "Clear the status", pick: () => set({}) },
  ];
  const button = menuButton({ class: "status-button" }, "", items);
  root.replaceChildren(button);
  return () => {
    const { status, status_emoji: emoji } = person() ?? {};
    button.replaceChildren(...(status ? [emoji ? namedEmoji(emoji.replaceAll(":", "")) : "", ` ${status}`] : ["Set a status"]));
    button.title = status || "What others see beside your name";
  };
}
