// Where the choices of a select menu come from, and what choosing is called in the payload
// (docs.slack.dev/reference/block-kit/block-elements/select-menu-element and multi-select-menu-element).

import { plainWords } from "./texts.js";

const KINDS = {
  static_select: fromBlock,
  multi_static_select: fromBlock,
  external_select: fromApp,
  multi_external_select: fromApp,
  users_select: fromPeople,
  multi_users_select: fromPeople,
  conversations_select: fromConversations,
  multi_conversations_select: fromConversations,
  channels_select: fromChannels,
  multi_channels_select: fromChannels,
};

/** The types of select there are. */
export const SELECTS = Object.keys(KINDS);

/** The source of a select's choices; see drawPicker. */
export function sourceOf(part, block, context) {
  return KINDS[part.type](part, block, context);
}

function fromBlock(part) {
  const groups = part.option_groups ?? [{ options: part.options ?? [] }];
  const choices = fromGroups(groups);
  return {
    initial: optionsOf(part).map(asChoice),
    find: (words) => choices.filter((choice) => matches(choice, words)),
    action: (value) => (part.type === "static_select" ? { chosen: value } : { selected_options: value ?? [] }),
  };
}

function fromApp(part, block, context) {
  return {
    initial: optionsOf(part).map(asChoice),
    asks: true,
    find: async (words) => {
      const { options, option_groups: groups } = await context.suggest(block, part, words);
      return fromGroups(groups ?? [{ options: options ?? [] }]);
    },
    action: (value) => (part.type === "external_select" ? { chosen: value } : { selected_options: value ?? [] }),
  };
}

function fromPeople(part, block, { workspace }) {
  const choices = workspace.people().map((person) => named(person.id, person.real_name ?? person.name));
  return local(choices, part.initial_users ?? [part.initial_user], (value) => (part.type === "users_select" ? { selected_user: value } : { selected_users: value ?? [] }));
}

function fromChannels(part, block, { workspace }) {
  const choices = workspace.places().filter((place) => place.kind !== "dm" && !place.private).map(asPlace);
  return local(choices, part.initial_channels ?? [part.initial_channel], (value) =>
    part.type === "channels_select" ? { selected_channel: value } : { selected_channels: value ?? [] },
  );
}

function fromConversations(part, block, { workspace, here }) {
  const include = part.filter?.include ?? ["public", "private", "im", "mpim"];
  const wanted = (place) => include.includes(place.kind === "dm" ? "im" : place.private ? "private" : "public");
  const initial = part.initial_conversations ?? [part.initial_conversation ?? (part.default_to_current_conversation ? here?.() : null)];
  return local(workspace.places().filter(wanted).map(asPlace), initial, (value) =>
    part.type === "conversations_select" ? { selected_conversation: value } : { selected_conversations: value ?? [] },
  );
}

function local(choices, initial, action) {
  return {
    initial: choices.filter(({ value }) => initial.includes(value)),
    find: (words) => choices.filter((choice) => matches(choice, words)),
    action,
  };
}

function optionsOf(part) {
  return part.initial_options ?? [part.initial_option].filter(Boolean);
}

function fromGroups(groups) {
  return groups.flatMap((group) => group.options.map((option) => ({ ...asChoice(option), group: plainWords(group.label) || null })));
}

function asChoice(option) {
  return { value: option.value, text: option.text, detail: option.description ?? null };
}

function asPlace(place) {
  return named(place.id, place.kind === "dm" ? place.title : `${place.private ? "🔒 " : "#"}${place.name}`);
}

function named(value, words) {
  return { value, text: { type: "plain_text", text: words, emoji: false } };
}

function matches(choice, words) {
  return plainWords(choice.text).toLowerCase().includes(words);
}
