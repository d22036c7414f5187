// The story panel: scenes that happen in the stand-in world, played one by one.

import { element, icon, ICONS } from "./dom.js";

/** Draw every scene with its button. `play(name)` starts one. */
export function drawScenes(root, store, play) {
  if (!store.scenes.length) {
    root.replaceChildren(element("p", { class: "empty" }, "This sandbox has no scenes."));
    return;
  }
  root.replaceChildren(...store.scenes.map((scene) => drawScene(scene, store.sceneStates.get(scene.name), play)));
}

function drawScene(scene, state, play) {
  const running = state?.state === "playing";
  const words = sayState(state);
  return element(
    "li",
    { class: running ? "scene running" : "scene" },
    element(
      "div",
      {},
      element("h3", {}, scene.name.charAt(0).toUpperCase() + scene.name.slice(1)),
      element("p", {}, scene.summary),
      words && element("p", { class: state.state === "failed" ? "scene-state failed" : "scene-state" }, words),
    ),
    element(
      "button",
      { type: "button", class: "play", disabled: running, "aria-label": `Play: ${scene.name}`, on: { click: () => play(scene.name) } },
      icon(ICONS.play),
      running ? "Playing" : state ? "Again" : "Play",
    ),
  );
}

function sayState(state) {
  return { playing: "Playing…", done: "Played", failed: `It broke off: ${state?.error}` }[state?.state] ?? null;
}
