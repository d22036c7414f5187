// Text objects (docs.slack.dev/reference/block-kit/composition-objects/text-object) and pictures: what blocks and elements share.

import { element } from "./dom.js";
import { drawMrkdwn, drawPlain, followable } from "./mrkdwn.js";

/** Draw a text object: mrkdwn with its `verbatim`, or plain text with its `emoji`. */
export function drawText(text, context) {
  if (!text) return [];
  if (text.type === "mrkdwn") return drawMrkdwn(text.text ?? "", context.workspace, text.verbatim ? "none" : "all");
  return drawPlain(text.text ?? "", text.emoji !== false);
}

/** The words of a text object, bare. */
export function plainWords(text) {
  return text?.text ?? "";
}

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
