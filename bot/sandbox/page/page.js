// The page: a workspace that looks and works like the one the bot will live in, drawn from the sandbox's live events.
// It keeps where the reader is (as whom, in which place and thread) and tells the views what to draw; it knows nothing
// of the bot, and whatever a message says reaches it as text.
//
// The address may say where to begin: `#C0PAYMENTS`, `?as=ben`, `?theme=dark`, `?pane=requests`.

import { asCommand } from "./completion.js";
import { Composer } from "./composer.js";
import { act, follow } from "./connection.js";
import { element, icon, ICONS } from "./dom.js";
import { Inspector } from "./inspector.js";
import { avatar, MessageList } from "./messages.js";
import { refreshDates } from "./mrkdwn.js";
import { drawPeople, drawPlaces } from "./sidebar.js";
import { isReply, Store } from "./store.js";
import { drawScenes } from "./story.js";
import { themeSwitch } from "./theme.js";
import { written } from "./writing.js";

const ME = "sandbox-me";
const TOAST_FOR = 7000;
const DATES_EVERY = 15_000;
const byId = (id) => document.getElementById(id);
const narrow = () => window.matchMedia("(max-width: 820px)").matches;

class Page {
  store = new Store();
  me = null;
  place = null;
  threadOf = null;
  #changed = new Map();
  #drawing = false;

  constructor() {
    const workspace = this.#workspace();
    const doing = (message, block, action) => this.#click(message, block, action);
    const dismiss = (message) => this.#dismiss(message);
    this.list = new MessageList(
      byId("log"),
      { workspace, act: doing, dismiss, replies: (message) => this.store.repliesTo(this.place, message.ts, this.me), openThread: (message) => this.openThread(message.ts) },
      () => this.#emptyWords(),
    );
    this.threadList = new MessageList(byId("thread-log"), { workspace, act: doing, dismiss }, () => "");
    this.box = new Composer(byId("message-box"), { label: "Message", commands: true, send: (text) => this.#say(text, null) });
    this.threadBox = new Composer(byId("thread-box"), { label: "Reply…", commands: false, send: (text) => this.#say(text, this.threadOf) });
    this.inspector = new Inspector({ list: byId("request-list"), filters: document.querySelectorAll("[data-show]"), search: byId("request-words") }, this.store);
    this.#furnish();
    this.#listen();
  }

  start() {
    follow(
      (event) => this.store.apply(event),
      (state) => this.#sayLine(state),
    );
    setInterval(() => refreshDates(document), DATES_EVERY);
  }

  // Where the reader is

  become(person) {
    this.me = person;
    try {
      sessionStorage.setItem(ME, person);
    } catch {
      // no storage here: the choice lasts until the page is loaded again
    }
    const places = this.store.placesOf(person);
    const seen = [...places.channels, ...places.direct].some((place) => place.id === this.place);
    this.open(seen ? this.place : this.#firstPlace(), { show: false });
  }

  open(id, { show = true } = {}) {
    this.closeThread();
    this.place = id;
    if (show) this.#showPane("channel");
    if (id) window.history.replaceState(null, "", `${window.location.pathname}${window.location.search}#${id}`);
    this.#drawHead();
    const unread = this.store.unread(id, this.me).count > 0;
    this.list.show(this.store.mainOf(id, this.me), unread ? this.store.readMark(id, this.me) : null);
    this.#read();
    this.#drawPlaces();
  }

  openThread(ts) {
    this.threadOf = ts;
    byId("thread").hidden = false;
    document.body.classList.add("with-thread");
    byId("thread-about").textContent = byId("channel-name").textContent;
    this.threadList.show(this.#threadMessages());
    this.#showPane("thread");
    if (!narrow()) this.threadBox.focus(); // there it would raise the keyboard over the thread
  }

  closeThread() {
    if (this.threadOf === null) return;
    const opener = document.querySelector(`#log [data-ts="${CSS.escape(this.threadOf)}"] .reply-bar`);
    this.threadOf = null;
    byId("thread").hidden = true;
    document.body.classList.remove("with-thread");
    if (document.body.dataset.pane === "thread") this.#showPane("channel");
    if (!narrow()) (opener ?? this.box).focus();
  }

  // What happens

  #listen() {
    this.store.addEventListener("snapshot", () => this.#takeSnapshot());
    this.store.addEventListener("message", ({ detail }) => this.#takeMessage(detail));
    this.store.addEventListener("read", () => this.#drawSoon());
    this.store.addEventListener("request", ({ detail }) => {
      this.inspector.add(detail.request);
      this.#drawTally();
    });
    this.store.addEventListener("scene", () => this.#drawScenes());
    byId("me").addEventListener("change", (event) => this.become(event.target.value));
    byId("back").addEventListener("click", () => this.#showPane("places"));
    byId("thread-back").addEventListener("click", () => this.closeThread());
    byId("thread-close").addEventListener("click", () => this.closeThread());
    document.addEventListener("keydown", (event) => this.#key(event));
    document.addEventListener("visibilitychange", () => this.#read());
    window.addEventListener("hashchange", () => {
      const id = window.location.hash.slice(1);
      if (id !== this.place && this.store.channels.has(id)) this.open(id);
    });
    for (const tab of document.querySelectorAll("[role=tab]")) {
      tab.addEventListener("click", () => this.#showTab(tab.getAttribute("aria-controls")));
      tab.addEventListener("keydown", (event) => {
        if (event.key !== "ArrowLeft" && event.key !== "ArrowRight") return;
        const other = tab.id === "story-tab" ? "requests" : "story";
        this.#showTab(other);
        byId(`${other}-tab`).focus();
      });
    }
    for (const button of document.querySelectorAll("[data-go]")) {
      button.addEventListener("click", () => {
        const { go } = button.dataset;
        if (go === "places") this.#showPane(document.body.dataset.pane === "side" && this.place ? "channel" : "places");
        else this.#showTab(go, true);
      });
    }
  }

  #takeSnapshot() {
    const name = this.store.workspace.name.replace(/\s*\(.*\)$/, "") || "Sandbox";
    byId("workspace-name").textContent = name;
    document.title = `${name}: sandbox, not Slack`;
    if (!this.store.people.has(this.me)) this.me = this.#firstPerson();
    const thread = this.threadOf;
    const asked = window.location.hash.slice(1);
    const place = [this.place, asked].find((id) => id && this.store.channels.has(id)) ?? this.#firstPlace();
    if (place === this.place) this.list.show(this.store.mainOf(place, this.me), null);
    else this.open(place, { show: Boolean(asked) && document.body.dataset.pane === "places" });
    if (thread && this.store.message(place, thread)) this.threadList.show(this.#threadMessages());
    this.#drawHead();
    this.#drawPlaces();
    this.#drawScenes();
    this.inspector.draw();
    this.#drawTally();
  }

  #takeMessage({ channel, message }) {
    this.#changed.set(`${channel}/${message.ts}`, { channel, message });
    this.#drawSoon();
  }

  /** Draw what has changed, once a frame: a burst of messages brings many changes. */
  #drawSoon() {
    if (this.#drawing) return;
    this.#drawing = true;
    requestAnimationFrame(() => {
      this.#drawing = false;
      this.#drawChanged();
      this.#read();
      this.#drawPlaces();
    });
  }

  #drawChanged() {
    const mine = [...this.#changed.values()].filter(({ channel, message }) => channel === this.place && [null, undefined, this.me].includes(message.ephemeral_for));
    this.#changed.clear();
    if (!mine.length) return;
    const messages = mine.map(({ message }) => message);
    const parents = messages.filter(isReply).map((reply) => this.store.message(this.place, reply.thread_ts));
    this.list.update([...messages, ...parents.filter(Boolean)], this.store.mainOf(this.place, this.me));
    const inThread = messages.filter((message) => [message.ts, message.thread_ts].includes(this.threadOf));
    if (inThread.length) this.threadList.update(inThread, this.#threadMessages());
  }

  async #say(text, thread) {
    const command = asCommand(text);
    try {
      if (command && thread) throw new Error(`${command.command} is not supported in threads, as in Slack. Send it in the channel.`);
      if (command) await act({ as: this.me, channel: this.place, ...command });
      else await act({ as: this.me, channel: this.place, say: written(text, this.store), ...(thread ? { thread_ts: thread } : {}) });
    } catch (fault) {
      this.#toast(fault.message);
      throw fault;
    }
  }

  async #click(message, block, action) {
    try {
      const { status } = await act({ as: this.me, click: { channel: message.channel ?? this.place, ts: message.ts, block_id: block.block_id, ...action } });
      if (status === 0 || status >= 400) {
        this.#toast(`${this.store.appName} did not take the click (${status || "no answer"}). Slack would show a warning sign beside the button.`);
      }
    } catch (fault) {
      this.#toast(fault.message);
    }
  }

  async #play(scene) {
    try {
      await act({ scene });
    } catch (fault) {
      this.#toast(fault.message);
    }
  }

  #dismiss(message) {
    this.store.apply({ type: "message", channel: message.channel ?? this.place, message: { ...message, deleted: true } });
  }

  #key(event) {
    const arrow = { ArrowUp: -1, ArrowDown: 1 }[event.key];
    if (event.altKey && arrow) {
      event.preventDefault();
      this.#step(arrow, event.shiftKey);
    } else if (event.key === "Escape" && !document.querySelector("dialog[open]")) {
      this.closeThread();
    } else if (event.key === "/" && !event.target.closest("input, textarea, select")) {
      this.box.focus();
    }
  }

  #step(direction, unreadOnly) {
    const { channels, direct } = this.store.placesOf(this.me);
    const places = [...channels, ...direct];
    const here = places.findIndex((place) => place.id === this.place);
    for (let walked = 1; walked <= places.length; walked += 1) {
      const next = places[(here + direction * walked + places.length * walked) % places.length];
      if (!unreadOnly || this.store.unread(next.id, this.me).count) {
        this.open(next.id);
        this.box.focus();
        return;
      }
    }
  }

  #read() {
    if (this.place && !document.hidden) this.store.markRead(this.place, this.me);
  }

  // Drawing

  #furnish() {
    byId("workspace-mark").append(icon(ICONS.anchor));
    for (const id of ["back", "thread-back"]) byId(id).append(icon(ICONS.back));
    byId("thread-close").append(icon(ICONS.close));
    themeSwitch(byId("theme"));
    const pane = new URLSearchParams(window.location.search).get("pane");
    if (pane === "story" || pane === "requests") this.#showTab(pane, true);
    else this.#showPane("places");
  }

  #drawHead() {
    const place = this.store.channels.get(this.place);
    const direct = place?.kind === "dm";
    const name = direct ? this.store.appName : `#${place?.name ?? ""}`;
    byId("channel-name").textContent = place ? name : "";
    byId("channel-about").textContent = direct ? "App, direct message" : this.#membersWords(place);
    this.box.label(place ? `Message ${name}${narrow() ? "" : ", or / for a command"}` : "Message");
    this.box.enable(Boolean(place) && !place.archived);
  }

  #membersWords(place) {
    if (!place) return "";
    if (place.archived) return "Archived";
    const people = place.members.filter((id) => this.store.people.has(id)).length;
    return place.purpose ? `${people} members · ${place.purpose}` : `${people} members`;
  }

  #drawPlaces() {
    const focused = document.activeElement?.dataset?.place;
    drawPlaces({ channelList: byId("channels"), directList: byId("direct") }, this.store, { me: this.me, current: this.place, open: (id) => this.open(id) });
    if (focused) document.querySelector(`[data-place="${CSS.escape(focused)}"]`)?.focus();
    drawPeople(byId("me"), this.store, this.me);
    const person = this.store.people.get(this.me);
    byId("face").replaceChildren(person ? avatar({ name: person.name, colour: person.avatar_color }, "medium") : "");
    const { channels, direct } = this.store.placesOf(this.me);
    const loud = [...channels, ...direct].filter((place) => place.id !== this.place).reduce((sum, place) => sum + this.store.unread(place.id, this.me).loud, 0);
    byId("all-unread").hidden = !loud;
    byId("all-unread").textContent = String(loud);
  }

  #drawScenes() {
    drawScenes(byId("scenes"), this.store, (scene) => this.#play(scene));
  }

  #drawTally() {
    const count = this.store.requests.length;
    byId("tally").textContent = count ? String(count) : "";
  }

  #showTab(name, alone = false) {
    for (const tab of document.querySelectorAll("[role=tab]")) {
      const chosen = tab.getAttribute("aria-controls") === name;
      tab.setAttribute("aria-selected", String(chosen));
      tab.tabIndex = chosen ? 0 : -1;
      byId(tab.getAttribute("aria-controls")).hidden = !chosen;
    }
    document.body.dataset.tab = name;
    if (alone) this.#showPane("side");
  }

  /** On a narrow screen one pane is seen at a time: places, channel, thread or side. */
  #showPane(pane) {
    document.body.dataset.pane = pane;
    if (pane === "channel") this.list.scrollToEnd();
    for (const button of document.querySelectorAll("[data-go]")) {
      const here = pane === "side" ? button.dataset.go === (document.body.dataset.tab ?? "story") : button.dataset.go === "places";
      button.setAttribute("aria-current", here ? "page" : "false");
    }
  }

  #sayLine(state) {
    const line = byId("line");
    if (line.dataset.state === state) return;
    line.dataset.state = state;
    line.textContent = state === "live" ? "Live" : "The sandbox is not answering. Trying again…";
  }

  #toast(words) {
    const toast = element("div", { class: "toast" }, words);
    byId("toasts").append(toast);
    setTimeout(() => toast.remove(), TOAST_FOR);
  }

  #emptyWords() {
    const place = this.store.channels.get(this.place);
    if (place?.kind === "dm") return `This is your conversation with ${this.store.appName}.`;
    return place ? `Nothing in #${place.name} yet. Play a scene, or type /ship help.` : "";
  }

  #threadMessages() {
    const parent = this.store.message(this.place, this.threadOf);
    return [parent, ...this.store.repliesTo(this.place, this.threadOf, this.me)].filter(Boolean);
  }

  /** What the drawing of messages may ask: names, and who is reading. */
  #workspace() {
    const page = this;
    return {
      get me() {
        return page.me;
      },
      get zone() {
        return page.store.people.get(page.me)?.tz ?? null;
      },
      person: (id) => page.store.person(id),
      channel: (id) => page.store.channels.get(id) ?? null,
      channelNamed: (name) => page.store.channelNamed(name),
      open: (id) => page.open(id),
    };
  }

  #firstPerson() {
    const asked = new URLSearchParams(window.location.search).get("as")?.toLowerCase();
    const people = [...this.store.people.values()];
    let kept = null;
    try {
      kept = sessionStorage.getItem(ME);
    } catch {
      // no storage here
    }
    const found = people.find((person) => asked && [person.id.toLowerCase(), person.name.toLowerCase()].includes(asked));
    return (found ?? people.find((person) => person.id === kept) ?? people[0])?.id ?? null;
  }

  /** Where something was last said, or else the first channel of theirs. */
  #firstPlace() {
    const { channels } = this.store.placesOf(this.me);
    const lastSaid = (channel) => this.store.mainOf(channel.id, this.me).at(-1)?.ts ?? "";
    return [...channels].sort((one, other) => (lastSaid(one) < lastSaid(other) ? 1 : -1))[0]?.id ?? null;
  }
}

new Page().start();
