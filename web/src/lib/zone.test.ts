import { describe, expect, test } from "vitest";
import {
  addDays,
  dayNumber,
  isZone,
  offsetAt,
  resolve,
  startOfDay,
  timeOfDay,
  wallClockAt,
} from "./zone.ts";

/** UTC minutes of an ISO instant. */
const utc = (iso: string): number => Date.parse(iso) / 60_000;

describe("resolve", () => {
  test("a plain time names one instant", () => {
    expect(resolve({ date: "2026-03-03", time: "09:30" }, "Europe/Berlin")).toEqual({
      kind: "exact",
      minutes: utc("2026-03-03T08:30Z"),
    });
  });

  test("a time that clocks skip does not exist, and the gap is told", () => {
    expect(resolve({ date: "2026-03-29", time: "02:30" }, "Europe/Berlin")).toEqual({
      kind: "nonexistent",
      minutes: utc("2026-03-29T01:00Z"),
      gapStart: { date: "2026-03-29", time: "02:00" },
      gapEnd: { date: "2026-03-29", time: "03:00" },
    });
  });

  test("the edges of a gap: its first minute is missing, its end exists", () => {
    expect(resolve({ date: "2026-03-29", time: "01:59" }, "Europe/Berlin")?.kind).toBe("exact");
    expect(resolve({ date: "2026-03-29", time: "02:00" }, "Europe/Berlin")?.kind).toBe(
      "nonexistent",
    );
    expect(resolve({ date: "2026-03-29", time: "03:00" }, "Europe/Berlin")).toEqual({
      kind: "exact",
      minutes: utc("2026-03-29T01:00Z"),
    });
  });

  test("a time that happens twice names the earlier instant first", () => {
    expect(resolve({ date: "2026-11-01", time: "01:30" }, "America/New_York")).toEqual({
      kind: "ambiguous",
      minutes: utc("2026-11-01T05:30Z"),
      later: utc("2026-11-01T06:30Z"),
    });
  });

  test("half an hour of daylight saving (Lord Howe)", () => {
    expect(resolve({ date: "2026-04-05", time: "01:45" }, "Australia/Lord_Howe")).toEqual({
      kind: "ambiguous",
      minutes: utc("2026-04-04T14:45Z"),
      later: utc("2026-04-04T15:15Z"),
    });
    expect(resolve({ date: "2026-10-04", time: "02:15" }, "Australia/Lord_Howe")).toMatchObject({
      kind: "nonexistent",
      gapStart: { date: "2026-10-04", time: "02:00" },
      gapEnd: { date: "2026-10-04", time: "02:30" },
    });
  });

  test("a day that a zone never had (Apia, 30 December 2011)", () => {
    expect(resolve({ date: "2011-12-30", time: "12:00" }, "Pacific/Apia")).toMatchObject({
      kind: "nonexistent",
      minutes: utc("2011-12-30T10:00Z"),
      gapStart: { date: "2011-12-30", time: "00:00" },
      gapEnd: { date: "2011-12-31", time: "00:00" },
    });
  });

  test.each([
    ["Asia/Kathmandu", "2026-06-01T03:15Z"],
    ["Asia/Kolkata", "2026-06-01T03:30Z"],
    ["Pacific/Chatham", "2026-05-31T20:15Z"],
    ["Pacific/Kiritimati", "2026-05-31T19:00Z"],
    ["Etc/GMT+12", "2026-06-01T21:00Z"],
    ["UTC", "2026-06-01T09:00Z"],
  ])("odd offsets: 09:00 in %s", (zone, instant) => {
    expect(resolve({ date: "2026-06-01", time: "09:00" }, zone)).toEqual({
      kind: "exact",
      minutes: utc(instant),
    });
  });

  test.each([
    ["2026-02-30", "09:00"],
    ["2026-13-01", "09:00"],
    ["2026-3-1", "09:00"],
    ["", "09:00"],
    ["2026-03-01", "24:00"],
    ["2026-03-01", "9:00"],
    ["2026-03-01", ""],
  ])("%j %j is no wall-clock time", (date, time) => {
    expect(resolve({ date, time }, "UTC")).toBeUndefined();
  });
});

test("every quarter of an hour of a year survives the way there and back", () => {
  for (const zone of [
    "Europe/Berlin",
    "America/New_York",
    "Australia/Lord_Howe",
    "Asia/Kathmandu",
  ]) {
    const start = utc("2026-01-01T00:00Z");
    for (let minutes = start; minutes < start + 365 * 1440; minutes += 15 * 7) {
      const resolved = resolve(wallClockAt(minutes, zone), zone);
      const instants =
        resolved?.kind === "ambiguous" ? [resolved.minutes, resolved.later] : [resolved?.minutes];
      expect(instants).toContain(minutes);
    }
  }
});

describe("startOfDay", () => {
  test("days have 23, 24 or 25 hours", () => {
    const hours = (date: string): number =>
      (startOfDay(addDays(date, 1), "Europe/Berlin") - startOfDay(date, "Europe/Berlin")) / 60;
    expect(hours("2026-03-29")).toBe(23);
    expect(hours("2026-06-01")).toBe(24);
    expect(hours("2026-10-25")).toBe(25);
  });

  test("where midnight is skipped the day starts later (Cairo)", () => {
    expect(wallClockAt(startOfDay("2026-04-24", "Africa/Cairo"), "Africa/Cairo")).toEqual({
      date: "2026-04-24",
      time: "01:00",
    });
  });
});

test("offsets are minutes ahead of UTC", () => {
  expect(offsetAt(utc("2026-06-01T00:00Z"), "Asia/Kathmandu")).toBe(345);
  expect(offsetAt(utc("2026-01-01T00:00Z"), "America/St_Johns")).toBe(-210);
});

test("dates and times are read strictly", () => {
  expect(dayNumber("1970-01-02")).toBe(1);
  expect(dayNumber("2024-02-29")).toBeDefined();
  expect(dayNumber("2026-02-29")).toBeUndefined();
  expect(timeOfDay("23:59")).toBe(1439);
  expect(timeOfDay("23:60")).toBeUndefined();
  expect(addDays("2026-12-31", 1)).toBe("2027-01-01");
  expect(() => addDays("2026-02-30", 1)).toThrow(RangeError);
});

test("a zone is one that the browser knows", () => {
  expect(isZone("Europe/Berlin")).toBe(true);
  expect(isZone("Middle/Earth")).toBe(false);
  expect(isZone("")).toBe(false);
});
