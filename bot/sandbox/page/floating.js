// What floats above the page beside a control: menus and lists of choices. In the top layer, so that no scrolling
// pane and no dialog cuts it off; a click elsewhere or Escape closes it.

import { element } from "./dom.js";

const GAP = 4;
const EDGE = 8;

/**
 * Show `panel` beside `anchor` (below, or above where there is more room) until it is closed; `closed` hears of it.
 * The browser gives the focus back.
 */
export function float(panel, anchor, closed) {
  const place = () => anchor.isConnected && put(panel, anchor); // else it was drawn anew: the panel stays where it is
  panel.popover = "auto";
  panel.classList.add("floating");
  // Inside the dialog it belongs to, if there is one: what is outside of an open dialog cannot be used.
  (anchor.closest("dialog") ?? document.body).append(panel);
  panel.addEventListener("toggle", ({ newState }) => {
    if (newState !== "closed") return;
    window.removeEventListener("resize", place);
    window.removeEventListener("scroll", place, true);
    anchor.setAttribute("aria-expanded", "false");
    panel.remove();
    closed?.();
  });
  panel.showPopover();
  anchor.setAttribute("aria-expanded", "true");
  place();
  window.addEventListener("resize", place);
  window.addEventListener("scroll", place, true);
  return { close: () => panel.isConnected && panel.hidePopover(), place };
}

/**
 * A button that opens a menu. `items()` gives `{words, detail?, pick()}` each time it is opened; an item
 * without `pick` is a heading.
 */
export function menuButton(attributes, content, items) {
  const button = element("button", { type: "button", "aria-haspopup": "menu", "aria-expanded": "false", ...attributes, on: { click: () => open() } }, content);
  const open = () => {
    if (button.getAttribute("aria-expanded") === "true") return;
    const entries = items().map((item) => (item.pick ? entry(item, () => floating.close()) : element("p", { class: "menu-heading", role: "presentation" }, item.words)));
    const choices = entries.filter((node) => node.tagName === "BUTTON");
    const menu = element("div", { class: "menu", role: "menu", on: { keydown: (event) => walk(event, choices, () => floating.close()) } }, entries);
    const floating = float(menu, button);
    choices[0]?.focus();
  };
  return button;
}

function entry({ words, detail, pick }, close) {
  const picked = () => {
    close();
    pick();
  };
  return element(
    "button",
    { type: "button", role: "menuitem", tabindex: "-1", on: { click: picked } },
    element("span", {}, words),
    detail && element("small", {}, detail),
  );
}

function walk(event, choices, close) {
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (step) {
    event.preventDefault();
    choices[(choices.indexOf(document.activeElement) + step + choices.length) % choices.length]?.focus();
  } else if (event.key === "Tab") {
    close();
  } else if (event.key === "Escape") {
    event.stopPropagation(); // the pane below is not meant
  }
}

function put(panel, anchor) {
  const box = anchor.getBoundingClientRect();
  const below = window.innerHeight - box.bottom - GAP - EDGE;
  const above = box.top - GAP - EDGE;
  panel.style.maxHeight = "";
  const upwards = panel.offsetHeight > below && above > below;
  panel.style.maxHeight = `${Math.max(upwards ? above : below, 80)}px`;
  panel.style.minWidth = panel.classList.contains("menu") ? "" : `${Math.min(box.width, window.innerWidth - 2 * EDGE)}px`;
  const left = Math.min(box.left, window.innerWidth - panel.offsetWidth - EDGE);
  panel.style.left = `${Math.max(left, EDGE)}px`;
  panel.style.top = `${upwards ? box.top - GAP - panel.offsetHeight : box.bottom + GAP}px`;
}
