// Instants as people read them: Slack's date tokens (docs.slack.dev/reference/block-kit/block-elements/date-element),
// message times, day dividers. In the reader's own time zone; twelve or twenty-four hours as their browser has it.

const TWELVE_HOURS = new Intl.DateTimeFormat(undefined, { hour: "numeric" }).resolvedOptions().hour12;
const ENDINGS = { one: "st", two: "nd", few: "rd", other: "th" };
const ORDINALS = new Intl.PluralRules("en", { type: "ordinal" });

const PARTS = {
  date_num: (at, zone) => {
    const { year, month, day } = calendar(at, zone);
    return `${year}-${String(month).padStart(2, "0")}-${String(day).padStart(2, "0")}`;
  },
  date_slash: (at, zone) => new Intl.DateTimeFormat(undefined, { timeZone: known(zone) }).format(at),
  date: (at, zone) => `${monthAndDay(at, zone)}, ${calendar(at, zone).year}`,
  date_short: (at, zone) => written(at, zone, { month: "short", day: "numeric", year: "numeric" }),
  date_long: (at, zone) => `${written(at, zone, { weekday: "long" })}, ${PARTS.date(at, zone)}`,
  date_long_full: (at, zone) => written(at, zone, { month: "long", day: "numeric", year: "numeric" }),
  date_pretty: (at, zone, now) => nearby(at, zone, now) ?? PARTS.date(at, zone),
  date_short_pretty: (at, zone, now) => nearby(at, zone, now) ?? PARTS.date_short(at, zone),
  date_long_pretty: (at, zone, now) => nearby(at, zone, now) ?? PARTS.date_long(at, zone),
  day_divider_pretty: (at, zone, now) => dayName(at, zone, now),
  time: (at, zone) => written(at, zone, { hour: "numeric", minute: "2-digit" }),
  time_secs: (at, zone) => written(at, zone, { hour: "numeric", minute: "2-digit", second: "2-digit" }),
  ago: (at, zone, now) => ago(at, now),
};

/** Fill in Slack's date tokens (`{date_short_pretty} at {time}`); null when one of them is unknown, as Slack then shows the fallback. */
export function fillTokens(format, seconds, zone, now = new Date()) {
  const at = new Date(seconds * 1000);
  if (Number.isNaN(at.getTime())) return null;
  let unknown = false;
  const filled = format.replace(/\{([a-z_]+)\}/g, (whole, token, index) => {
    if (!Object.hasOwn(PARTS, token)) {
      unknown = true;
      return whole;
    }
    const part = PARTS[token](at, zone, now);
    return index === 0 ? part.charAt(0).toUpperCase() + part.slice(1) : part;
  });
  return unknown ? null : filled;
}

/** The moment a Slack timestamp names. */
export function momentOf(ts) {
  return new Date(Number.parseFloat(ts) * 1000);
}

/** Hour and minute, as beside a message. */
export function clockTime(at, zone) {
  return PARTS.time(at, zone);
}

/** To the second, as beside a request. */
export function exactTime(at, zone) {
  return PARTS.time_secs(at, zone);
}

/** The whole moment, for a tooltip. */
export function fullMoment(at, zone) {
  return written(at, zone, { weekday: "long", month: "long", day: "numeric", hour: "numeric", minute: "2-digit", second: "2-digit", timeZoneName: "short" });
}

/** "Today", "Yesterday" or the weekday and date, as in the divider between two days. */
export function dayName(at, zone, now = new Date()) {
  const near = nearby(at, zone, now);
  if (near) return near.charAt(0).toUpperCase() + near.slice(1);
  const sameYear = calendar(at, zone).year === calendar(now, zone).year;
  return sameYear ? `${written(at, zone, { weekday: "long" })}, ${monthAndDay(at, zone)}` : PARTS.date_long(at, zone);
}

/** A key that two moments of the same day in that zone share. */
export function dayKey(at, zone) {
  return PARTS.date_num(at, zone);
}

/** "3 minutes ago". */
export function ago(at, now = new Date()) {
  const seconds = Math.round((at - now) / 1000);
  const words = new Intl.RelativeTimeFormat("en", { numeric: "auto" });
  const size = Math.abs(seconds);
  if (size < 45) return seconds > 0 ? "in a moment" : "just now";
  if (size < 45 * 60) return words.format(Math.round(seconds / 60), "minute");
  if (size < 22 * 3600) return words.format(Math.round(seconds / 3600), "hour");
  return words.format(Math.round(seconds / 86400), "day");
}

function nearby(at, zone, now) {
  const days = Math.round((midnight(at, zone) - midnight(now, zone)) / 86_400_000);
  return { "-1": "yesterday", 0: "today", 1: "tomorrow" }[days] ?? null;
}

function monthAndDay(at, zone) {
  const { day } = calendar(at, zone);
  return `${written(at, zone, { month: "long" })} ${day}${ENDINGS[ORDINALS.select(day)]}`;
}

function midnight(at, zone) {
  const { year, month, day } = calendar(at, zone);
  return Date.UTC(year, month - 1, day);
}

function calendar(at, zone) {
  const parts = formatter(zone, { year: "numeric", month: "numeric", day: "numeric" }).formatToParts(at);
  const number = (type) => Number(parts.find((part) => part.type === type).value);
  return { year: number("year"), month: number("month"), day: number("day") };
}

function written(at, zone, options) {
  const hours = options.hour ? { hour12: TWELVE_HOURS } : {};
  return formatter(zone, { ...options, ...hours }).format(at);
}

const formatters = new Map(); // making one is slow, and a burst of messages asks for the same few again and again

function formatter(zone, options) {
  const key = JSON.stringify([zone, options]);
  if (!formatters.has(key)) formatters.set(key, new Intl.DateTimeFormat("en", { ...options, timeZone: known(zone) }));
  return formatters.get(key);
}

function known(zone) {
  try {
    return zone ? new Intl.DateTimeFormat("en", { timeZone: zone }).resolvedOptions().timeZone : undefined;
  } catch {
    return undefined; // a zone this browser has never heard of: its own
  }
}
