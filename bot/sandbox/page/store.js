// What the page knows of the stand-in world: filled by a snapshot, kept up to date by live events, read by the views.
// It tells its listeners ("snapshot", "message", "channel", "request", "scene", "read", "view", "home", "faults", "clock",
// "person", "pager") what changed, and draws nothing itself.

import { kept, keep } from "./storage.js";

const REQUESTS_KEPT = 500; // of what comes in; whoever asks for older ones keeps those as well
const NOTHING = "0";
const DISMISSED_KEPT = 500;
const DISMISSED = "sandbox-dismissed";

/** The place that stands for one's conversation with the app before there is one; the sandbox knows it by this name. */
export const UNOPENED = "dm";

export class Store extends EventTarget {
  workspace = { name: "" };
  people = new Map();
  channels = new Map();
  scenes = [];
  requests = [];
  requestsTotal = 0;
  requestsAreAll = true;
  sceneStates = new Map();
  hasHome = true;
  readOnly = false;
  commands = [];
  shortcuts = [];
  groups = new Map();
  faults = [];
  pager = null;
  #views = new Map();
  #homes = new Map();
  #dismissed = new Set(kept(DISMISSED) ?? []);
  #messages = new Map();
  #replies = new Map();
  #names = new Map();
  #read = new Map();
  #requestsKept = REQUESTS_KEPT;

  /** Take in one event of the live connection. */
  apply(event) {
    if (event.type === "snapshot") this.#takeSnapshot(event);
    else if (event.type === "message" || event.type === "ephemeral") this.#takeMessage(event.channel ?? event.message.channel, event.message, event);
    else if (event.type === "request") this.#takeRequest(event);
    else if (event.type === "read") this.#takeRead(event);
    else if (event.type === "scene") this.#takeScene(event);
    else if (event.type === "view") this.#takeView(event);
    else if (event.type === "home") this.#takeHome(event);
    else if (event.type === "channel") this.#takePlace(event.place);
    else if (event.type === "faults") this.#takeFaults(event.faults);
    else if (event.type === "person") this.#takePerson(event.person);
    else if (event.type === "pager") this.#takePager(event.pager);
    else if (event.type === "clock") this.#tell("clock", event);
  }

  /** The modals that are open for this person, bottom first. */
  viewsOf(me) {
    return this.#views.get(me) ?? [];
  }

  /** The Home tab this person last had from the app, or null. */
  homeOf(me) {
    return this.#homes.get(me) ?? null;
  }

  /** Take an ephemeral message off this browser's screen, for good: nobody else is told, as in Slack. */
  dismiss(channel, message) {
    this.#dismissed.add(`${channel}/${message.ts}`);
    keep(DISMISSED, [...this.#dismissed].slice(-DISMISSED_KEPT));
    this.#tell("message", { channel, message: { ...message, deleted: true } });
  }

  /** The channels and conversations this person sees, as `{channels, direct}`. */
  placesOf(me) {
    const all = [...this.channels.values()].filter((place) => !place.archived);
    const direct = all.filter((place) => place.kind === "dm" && (place.person === me || place.members.includes(me)));
    return {
      channels: all.filter((place) => place.kind !== "dm" && (!place.private || place.members.includes(me))),
      direct: direct.length ? direct : [unknownPlace(UNOPENED)],
    };
  }

  /** A place by id: a channel, a conversation, or the conversation that has not begun. */
  place(id) {
    return this.channels.get(id) ?? (id === UNOPENED ? unknownPlace(UNOPENED) : null);
  }

  /** Somebody by id: a member, or an app that has spoken. */
  person(id) {
    if (this.people.has(id)) return this.people.get(id);
    if (id === this.appId) return { id, name: this.appName };
    return this.#names.has(id) ? { id, name: this.#names.get(id) } : null;
  }

  /** The app's name, as it last spoke. */
  get appName() {
    return [...this.#names.values()].at(-1) ?? "Shipmate";
  }

  /** The app's user id. */
  get appId() {
    return this.workspace.bot ?? [...this.#names.keys()].at(-1) ?? null;
  }

  channelNamed(name) {
    return [...this.channels.values()].find((channel) => channel.kind !== "dm" && channel.name === name) ?? null;
  }

  message(channel, ts) {
    return this.#messages.get(channel)?.get(ts) ?? null;
  }

  /** What is pinned there, the newest first. */
  pinnedIn(channel) {
    return [...(this.#messages.get(channel)?.values() ?? [])].filter((message) => message.pinned && !message.deleted).sort(byTime).reverse();
  }

  /** What stands in the channel itself for this person, oldest first; replies only where they were also sent to the channel. */
  mainOf(channel, me) {
    return this.#seenIn(channel, me).filter((message) => (!isReply(message) || message.broadcast) && (!message.deleted || this.repliesTo(channel, message.ts, me).length));
  }

  /** The replies to a message that this person sees, oldest first. */
  repliesTo(channel, ts, me) {
    const found = this.#replies.get(`${channel}/${ts}`);
    return found ? [...found.values()].filter((message) => !message.deleted && visibleTo(message, me)).sort(byTime) : [];
  }

  /** How much this person has not read there: `count` of messages, and how many of them are `loud` (direct, or a mention). */
  unread(channel, me) {
    const since = this.readMark(channel, me) ?? NOTHING;
    const fresh = this.#seenIn(channel, me).filter((message) => !message.deleted && message.ts > since && message.user !== me);
    const direct = this.channels.get(channel)?.kind === "dm";
    return { count: fresh.length, loud: fresh.filter((message) => direct || mentions(message, me)).length };
  }

  /** The timestamp of the last message this person has seen there, or null where they never looked. */
  readMark(channel, me) {
    return this.#read.get(`${me}/${channel}`) ?? null;
  }

  /** This person has now seen everything there; the timestamp of the last of it, or null where nothing was new. */
  markRead(channel, me) {
    const last = this.#seenIn(channel, me).at(-1)?.ts;
    return last && this.#takeRead({ person: me, channel, ts: last }) ? last : null;
  }

  /** Take in requests from before those that are here, oldest first; `older` is how many the sandbox still has. */
  takeOlderRequests({ requests, older }) {
    const here = new Set(this.requests.map(({ id }) => id));
    this.requests = [...requests.filter(({ id }) => !here.has(id)), ...this.requests];
    this.#requestsKept = Math.max(this.#requestsKept, this.requests.length + REQUESTS_KEPT);
    this.requestsAreAll = older === 0;
  }

  #seenIn(channel, me) {
    return [...(this.#messages.get(channel)?.values() ?? [])].filter((message) => visibleTo(message, me) && !this.#dismissed.has(`${channel}/${message.ts}`)).sort(byTime);
  }

  #takeSnapshot(snapshot) {
    this.workspace = snapshot.workspace ?? this.workspace;
    this.people = new Map((snapshot.people ?? []).map((person) => [person.id, person]));
    this.channels = new Map((snapshot.channels ?? []).map((channel) => [channel.id, { members: [], ...channel }]));
    this.scenes = snapshot.scenes ?? [];
    this.sceneStates = new Map((snapshot.playing ?? []).map((name) => [name, { name, state: "playing" }]));
    this.requests = snapshot.requests ?? [];
    this.requestsTotal = snapshot.requests_total ?? this.requests.length;
    this.requestsAreAll = this.requestsTotal === this.requests.length;
    this.#requestsKept = REQUESTS_KEPT;
    this.hasHome = snapshot.home_tab ?? true;
    this.readOnly = snapshot.messages_read_only ?? false;
    this.commands = snapshot.commands ?? [];
    this.shortcuts = snapshot.shortcuts ?? [];
    this.groups = new Map((snapshot.usergroups ?? []).map((group) => [group.id, group]));
    this.faults = snapshot.faults ?? [];
    this.pager = snapshot.pager ?? null;
    this.#views = new Map(Object.entries(snapshot.views ?? {}));
    this.#homes = new Map(Object.entries(snapshot.homes ?? {}));
    this.#messages = new Map();
    this.#replies = new Map();
    for (const [channel, messages] of Object.entries(snapshot.messages ?? {})) {
      for (const message of messages) this.#keep(channel, message);
    }
    this.#read = new Map(Object.entries(snapshot.read ?? {}).flatMap(([person, marks]) => Object.entries(marks).map(([channel, ts]) => [`${person}/${channel}`, ts])));
    if (snapshot.clock) this.#tell("clock", { clock: snapshot.clock }); // first: what is drawn says "today"
    this.#tell("snapshot");
  }

  #takeMessage(channel, message, event) {
    if (event.place) this.channels.set(channel, event.place);
    else if (!this.channels.has(channel)) this.channels.set(channel, unknownPlace(channel));
    const before = this.message(channel, message.ts);
    this.#keep(channel, message);
    this.#tell("message", { channel, message, before });
  }

  #takeRequest(request) {
    this.requests.push(request);
    this.requestsTotal += 1;
    if (this.requests.length > this.#requestsKept) {
      this.requests.splice(0, this.requests.length - this.#requestsKept);
      this.requestsAreAll = false;
    }
    this.#tell("request", { request });
  }

  /** Whether that is news. */
  #takeRead({ person, channel, ts }) {
    if (ts <= (this.readMark(channel, person) ?? NOTHING)) return false;
    this.#read.set(`${person}/${channel}`, ts);
    this.#tell("read", { channel });
    return true;
  }

  #takeScene(event) {
    this.sceneStates.set(event.name, event);
    this.#tell("scene", event);
  }

  #takeView({ person, stack }) {
    this.#views.set(person, stack);
    this.#tell("view", { person });
  }

  #takeHome({ person, view }) {
    this.#homes.set(person, view);
    this.#tell("home", { person });
  }

  #takePlace(place) {
    this.channels.set(place.id, place);
    this.#tell("channel", { place });
  }

  #takeFaults(faults) {
    this.faults = faults;
    this.#tell("faults");
  }

  #takePerson(person) {
    this.people.set(person.id, person);
    this.#tell("person", { person });
  }

  #takePager(pager) {
    this.pager = pager;
    this.#tell("pager");
  }

  #keep(channel, message) {
    within(this.#messages, channel).set(message.ts, message);
    if (isReply(message)) within(this.#replies, `${channel}/${message.thread_ts}`).set(message.ts, message);
    if (message.bot && message.username) this.#names.set(message.user, message.username);
  }

  #tell(name, detail = {}) {
    this.dispatchEvent(new CustomEvent(name, { detail }));
  }
}

/** Whether a message stands in a thread, below another. */
export function isReply(message) {
  return Boolean(message.thread_ts) && message.thread_ts !== message.ts;
}

function visibleTo(message, me) {
  return !message.ephemeral_for || message.ephemeral_for === me;
}

function mentions(message, me) {
  const said = message.blocks?.length ? JSON.stringify(message.blocks) : (message.text ?? "");
  return said.includes(`<@${me}>`) || said.includes(`<@${me}|`) || said.includes(`"user_id":"${me}"`);
}

function byTime(one, other) {
  return one.ts < other.ts ? -1 : Number(one.ts > other.ts);
}

function unknownPlace(channel) {
  const direct = channel.startsWith("D") || channel === UNOPENED;
  return { id: channel, name: channel, kind: direct ? "dm" : "channel", members: [], private: direct, person: null };
}

function within(map, key) {
  if (!map.has(key)) map.set(key, new Map());
  return map.get(key);
}
