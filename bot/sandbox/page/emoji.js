// The common emoji by their Slack names. Those that deploy messages lean on are drawn here, so that the page (and the
// pictures taken of it) looks the same on machines without an emoji font; the others are left to the font.

import { drawing, element } from "./dom.js";

const CHARACTERS = {
  "+1": "👍", "-1": "👎", "100": "💯", "1234": "🔢", adhesive_bandage: "🩹", alarm_clock: "⏰", ambulance: "🚑", anchor: "⚓",
  arrow_backward: "◀️", arrow_down: "⬇️", arrow_forward: "▶️", arrow_heading_up: "⤴️", arrow_left: "⬅️", arrow_right: "➡️",
  arrow_up: "⬆️", arrows_clockwise: "🔃", arrows_counterclockwise: "🔄", bar_chart: "📊", beetle: "🪲", bell: "🔔",
  black_circle: "⚫", black_large_square: "⬛", blue_circle: "🔵", large_blue_circle: "🔵", large_blue_square: "🟦", book: "📖",
  bookmark: "🔖", boom: "💥", brain: "🧠", broom: "🧹", bug: "🐛", building_construction: "🏗️", bulb: "💡", bust_in_silhouette: "👤",
  busts_in_silhouette: "👥", calendar: "📅", chart_with_downwards_trend: "📉", chart_with_upwards_trend: "📈", clap: "👏",
  clipboard: "📋", clock1: "🕐", cloud: "☁️", coffee: "☕", computer: "💻", confused: "😕", construction: "🚧",
  construction_worker: "👷", crossed_swords: "⚔️", cry: "😢", date: "📅", dizzy: "💫", double_vertical_bar: "⏸️", email: "📧",
  envelope: "✉️", exclamation: "❗", eyes: "👀", fast_forward: "⏩", file_folder: "📁", fire: "🔥", fire_engine: "🚒",
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

const disc = (fill, rim) => [["circle", { cx: 8, cy: 8, r: 6.2, fill, stroke: rim, "stroke-width": 1 }]];
const line = (d, stroke, width = 1.6) => ["path", { d, fill: "none", stroke, "stroke-width": width, "stroke-linecap": "round", "stroke-linejoin": "round" }];
const shape = (d, fill) => ["path", { d, fill }];
const plate = (fill) => ["rect", { x: 1.2, y: 1.2, width: 13.6, height: 13.6, rx: 3, fill }];
const BELL = "M8 1.6a4 4 0 0 0-4 4v3L2.5 11.4h11L12 8.6v-3a4 4 0 0 0-4-4ZM6.3 12.4a1.8 1.8 0 0 0 3.4 0z";

const DRAWINGS = {
  "✅": [plate("#2a9d5c"), line("m4.4 8.3 2.5 2.5 4.8-5.4", "#fff", 2)],
  "✔": [line("m3 8.6 3.4 3.4L13 4.4", "#2a9d5c", 2.4)],
  "❌": [line("m3.4 3.4 9.2 9.2m0-9.2-9.2 9.2", "#d6303f", 2.8)],
  "❎": [plate("#2a9d5c"), line("m5 5 6 6m0-6-6 6", "#fff", 2)],
  "⚠": [shape("M8 1.4a1 1 0 0 1 .9.5l6 11a1 1 0 0 1-.9 1.5H2a1 1 0 0 1-.9-1.5l6-11A1 1 0 0 1 8 1.4Z", "#f2b01e"), line("M8 5.6v4", "#3b2a00", 1.7), ["circle", { cx: 8, cy: 12, r: 1, fill: "#3b2a00" }]],
  "🔴": disc("#dd3b46", "#b8242f"), "🟠": disc("#f08a24", "#cc6c0d"), "🟡": disc("#f4c430", "#d3a10f"), "🟢": disc("#33a95f", "#1f8447"),
  "🔵": disc("#3c8be0", "#2169b8"), "🟣": disc("#9b5fd0", "#7940ae"), "⚪": disc("#f4f5f7", "#a9b1bb"), "⚫": disc("#3a3f47", "#1f2329"),
  "🚀": [shape("M14.5 1.5c-4 0-7 2-8.8 5.2L3 7.2 1.4 9.8l3 .4 1.4 1.4.4 3 2.6-1.6.5-2.7c3.2-1.8 5.2-4.8 5.2-8.8Z", "#8d99a8"), ["circle", { cx: 10.4, cy: 5.6, r: 1.5, fill: "#2f7fd1" }], shape("M4.4 11.2c-1.5.3-2.3 1.6-2.6 3.6 2-.3 3.3-1.1 3.6-2.6z", "#f08a24"), shape("M14.5 1.5c-1.3 0-2.5.2-3.6.6l3 3c.4-1.1.6-2.3.6-3.6Z", "#dd3b46")],
  "⏳": [line("M4 1.8h8M4 14.2h8", "#8a5a2b", 1.6), shape("M5 2.6h6v2.2L8.9 8l2.1 3.2v2.2H5v-2.2L7.1 8 5 4.8Z", "#bfdcec"), shape("M6 4.6h4L8 7.5zM5.6 13.2 8 10.2l2.4 3z", "#e2a530")],
  "⌛": [line("M4 1.8h8M4 14.2h8", "#8a5a2b", 1.6), shape("M5 2.6h6v2.2L8.9 8l2.1 3.2v2.2H5v-2.2L7.1 8 5 4.8Z", "#bfdcec"), shape("M5.6 13.2 6.2 11 8 9l1.8 2 .6 2.2z", "#e2a530")],
  "↩": [plate("#5b7c99"), line("M6.4 4.2 3.8 6.8l2.6 2.6M3.8 6.8h5.6a2.5 2.5 0 0 1 0 5H7", "#fff", 1.6)],
  "⏪": [plate("#5b7c99"), shape("M8 4.6v6.8L3 8zM13 4.6v6.8L8 8z", "#fff")],
  "🔄": [plate("#5b7c99"), line("M4 7.2a4.2 4.2 0 0 1 7.6-1.4M12 8.8a4.2 4.2 0 0 1-7.6 1.4M11.8 3.6v2.4H9.4M4.2 12.4V10h2.4", "#fff", 1.4)],
  "🔔": [shape(BELL, "#e2a530")],
  "🔕": [shape(BELL, "#a9b1bb"), line("M2 2l12 12", "#d6303f", 1.8)],
  "🔒": [line("M5 7V5.2a3 3 0 0 1 6 0V7", "#7d8894", 1.6), ["rect", { x: 3, y: 6.8, width: 10, height: 7.4, rx: 1.6, fill: "#e2a530" }], ["circle", { cx: 8, cy: 10.4, r: 1.2, fill: "#6b4a05" }]],
  "🔓": [line("M5 7V4.6a3 3 0 0 1 5.7-1.2", "#7d8894", 1.6), ["rect", { x: 3, y: 6.8, width: 10, height: 7.4, rx: 1.6, fill: "#e2a530" }], ["circle", { cx: 8, cy: 10.4, r: 1.2, fill: "#6b4a05" }]],
  "🚨": [shape("M4 11V8a4 4 0 0 1 8 0v3z", "#dd3b46"), ["rect", { x: 2.6, y: 11, width: 10.8, height: 3, rx: 1, fill: "#6d7885" }], line("M8 .9v1.2M2.2 3.4l.9.9M13.8 3.4l-.9.9", "#dd3b46", 1.3)],
  "ℹ": [plate("#3c8be0"), line("M8 7.4v4.2", "#fff", 1.9), ["circle", { cx: 8, cy: 4.7, r: 1.1, fill: "#fff" }]],
  "⛔": [["circle", { cx: 8, cy: 8, r: 6.6, fill: "#dd3b46" }], line("M4.4 8h7.2", "#fff", 2.2)],
  "🚫": [["circle", { cx: 8, cy: 8, r: 5.8, fill: "none", stroke: "#dd3b46", "stroke-width": 1.8 }], line("m4 4 8 8", "#dd3b46", 1.8)],
  "🛑": [shape("M5.2 1.4h5.6l3.8 3.8v5.6l-3.8 3.8H5.2l-3.8-3.8V5.2Z", "#dd3b46"), line("M4.8 8h6.4", "#fff", 2)],
  "👀": [["ellipse", { cx: 4.6, cy: 8, rx: 3.1, ry: 4.8, fill: "#f4f5f7", stroke: "#7d8894", "stroke-width": 0.8 }], ["ellipse", { cx: 11.4, cy: 8, rx: 3.1, ry: 4.8, fill: "#f4f5f7", stroke: "#7d8894", "stroke-width": 0.8 }], ["ellipse", { cx: 3.8, cy: 8.6, rx: 1.5, ry: 2.2, fill: "#2b3138" }], ["ellipse", { cx: 10.6, cy: 8.6, rx: 1.5, ry: 2.2, fill: "#2b3138" }]],
  "📦": [shape("M1.8 4.8 8 2l6.2 2.8v6.8L8 14.4l-6.2-2.8Z", "#b98652"), shape("M8 7.6v6.8l6.2-2.8V4.8z", "#96683a"), line("M1.8 4.8 8 7.6l6.2-2.8", "#e0b98c", 0.9)],
  "🚢": [shape("M1.6 9.4h12.8l-1.8 4.4H3.6Z", "#2f5f86"), shape("M4 6.2h8v2.6H4z", "#e9edf1"), shape("M6 3.4h2.2v2.4H6z", "#dd3b46"), line("M1.4 14.6c1.1-.8 2.2-.8 3.3 0s2.2.8 3.3 0 2.2-.8 3.3 0 2.2.8 3.3 0", "#3c8be0", 1)],
  "⚓": [line("M8 5.6v8.6M5.4 7.6h5.2M2.4 9.4c.4 2.9 2.7 4.8 5.6 4.8s5.2-1.9 5.6-4.8", "#4a6d8c", 1.6), ["circle", { cx: 8, cy: 3.6, r: 1.7, fill: "none", stroke: "#4a6d8c", "stroke-width": 1.4 }]],
  "🔗": [line("M6.8 9.2a2.6 2.6 0 0 0 3.7 0l2.3-2.3a2.6 2.6 0 0 0-3.7-3.7l-.9.9M9.2 6.8a2.6 2.6 0 0 0-3.7 0L3.2 9.1a2.6 2.6 0 0 0 3.7 3.7l.9-.9", "#6d7885", 1.5)],
  "⏸": [plate("#5b7c99"), line("M6 5v6M10 5v6", "#fff", 1.9)],
  "▶": [plate("#5b7c99"), shape("M6 4.4v7.2L12 8z", "#fff")],
  "🕐": [["circle", { cx: 8, cy: 8, r: 6.2, fill: "#f4f5f7", stroke: "#7d8894", "stroke-width": 1.2 }], line("M8 8V4.2M8 8l2-3", "#2b3138", 1.2)],
  "🚧": [["rect", { x: 1.4, y: 4, width: 13.2, height: 5, rx: 0.8, fill: "#f2b01e" }], shape("M3 4h2.4L3.4 9H1.4V8zM8 4h2.4l-2 5H6zM13 4h1.6v1.8L13.4 9H11z", "#33383f"), line("M4 9v5M12 9v5", "#7d8894", 1.4)],
  "🔍": [["circle", { cx: 6.6, cy: 6.6, r: 4.2, fill: "#cfe6f5", stroke: "#5c6773", "stroke-width": 1.4 }], line("m9.8 9.8 4 4", "#8a5a2b", 2.2)],
  "👍": [shape("M5.2 7.2 8 1.8c1.3 0 1.9.9 1.7 2.1l-.4 2.3h3.3c.9 0 1.5.8 1.3 1.6l-1.2 4.9c-.2.8-.8 1.3-1.6 1.3H5.2Z", "#f4c430"), ["rect", { x: 1.8, y: 7, width: 2.6, height: 7.2, rx: 0.8, fill: "#d3a10f" }]],
  "❗": [line("M8 2.4v6.8", "#d6303f", 2.6), ["circle", { cx: 8, cy: 13, r: 1.5, fill: "#d6303f" }]],
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
