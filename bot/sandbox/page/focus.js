// Keeping the focus where it was while something is drawn again: on the same control, the caret where it stood. A
// control is known by its block, its action and its value, so that Enter never presses a button of another meaning.

const TYPED = "input, textarea";

/** What has the focus inside `root` (or `root` itself), to be given to `focusAgain`; null where nothing there has it. */
export function focusOf(root) {
  const had = document.activeElement;
  if (!root?.contains(had)) return null;
  const { action, value } = had.dataset;
  if (had === root || action === undefined) return { action: null };
  const caret = had.matches(TYPED) ? [had.selectionStart, had.selectionEnd] : null;
  return { action, value, block: blockOf(had), alone: controls(root, action, blockOf(had)).length === 1, caret };
}

/** Focus the same control in what was drawn; false where it is gone, or `kept` is null. */
export function focusAgain(root, kept) {
  if (!kept || kept.action === null) return false;
  const same = controls(root, kept.action, kept.block);
  const found = same.find(({ dataset }) => dataset.value === kept.value) ?? (kept.alone && same.length === 1 ? same[0] : null);
  if (!found) return false;
  found.focus({ preventScroll: true });
  if (kept.caret?.[0] != null && found.matches(TYPED)) found.setSelectionRange(...kept.caret);
  return document.activeElement === found;
}

function controls(root, action, block) {
  return [...root.querySelectorAll(`[data-action="${CSS.escape(action)}"]`)].filter((one) => blockOf(one) === block);
}

function blockOf(control) {
  return control.closest("[data-block]")?.dataset.block;
}
