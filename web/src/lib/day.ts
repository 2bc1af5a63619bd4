/**
 * One calendar day of one zone as a straight axis of minutes.
 *
 * The grid draws elapsed time, not the face of a clock: a day on which clocks change is 23 or 25 hours
 * long, and two bookings an hour apart never fall on one another.
 */
import { MINUTES_PER_DAY, addDays, startOfDay, wallClockAt } from "./zone.ts";

export interface Day {
  readonly date: string;
  readonly zone: string;
  /** UTC minutes, end exclusive. */
  readonly start: number;
  readonly end: number;
}

export const SLOT_MINUTES = 30;

export function dayOf(date: string, zone: string): Day {
  return { date, zone, start: startOfDay(date, zone), end: startOfDay(addDays(date, 1), zone) };
}

export function dateAt(minutes: number, zone: string): string {
  return wallClockAt(minutes, zone).date;
}

export function contains(day: Day, minutes: number): boolean {
  return day.start <= minutes && minutes < day.end;
}

export function isWeekend(day: Day): boolean {
  const weekday = new Date(`${day.date}T00:00Z`).getUTCDay();
  return weekday === 0 || weekday === 6;
}

/** The starts of the day's slots, in UTC minutes. */
export function slotStarts(day: Day): number[] {
  const starts: number[] = [];
  for (let start = day.start; start < day.end; start += SLOT_MINUTES) starts.push(start);
  return starts;
}

/**
 * Event Calendar draws wall-clock days. Its axis is given elapsed minutes of a day on which no zone changes its
 * clocks, so that neither the viewer's zone nor the shown one can bend it.
 */
const CALENDAR_DAY = "2001-01-01";
const CALENDAR_ORIGIN = Date.UTC(2001, 0, 1) / 60_000;

export const calendarDate = CALENDAR_DAY;

export function toCalendar(day: Day, minutes: number): string {
  return new Date((CALENDAR_ORIGIN + minutes - day.start) * 60_000).toISOString().slice(0, 19);
}

export function fromCalendar(day: Day, floating: string): number {
  return Date.parse(`${floating.slice(0, 19)}Z`) / 60_000 - CALENDAR_ORIGIN + day.start;
}

/** The instant of a date that Event Calendar hands out: its own day in the fields of a local date. */
export function fromFloating(day: Day, floating: Date): number {
  const [year, month, date] = [floating.getFullYear(), floating.getMonth(), floating.getDate()];
  const shown = Date.UTC(year, month, date, floating.getHours(), floating.getMinutes());
  return shown / 60_000 - CALENDAR_ORIGIN + day.start;
}

/** The length of the day as Event Calendar writes durations. */
export function calendarLength(day: Day): string {
  const minutes = day.end - day.start;
  return `${Math.floor(minutes / 60)}:${String(minutes % 60).padStart(2, "0")}`;
}

/** The first half hour that has not begun, or 09:00 on another day. */
export function suggestedStart(day: Day, now: number): number {
  if (!contains(day, now)) return Math.min(day.start + 9 * 60, day.end - SLOT_MINUTES);
  const next = day.start + Math.ceil((now - day.start) / SLOT_MINUTES) * SLOT_MINUTES;
  return Math.min(next, day.end - 2 * SLOT_MINUTES);
}

/** Days from one date to another. */
export function daysBetween(from: string, to: string): number {
  return Math.round((startOfDay(to, "UTC") - startOfDay(from, "UTC")) / MINUTES_PER_DAY);
}
