import { expect, test } from "vitest";
import {
  calendarLength,
  contains,
  dayOf,
  daysBetween,
  fromCalendar,
  fromFloating,
  isWeekend,
  slotStarts,
  suggestedStart,
  toCalendar,
} from "./day.ts";

test("an ordinary day has 48 half hours", () => {
  const day = dayOf("2026-06-01", "Europe/Berlin");
  expect(slotStarts(day)).toHaveLength(48);
  expect(calendarLength(day)).toBe("24:00");
});

test("days on which clocks change are 23 and 25 hours long", () => {
  expect(calendarLength(dayOf("2026-03-29", "Europe/Berlin"))).toBe("23:00");
  expect(calendarLength(dayOf("2026-10-25", "Europe/Berlin"))).toBe("25:00");
  expect(calendarLength(dayOf("2026-10-04", "Australia/Lord_Howe"))).toBe("23:30");
});

test("an instant is found again on the calendar's axis, also beyond midnight", () => {
  const day = dayOf("2026-10-25", "Europe/Berlin");
  expect(toCalendar(day, day.start + 90)).toBe("2001-01-01T01:30:00");
  for (const minutes of [day.start - 60, day.start, day.start + 1470, day.end]) {
    expect(fromCalendar(day, toCalendar(day, minutes))).toBe(minutes);
  }
  expect(fromFloating(day, new Date(2001, 0, 1, 1, 30))).toBe(day.start + 90);
  expect(fromFloating(day, new Date(2001, 0, 2, 0, 30))).toBe(day.start + 1470);
});

test("a new booking starts at the next half hour today and at nine on another day", () => {
  const day = dayOf("2026-06-01", "UTC");
  expect(suggestedStart(day, day.start + 601)).toBe(day.start + 630);
  expect(suggestedStart(day, day.start + 600)).toBe(day.start + 600);
  expect(suggestedStart(day, day.end - 5)).toBe(day.end - 60);
  expect(suggestedStart(day, day.end)).toBe(day.start + 540);
});

test("a day holds its first minute and not its end", () => {
  const day = dayOf("2026-06-01", "UTC");
  expect(contains(day, day.start)).toBe(true);
  expect(contains(day, day.end)).toBe(false);
});

test("days are counted by the calendar", () => {
  expect(daysBetween("2026-03-28", "2026-03-30")).toBe(2);
  expect(daysBetween("2026-03-30", "2026-03-28")).toBe(-2);
});

test("Saturday and Sunday are the weekend", () => {
  expect(
    ["2026-03-06", "2026-03-07", "2026-03-08", "2026-03-09"].map((date) =>
      isWeekend(dayOf(date, "UTC")),
    ),
  ).toEqual([false, true, true, false]);
});
