// A list of messages, as in a channel or a thread: drawn whole when a place is opened, then change by change.
// Of a long list the end is drawn; what is earlier is a button away.

import { drawBlocks } from "./blocks.js";
import { clockTime, dayKey, dayName, fullMoment, momentOf } from "./dates.js";
import { element, icon, ICONS } from "./dom.js";
import { namedEmoji } from "./emoji.js";
import { menuButton } from "./floating.js";
import { focusAgain, focusOf } from "./focus.js";
import { Form } from "./form.js";
import { drawMrkdwn } from "./mrkdwn.js";

const SAME_SPEAKER_WITHIN = 5 * 60 * 1000;
const SHOWN_AT_ONCE = 200;
const BURST = 20; // with more changes than this at once, drawing the list anew is quicker
const NEAR_THE_END = 80;
const OFFERED_EMOJI = ["eyes", "+1", "white_check_mark", "pushpin", "memo", "rotating_light", "hand", "x"];

export class MessageList {
  #root;
  #context;
  #messages = [];
  #shown = SHOWN_AT_ONCE;
  #newSince = null;
  #pill;

  /**
   * `context`: `workspace` (see workspace.js), `act(message, block, action, values)`, `suggest(message, block, element, words)`,
   * `react(message, name, remove)`, `shortcuts(message)` (menu items), `dismiss(message)`; in a channel also
   * `replies(message)` and `openThread(message)`. `emptyWords` is what an empty place says.
   */
  constructor(root, context, emptyWords) {
    this.#root = root;
    this.#context = context;
    this.emptyWords = emptyWords;
    this.#pill = element("button", { type: "button", class: "jump", hidden: true, on: { click: () => this.scrollToEnd(true) } }, icon(ICONS.down), "New messages");
    root.after(this.#pill);
    root.addEventListener("scroll", () => {
      if (this.atEnd) this.#pill.hidden = true;
    });
    root.addEventListener("keydown", (event) => this.#walk(event));
  }

  get atEnd() {
    return this.#root.scrollHeight - this.#root.scrollTop - this.#root.clientHeight < NEAR_THE_END;
  }

  /** Draw a place afresh; `newSince` is the timestamp after which everything is new to the reader, or null. */
  show(messages, newSince = null) {
    this.#messages = messages;
    this.#newSince = newSince;
    this.#shown = SHOWN_AT_ONCE;
    this.#redraw();
    this.scrollToEnd();
  }

  /** Draw the same place once more, after the line was lost: whoever reads further up goes on reading there. */
  refresh(messages) {
    const stay = this.atEnd;
    const known = new Set(this.#messages.map(({ ts }) => ts));
    const fresh = messages.filter(({ ts }) => !known.has(ts)).length;
    this.#messages = messages;
    if (!stay) this.#shown += fresh;
    this.#redraw();
    if (stay) this.scrollToEnd();
    else if (fresh) this.#pill.hidden = false;
  }

  /** Take in what changed: `changed` messages are new, different or gone; `messages` is what the place now holds. */
  update(changed, messages) {
    const stay = this.atEnd;
    const before = this.#messages;
    const grown = messages.length - before.length;
    const continues = before.length > 0 && grown >= 0 && before.every((message, index) => message.ts === messages[index].ts);
    this.#messages = messages;
    if (stay) this.#shown = SHOWN_AT_ONCE;
    else this.#shown += Math.max(grown, 0);
    if (!continues || changed.length > BURST || this.#root.childElementCount > 2 * this.#shown) {
      this.#redraw();
    } else {
      for (const message of changed) this.#replace(message);
      for (let index = before.length; index < messages.length; index += 1) this.#root.append(...this.#drawn(messages[index], messages[index - 1]));
    }
    if (stay) this.scrollToEnd();
    else if (grown > 0) this.#pill.hidden = false;
  }

  scrollToEnd(smoothly = false) {
    this.#root.scrollTo({ top: this.#root.scrollHeight, behavior: smoothly ? "smooth" : "instant" });
    this.#pill.hidden = true;
  }

  #redraw() {
    const focused = focusOf(this.#root);
    const reader = this.#reading();
    const from = Math.max(this.#messages.length - this.#shown, 0);
    const seen = this.#messages.slice(from);
    const nodes = seen.flatMap((message, index) => this.#drawn(message, seen[index - 1]));
    const earlier = from > 0 && element("button", { type: "button", class: "earlier", on: { click: () => this.#showEarlier() } }, `Show ${from} earlier`);
    this.#root.setAttribute("aria-busy", "true");
    this.#root.replaceChildren(...[earlier, ...nodes].filter(Boolean));
    if (!seen.length) this.#root.append(element("p", { class: "empty" }, this.emptyWords()));
    this.#root.removeAttribute("aria-busy");
    const again = reader && this.#find(reader.ts);
    if (again) this.#root.scrollTop += again.getBoundingClientRect().top - reader.top;
    if (focused && !focusAgain(this.#root, focused)) this.#root.focus({ preventScroll: true });
  }

  /** The first message that is seen, and where it stands: drawn anew, it stands there again. */
  #reading() {
    const edge = this.#root.getBoundingClientRect().top;
    const first = [...this.#root.querySelectorAll("article")].find((one) => one.getBoundingClientRect().bottom > edge);
    return first ? { ts: first.dataset.ts, top: first.getBoundingClientRect().top } : null;
  }

  #find(ts) {
    return this.#root.querySelector(`[data-ts="${CSS.escape(ts)}"]`);
  }

  /** Up and Down go from message to message; what can be done with one is then a Tab away. */
  #walk(event) {
    const step = { ArrowUp: -1, ArrowDown: 1 }[event.key];
    const at = event.target;
    if (!step || event.altKey || event.ctrlKey || event.metaKey || event.shiftKey || !(at === this.#root || at.matches("article"))) return;
    event.preventDefault();
    const all = [...this.#root.querySelectorAll("article")];
    const box = this.#root.getBoundingClientRect();
    const next = at === this.#root ? all.findLastIndex((one) => one.getBoundingClientRect().top < box.bottom) : all.indexOf(at) + step;
    all[next]?.focus();
  }

  #showEarlier() {
    this.#shown += SHOWN_AT_ONCE;
    this.#redraw();
  }

  #drawn(message, previous) {
    const zone = this.#context.workspace.zone;
    const at = momentOf(message.ts);
    const nodes = [];
    if (!previous || dayKey(momentOf(previous.ts), zone) !== dayKey(at, zone)) {
      nodes.push(element("div", { class: "day", role: "separator" }, element("span", {}, dayName(at, zone, this.#context.workspace.now()))));
    }
    if (this.#newSince && message.ts > this.#newSince && (!previous || previous.ts <= this.#newSince)) {
      nodes.push(element("div", { class: "new-line", role: "separator" }, element("span", {}, "New")));
    }
    if (previous && this.#startsThread(previous)) nodes.push(element("div", { class: "replies-line", role: "separator" }, element("span", {}, "Replies")));
    nodes.push(drawMessage(message, this.#context, !nodes.length && followsOn(message, previous)));
    return nodes;
  }

  #startsThread(message) {
    return !this.#context.openThread && message === this.#messages[0];
  }

  #replace(message) {
    const node = this.#find(message.ts);
    if (!node) return;
    const focused = focusOf(node);
    const fresh = drawMessage(message, this.#context, node.classList.contains("follows"));
    if (node.dataset.said !== fresh.dataset.said) fresh.classList.add("changed");
    node.replaceWith(fresh);
    if (focused && !focusAgain(fresh, focused)) fresh.focus({ preventScroll: true });
  }
}

function followsOn(message, previous) {
  return (
    Boolean(previous) &&
    previous.user === message.user &&
    !previous.deleted &&
    !message.ephemeral_for &&
    !previous.ephemeral_for &&
    !message.blocks?.length &&
    momentOf(message.ts) - momentOf(previous.ts) < SAME_SPEAKER_WITHIN
  );
}

function drawMessage(message, context, follows) {
  const at = momentOf(message.ts);
  const speaker = speakerOf(message, context.workspace);
  const time = element("time", { class: "message-time", datetime: at.toISOString(), title: fullMoment(at, context.workspace.zone) }, clockTime(at, context.workspace.zone));
  const classes = ["message", follows && "follows", message.ephemeral_for && "ephemeral", message.deleted && "gone"].filter(Boolean).join(" ");
  return element(
    "article",
    { class: classes, tabindex: "-1", "aria-label": `${speaker.name}, ${time.textContent}`, dataset: { ts: message.ts, said: JSON.stringify([message.text, message.blocks]) } },
    element("div", { class: "gutter" }, follows ? time : avatar(speaker)),
    element(
      "div",
      { class: "message-body" },
      message.ephemeral_for && onlyYou(message, context),
      !follows &&
        element(
          "div",
          { class: "message-head" },
          element("bdi", { class: "speaker" }, speaker.name),
          message.bot && element("span", { class: "app-badge" }, "App"),
          statusOf(message, context.workspace),
          time,
        ),
      message.pinned && element("div", { class: "pinned" }, icon(ICONS.pin), " Pinned"),
      message.deleted ? element("div", { class: "message-content muted" }, "This message was deleted.") : drawContent(message, context),
      message.reactions?.length > 0 && drawReactions(message, context),
      context.openThread && drawReplyBar(message, context),
    ),
    !message.deleted && !message.ephemeral_for && drawTools(message, context),
  );
}

function drawContent(message, context) {
  const form = new Form();
  const inside = {
    workspace: context.workspace,
    form,
    here: () => message.channel,
    act: (block, action) => context.act(message, block, action, form.values()),
    suggest: (block, part, words) => context.suggest(message, block, part, words),
  };
  const blocks = message.blocks?.length ? drawBlocks(message.blocks, inside) : null;
  return element(
    "div",
    { class: blocks ? "message-content blocks" : "message-content" },
    blocks ?? element("div", { class: "message-text", dir: "auto" }, drawMrkdwn(message.text ?? "", context.workspace, "urls"), edited(message)),
    blocks && edited(message),
    (message.attachments ?? []).map((attachment) => drawAttachment(attachment, inside)),
    (message.files ?? []).map((file) => element("details", { class: "attachment file" }, element("summary", {}, icon(ICONS.page), ` ${file.title || file.name}`), element("pre", {}, file.text))),
  );
}

/** A secondary attachment, with its coloured bar (docs.slack.dev/messaging/formatting-message-text: attachments). */
function drawAttachment(attachment, inside) {
  const words = (text) => drawMrkdwn(text, inside.workspace, "urls");
  const drawn = element(
    "div",
    { class: "attachment" },
    attachment.pretext && element("p", {}, words(attachment.pretext)),
    attachment.title && element("p", {}, element("strong", {}, words(attachment.title_link ? `<${attachment.title_link}|${attachment.title}>` : attachment.title))),
    attachment.blocks?.length ? element("div", { class: "blocks" }, drawBlocks(attachment.blocks, inside)) : element("p", { class: "message-text" }, words(attachment.text ?? attachment.fallback ?? "")),
    (attachment.fields ?? []).map((field) => element("p", {}, element("strong", {}, words(field.title ?? "")), " ", words(field.value ?? ""))),
    attachment.footer && element("p", { class: "muted" }, words(attachment.footer)),
  );
  const colour = { good: "var(--good)", warning: "var(--beacon)", danger: "var(--danger)" }[attachment.color];
  const hex = /^#?([0-9a-f]{6})$/i.exec(attachment.color ?? "");
  if (colour || hex) drawn.style.setProperty("--bar", colour ?? `#${hex[1]}`);
  return drawn;
}

function drawReactions(message, context) {
  const me = context.workspace.me;
  return element(
    "div",
    { class: "reactions" },
    message.reactions.map(({ name, users = [], count }) => {
      const mine = users.includes(me);
      const who = users.map((id) => context.workspace.person(id)?.name ?? id).join(", ");
      const label = `${name}: ${who}. ${mine ? "Take yours back" : "Add yours"}`;
      return element(
        "button",
        { type: "button", class: mine ? "reaction mine" : "reaction", "aria-pressed": String(mine), "aria-label": label, title: `${who}: ${name}`, on: { click: () => context.react(message, name, mine) } },
        namedEmoji(name),
        ` ${count ?? users.length}`,
      );
    }),
  );
}

function edited(message) {
  return message.edited ? element("span", { class: "edited" }, " (edited)") : null;
}

function onlyYou(message, context) {
  return element(
    "div",
    { class: "only-you" },
    icon(ICONS.eye),
    element("span", {}, "Only visible to you"),
    element("button", { type: "button", class: "quiet-link", on: { click: () => context.dismiss(message) } }, "Dismiss"),
  );
}

function drawReplyBar(message, context) {
  const replies = context.replies(message);
  if (!replies.length) return null;
  const speakers = new Map(replies.map((reply) => [reply.user, speakerOf(reply, context.workspace)]));
  const count = replies.length === 1 ? "1 reply" : `${replies.length} replies`;
  const last = momentOf(replies.at(-1).ts);
  return element(
    "button",
    { type: "button", class: "reply-bar", dataset: { action: "thread" }, on: { click: () => context.openThread(message) } },
    [...speakers.values()].slice(0, 4).map((speaker) => avatar(speaker, "small")),
    element("span", { class: "reply-count" }, count),
    element("span", { class: "reply-last" }, `Last at ${clockTime(last, context.workspace.zone)}`),
  );
}

function drawTools(message, context) {
  const shortcuts = () => context.shortcuts(message);
  const mine = (name) => message.reactions?.some((one) => one.name === name && one.users.includes(context.workspace.me)) ?? false;
  const emoji = () => OFFERED_EMOJI.map((name) => ({ words: [namedEmoji(name), ` ${name}`], pick: () => context.react(message, name, mine(name)) }));
  return element(
    "div",
    { class: "message-tools" },
    menuButton({ "aria-label": "Add a reaction", title: "Add a reaction", dataset: { action: "react" } }, icon(ICONS.smile), emoji),
    context.openThread && element("button", { type: "button", "aria-label": "Reply in thread", title: "Reply in thread", dataset: { action: "reply" }, on: { click: () => context.openThread(message) } }, icon(ICONS.reply)),
    shortcuts().length > 0 && menuButton({ "aria-label": "More message actions", title: "More actions", dataset: { action: "more" } }, icon(ICONS.dots), shortcuts),
  );
}

function speakerOf(message, workspace) {
  const person = workspace.person(message.user);
  return { name: (message.bot ? null : person?.real_name) || message.username || person?.name || message.user || "Somebody", bot: Boolean(message.bot), colour: person?.avatar_color };
}

function statusOf(message, workspace) {
  const { status, status_emoji: emoji } = (message.bot ? null : workspace.person(message.user)) ?? {};
  return emoji ? element("span", { class: "speaker-status", title: status, "aria-label": status }, namedEmoji(emoji.replaceAll(":", ""))) : null;
}

/** A face: initials on the person's colour, or the app's mark. */
export function avatar(speaker, size = "") {
  const node = element(
    "span",
    { class: `avatar ${size} ${speaker.bot ? "app" : ""}`, "aria-hidden": "true" },
    speaker.bot ? icon(ICONS.anchor) : speaker.name.slice(0, 1).toUpperCase(),
  );
  if (speaker.colour && !speaker.bot) node.style.setProperty("--face", /^[0-9a-f]{3,8}$/i.test(speaker.colour) ? `#${speaker.colour}` : speaker.colour);
  return node;
}
