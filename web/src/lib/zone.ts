/**
 * Wall-clock time in an IANA zone, to and from UTC minutes since 1970-01-01T00:00Z.
 *
 * All knowledge of zones is the browser's (`Intl`); here is only the arithmetic around it. A wall-clock
 * time can name one instant, two (when clocks go back) or none (when they go forward), and the three cases
 * are told apart so that the form can say what it does.
 */

export const MINUTES_PER_DAY = 1440;

/** `YYYY-MM-DD` and `HH:MM`, as `<input type="date">` and `<input type="time">` have them. */
export interface WallClock {
  date: string;
  time: string;
}

export type Resolved =
  | { kind: "exact"; minutes: number }
  /** Clocks go back: the time happens twice. `minutes` is the earlier instant. */
  | { kind: "ambiguous"; minutes: number; later: number }
  /** Clocks go forward from `gapStart` to `gapEnd`; `minutes` is the instant at which they do. */
  | { kind: "nonexistent"; minutes: number; gapStart: WallClock; gapEnd: WallClock };

const formatters = new Map<string, Intl.DateTimeFormat>();

function formatterOf(zone: string): Intl.DateTimeFormat {
  let formatter = formatters.get(zone);
  if (formatter === undefined) {
    formatter = new Intl.DateTimeFormat("en-u-ca-gregory-nu-latn", {
      timeZone: zone,
      hourCycle: "h23",
      era: "short",
      year: "numeric",
      month: "2-digit",
      day: "2-digit",
      hour: "2-digit",
      minute: "2-digit",
    });
    formatters.set(zone, formatter);
  }
  return formatter;
}

/** Whether this browser knows the zone. */
export function isZone(zone: string): boolean {
  try {
    formatterOf(zone);
    return zone !== "";
  } catch {
    return false;
  }
}

export function viewerZone(): string {
  return new Intl.DateTimeFormat().resolvedOptions().timeZone;
}

/** The wall clock of `zone` at an instant, written as if it were UTC. */
function localMinutes(minutes: number, zone: string): number {
  const fields: Record<string, string> = {};
  for (const { type, value } of formatterOf(zone).formatToParts(minutes * 60_000)) {
    fields[type] = value;
  }
  const year = Number(fields.year);
  const date = new Date(0);
  date.setUTCFullYear(
    fields.era === "BC" ? 1 - year : year,
    Number(fields.month) - 1,
    Number(fields.day),
  );
  date.setUTCHours(Number(fields.hour), Number(fields.minute));
  return date.getTime() / 60_000;
}

/** How far the zone's clocks are ahead of UTC at an instant, in minutes. */
export function offsetAt(minutes: number, zone: string): number {
  return localMinutes(minutes, zone) - minutes;
}

function pad(value: number, digits: number): string {
  return String(value).padStart(digits, "0");
}

function wallClock(local: number): WallClock {
  const date = new Date(local * 60_000);
  return {
    date: `${pad(date.getUTCFullYear(), 4)}-${pad(date.getUTCMonth() + 1, 2)}-${pad(date.getUTCDate(), 2)}`,
    time: `${pad(date.getUTCHours(), 2)}:${pad(date.getUTCMinutes(), 2)}`,
  };
}

export function wallClockAt(minutes: number, zone: string): WallClock {
  return wallClock(localMinutes(minutes, zone));
}

/** Days since 1970-01-01, or `undefined` for what is no date (`2026-02-30`). */
export function dayNumber(date: string): number | undefined {
  const match = /^(\d{4})-(\d{2})-(\d{2})$/.exec(date);
  if (match === null) return undefined;
  const at = new Date(0);
  at.setUTCFullYear(Number(match[1]), Number(match[2]) - 1, Number(match[3]));
  const day = at.getTime() / 86_400_000;
  return wallClock(day * MINUTES_PER_DAY).date === date ? day : undefined;
}

/** Minutes since midnight on the clock's face, or `undefined` for what is no time (`25:00`). */
export function timeOfDay(time: string): number | undefined {
  const match = /^([01]\d|2[0-3]):([0-5]\d)(?::00)?$/.exec(time);
  return match === null ? undefined : Number(match[1]) * 60 + Number(match[2]);
}

export function addDays(date: string, days: number): string {
  const day = dayNumber(date);
  if (day === undefined) throw new RangeError(`${date} is not a date`);
  return wallClock((day + days) * MINUTES_PER_DAY).date;
}

/** The first minute in `(from, to]` at which the zone's offset is the one at `to`. */
function transitionBetween(from: number, to: number, zone: string): number {
  const after = offsetAt(to, zone);
  let low = from;
  let high = to;
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    if (offsetAt(middle, zone) === after) high = middle;
    else low = middle;
  }
  return high;
}

/** The instant, or instants, that a wall-clock time names; `undefined` if it is no date or no time. */
export function resolve(at: WallClock, zone: string): Resolved | undefined {
  const day = dayNumber(at.date);
  const time = timeOfDay(at.time);
  if (day === undefined || time === undefined) return undefined;
  const local = day * MINUTES_PER_DAY + time;

  // Offsets a day before and after cover both sides of any change of the clocks near this time.
  const before = local - MINUTES_PER_DAY;
  const after = local + MINUTES_PER_DAY;
  const offsets = new Set([offsetAt(before, zone), offsetAt(after, zone)]);
  const instants = [...offsets]
    .map((offset) => local - offset)
    .filter((minutes) => localMinutes(minutes, zone) === local)
    .sort((a, b) => a - b);

  const [first, second] = instants;
  if (first === undefined) {
    const change = transitionBetween(before, after, zone);
    return {
      kind: "nonexistent",
      minutes: change,
      gapStart: wallClock(change + offsetAt(change - 1, zone)),
      gapEnd: wallClockAt(change, zone),
    };
  }
  return second === undefined
    ? { kind: "exact", minutes: first }
    : { kind: "ambiguous", minutes: first, later: second };
}

/** The first instant of a calendar day in a zone; it is not always 00:00. */
export function startOfDay(date: string, zone: string): number {
  const resolved = resolve({ date, time: "00:00" }, zone);
  if (resolved === undefined) throw new RangeError(`${date} is not a date`);
  return resolved.minutes;
}
