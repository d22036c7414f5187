// The markdown block: standard Markdown, read line by line and drawn as elements
// (docs.slack.dev/reference/block-kit/blocks/markdown-block). Limits: no nested quotes, no raw HTML (shown as text),
// lists nest by indentation, pictures are links as in Slack.

import { element } from "./dom.js";
import { namedEmoji, shortcodeAt, withEmoji } from "./emoji.js";
import { drawLink, drawMrkdwn, drawPerson } from "./mrkdwn.js";

const ITEM = /^(\s*)([-*+]|\d+[.)])\s+(.*)$/;
const RULE = /^\s*([-*_])(?:\s*\1){2,}\s*$/;

/** Draw Markdown. `workspace` as for drawMrkdwn. */
export function drawMarkdown(source, workspace) {
  const lines = source.split("\n");
  const nodes = [];
  for (let at = 0; at < lines.length; ) {
    const [node, taken] = piece(lines, at, workspace);
    if (node) nodes.push(node);
    at += taken;
  }
  return nodes;
}

function piece(lines, at, workspace) {
  const line = lines[at];
  if (!line.trim()) return [null, 1];
  const fence = /^\s*```/.test(line);
  if (fence) {
    const end = lines.findIndex((one, index) => index > at && /^\s*```\s*$/.test(one));
    const last = end < 0 ? lines.length : end;
    return [element("pre", {}, element("code", {}, lines.slice(at + 1, last).join("\n"))), last - at + 1];
  }
  const heading = /^(#{1,6})\s+(.*?)\s*#*$/.exec(line);
  if (heading) return [element(`h${Math.min(heading[1].length + 2, 6)}`, {}, inline(heading[2], workspace)), 1];
  if (RULE.test(line)) return [element("hr"), 1];
  if (line.includes("|") && /^\s*\|?\s*:?-+:?\s*(\|\s*:?-+:?\s*)*\|?\s*$/.test(lines[at + 1] ?? "")) return table(lines, at, workspace);
  if (/^\s*>/.test(line)) {
    const quoted = run(lines, at, (one) => /^\s*>/.test(one));
    return [element("blockquote", {}, drawMarkdown(quoted.map((one) => one.replace(/^\s*>\s?/, "")).join("\n"), workspace)), quoted.length];
  }
  if (ITEM.test(line)) {
    const items = run(lines, at, (one) => ITEM.test(one));
    return [list(items.map((one) => ITEM.exec(one)), workspace), items.length];
  }
  const words = run(lines, at, (one, index) => index === at || (one.trim() && !ITEM.test(one) && !/^\s*(>|```|#{1,6}\s)/.test(one) && !RULE.test(one)));
  return [element("p", {}, inline(words.join("\n"), workspace)), words.length];
}

function run(lines, at, belongs) {
  const end = lines.findIndex((line, index) => index >= at && !belongs(line, index));
  return lines.slice(at, end < 0 ? lines.length : end);
}

function list(items, workspace) {
  const depth = items[0][1].length;
  const ordered = /\d/.test(items[0][2]);
  const entries = [];
  for (const item of items) {
    if (item[1].length > depth && entries.length) entries.at(-1).deeper.push(item);
    else entries.push({ item, deeper: [] });
  }
  return element(
    ordered ? "ol" : "ul",
    { class: "rich-list", start: ordered ? Number.parseInt(items[0][2], 10) : null },
    entries.map(({ item, deeper }) => {
      const task = /^\[([ xX])\]\s+(.*)$/.exec(item[3]);
      return element(
        "li",
        { class: task ? "task" : null },
        task && element("input", { type: "checkbox", disabled: true, checked: task[1] !== " ", "aria-label": task[1] === " " ? "to do" : "done" }),
        inline(task ? task[2] : item[3], workspace),
        deeper.length > 0 && list(deeper, workspace),
      );
    }),
  );
}

function table(lines, at, workspace) {
  const cells = (line) => line.trim().replace(/^\|/, "").replace(/\|$/, "").split("|").map((one) => one.trim());
  const aligned = cells(lines[at + 1]).map((rule) => (/^:-+:$/.test(rule) ? "center" : rule.endsWith(":") ? "right" : "left"));
  const rows = run(lines, at + 2, (one) => one.includes("|"));
  const row = (tag, line) => element("tr", {}, cells(line).map((cell, column) => element(tag, { class: `align-${aligned[column] ?? "left"}` }, inline(cell, workspace))));
  const drawn = element("table", {}, element("thead", {}, row("th", lines[at])), element("tbody", {}, rows.map((line) => row("td", line))));
  return [element("div", { class: "block-table", tabindex: "0", role: "group", "aria-label": "Table" }, drawn), rows.length + 2];
}

// What stands within a line: the first of these that begins soonest is drawn, and what is between its marks in turn.
const SPANS = [
  { pattern: /\\([\\`*_{}[\]()#+\-.!~|>])/, draw: ([, escaped]) => escaped },
  { pattern: /`([^`]+)`/, draw: ([, code]) => element("code", {}, code) },
  { pattern: /!?\[([^\]]*)\]\(([^\s)]+)(?:\s+"[^"]*")?\)/, draw: ([, words, url], workspace) => drawLink(url, inline(words || url, workspace)) },
  { pattern: /<@([UW][A-Z0-9]+)>/, draw: ([, id], workspace) => drawPerson(id, workspace) },
  { pattern: /<(?:[#!][^<>\n]+|https?:\/\/[^<>\s]+)>/, draw: ([reference], workspace) => drawMrkdwn(reference, workspace, "none") },
  { pattern: /https?:\/\/[^\s<>)\]]*[^\s<>)\].,;:!?'"]/, draw: ([url]) => drawLink(url, url) },
  { pattern: /\*\*(?=\S)([\s\S]+?\S)\*\*|\*\*(\S)\*\*|__(?=\S)([\s\S]*?\S)__/, draw: ([, one, two, three], workspace) => element("strong", {}, inline(one ?? two ?? three, workspace)) },
  { pattern: /~~(?=\S)([\s\S]*?\S)~~/, draw: ([, words], workspace) => element("s", {}, inline(words, workspace)) },
  { pattern: /\*(?=[^\s*])([^*]*[^\s*])\*|(?<![\p{L}\p{N}])_(?=[^\s_])([^_]*[^\s_])_(?![\p{L}\p{N}])/u, draw: ([, one, two], workspace) => element("em", {}, inline(one ?? two, workspace)) },
];

function inline(text, workspace) {
  const found = SPANS.map((span) => ({ span, match: span.pattern.exec(text) })).filter(({ match }) => match);
  if (!found.length) return emoji(text);
  const { span, match } = found.reduce((first, one) => (one.match.index < first.match.index ? one : first));
  const after = text.slice(match.index + match[0].length);
  return [emoji(text.slice(0, match.index)), span.draw(match, workspace), inline(after, workspace)];
}

function emoji(text) {
  const nodes = [];
  let words = "";
  for (let at = 0; at < text.length; ) {
    const named = text[at] === ":" ? shortcodeAt(text, at) : null;
    if (named) {
      nodes.push(withEmoji(words), namedEmoji(named.name));
      words = "";
      at += named.length;
    } else {
      words += text[at++];
    }
  }
  return [...nodes, withEmoji(words)];
}
