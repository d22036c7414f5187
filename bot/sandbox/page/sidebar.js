// The list of channels and direct conversations of the person one acts as, with what they have not read.

import { element, icon, ICONS } from "./dom.js";
import { avatar } from "./messages.js";

/** Draw both lists. `open(id)` goes to a place. */
export function drawPlaces({ channelList, directList }, store, { me, current, open }) {
  const { channels, direct } = store.placesOf(me);
  channelList.replaceChildren(...channels.map((channel) => placeItem(channel, channel.name, channelMark(channel), store, { me, current, open })));
  const conversations = direct.map((place) =>
    placeItem(place, store.appName, avatar({ name: store.appName, bot: true }, "small"), store, { me, current, open }, element("span", { class: "app-badge" }, "App")),
  );
  directList.replaceChildren(...(conversations.length ? conversations : [element("li", { class: "no-places" }, "No direct messages yet")]));
}

/** The choice of whom to act as; those with unread direct messages say so. */
export function drawPeople(select, store, me) {
  const options = [...store.people.values()].map((person) => {
    const direct = person.id === me ? null : store.placesOf(person.id).direct[0];
    const waiting = direct ? store.unread(direct.id, person.id).count : 0;
    return element("option", { value: person.id, selected: person.id === me }, waiting ? `${person.real_name ?? person.name} (${waiting} new)` : (person.real_name ?? person.name));
  });
  select.replaceChildren(...options);
  select.value = me;
}

function channelMark(channel) {
  return channel.private ? icon(ICONS.lock, "icon place-mark") : element("span", { class: "place-mark", "aria-hidden": "true" }, "#");
}

function placeItem(place, name, mark, store, { me, current, open }, badge = null) {
  const here = place.id === current;
  const { count, loud } = here ? { count: 0, loud: 0 } : store.unread(place.id, me);
  return element(
    "li",
    {},
    element(
      "button",
      { type: "button", class: count ? "place unread" : "place", "aria-current": here ? "page" : null, dataset: { place: place.id }, on: { click: () => open(place.id) } },
      mark,
      element("span", { class: "place-name" }, name),
      badge,
      place.archived && element("span", { class: "place-note" }, "archived"),
      loud > 0 && element("span", { class: "count", "aria-hidden": "true" }, String(loud)),
      count > 0 && element("span", { class: "sr-only" }, `, ${count} unread`),
    ),
  );
}
