// The rich_text block: sections, lists, quotes and code made of styled leaves (docs.slack.dev/reference/block-kit/blocks/rich-text-block).

import { element } from "./dom.js";
import { namedEmoji, withEmoji } from "./emoji.js";
import { drawBroadcast, drawChannel, drawDate, drawGroup, drawLink, drawPerson } from "./mrkdwn.js";

/** Draw the elements of a rich_text block. Lists that follow each other with a deeper indent are nested by margin, as Slack does. */
export function drawRichText(block, workspace) {
  return (block.elements ?? []).map((part) => (PARTS[part.type] ?? PARTS.rich_text_section)(part, workspace));
}

const leaves = (part, workspace) => (part.elements ?? []).map((leaf) => styled(drawLeaf(leaf, workspace), leaf.style));

const PARTS = {
  rich_text_section: (part, workspace) => element("div", { class: "rich-section" }, leaves(part, workspace)),
  rich_text_preformatted: (part, workspace) => element("pre", {}, leaves(part, workspace)),
  rich_text_quote: (part, workspace) => element("blockquote", {}, leaves(part, workspace)),
  rich_text_list: (part, workspace) =>
    element(
      part.style === "ordered" ? "ol" : "ul",
      { class: `rich-list indent-${Math.min(part.indent ?? 0, 8)}`, start: part.style === "ordered" ? (part.offset ?? 0) + 1 : null },
      (part.elements ?? []).map((item) => element("li", {}, leaves(item, workspace))),
    ),
};

function drawLeaf(leaf, workspace) {
  switch (leaf.type) {
    case "text":
      return withEmoji(leaf.text ?? "");
    case "link":
      return drawLink(leaf.url ?? "", withEmoji(leaf.text || leaf.url || ""));
    case "user":
      return drawPerson(leaf.user_id, workspace);
    case "channel":
      return drawChannel(workspace.channel(leaf.channel_id), leaf.channel_id, workspace);
    case "usergroup":
      return drawGroup(leaf.usergroup_id, workspace);
    case "emoji":
      return namedEmoji(leaf.name);
    case "broadcast":
      return drawBroadcast(leaf.range);
    case "date":
      return drawDate({ seconds: leaf.timestamp, format: leaf.format ?? "{date}", url: leaf.url ?? null, fallback: leaf.fallback ?? "" }, workspace);
    case "color":
      return [element("span", { class: "swatch", "aria-hidden": "true" }), leaf.value ?? ""];
    default:
      return leaf.text ?? "";
  }
}

function styled(nodes, style = {}) {
  const tags = [
    [style.code, "code"],
    [style.strike, "s"],
    [style.underline, "u"],
    [style.italic, "em"],
    [style.bold, "strong"],
  ];
  return tags.reduce((inner, [wanted, tag]) => (wanted ? element(tag, {}, inner) : inner), nodes);
}
