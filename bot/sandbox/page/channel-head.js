// What stands below a channel's name, as in Slack: what is pinned, its bookmarks and its canvas; and the way in for
// whoever is not in it.

import { element, icon, ICONS } from "./dom.js";
import { menuButton } from "./floating.js";
import { drawMarkdown } from "./markdown.js";
import { drawLink } from "./mrkdwn.js";
import { namedEmoji } from "./emoji.js";

const LONGEST_WORDS = 90;

/** Draw the head of a place, or hide it where there is nothing to show. `context`: `workspace`, `me`, `pinned` (messages), `join()`, `find(ts)`. */
export function drawChannelHead(root, place, context) {
  const drawn = place && place.kind !== "dm" ? pieces(place, context) : [];
  root.hidden = !drawn.length;
  root.replaceChildren(...drawn);
}

function pieces(place, context) {
  const member = place.members.includes(context.me);
  const links = [
    context.pinned.length > 0 && menuButton({ class: "head-link", id: "pins" }, [icon(ICONS.pin), ` ${context.pinned.length} pinned`], () => context.pinned.map((message) => pin(message, context))),
    place.canvas && element("button", { type: "button", class: "head-link", id: "canvas", on: { click: () => openCanvas(place.canvas, context.workspace) } }, icon(ICONS.page), ` ${place.canvas.title || "Canvas"}`),
    ...(place.bookmarks ?? []).map((bookmark) => element("span", { class: "head-link bookmark" }, bookmark.emoji ? namedEmoji(bookmark.emoji.replaceAll(":", "")) : icon(ICONS.bookmark), " ", drawLink(bookmark.link, bookmark.title))),
    !member && !place.private && !place.archived && element("button", { type: "button", class: "head-link join", on: { click: () => context.join() } }, `Join #${place.name}`),
  ].filter(Boolean);
  return links;
}

function pin(message, context) {
  const words = (message.text ?? "").replaceAll(/\s+/g, " ").trim() || "A message";
  return { words: words.length > LONGEST_WORDS ? `${words.slice(0, LONGEST_WORDS)}…` : words, pick: () => context.find(message.ts) };
}

function openCanvas(canvas, workspace) {
  const close = () => {
    dialog.close();
    dialog.remove();
  };
  const dialog = element(
    "dialog",
    { class: "canvas", "aria-labelledby": "canvas-title", on: { cancel: close } },
    element("header", { class: "pane-head" }, element("h2", { id: "canvas-title" }, canvas.title || "Canvas"), element("button", { type: "button", class: "pane-button", "aria-label": "Close the canvas", autofocus: true, on: { click: close } }, icon(ICONS.close))),
    element("div", { class: "canvas-text message-content", tabindex: "0" }, drawMarkdown(canvas.markdown, workspace)),
  );
  document.body.append(dialog);
  dialog.showModal();
}
