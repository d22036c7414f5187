// Short words at the edge of the page about what did not work.

import { element } from "./dom.js";

const SHOWN_FOR = 7000;

/** Say something for a while. */
export function toast(words) {
  const note = element("div", { class: "toast" }, words);
  document.getElementById("toasts").append(note);
  setTimeout(() => note.remove(), SHOWN_FOR);
}
