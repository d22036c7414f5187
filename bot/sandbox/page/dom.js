// Building elements without ever parsing text as HTML: what a message says reaches the page as text nodes only.

const SVG = "http://www.w3.org/2000/svg";

/**
 * An element with its attributes and children. Attribute values that are null, undefined or false are left out;
 * `on` carries event listeners, `class` and `dataset` mean what they say, everything else is an attribute.
 */
export function element(tag, attributes = {}, ...children) {
  return furnish(document.createElement(tag), attributes, children);
}

/** The same for drawings. */
export function drawing(tag, attributes = {}, ...children) {
  return furnish(document.createElementNS(SVG, tag), attributes, children);
}

function furnish(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (name === "on") {
      for (const [event, listener] of Object.entries(value)) node.addEventListener(event, listener);
    } else if (name === "dataset") {
      Object.assign(node.dataset, value);
    } else {
      node.setAttribute(name, value === true ? "" : String(value));
    }
  }
  node.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false));
  return node;
}

/** A line drawing of 20 × 20 from path data, in the colour of the text around it; hidden from screen readers. */
export function icon(path, className = "icon") {
  return drawing(
    "svg",
    { viewBox: "0 0 20 20", class: className, "aria-hidden": "true", focusable: "false" },
    drawing("path", { d: path }),
  );
}

export const ICONS = {
  anchor: "M10 7.2v10.3M10 7.2a2.3 2.3 0 1 0 0-4.6 2.3 2.3 0 0 0 0 4.6ZM6.6 9.6h6.8M2.8 11.6c.3 3.6 3.4 5.9 7.2 5.9s6.9-2.3 7.2-5.9l-2 1.2m2-1.2-.6 2.2M2.8 11.6l2 1.2m-2-1.2.6 2.2",
  back: "M12.5 4 6.5 10l6 6",
  bookmark: "M6 3.5h8v13l-4-3-4 3z",
  bolt: "M11 2.5 4.5 11.5h4.8L8.5 17.5l7-9.5h-5z",
  check: "m4.5 10.5 3.6 3.6 7.4-8",
  chevron: "m6 8 4 4 4-4",
  close: "m5 5 10 10M15 5 5 15",
  dots: "M4.5 10h.01M10 10h.01M15.5 10h.01",
  down: "M10 4v12m-5-5 5 5 5-5",
  eye: "M2 10s3-5.5 8-5.5S18 10 18 10s-3 5.5-8 5.5S2 10 2 10Zm8 2.4a2.4 2.4 0 1 0 0-4.8 2.4 2.4 0 0 0 0 4.8Z",
  incoming: "M15 5 5 15m0-7v7h7",
  lock: "M5 9.5h10v7H5zM7 9.5V6.8a3 3 0 0 1 6 0v2.7",
  moon: "M16.5 12.2A7 7 0 1 1 8 3.4a5.6 5.6 0 0 0 8.5 8.8Z",
  outgoing: "m5 15 10-10m-7 0h7v7",
  page: "M5.5 2.5h6l3 3v12h-9zM11.5 2.5v3h3M8 9.5h4M8 12.5h4",
  pin: "M12 3.5 16.5 8l-3 1-3 3.2.3 2.8-5.8-5.8 2.8.3 3.2-3zM7.9 12.1 4 16",
  play: "M6.5 4.5v11l9-5.5z",
  reply: "M3 5.5A2.5 2.5 0 0 1 5.5 3h9A2.5 2.5 0 0 1 17 5.5v5a2.5 2.5 0 0 1-2.5 2.5H9l-4 3.5V13a2.5 2.5 0 0 1-2-2.5z",
  send: "M3 10 17 3.5 13.5 17l-3.5-5.5zM10 11.5l7-8",
  sun: "M10 13.5a3.5 3.5 0 1 0 0-7 3.5 3.5 0 0 0 0 7ZM10 2v1.8M10 16.2V18M2 10h1.8M16.2 10H18M4.3 4.3l1.3 1.3M14.4 14.4l1.3 1.3M4.3 15.7l1.3-1.3M14.4 5.6l1.3-1.3",
  smile: "M10 17a7 7 0 1 0 0-14 7 7 0 0 0 0 14ZM7 11.5c.6 1.3 1.7 2 3 2s2.4-.7 3-2M7.7 8h.01M12.3 8h.01",
  screen: "M3 4h14v9.5H3zM7 16.5h6M10 13.5v3",
};
