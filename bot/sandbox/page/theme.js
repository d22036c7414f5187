// Light, dark, or as the machine says; kept in the browser.

import { icon, ICONS } from "./dom.js";

const KEPT_AS = "sandbox-theme";
const NEXT = { auto: "light", light: "dark", dark: "auto" };
const WORDS = { auto: "as this machine", light: "light", dark: "dark" };
const PICTURES = { auto: ICONS.screen, light: ICONS.sun, dark: ICONS.moon };

/** Make `button` go round the themes, beginning with the one kept. */
export function themeSwitch(button) {
  let theme = kept();
  const show = () => {
    if (theme === "auto") delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = theme;
    button.replaceChildren(icon(PICTURES[theme]));
    button.setAttribute("aria-label", `Colours: ${WORDS[theme]}. Change to ${WORDS[NEXT[theme]]}`);
    button.title = `Colours: ${WORDS[theme]}`;
  };
  button.addEventListener("click", () => {
    theme = NEXT[theme];
    keep(theme);
    show();
  });
  show();
}

function kept() {
  const asked = new URLSearchParams(window.location.search).get("theme");
  if (asked in NEXT) return asked;
  try {
    const theme = localStorage.getItem(KEPT_AS);
    return theme in NEXT ? theme : "auto";
  } catch {
    return "auto";
  }
}

function keep(theme) {
  try {
    localStorage.setItem(KEPT_AS, theme);
  } catch {
    // no storage here: the choice lasts until the page is loaded again
  }
}
