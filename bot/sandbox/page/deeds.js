// What the person one acts as does: each deed is told to the sandbox, and what went wrong is said in a toast.

import { act, ask } from "./connection.js";
import { asCommand } from "./completion.js";
import { toast } from "./toasts.js";

export class Deeds {
  #store;
  #me;
  #seen = new Map();

  /** `me()` is who acts. */
  constructor(store, me) {
    this.#store = store;
    this.#me = me;
  }

  /** Say something, or give a slash command; rejects when it was not taken, so that the words can come back. */
  async say(text, place, thread) {
    const command = asCommand(text);
    try {
      if (command && thread) throw new Error(`${command.command} is not supported in threads, as in Slack. Send it in the channel.`);
      if (command) await this.#act({ channel: place, ...command });
      else await this.#act({ channel: place, say: text, ...(thread ? { thread_ts: thread } : {}) });
    } catch (fault) {
      toast(fault.message);
      throw fault;
    }
  }

  /** Use an element of a message; `values` is what its other elements hold. */
  async click(message, place, block, action, values) {
    const channel = message.channel ?? place;
    await this.#told("did not take the click", { click: { channel, ts: message.ts, block_id: block.block_id, ...action, values } });
  }

  /** Use an element of a modal or of the Home tab. */
  async use(view, block, action, values) {
    await this.#told("did not take the click", { click: { view_id: view.id, block_id: block.block_id, ...action, values } });
  }

  /** Send a modal; `{action, errors}`. */
  submit(view, values) {
    return this.#act({ submit: { view_id: view.id, values } });
  }

  close(view, all) {
    return this.#act({ close: { view_id: view.id, all } });
  }

  /** Options for an external select; `where` is `{view_id}` or `{channel, ts}`. */
  async suggest(where, block, part, words) {
    const found = await this.#act({ suggest: { ...where, block_id: block.block_id, action_id: part.action_id, value: words } });
    if (found.status === 0 || found.status >= 400) throw new Error(`${this.#store.appName} gave no options (${found.status || "no answer"}).`);
    return found;
  }

  async shortcut(name, where) {
    await this.#told("did not take the shortcut", { shortcut: { callback_id: name, ...where } });
  }

  async react(message, name, remove) {
    await this.#quietly(() => this.#act({ react: { channel: message.channel, ts: message.ts, name, remove } }));
  }

  async join(channel) {
    await this.#quietly(() => this.#act({ join: channel }));
  }

  /** Say in one's profile what one does: `{text, emoji, for}`; nothing clears it. */
  async status(status) {
    await this.#quietly(() => this.#act({ status }));
  }

  /** What somebody does about their pager: `answer`, `decline`, `silence`, or `acknowledge` what rings now. */
  async pager(person, does) {
    await this.#quietly(() => act({ as: person, pager: does }));
  }

  async openHome() {
    await this.#quietly(() => this.#act({ home: true }));
  }

  /** Have looked at a place as far as a message. One such deed is on its way at a time: a burst is told of by its end. */
  async read(place, ts) {
    const onItsWay = this.#seen.size > 0;
    this.#seen.set(`${this.#me()}/${place}`, { as: this.#me(), read: { channel: place, ts } });
    while (!onItsWay && this.#seen.size > 0) {
      const [[key, deed]] = this.#seen;
      await act(deed).catch(() => null); // it is unread once more when the line is back
      if (this.#seen.get(key) === deed) this.#seen.delete(key);
    }
  }

  /** What went over the wire before the request with this id; see `Store.takeOlderRequests`. Null where that failed. */
  requestsBefore(id) {
    return this.#quietly(() => ask("GET", `/_sandbox/requests?before=${encodeURIComponent(id)}`));
  }

  async play(scene) {
    await this.#quietly(() => act({ scene }));
  }

  // The world's weather: faults and the clock

  /** What can go wrong here. */
  async faultKinds() {
    return (await ask("GET", "/_sandbox/fault").catch(() => ({}))).kinds ?? [];
  }

  beginFault(fault) {
    return this.#quietly(() => ask("POST", "/_sandbox/fault", fault));
  }

  /** End one fault, or all where `id` is null. */
  endFault(id = null) {
    return this.#quietly(() => ask("DELETE", `/_sandbox/fault${id === null ? "" : `?id=${encodeURIComponent(id)}`}`));
  }

  /** What time it is in the world, as `{now, speed}`; null where its clock cannot be turned. */
  async clock() {
    const clock = await ask("GET", "/_sandbox/clock").catch(() => ({}));
    return clock.speed === undefined ? null : clock;
  }

  /** Turn the clock (`{by}`) or set its speed (`{speed}`). */
  setClock(wish) {
    return this.#quietly(() => ask("POST", "/_sandbox/clock", wish));
  }

  #act(what) {
    return act({ as: this.#me(), ...what });
  }

  async #told(refusal, what) {
    await this.#quietly(async () => {
      const { status } = await this.#act(what);
      if (status === 0 || status >= 400) toast(`${this.#store.appName} ${refusal} (${status || "no answer"}). Slack would show a warning sign beside it.`);
    });
  }

  async #quietly(work) {
    try {
      return await work();
    } catch (fault) {
      toast(fault.message);
      return null;
    }
  }
}
