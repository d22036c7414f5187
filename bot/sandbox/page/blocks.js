// Block Kit in messages, drawn from JSON (docs.slack.dev/reference/block-kit). A block this page does not know is shown
// as such, with its JSON, rather than left out: a stand-in that hides things would mislead.

import { element } from "./dom.js";
import { drawElement } from "./elements.js";
import { drawMrkdwn, drawPlain, followable } from "./mrkdwn.js";
import { drawRichText } from "./richtext.js";

/**
 * Draw a message's blocks. `context` has `workspace` (see drawMrkdwn) and `act(block, action)`, which sends what
 * somebody did with an interactive element and resolves when the bot has answered.
 */
export function drawBlocks(blocks, context) {
  return blocks.map((block) => (BLOCKS[block.type] ?? unknownBlock)(block, context));
}

/** Draw a text object: mrkdwn with its `verbatim`, or plain text with its `emoji`. */
export function drawText(text, context) {
  if (!text) return [];
  if (text.type === "mrkdwn") return drawMrkdwn(text.text ?? "", context.workspace, text.verbatim ? "none" : "all");
  return drawPlain(text.text ?? "", text.emoji !== false);
}

const BLOCKS = {
  header: (block, context) => element("h3", { class: "block-header" }, drawText(block.text, context)),
  section: (block, context) =>
    element(
      "div",
      { class: block.accessory ? "block-section with-accessory" : "block-section" },
      element(
        "div",
        { class: "section-words" },
        block.text && element("div", { class: "section-text" }, drawText(block.text, context)),
        block.fields && element("div", { class: "section-fields" }, block.fields.map((field) => element("div", {}, drawText(field, context)))),
      ),
      block.accessory && element("div", { class: "section-accessory" }, drawElement(block.accessory, block, context)),
    ),
  context: (block, context) =>
    element(
      "div",
      { class: "block-context" },
      (block.elements ?? []).map((part) =>
        part.type === "image" ? drawElement(part, block, context) : element("span", { class: "context-text" }, drawText(part, context)),
      ),
    ),
  actions: (block, context) =>
    element("div", { class: "block-actions" }, (block.elements ?? []).map((part) => drawElement(part, block, context))),
  divider: () => element("hr"),
  image: (block, context) =>
    element(
      "figure",
      { class: "block-image" },
      block.title && element("figcaption", {}, drawText(block.title, context)),
      drawImage(block.image_url, block.alt_text),
    ),
  rich_text: (block, context) => element("div", { class: "block-rich" }, drawRichText(block, context.workspace)),
  table: (block, context) => drawTable(block, context),
};

/**
 * A picture, when it comes from this machine. The page fetches nothing from outside, so any other is shown as a
 * frame with its description and a link.
 */
export function drawImage(url, description, className = "picture") {
  const target = followable(url ?? "");
  if (target && local(target)) return element("img", { class: className, src: target, alt: description ?? "", loading: "lazy" });
  return element(
    "span",
    { class: `${className} picture-elsewhere`, role: "img", "aria-label": description ?? "picture" },
    target && className === "picture"
      ? element("a", { href: target, target: "_blank", rel: "noopener noreferrer" }, description || "Picture", " — kept elsewhere, open it")
      : null,
  );
}

function local(url) {
  const { protocol, hostname } = new URL(url);
  return protocol === "http:" && ["127.0.0.1", "localhost", "[::1]", window.location.hostname].includes(hostname);
}

function drawTable(block, context) {
  const [head = [], ...rows] = block.rows ?? [];
  const settings = block.column_settings ?? [];
  const cell = (tag) => (part, column) =>
    element(tag, { class: `align-${settings[column]?.align ?? "left"}`, scope: tag === "th" ? "col" : null }, drawCell(part, context));
  return element(
    "div",
    { class: "block-table", tabindex: "0", role: "group", "aria-label": "Table" },
    element(
      "table",
      {},
      element("thead", {}, element("tr", {}, head.map(cell("th")))),
      element("tbody", {}, rows.map((row) => element("tr", {}, row.map(cell("td"))))),
    ),
  );
}

function drawCell(part, context) {
  if (part?.type === "rich_text") return drawRichText(part, context.workspace);
  return drawPlain(String(part?.text ?? part?.value ?? ""), false);
}

function unknownBlock(block) {
  return element(
    "details",
    { class: "block-unknown" },
    element("summary", {}, `A block of type “${block.type}”, which this page does not draw`),
    element("pre", {}, JSON.stringify(block, null, 2)),
  );
}
