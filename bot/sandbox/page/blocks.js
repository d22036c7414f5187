// Block Kit in messages, drawn from JSON (docs.slack.dev/reference/block-kit). A block this page does not know is shown
// as such, with its JSON, rather than left out: a stand-in that hides things would mislead.

import { element } from "./dom.js";
import { drawElement } from "./elements.js";
import { drawMarkdown } from "./markdown.js";
import { drawPlain } from "./mrkdwn.js";
import { drawRichText } from "./richtext.js";
import { drawImage, drawText, plainWords } from "./texts.js";

/**
 * Draw the blocks of a message or a view. `context` has
 * `workspace` (see drawMrkdwn; also `people()` and `places()`, for selects), `form` (what was entered),
 * `act(block, action)`, which sends what somebody did with an interactive element and resolves when the bot has
 * answered, `suggest(block, element, words)`, which asks the bot for options, and, in a modal, `errors` by block.
 */
export function drawBlocks(blocks, context) {
  return blocks.map((block) => (BLOCKS[block.type] ?? unknownBlock)(block, context));
}

const BLOCKS = {
  header: (block, context) => element("h3", { class: "block-header", dir: "auto" }, drawText(block.text, context)),
  section: (block, context) =>
    element(
      "div",
      { class: block.accessory ? "block-section with-accessory" : "block-section" },
      element(
        "div",
        { class: "section-words" },
        block.text && element("div", { class: "section-text", dir: "auto" }, drawText(block.text, context)),
        block.fields && element("div", { class: "section-fields" }, block.fields.map((field) => element("div", { dir: "auto" }, drawText(field, context)))),
      ),
      block.accessory && element("div", { class: "section-accessory" }, drawElement(block.accessory, block, context)),
    ),
  context: (block, context) =>
    element(
      "div",
      { class: "block-context" },
      (block.elements ?? []).map((part) =>
        part.type === "image" ? drawElement(part, block, context) : element("span", { class: "context-text", dir: "auto" }, drawText(part, context)),
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
  rich_text: (block, context) => element("div", { class: "block-rich", dir: "auto" }, drawRichText(block, context.workspace)),
  table: drawTable,
  markdown: (block, context) => element("div", { class: "block-markdown", dir: "auto" }, drawMarkdown(block.text ?? "", context.workspace)),
  video: drawVideo,
  input: drawInput,
};

/** A labelled input; an input acts only where it says so, otherwise its value goes with the whole view. */
function drawInput(block, context) {
  const part = block.element ?? {};
  const error = context.errors?.[block.block_id];
  const id = `input-${crypto.randomUUID()}`;
  const label = plainWords(block.label);
  const drawn = drawElement(part, block, { ...context, label, act: block.dispatch_action ? context.act : null });
  drawn.setAttribute("aria-describedby", id);
  if (error) drawn.setAttribute("aria-invalid", "true");
  return element(
    "div",
    { class: error ? "block-input with-error" : "block-input", dataset: { block: block.block_id ?? "" } },
    element("div", { class: "input-label" }, drawText(block.label, context), block.optional && element("span", { class: "muted" }, " (optional)")),
    drawn,
    element(
      "div",
      { id },
      error && element("p", { class: "input-error", role: "alert" }, error),
      block.hint && element("p", { class: "input-hint" }, drawText(block.hint, context)),
    ),
  );
}

/** A video as its title and picture: the page plays nothing from outside. */
function drawVideo(block, context) {
  return element(
    "figure",
    { class: "block-image" },
    element("figcaption", {}, drawText(block.title, context), block.description && [" · ", drawText(block.description, context)]),
    drawImage(block.thumbnail_url, block.alt_text),
  );
}

function drawTable(block, context) {
  const [head = [], ...rows] = block.rows ?? [];
  const settings = block.column_settings ?? [];
  const cell = (tag) => (part, column) =>
    element(tag, { class: `align-${settings[column]?.align ?? "left"}${settings[column]?.is_wrapped ? "" : " unwrapped"}`, scope: tag === "th" ? "col" : null }, drawCell(part, context));
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
