// The common emoji by their Slack names. Those that deploy messages lean on are drawn (emoji-drawings.js), so that the page (and the
// pictures taken of it) looks the same on machines without an emoji font; the others are left to the font.

import { drawing, element } from "./dom.js";
import { DRAWINGS } from "./emoji-drawings.js";

const CHARACTERS = {
  "+1": "👍", "-1": "👎", "100": "💯", "1234": "🔢", adhesive_bandage: "🩹", baby: "👶", bus: "🚌", alarm_clock: "⏰", ambulance: "🚑", anchor: "⚓",
  arrow_backward: "◀️", arrow_down: "⬇️", arrow_forward: "▶️", arrow_heading_up: "⤴️", arrow_left: "⬅️", arrow_right: "➡️",
  arrow_up: "⬆️", arrows_clockwise: "🔃", arrows_counterclockwise: "🔄", bar_chart: "📊", beetle: "🪲", bell: "🔔",
  black_circle: "⚫", black_large_square: "⬛", blue_circle: "🔵", large_blue_circle: "🔵", large_blue_square: "🟦", book: "📖",
  bookmark: "🔖", boom: "💥", brain: "🧠", broom: "🧹", bug: "🐛", building_construction: "🏗️", bulb: "💡", bust_in_silhouette: "👤",
  busts_in_silhouette: "👥", calendar: "📅", chart_with_downwards_trend: "📉", chart_with_upwards_trend: "📈", clap: "👏",
  clipboard: "📋", clock1: "🕐", cloud: "☁️", coffee: "☕", computer: "💻", confused: "😕", construction: "🚧",
  construction_worker: "👷", crossed_swords: "⚔️", cry: "😢", date: "📅", dizzy: "💫", double_vertical_bar: "⏸️", email: "📧",
  envelope: "✉️", exclamation: "❗", eyes: "👀", face_with_thermometer: "🤒", house_with_garden: "🏡", palm_tree: "🌴", fast_forward: "⏩", file_folder: "📁", fire: "🔥", fire_engine: "🚒",
  fire_extinguisher: "🧯", floppy_disk: "💾", gear: "⚙️", ghost: "👻", gift: "🎁", globe_with_meridians: "🌐", green_circle: "🟢",
  large_green_circle: "🟢", green_heart: "💚", grey_question: "❔", grin: "😁", grinning: "😀", hammer: "🔨",
  hammer_and_wrench: "🛠️", hand: "✋", heart: "❤️", heavy_check_mark: "✔️", heavy_exclamation_mark: "❗", heavy_minus_sign: "➖",
  heavy_multiplication_x: "✖️", heavy_plus_sign: "➕", hourglass: "⌛", hourglass_flowing_sand: "⏳", information_source: "ℹ️",
  joy: "😂", key: "🔑", label: "🏷️", ladder: "🪜", leftwards_arrow_with_hook: "↩️", link: "🔗", lock: "🔒", loudspeaker: "📢",
  mag: "🔍", mag_right: "🔎", mega: "📣", memo: "📝", microscope: "🔬", monorail: "🚝", moon: "🌔", muscle: "💪", mute: "🔇",
  negative_squared_cross_mark: "❎", new: "🆕", no_bell: "🔕", no_entry: "⛔", no_entry_sign: "🚫", octagonal_sign: "🛑", ok: "🆗",
  ok_hand: "👌", orange_circle: "🟠", large_orange_circle: "🟠", package: "📦", pager: "📟", page_facing_up: "📄", paperclip: "📎",
  partying_face: "🥳", passenger_ship: "🛳️", pause_button: "⏸️", pencil: "📝", pencil2: "✏️", phone: "☎️", point_down: "👇",
  point_left: "👈", point_right: "👉", point_up: "☝️", police_car: "🚓", pray: "🙏", purple_circle: "🟣", large_purple_circle: "🟣",
  pushpin: "📌", question: "❓", radio_button: "🔘", rage: "😡", railway_car: "🚃", rainbow: "🌈", raised_hand: "✋",
  raised_hands: "🙌", red_circle: "🔴", rewind: "⏪", robot_face: "🤖", rocket: "🚀", rotating_light: "🚨", round_pushpin: "📍",
  running: "🏃", scissors: "✂️", scream: "😱", scroll: "📜", see_no_evil: "🙈", seedling: "🌱", shield: "🛡️", ship: "🚢",
  shipit: "🐿️", shrug: "🤷", skull: "💀", sleeping: "😴", slightly_smiling_face: "🙂", smile: "😄", smiley: "😃", snail: "🐌",
  snowflake: "❄️", sob: "😭", sos: "🆘", sparkles: "✨", speech_balloon: "💬", spider_web: "🕸️", star: "⭐",
  steam_locomotive: "🚂", station: "🚉", stop_button: "⏹️", stopwatch: "⏱️", sunny: "☀️", sweat_smile: "😅", tada: "🎉",
  test_tube: "🧪", thinking_face: "🤔", thumbsdown: "👎", thumbsup: "👍", ticket: "🎫", timer_clock: "⏲️", traffic_light: "🚥",
  train: "🚋", train2: "🚆", triangular_flag_on_post: "🚩", trophy: "🏆", truck: "🚚", turtle: "🐢", twisted_rightwards_arrows: "🔀",
  unlock: "🔓", vertical_traffic_light: "🚦", warning: "⚠️", wastebasket: "🗑️", watch: "⌚", wave: "👋", white_check_mark: "✅",
  white_circle: "⚪", white_large_square: "⬜", wink: "😉", worried: "😟", wrench: "🔧", x: "❌", yellow_circle: "🟡",
  large_yellow_circle: "🟡", yellow_heart: "💛", zap: "⚡", zipper_mouth_face: "🤐", zzz: "💤", red_square: "🟥",
  large_red_square: "🟥", large_green_square: "🟩", large_yellow_square: "🟨", left_right_arrow: "↔️", repeat: "🔁", stethoscope: "🩺",
  closed_lock_with_key: "🔐", crystal_ball: "🔮", dash: "💨", helicopter: "🚁", hospital: "🏥", innocent: "😇", motorway: "🛣️",
  ocean: "🌊", sailboat: "⛵", compass: "🧭", lifebuoy: "🛟", ring_buoy: "🛟", telescope: "🔭", umbrella: "☔", wheel: "🛞",
};

const SHORTCODE = /:([a-z0-9_+'-]+):(?::skin-tone-([2-6]):)?/y;
const PICTURE = /\p{Extended_Pictographic}(?:\ufe0f|\p{Emoji_Modifier})?(?:\u200d\p{Extended_Pictographic}\ufe0f?)*/gu;
const NEVER_PICTURES = new Set(["©", "®", "™", "↔", "↕"]);

/** The emoji whose `:name:` stands at this place in the text, as `{name, character, length}`, or null. */
export function shortcodeAt(text, at) {
  SHORTCODE.lastIndex = at;
  const found = SHORTCODE.exec(text);
  if (!found || !Object.hasOwn(CHARACTERS, found[1])) return null;
  const tone = found[2] ? String.fromCodePoint(0x1f3fb + Number(found[2]) - 2) : "";
  return { name: found[1], character: CHARACTERS[found[1]] + tone, length: found[0].length };
}

/** The names there are. */
export const EMOJI_NAMES = Object.keys(CHARACTERS);

/** The character of a name that there is. */
export function characterOf(name) {
  return CHARACTERS[name];
}

/** One emoji by name (without colons), drawn or as its character; an unknown name stays `:name:`. */
export function namedEmoji(name) {
  const character = Object.hasOwn(CHARACTERS, name) ? CHARACTERS[name] : null;
  return character === null ? document.createTextNode(`:${name}:`) : picture(character, `:${name}:`);
}

/** Plain text as nodes, in which the emoji characters are set apart (and drawn, where we have a drawing). */
export function withEmoji(text) {
  const nodes = [];
  let done = 0;
  for (const found of text.matchAll(PICTURE)) {
    if (NEVER_PICTURES.has(found[0])) continue;
    if (found.index > done) nodes.push(document.createTextNode(text.slice(done, found.index)));
    nodes.push(picture(found[0], null));
    done = found.index + found[0].length;
  }
  if (done < text.length) nodes.push(document.createTextNode(text.slice(done)));
  return nodes;
}

function picture(character, title) {
  const shapes = DRAWINGS[character.replace(/\ufe0f/g, "")];
  if (!shapes) return element("span", { class: "emoji", title }, character);
  return element(
    "span",
    { class: "emoji", role: "img", "aria-label": title ?? character, title },
    drawing("svg", { viewBox: "0 0 16 16", "aria-hidden": "true" }, shapes.map(([tag, attributes]) => drawing(tag, attributes))),
  );
}
