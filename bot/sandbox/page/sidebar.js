// The list of channels and direct conversations of the person one acts as, with what they have not read. A place keeps
// its button as long as it is listed, whatever is written on it: one replaced under the pointer swallows the click.

import { element, icon, ICONS } from "./dom.js";
import { avatar } from "./messages.js";

const MOST_SAID = 99;
const LONG_NAME = 18;
const LONGEST_ENDING = 14;

/** Draw both lists. `open(id)` goes to a place; `looking` is whether the current one is seen, and so read. */
export function drawPlaces({ channelList, directList }, store, { me, current, looking, open }) {
  const { channels, direct } = store.placesOf(me);
  const seen = (place, name) => ({ id: place.id, name, private: place.private, here: place.id === current, ...(place.id === current && looking ? { count: 0, loud: 0 } : store.unread(place.id, me)) });
  const rooms = channels.map((channel) => seen(channel, channel.name));
  const conversations = direct.map((place) => seen(place, store.appName));
  ifDifferent(channelList, rooms, () => rooms.map((room) => placeItem(channelList, room, channelMark(room), null, open)));
  ifDifferent(directList, conversations, () => conversations.map((one) => placeItem(directList, one, avatar({ name: one.name, bot: true }, "small"), element("span", { class: "app-badge" }, "App"), open)));
}

/** The choice of whom to act as; those with unread direct messages say so. */
export function drawPeople(select, store, me) {
  const people = [...store.people.values()].map((person) => {
    const direct = person.id === me ? null : store.placesOf(person.id).direct[0];
    const waiting = direct ? store.unread(direct.id, person.id).count : 0;
    const name = `${person.real_name ?? person.name}${person.stranger ? ", of another workspace" : person.guest ? ", guest" : ""}`;
    return { id: person.id, words: waiting ? `${name} (${waiting} new)` : name };
  });
  ifDifferent(select, people, () => people.map((person) => element("option", { value: person.id }, person.words)));
  select.value = me;
}

function few(count) {
  return count > MOST_SAID ? `${MOST_SAID}+` : String(count);
}

function ifDifferent(list, content, draw) {
  const key = JSON.stringify(content);
  if (list.dataset.drawn === key) return;
  list.dataset.drawn = key;
  const items = draw();
  for (const gone of [...list.children].filter((one) => !items.includes(one))) gone.remove();
  items.forEach((item, at) => {
    if (list.children[at] !== item) list.insertBefore(item, list.children[at] ?? null);
  });
}

function channelMark(channel) {
  return channel.private ? icon(ICONS.lock, "icon place-mark") : element("span", { class: "place-mark", "aria-hidden": "true" }, "#");
}

/** Of a name that is too long the middle is left out, not its last words: the rooms of one day begin alike. */
function placeName(name) {
  const tail = name.slice(-LONGEST_ENDING);
  const start = name.length > LONG_NAME ? name.length - tail.length + Math.max(tail.indexOf("-") + 1, 0) : name.length;
  return element("span", { class: "place-name", title: name }, element("span", { class: "name-start" }, name.slice(0, start)), element("span", { class: "name-end" }, name.slice(start)));
}

function placeItem(list, { id, name, here, count, loud }, mark, badge, open) {
  const item = [...list.children].find((one) => one.firstElementChild.dataset.place === id) ?? newItem(id, open);
  const button = item.firstElementChild;
  button.className = count ? "place unread" : "place";
  here ? button.setAttribute("aria-current", "page") : button.removeAttribute("aria-current");
  const words = [
    mark,
    placeName(name),
    badge,
    count > 0 && element("span", { class: loud > 0 ? "count" : "count quiet", "aria-hidden": "true" }, few(loud || count)),
    count > 0 && element("span", { class: "sr-only" }, `, ${count} unread`),
  ];
  button.replaceChildren(...words.filter(Boolean));
  return item;
}

function newItem(id, open) {
  return element("li", {}, element("button", { type: "button", dataset: { place: id }, on: { click: () => open(id) } }));
}
