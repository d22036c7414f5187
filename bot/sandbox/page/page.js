// The page: a workspace that looks and works like the one the bot will live in, drawn from the sandbox's live events.
// It keeps where the reader is (as whom, in which place and thread) and tells the views what to draw; it knows nothing
// of the bot, and whatever a message says reaches it as text.
//
// The address may say where to begin: `#C0PAYMENTS`, `?as=ben`, `?theme=dark`, `?pane=requests`.

import { drawChannelHead } from "./channel-head.js";
import { Clock, ClockPanel } from "./clock.js";
import { offersOf } from "./completion.js";
import { Composer } from "./composer.js";
import { follow } from "./connection.js";
import { Deeds } from "./deeds.js";
import { icon, ICONS } from "./dom.js";
import { EMOJI_NAMES } from "./emoji.js";
import { Faults } from "./faults.js";
import { menuButton } from "./floating.js";
import { Home } from "./home.js";
import { Inspector } from "./inspector.js";
import { listenToKeys } from "./keys.js";
import { avatar, MessageList } from "./messages.js";
import { Modals } from "./modals.js";
import { refreshDates } from "./mrkdwn.js";
import { drawPager } from "./pager.js";
import { Panes } from "./panes.js";
import { drawPeople, drawPlaces } from "./sidebar.js";
import { statusButton } from "./status.js";
import { kept, keep } from "./storage.js";
import { isReply, Store, UNOPENED } from "./store.js";
import { drawScenes } from "./story.js";
import { themeSwitch } from "./theme.js";
import { Workspace } from "./workspace.js";

const ME = "sandbox-me";
const DATES_EVERY = 15_000;
const SHUT = "Sending messages to this app has been turned off.";
const byId = (id) => document.getElementById(id);
const say = (id, words) => Object.assign(byId(id), { textContent: words, title: words }); // what is cut off stands in the tooltip
const asked = (name) => new URLSearchParams(window.location.search).get(name);

class Page {
  store = new Store();
  clock = new Clock();
  me = null;
  place = null;
  threadOf = null;
  atHome = false;
  #changed = new Map();
  #drawing = false;

  constructor() {
    const workspace = new Workspace(this);
    this.does = new Deeds(this.store, () => this.me);
    this.panes = new Panes({ hasPlace: () => Boolean(this.place), shown: (pane) => this.#shown(pane) });
    const inMessages = {
      workspace,
      act: (message, block, action, values) => this.does.click(message, this.place, block, action, values),
      suggest: (message, block, part, words) => this.does.suggest({ channel: message.channel ?? this.place, ts: message.ts }, block, part, words),
      dismiss: (message) => this.store.dismiss(message.channel ?? this.place, message),
      react: (message, name, remove) => this.does.react(message, name, remove),
      shortcuts: (message) => this.#shortcuts("message", { channel: message.channel ?? this.place, ts: message.ts }),
    };
    this.list = new MessageList(
      byId("log"),
      { ...inMessages, replies: (message) => this.store.repliesTo(this.place, message.ts, this.me), openThread: (message) => this.openThread(message.ts) },
      () => this.#emptyWords(),
    );
    this.threadList = new MessageList(byId("thread-log"), inMessages, () => "");
    const named = () => this.#named();
    this.box = new Composer(byId("message-box"), {
      label: "Message",
      offers: () => offersOf(this.store.commands),
      named,
      tools: menuButton({ class: "pane-button", "aria-label": "Shortcuts", title: "Shortcuts of the app", id: "shortcuts" }, icon(ICONS.bolt), () => this.#shortcuts("global", {})),
      send: (text) => this.does.say(text, this.place, null),
    });
    this.threadBox = new Composer(byId("thread-box"), { label: "Reply…", named, send: (text) => this.does.say(text, this.place, this.threadOf) });
    this.inspector = new Inspector({ list: byId("request-list"), filters: document.querySelectorAll("[data-show]"), search: byId("request-words") }, this.store, () => workspace.zone, (before) => this.does.requestsBefore(before));
    const inViews = {
      act: (view, block, action, values) => this.does.use(view, block, action, values),
      suggest: (view, block, part, words) => this.does.suggest({ view_id: view.id }, block, part, words),
      submit: (view, values) => this.does.submit(view, values),
      close: (view, all) => this.does.close(view, all),
      appName: () => this.store.appName,
    };
    const viewContext = { workspace, here: () => this.place };
    this.modals = new Modals(viewContext, inViews);
    this.home = new Home(byId("home"), viewContext, inViews);
    this.faults = new Faults(byId("faults"), {
      kinds: () => this.does.faultKinds(),
      begin: (fault) => this.does.beginFault(fault),
      end: (id) => this.does.endFault(id),
      endAll: () => this.does.endFault(),
      channels: () => [...this.store.channels.values()].filter((place) => place.kind !== "dm"),
      methods: () => this.inspector.methods(),
      now: () => this.clock.now(),
    });
    this.clockPanel = new ClockPanel(byId("clock"), this.clock, { does: { turn: (by) => this.#setClock({ by }), run: (speed) => this.#setClock({ speed }) }, zone: () => workspace.zone });
    this.drawStatus = statusButton(byId("status"), () => this.store.people.get(this.me), (status) => this.does.status(status));
    this.#furnish();
    this.#listen();
  }

  start() {
    follow(
      (event) => this.store.apply(event),
      (state) => this.#sayLine(state),
    );
    setInterval(() => refreshDates(document, this.clock.now()), DATES_EVERY);
    setInterval(() => this.clockPanel.draw(), 1000);
  }

  // Where the reader is

  become(person) {
    this.me = person;
    keep(ME, person);
    const places = this.store.placesOf(person);
    const seen = [...places.channels, ...places.direct].some((place) => place.id === this.place);
    const conversation = this.store.place(this.place)?.kind === "dm" ? places.direct[0].id : null;
    this.open(seen ? this.place : (conversation ?? this.#firstPlace()), { show: false });
    this.modals.show(this.store.viewsOf(person));
    this.clockPanel.draw();
  }

  open(id, { show = true } = {}) {
    this.closeThread();
    const unread = this.store.unread(id, this.me).count > 0;
    const newSince = unread ? this.store.readMark(id, this.me) : null;
    this.place = id;
    if (this.store.place(id)?.kind !== "dm") this.atHome = false;
    if (show) this.panes.show("channel");
    if (id) window.history.replaceState(null, "", `${window.location.pathname}${window.location.search}#${id}`);
    this.#drawHead();
    this.list.show(this.store.mainOf(id, this.me), newSince);
    if (this.atHome) this.openHome();
    this.#read();
    this.#drawPlaces();
  }

  openThread(ts) {
    this.threadOf = ts;
    byId("thread").hidden = false;
    document.body.classList.add("with-thread");
    byId("thread-about").textContent = byId("channel-name").textContent;
    this.threadList.show(this.#threadMessages());
    this.panes.show("thread");
    if (!this.panes.narrow) this.threadBox.focus(); // there it would raise the keyboard over the thread
  }

  closeThread() {
    if (this.threadOf === null) return;
    const opener = document.querySelector(`#log [data-ts="${CSS.escape(this.threadOf)}"] .reply-bar`);
    this.threadOf = null;
    byId("thread").hidden = true;
    document.body.classList.remove("with-thread");
    if (this.panes.pane === "thread") this.panes.show("channel");
    if (!this.panes.narrow) (opener ?? this.box).focus();
  }

  /** Show the app's Home tab, and tell the app of it. */
  openHome() {
    this.closeThread();
    this.atHome = true;
    this.#drawHead();
    this.home.show(this.me, this.store.homeOf(this.me));
    this.does.openHome();
  }

  // What happens

  #listen() {
    const { store } = this;
    store.addEventListener("snapshot", () => this.#takeSnapshot());
    store.addEventListener("message", ({ detail }) => this.#takeMessage(detail));
    store.addEventListener("channel", () => {
      this.#drawHead();
      this.#drawSoon();
    });
    store.addEventListener("read", () => this.#drawSoon());
    store.addEventListener("request", ({ detail }) => {
      this.inspector.add(detail.request);
      this.#drawTally();
    });
    store.addEventListener("scene", () => this.#drawScenes());
    store.addEventListener("view", ({ detail }) => detail.person === this.me && this.modals.show(store.viewsOf(this.me)));
    store.addEventListener("home", ({ detail }) => detail.person === this.me && this.atHome && this.home.show(this.me, store.homeOf(this.me)));
    store.addEventListener("faults", () => this.#drawFaults());
    store.addEventListener("person", () => this.#drawPlaces());
    store.addEventListener("pager", () => this.#drawPager());
    store.addEventListener("clock", ({ detail }) => this.#takeClock(detail.clock));
    byId("me").addEventListener("change", (event) => this.become(event.target.value));
    byId("back").addEventListener("click", () => this.panes.show("places"));
    byId("home-tab").addEventListener("click", () => this.openHome());
    byId("messages-tab").addEventListener("click", () => this.#leaveHome());
    byId("thread-back").addEventListener("click", () => this.closeThread());
    byId("thread-close").addEventListener("click", () => this.closeThread());
    listenToKeys(this);
    document.addEventListener("visibilitychange", () => this.#read());
    window.addEventListener("hashchange", () => {
      const id = window.location.hash.slice(1);
      if (id !== this.place && store.channels.has(id)) this.open(id);
    });
  }

  #takeSnapshot() {
    const name = this.store.workspace.name.replace(/\s*\(.*\)$/, "") || "Sandbox";
    byId("workspace-name").textContent = name;
    document.title = `${name}: sandbox, not Slack`;
    if (!this.store.people.has(this.me)) this.me = this.#firstPerson();
    const thread = this.threadOf;
    const wanted = window.location.hash.slice(1);
    const place = [this.place, wanted].find((id) => id && this.store.place(id)) ?? this.#firstPlace();
    if (place === this.place) this.list.refresh(this.store.mainOf(place, this.me));
    else this.open(place, { show: Boolean(wanted) && this.panes.pane === "places" });
    if (thread && place === this.place && this.store.message(place, thread)) this.threadList.refresh(this.#threadMessages());
    else if (thread) this.closeThread(); // another world runs there now
    if (this.atHome) this.home.show(this.me, this.store.homeOf(this.me));
    this.#read();
    byId("shortcuts").hidden = !this.store.shortcuts.some(({ type }) => type === "global");
    this.modals.show(this.store.viewsOf(this.me));
    this.#drawHead();
    this.#drawPlaces();
    this.#drawScenes();
    this.#drawPager();
    this.#drawFaults();
    this.faults.load();
    this.inspector.draw();
    this.#drawTally();
    this.does.clock().then((clock) => this.#takeClock(clock));
  }

  #takeMessage({ channel, message }) {
    if (this.place === UNOPENED && this.store.channels.get(channel)?.person === this.me) this.open(channel, { show: false });
    this.#changed.set(`${channel}/${message.ts}`, { channel, message });
    this.#drawSoon();
  }

  #takeClock(clock) {
    byId("clock").hidden = !clock;
    if (!clock) return;
    this.clock.set(clock);
    this.clockPanel.draw();
    refreshDates(document, this.clock.now());
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
    this.#drawChannelHead();
  }

  async #setClock(wish) {
    const answer = await this.does.setClock(wish);
    if (answer?.speed !== undefined) this.#takeClock(answer);
  }

  /** What the message boxes complete. */
  #named() {
    const { store } = this;
    return { people: [...store.people.values()], groups: [...store.groups.values()], channels: store.placesOf(this.me).channels, app: store.appName, emoji: EMOJI_NAMES };
  }

  #shortcuts(type, where) {
    return this.store.shortcuts
      .filter((shortcut) => shortcut.type === type)
      .map(({ name, description, callback_id: callback }) => ({ words: name, detail: description, pick: () => this.does.shortcut(callback, where) }));
  }

  #leaveHome() {
    this.atHome = false;
    this.open(this.place);
  }

  /** Whether the messages of the place are before the reader's eyes. */
  get #looking() {
    return !this.atHome && !(this.panes.narrow && ["places", "side"].includes(this.panes.pane));
  }

  /** A narrow screen shows another pane. */
  #shown(pane) {
    if (!this.me) return;
    if (pane === "channel") this.list.scrollToEnd();
    this.#read();
    this.#drawPlaces();
  }

  #read() {
    if (!this.place || document.hidden || !this.#looking) return;
    const seen = this.store.markRead(this.place, this.me);
    if (seen) this.does.read(this.place, seen);
  }

  // Drawing

  #furnish() {
    byId("workspace-mark").append(icon(ICONS.anchor));
    for (const id of ["back", "thread-back"]) byId(id).append(icon(ICONS.back));
    byId("thread-close").append(icon(ICONS.close));
    themeSwitch(byId("theme"));
    const pane = asked("pane") === "faults" ? "faults-panel" : asked("pane");
    if (["story", "requests", "faults-panel"].includes(pane)) this.panes.tab(pane, true);
    else this.panes.show("places");
  }

  #drawHead() {
    const place = this.store.place(this.place);
    const direct = place?.kind === "dm";
    const name = direct ? this.store.appName : `#${place?.name ?? ""}`;
    say("channel-name", place ? name : "");
    say("channel-about", direct ? "" : this.#membersWords(place));
    byId("app-tabs").hidden = !direct || !this.store.hasHome;
    byId("home-tab").setAttribute("aria-pressed", String(this.atHome));
    byId("messages-tab").setAttribute("aria-pressed", String(!this.atHome));
    byId("home").hidden = !this.atHome;
    this.#drawChannelHead();
    byId("log").parentElement.hidden = byId("message-box").hidden = this.atHome;
    const shut = direct && this.store.readOnly; // as the app's manifest has it, and in Slack's own words
    this.box.label(shut ? SHUT : place ? `Message ${name}${this.panes.narrow ? "" : ", or / for a command"}` : "Message");
    this.box.enable(Boolean(place) && !place.archived && !shut);
    this.threadBox.label(shut ? SHUT : "Reply…");
    this.threadBox.enable(Boolean(place) && !place.archived && !shut);
  }

  #membersWords(place) {
    if (!place) return "";
    if (place.archived) return "Archived";
    const people = place.members.filter((id) => this.store.people.has(id)).length;
    return [`${people} ${people === 1 ? "member" : "members"}`, place.topic || place.purpose].filter(Boolean).join(" · ");
  }

  #drawPlaces() {
    drawPlaces({ channelList: byId("channels"), directList: byId("direct") }, this.store, { me: this.me, current: this.place, looking: this.#looking, open: (id) => this.open(id) });
    drawPeople(byId("me"), this.store, this.me);
    this.drawStatus();
    const person = this.store.people.get(this.me);
    byId("face").replaceChildren(person ? avatar({ name: person.name, colour: person.avatar_color }, "medium") : "");
    const { channels, direct } = this.store.placesOf(this.me);
    const loud = [...channels, ...direct].filter((place) => place.id !== this.place || !this.#looking).reduce((sum, place) => sum + this.store.unread(place.id, this.me).loud, 0);
    byId("all-unread").hidden = !loud;
    byId("all-unread").textContent = String(loud);
  }

  #drawChannelHead() {
    drawChannelHead(byId("channel-head"), this.atHome ? null : this.store.place(this.place), {
      workspace: new Workspace(this),
      me: this.me,
      pinned: this.store.pinnedIn(this.place),
      join: () => this.does.join(this.place),
      find: (ts) => document.querySelector(`#log [data-ts="${CSS.escape(ts)}"]`)?.scrollIntoView({ block: "center" }),
    });
  }

  #drawPager() {
    drawPager(byId("pager"), this.store.pager, { does: (person, what) => this.does.pager(person, what), zone: new Workspace(this).zone });
  }

  #drawScenes() {
    drawScenes(byId("scenes"), this.store, (scene) => this.does.play(scene));
  }

  #drawFaults() {
    this.faults.show(this.store.faults);
    for (const count of document.querySelectorAll("[data-count=faults]")) {
      count.hidden = !this.store.faults.length;
      count.textContent = String(this.store.faults.length);
    }
  }

  #drawTally() {
    const count = this.store.requestsTotal;
    byId("tally").textContent = count ? count.toLocaleString("en") : "";
  }

  #sayLine(state) {
    const line = byId("line");
    if (line.dataset.state === state) return;
    line.dataset.state = state;
    line.textContent = state === "live" ? "Live" : "The sandbox is not answering. Trying again…";
  }

  #emptyWords() {
    const place = this.store.place(this.place);
    if (place?.kind === "dm") return `This is your conversation with ${this.store.appName}. What concerns you alone is said here.`;
    return place ? `Nothing in #${place.name} yet. Play a scene, or type /ship help.` : "";
  }

  #threadMessages() {
    const parent = this.store.message(this.place, this.threadOf);
    return [parent, ...this.store.repliesTo(this.place, this.threadOf, this.me)].filter(Boolean);
  }

  #firstPerson() {
    const wanted = asked("as")?.toLowerCase();
    const people = [...this.store.people.values()];
    const found = people.find((person) => wanted && [person.id, person.key, person.name].some((name) => name?.toLowerCase() === wanted));
    return (found ?? people.find((person) => person.id === kept(ME)) ?? people[0])?.id ?? null;
  }

  /** Where something was last said, or else the first channel of theirs. */
  #firstPlace() {
    const { channels } = this.store.placesOf(this.me);
    const lastSaid = (channel) => this.store.mainOf(channel.id, this.me).at(-1)?.ts ?? "";
    return [...channels].sort((one, other) => (lastSaid(one) < lastSaid(other) ? 1 : -1))[0]?.id ?? null;
  }
}

new Page().start();
