import type { FieldError, NewBooking, Room } from "bayou";
import { describe, expect, test } from "vitest";
import { type BookingDraft, type SlotDraft, readDraft, readSlot, slotDraft } from "./draft.ts";

const room = (id: string, zone: string): Room => ({
  id,
  name: id,
  seats: 4,
  equipment: [],
  floor: "1",
  zone,
});
const rooms = new Map([
  ["berlin", room("berlin", "Europe/Berlin")],
  ["new-york", room("new-york", "America/New_York")],
]);

const slot = (changes: Partial<SlotDraft> = {}): SlotDraft => ({
  key: "k",
  room: "berlin",
  date: "2026-03-03",
  start: "09:00",
  end: "10:00",
  unreadable: {},
  ...changes,
});

const utc = (iso: string): number => Date.parse(iso) / 60_000;
const messages = (changes: Partial<SlotDraft>): string[] =>
  readSlot(slot(changes), rooms).problems.map(({ field, message }) => `${field}: ${message}`);

describe("a slot", () => {
  test("is read in its room's zone", () => {
    expect(readSlot(slot(), rooms).slot).toEqual({
      room: "berlin",
      start: utc("2026-03-03T08:00Z"),
      end: utc("2026-03-03T09:00Z"),
    });
    expect(readSlot(slot({ room: "new-york" }), rooms).slot?.start).toBe(utc("2026-03-03T14:00Z"));
  });

  test("is written as it is read", () => {
    const read = readSlot(slot(), rooms).slot;
    if (read === undefined) throw new Error("the slot is sound");
    expect(slotDraft(read, "Europe/Berlin")).toMatchObject({
      room: "berlin",
      date: "2026-03-03",
      start: "09:00",
      end: "10:00",
    });
  });

  test("ends after it starts", () => {
    expect(messages({ end: "08:00" })).toEqual(["end: The end must be after the start."]);
    expect(messages({ end: "09:00" })).toEqual(["end: The end must be after the start."]);
  });

  test("may end at midnight", () => {
    expect(readSlot(slot({ start: "22:00", end: "00:00" }), rooms).slot?.end).toBe(
      utc("2026-03-03T23:00Z"),
    );
  });

  test("that cannot exist is refused at the field that makes it so", () => {
    expect(messages({ date: "2026-02-30" })[0]).toMatch(/^date: There is no such date/);
    expect(messages({ date: "", unreadable: { date: true } })[0]).toMatch(
      /^date: There is no such/,
    );
    expect(messages({ date: "2026-03-29", start: "02:30", end: "04:00" })[0]).toMatch(
      /^start: 02:30 does not exist on this day: clocks in Europe\/Berlin go forward from 02:00 to 03:00/,
    );
    expect(messages({ room: "attic" })[0]).toMatch(/^room: This room does not exist/);
  });

  test("at a time that happens twice takes the earlier one, and says so", () => {
    const reading = readSlot(slot({ date: "2026-10-25", start: "02:30", end: "05:00" }), rooms);
    expect(reading.slot?.start).toBe(utc("2026-10-25T00:30Z"));
    expect(reading.notes[0]).toMatch(/happens twice .* the earlier one is used/);
  });

  test("that is not filled in is told apart from one that is wrong", () => {
    const { problems } = readSlot(slot({ date: "", start: "" }), rooms);
    expect(problems.map(({ field, empty }) => [field, empty])).toEqual([
      ["date", true],
      ["start", true],
    ]);
  });
});

describe("a draft", () => {
  const draft = (changes: Partial<BookingDraft> = {}): BookingDraft => ({
    id: "1",
    title: "Standup",
    name: "Ada",
    notes: "",
    wanted: slot(),
    alternatives: [slot({ room: "new-york" })],
    ...changes,
  });
  const read = (changes: Partial<BookingDraft>, errors: FieldError[] = []) =>
    readDraft(draft(changes), "person", rooms, () => errors);

  test("that is sound becomes a booking", () => {
    expect(read({}).booking).toMatchObject({
      title: "Standup",
      person: "person",
      wanted: { room: "berlin" },
      alternatives: [{ room: "new-york" }],
    });
  });

  test("shows the engine's errors at their fields", () => {
    const reading = read({ title: "" }, [
      { field: "title", message: "Give it a title." },
      { field: "end", alternative: 0, message: "Too long." },
      { field: "alternatives", message: "Too many." },
    ]);
    expect(reading.booking).toBeUndefined();
    expect(reading.text).toEqual([{ field: "title", message: "Give it a title.", empty: true }]);
    expect(reading.slots[1]?.problems).toEqual([
      { field: "end", message: "Too long.", empty: false },
    ]);
    expect(reading.alternatives).toBe("Too many.");
  });

  test("with a slot that cannot be read is judged in all the rest", () => {
    let judged: NewBooking | undefined;
    const reading = readDraft(draft({ wanted: slot({ end: "08:00" }) }), "p", rooms, (booking) => {
      judged = booking;
      return [{ field: "room", message: "Unknown room." }];
    });
    expect(judged?.title).toBe("Standup");
    expect(reading.booking).toBeUndefined();
    expect(reading.slots[0]?.problems.map(({ message }) => message)).toEqual([
      "The end must be after the start.",
    ]);
  });
});
