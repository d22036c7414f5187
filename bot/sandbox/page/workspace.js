// What the drawing of messages and views may ask about the workspace: names, and who is reading, where and when.

export class Workspace {
  #page;

  constructor(page) {
    this.#page = page;
  }

  get me() {
    return this.#page.me;
  }

  /** The reader's time zone, or null. */
  get zone() {
    return this.#page.store.people.get(this.me)?.tz ?? null;
  }

  /** The present in the world. */
  now() {
    return this.#page.clock.now();
  }

  person(id) {
    return this.#page.store.person(id);
  }

  people() {
    return [...this.#page.store.people.values()];
  }

  channel(id) {
    return this.#page.store.channels.get(id) ?? null;
  }

  channelNamed(name) {
    return this.#page.store.channelNamed(name);
  }

  /** The channels and conversations the reader sees, each with the `title` people know it by. */
  places() {
    const { channels, direct } = this.#page.store.placesOf(this.me);
    const named = (place) => ({ ...place, title: place.kind === "dm" ? this.#page.store.appName : place.name });
    return [...channels, ...direct.filter((place) => this.channel(place.id))].map(named);
  }

  group(id) {
    return this.#page.store.groups.get(id) ?? null;
  }

  open(id) {
    this.#page.open(id);
  }
}
