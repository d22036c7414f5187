// What a person has entered into the elements of one view or one message, kept while it is drawn again: Slack keeps
// what was typed as long as block_id and action_id stay the same (docs.slack.dev/surfaces/modals).

export class Form {
  #entered = new Map();
  #drawn = new Map();

  /** What was entered here before, or `initial`; the element counts among the drawn ones from now on. */
  recall(block, part, initial, valueOf = (entered) => entered) {
    const key = keyOf(block, part);
    this.#drawn.set(key, { block, part, valueOf });
    if (!this.#entered.has(key)) this.#entered.set(key, initial);
    return this.#entered.get(key);
  }

  /** Keep what was entered. */
  enter(block, part, entered) {
    this.#entered.set(keyOf(block, part), entered);
  }

  /** Begin to draw anew: elements that are not drawn again no longer count. */
  redraw() {
    this.#drawn.clear();
  }

  /** `{block_id: {action_id: value}}` of every element drawn; null where nothing is entered. */
  values() {
    const values = {};
    for (const [key, { block, part, valueOf }] of this.#drawn) {
      (values[block.block_id] ??= {})[part.action_id] = valueOf(this.#entered.get(key));
    }
    return values;
  }
}

function keyOf(block, part) {
  return JSON.stringify([block.block_id ?? null, part.action_id ?? null]);
}
