import type { Booking, Room } from "bayou";
import { expect, test } from "vitest";
import { plainText } from "./phrase.ts";
import { canCancel, explanation, viewerTime } from "./states.ts";

const room = (id: string, name: string): Room => ({
  id,
  name,
  seats: 4,
  equipment: [],
  floor: "1",
  zone: "Europe/Berlin",
});
const rooms = new Map([
  ["a", room("a", "Aspen")],
  ["b", room("b", "Birch")],
]);
const nine = Date.parse("2026-03-03T08:00Z") / 60_000;
const wanted = { room: "a", start: nine, end: nine + 60 };

function booking(changes: Partial<Booking>): Booking {
  return {
    id: "1",
    title: "Standup",
    person: "p",
    name: "Ada",
    notes: "",
    slot: wanted,
    wanted,
    alternatives: [],
    state: "tentative",
    placed: true,
    cancelling: false,
    inTheWay: [],
    stamp: 1,
    write: "1@0",
    ...changes,
  };
}

/** Without the marks that isolate names, and with plain spaces. */
const said = (changes: Partial<Booking>): string =>
  plainText(explanation(booking(changes), rooms))
    .replace(/[\u2068\u2069]/g, "")
    .replaceAll("\u00a0", " ");

const grace = { id: "2", title: "Review", name: "Grace", slot: wanted };

test("a booking in its place needs no words", () => {
  expect(said({})).toBe("");
  expect(said({ state: "confirmed" })).toBe("");
});

test("moved says where to and why", () => {
  const slot = { ...wanted, room: "b" };
  expect(said({ state: "moved", slot, alternative: 0, inTheWay: [grace] })).toMatch(
    /^moved to Birch, 9:00.* – 10:00.* because Grace \(Review\) has the wanted slot\.$/,
  );
});

test("a tentative booking that an alternative would place says so", () => {
  const slot = { ...wanted, start: nine + 1440, end: nine + 1500 };
  expect(said({ slot, alternative: 0, inTheWay: [grace] })).toMatch(
    /^would move to Aspen, .*4.*9:00.* – 10:00.* because Grace/,
  );
});

test("not placed names who is in the way", () => {
  const ada = { ...grace, id: "3", name: "Ada", title: "Planning" };
  expect(said({ state: "notPlaced", placed: false, inTheWay: [grace, ada] })).toBe(
    "not placed: taken by Grace (Review) and Ada (Planning).",
  );
  expect(said({ placed: false, inTheWay: [grace] })).toBe(
    "would not be placed: taken by Grace (Review).",
  );
});

test("a cancellation on its way is told before anything else", () => {
  expect(said({ cancelling: true, placed: false })).toBe("cancellation not yet confirmed.");
  expect(canCancel(booking({ cancelling: true }))).toBe(false);
  expect(canCancel(booking({ state: "notPlaced" }))).toBe(false);
  expect(canCancel(booking({}))).toBe(true);
});

test("the viewer's time is told only where clocks differ", () => {
  expect(viewerTime(wanted, rooms, "Europe/Paris")).toBeUndefined();
  expect(viewerTime(wanted, rooms, "Europe/London")).toMatch(/8:00.*–.*9:00/);
});
