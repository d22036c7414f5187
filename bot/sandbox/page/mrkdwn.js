// Slack's mrkdwn, read into a small tree and drawn from it. The reading knows nothing of the page, the drawing never
// parses HTML. Rules: docs.slack.dev/messaging/formatting-message-text.
//
// What is parsed beyond the markup depends on `automatic`: "all" (a text object with verbatim false, Slack's default)
// also turns bare URLs, #channels and @here into live things; "urls" (a message's plain text) turns URLs alone;
// "none" (verbatim true) turns nothing.

import { fillTokens } from "./dates.js";
import { element } from "./dom.js";
import { namedEmoji, shortcodeAt, withEmoji } from "./emoji.js";

const ENTITIES = { "&amp;": "&", "&lt;": "<", "&gt;": ">" };
const STYLES = { "*": "bold", _: "italic", "~": "strike" };
const WORD = /[\p{L}\p{N}]/u;
const BARE_URL = /https?:\/\/[^\s<>|"]+/y;
const BARE_BROADCAST = /@(here|channel|everyone)\b/y;
const BARE_CHANNEL = /#([\p{Ll}\p{N}][\p{Ll}\p{N}_-]*)/uy;

/** Read mrkdwn into nodes: `{type, …}` with `children` or `text`. */
export function parse(source, automatic = "all") {
  return fences(source).flatMap((piece) => (piece.fenced ? [{ type: "pre", children: literal(piece.text) }] : quotes(piece.text, automatic)));
}

/** Draw mrkdwn. `workspace` names people and channels: `person(id)`, `channel(id)`, `channelNamed(name)`, `group(id)`, `me`, `zone`, `now()`. */
export function drawMrkdwn(source, workspace, automatic = "all") {
  return parse(source, automatic).map((node) => draw(node, workspace));
}

/** Plain text as Slack shows it: entities decoded, emoji names turned where `emoji` is true, nothing else. */
export function drawPlain(source, emoji = true) {
  const nodes = [];
  let text = "";
  for (let at = 0; at < source.length; ) {
    const found = emoji && source[at] === ":" ? shortcodeAt(source, at) : null;
    if (found) {
      nodes.push(...withEmoji(decode(text)), namedEmoji(found.name));
      text = "";
      at += found.length;
    } else {
      text += source[at++];
    }
  }
  return [...nodes, ...withEmoji(decode(text))];
}

/** `&amp; &lt; &gt;` as the characters they stand for; Slack knows no others. */
export function decode(text) {
  return text.replace(/&(?:amp|lt|gt);/g, (entity) => ENTITIES[entity]);
}

/** The address, if it is one that may be followed from this page; otherwise null. What Acme keeps is kept in this world. */
export function followable(url) {
  try {
    const { protocol, host, pathname, search } = new URL(url);
    if (host === "acme.example") return window.location.origin + pathname + search;
    return ["http:", "https:", "mailto:"].includes(protocol) ? url : null;
  } catch {
    return null;
  }
}

function fences(source) {
  const pieces = [];
  const fence = /```([\s\S]+?)```/g;
  let done = 0;
  for (const found of source.matchAll(fence)) {
    if (found.index > done) pieces.push({ fenced: false, text: source.slice(done, found.index).replace(/\n$/, "") });
    pieces.push({ fenced: true, text: found[1].replace(/^\n/, "").replace(/\n$/, "") });
    done = found.index + found[0].length;
    if (source[done] === "\n") done += 1;
  }
  if (done < source.length) pieces.push({ fenced: false, text: source.slice(done) });
  return pieces;
}

function quotes(text, automatic) {
  const nodes = [];
  let plain = [];
  let quoted = [];
  const flush = () => {
    if (quoted.length) nodes.push({ type: "quote", children: inline(quoted.join("\n"), automatic) });
    if (plain.length) nodes.push(...inline(plain.join("\n"), automatic));
    quoted = [];
    plain = [];
  };
  const lines = text.split("\n");
  for (const [number, line] of lines.entries()) {
    const rest = /^(?:&gt;|>){3}\s?/.exec(line);
    if (rest) {
      flush();
      quoted = [line.slice(rest[0].length), ...lines.slice(number + 1)];
      break;
    }
    const one = /^(?:&gt;|>)\s?/.exec(line);
    if (one ? plain.length : quoted.length) flush();
    if (one) quoted.push(line.slice(one[0].length));
    else plain.push(line);
  }
  flush();
  return nodes;
}

function inline(text, automatic) {
  const nodes = [];
  let words = "";
  const flush = () => {
    if (words) nodes.push({ type: "text", text: decode(words) });
    words = "";
  };
  for (let at = 0; at < text.length; ) {
    const [node, length] = special(text, at, automatic);
    if (node) {
      flush();
      nodes.push(node);
      at += length;
    } else {
      words += text[at++];
    }
  }
  flush();
  return nodes;
}

function special(text, at, automatic) {
  const character = text[at];
  if (character === "<") return angled(text, at);
  if (character === "`") return span(text, at);
  if (character in STYLES) return styled(text, at, automatic);
  if (character === ":") {
    const found = shortcodeAt(text, at);
    return found ? [{ type: "emoji", name: found.name }, found.length] : [null, 0];
  }
  return automatic === "none" || (at > 0 && WORD.test(text[at - 1])) ? [null, 0] : bare(text, at, automatic);
}

function angled(text, at) {
  const end = text.indexOf(">", at);
  if (end < 0 || end === at + 1 || text.slice(at, end).includes("\n")) return [null, 0];
  const inside = text.slice(at + 1, end);
  return [reference(inside), end - at + 1];
}

function reference(inside) {
  const bar = inside.indexOf("|");
  const target = bar < 0 ? inside : inside.slice(0, bar);
  const label = bar < 0 ? null : inside.slice(bar + 1);
  if (target.startsWith("@")) return { type: "user", id: target.slice(1), label };
  if (target.startsWith("#")) return { type: "channel", id: target.slice(1), label };
  if (target.startsWith("!")) return command(target.slice(1), label);
  return { type: "link", url: decode(target), label };
}

function command(target, label) {
  if (["here", "channel", "everyone"].includes(target)) return { type: "broadcast", range: target };
  if (target.startsWith("subteam^")) return { type: "group", id: target.slice(8), label };
  if (target.startsWith("date^")) {
    const [, seconds, format, url] = target.split("^");
    return { type: "date", seconds: Number(seconds), format: decode(format ?? ""), url: url ? decode(url) : null, fallback: decode(label ?? "") };
  }
  return { type: "text", text: decode(label ?? `<${target}>`) };
}

function span(text, at) {
  const end = text.indexOf("`", at + 1);
  if (end < 0 || end === at + 1 || text.slice(at, end).includes("\n")) return [null, 0];
  return [{ type: "code", children: literal(text.slice(at + 1, end)) }, end - at + 1];
}

function literal(text) {
  // Inside code nothing is styled, but Slack keeps references in angle brackets alive there.
  const nodes = [];
  let done = 0;
  for (const found of text.matchAll(/<([^<>\n]+)>/g)) {
    if (found.index > done) nodes.push({ type: "text", text: decode(text.slice(done, found.index)) });
    nodes.push(reference(found[1]));
    done = found.index + found[0].length;
  }
  if (done < text.length) nodes.push({ type: "text", text: decode(text.slice(done)) });
  return nodes;
}

function styled(text, at, automatic) {
  const mark = text[at];
  const before = text[at - 1];
  if (before !== undefined && (WORD.test(before) || before === mark)) return [null, 0];
  if (text[at + 1] === undefined || /\s/.test(text[at + 1]) || text[at + 1] === mark) return [null, 0];
  const end = closing(text, at);
  if (end < 0) return [null, 0];
  return [{ type: STYLES[mark], children: inline(text.slice(at + 1, end), automatic) }, end - at + 1];
}

function closing(text, at) {
  const mark = text[at];
  for (let here = at + 1; here < text.length && text[here] !== "\n"; here += 1) {
    const character = text[here];
    if (character === "<" || character === "`") {
      const [, length] = character === "<" ? angled(text, here) : span(text, here);
      here += Math.max(length - 1, 0);
    } else if (character === mark && !/\s/.test(text[here - 1]) && !(text[here + 1] && (WORD.test(text[here + 1]) || text[here + 1] === mark))) {
      return here;
    }
  }
  return -1;
}

function bare(text, at, automatic) {
  const matched = (pattern) => {
    pattern.lastIndex = at;
    return pattern.exec(text);
  };
  const url = text[at] === "h" ? matched(BARE_URL) : null;
  if (url) {
    const whole = url[0].replace(/[.,;:!?)\]}*_~'`]+$/, "");
    return [{ type: "link", url: decode(whole), label: null }, whole.length];
  }
  if (automatic !== "all") return [null, 0];
  const broadcast = text[at] === "@" ? matched(BARE_BROADCAST) : null;
  if (broadcast) return [{ type: "broadcast", range: broadcast[1] }, broadcast[0].length];
  const channel = text[at] === "#" ? matched(BARE_CHANNEL) : null;
  return channel ? [{ type: "channelName", name: channel[1] }, channel[0].length] : [null, 0];
}

const TAGS = { bold: "strong", italic: "em", strike: "s", quote: "blockquote", code: "code", pre: "pre" };

function draw(node, workspace) {
  if (node.type in TAGS) return element(TAGS[node.type], {}, node.children.map((child) => draw(child, workspace)));
  return DRAW[node.type](node, workspace);
}

const DRAW = {
  text: (node) => withEmoji(node.text),
  emoji: (node) => namedEmoji(node.name),
  link: (node) => drawLink(node.url, node.label === null ? withEmoji(node.url) : drawPlain(node.label)),
  user: (node, workspace) => drawPerson(node.id, workspace, node.label && decode(node.label)),
  channel: (node, workspace) => drawChannel(workspace.channel(node.id), decode(node.label ?? node.id), workspace),
  channelName: (node, workspace) => {
    const channel = workspace.channelNamed(node.name);
    return channel ? drawChannel(channel, node.name, workspace) : `#${node.name}`;
  },
  group: (node, workspace) => drawGroup(node.id, workspace, node.label && decode(node.label)),
  broadcast: (node) => drawBroadcast(node.range),
  date: (node, workspace) => drawDate(node, workspace),
};

/** A link around drawn words, or the bare words when the address is not one to follow. */
export function drawLink(url, words) {
  const target = followable(url);
  if (!target) return element("span", { class: "dead-link", title: "This address cannot be followed" }, words);
  return element("a", { href: target, target: "_blank", rel: "noopener noreferrer" }, words);
}

/** A mention of somebody, standing out when it is the reader. */
export function drawPerson(id, workspace, label = null) {
  const name = workspace.person(id)?.name ?? label ?? id;
  return element("span", { class: id === workspace.me ? "mention mention-me" : "mention" }, `@${name.replace(/^@/, "")}`);
}

/** A mention of a user group, standing out when the reader is in it. */
export function drawGroup(id, workspace, label = null) {
  const group = workspace.group(id);
  const mine = group?.users?.includes(workspace.me);
  return element("span", { class: mine ? "mention mention-me" : "mention", title: group?.name ?? null }, `@${(group?.handle ?? label ?? id).replace(/^@/, "")}`);
}

/** A mention of a channel that goes there. */
export function drawChannel(channel, label, workspace) {
  if (!channel) return element("span", { class: "mention" }, `#${label}`);
  return element("button", { class: "mention mention-channel", type: "button", on: { click: () => workspace.open(channel.id) } }, `#${channel.name}`);
}

/** `@here` and its like: it would ring for everybody. */
export function drawBroadcast(range) {
  return element("span", { class: "mention mention-broadcast", title: "Notifies people" }, `@${range}`);
}

/** An instant by Slack's tokens; `{ago}` is kept fresh by `refreshDates`. */
export function drawDate(node, workspace) {
  const text = fillTokens(node.format, node.seconds, workspace.zone, workspace.now()) ?? node.fallback;
  const time = element("time", { title: node.fallback || null, dataset: { seconds: node.seconds, format: node.format, zone: workspace.zone ?? "" } }, text);
  const target = node.url ? followable(node.url) : null;
  return target ? element("a", { href: target, target: "_blank", rel: "noopener noreferrer" }, time) : time;
}

/** Bring the instants that are told in words ("3 minutes ago", "today") up to date. */
export function refreshDates(root, now = new Date()) {
  for (const time of root.querySelectorAll("time[data-format]")) {
    const text = fillTokens(time.dataset.format, Number(time.dataset.seconds), time.dataset.zone, now);
    if (text !== null && text !== time.textContent) time.textContent = text;
  }
}
