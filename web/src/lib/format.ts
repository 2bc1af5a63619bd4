/** Dates and times in the reader's language, each in the zone that it is about. */
import type { Room, Slot } from "bayou";
import { offsetAt } from "./zone.ts";

type Style = "time" | "day" | "dayLong";

const STYLES: Record<Style, Intl.DateTimeFormatOptions> = {
  time: { hour: "numeric", minute: "2-digit" },
  day: { weekday: "short", day: "numeric", month: "short" },
  dayLong: { weekday: "long", day: "numeric", month: "long", year: "numeric" },
};

const formatters = new Map<string, Intl.DateTimeFormat>();

function format(minutes: number, zone: string, style: Style): string {
  const key = `${style} ${zone}`;
  let formatter = formatters.get(key);
  if (formatter === undefined) {
    formatter = new Intl.DateTimeFormat(undefined, { ...STYLES[style], timeZone: zone });
    formatters.set(key, formatter);
  }
  return formatter.format(minutes * 60_000);
}

export const time = (minutes: number, zone: string): string => format(minutes, zone, "time");
export const day = (minutes: number, zone: string): string => format(minutes, zone, "day");
export const dayLong = (minutes: number, zone: string): string => format(minutes, zone, "dayLong");

const NO_BREAK_SPACE = "\u00a0";
const TO = `${NO_BREAK_SPACE}–${NO_BREAK_SPACE}`;

/** `9:00 – 10:00`; an end on another day says which. */
export function timeRange({ start, end }: Slot, zone: string): string {
  const sameDay = day(start, zone) === day(end - 1, zone);
  return `${time(start, zone)}${TO}${sameDay ? "" : `${day(end, zone)}, `}${time(end, zone)}`;
}

export function dayAndTime(slot: Slot, zone: string): string {
  return `${day(slot.start, zone)}, ${timeRange(slot, zone)}`;
}

/** Whether two zones' clocks show the same at both ends of a stretch of time. */
export function sameClocks({ start, end }: Slot, a: string, b: string): boolean {
  return offsetAt(start, a) === offsetAt(start, b) && offsetAt(end, a) === offsetAt(end, b);
}

/** `Europe/Berlin` as people say it: `Berlin`. */
export function zoneCity(zone: string): string {
  return (zone.split("/").at(-1) ?? zone).replaceAll("_", " ");
}

/** `30 min`, `1 h`, `1 h 30 min`. */
export function duration(minutes: number): string {
  const hours = Math.floor(minutes / 60);
  const rest = minutes % 60;
  return [hours > 0 ? `${hours} h` : "", rest > 0 || hours === 0 ? `${rest} min` : ""]
    .filter((part) => part !== "")
    .join(" ");
}

export function plural(count: number, one: string, many: string): string {
  return `${count} ${count === 1 ? one : many}`;
}

/** `8 seats, Video, Whiteboard`: what a room has to offer. */
export function roomDetails({ seats, equipment }: Room): string {
  return [plural(seats, "seat", "seats"), ...equipment].join(", ");
}
