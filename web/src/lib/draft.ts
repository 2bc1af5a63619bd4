/**
 * The booking form as data: what was typed, what it means, and what is wrong with it.
 *
 * Checks of a booking are the engine's (`rooms.validate`). Here is only what happens before there is a
 * booking: reading dates and times that may name no instant.
 */
import type { Booking, FieldError, NewBooking, Room, Slot } from "bayou";
import { day, time } from "./format.ts";
import { MINUTES_PER_DAY, addDays, resolve, wallClockAt } from "./zone.ts";

export type SlotField = "room" | "date" | "start" | "end";
export type TextField = "title" | "name" | "notes";

export interface SlotDraft {
  /** Tells alternatives apart while they are moved about. */
  readonly key: string;
  room: string;
  date: string;
  start: string;
  end: string;
  /** Fields that hold something the browser cannot read as a date or time, such as 31 February. */
  unreadable: Partial<Record<SlotField, boolean>>;
}

export interface BookingDraft {
  readonly id: string;
  title: string;
  name: string;
  notes: string;
  wanted: SlotDraft;
  alternatives: SlotDraft[];
}

export interface Problem<Field extends string> {
  field: Field;
  message: string;
  /** Nothing was typed there yet: told when one tries to book, not before. */
  empty: boolean;
}

/** What a slot's fields mean. */
export interface SlotReading {
  slot: Slot | undefined;
  problems: Problem<SlotField>[];
  /** Choices made for the person that they should know of. */
  notes: string[];
}

export interface DraftReading {
  booking: NewBooking | undefined;
  text: Problem<TextField>[];
  /** The wanted slot first, then the alternatives. */
  slots: SlotReading[];
  /** About the list of alternatives as a whole. */
  alternatives: string | undefined;
}

let keys = 0;

function nextKey(): string {
  keys += 1;
  return `slot-${keys}`;
}

export function slotDraft(slot: Slot, zone: string): SlotDraft {
  const start = wallClockAt(slot.start, zone);
  const end = wallClockAt(slot.end, zone);
  return {
    key: nextKey(),
    room: slot.room,
    date: start.date,
    start: start.time,
    end: end.time,
    unreadable: {},
  };
}

/** The form for trying again what could not be placed. */
export function draftOf(
  booking: Pick<Booking, "title" | "notes" | "wanted" | "alternatives">,
  zoneOfRoom: (room: string) => string,
): Omit<BookingDraft, "id" | "name"> {
  const draft = (slot: Slot): SlotDraft => slotDraft(slot, zoneOfRoom(slot.room));
  return {
    title: booking.title,
    notes: booking.notes,
    wanted: draft(booking.wanted),
    alternatives: booking.alternatives.map(draft),
  };
}

interface Instant {
  minutes: number | undefined;
  problem?: string;
  note?: string;
}

function readInstant(date: string, clock: string, zone: string): Instant {
  const at = resolve({ date, time: clock }, zone);
  if (at === undefined) return { minutes: undefined };
  switch (at.kind) {
    case "exact":
      return { minutes: at.minutes };
    case "ambiguous":
      return {
        minutes: at.minutes,
        note: `${time(at.minutes, zone)} happens twice on ${day(at.minutes, zone)}, as clocks in ${zone} go back; the earlier one is used.`,
      };
    case "nonexistent":
      return {
        minutes: undefined,
        problem: `${clock} does not exist on this day: clocks in ${zone} go forward from ${at.gapStart.time} to ${at.gapEnd.time}.`,
      };
  }
}

const MISSING: Readonly<Record<SlotField, string>> = {
  room: "Choose a room.",
  date: "Enter a date.",
  start: "Enter when it starts.",
  end: "Enter when it ends.",
};

const UNREADABLE: Readonly<Record<SlotField, string>> = {
  room: "Choose a room.",
  date: "There is no such date. Enter day, month and year of a date that exists.",
  start: "This is not a time. Enter hours and minutes.",
  end: "This is not a time. Enter hours and minutes.",
};

export function readSlot(draft: SlotDraft, rooms: ReadonlyMap<string, Room>): SlotReading {
  const problems: Problem<SlotField>[] = [];
  const notes: string[] = [];
  const add = (field: SlotField, message: string, empty = false): void => {
    if (!problems.some((problem) => problem.field === field)) {
      problems.push({ field, message, empty });
    }
  };
  for (const field of ["room", "date", "start", "end"] as const) {
    if (draft.unreadable[field] === true) add(field, UNREADABLE[field]);
    else if (draft[field] === "") add(field, MISSING[field], true);
  }

  const room = rooms.get(draft.room);
  if (room === undefined) add("room", "This room does not exist here. Choose another.");
  if (room === undefined || problems.some(({ field }) => field === "date" || field === "start")) {
    return { slot: undefined, problems, notes };
  }

  const start = readInstant(draft.date, draft.start, room.zone);
  if (start.problem !== undefined) add("start", start.problem);
  if (start.note !== undefined) notes.push(start.note);
  if (start.minutes === undefined) {
    if (start.problem === undefined) add("date", UNREADABLE.date);
    return { slot: undefined, problems, notes };
  }
  if (problems.length > 0) return { slot: undefined, problems, notes };

  // An end at midnight is the end of the day that was chosen.
  const endDate = draft.end === "00:00" ? addDays(draft.date, 1) : draft.date;
  const end = readInstant(endDate, draft.end, room.zone);
  if (end.problem !== undefined) add("end", end.problem);
  if (end.note !== undefined) notes.push(end.note);
  if (end.minutes === undefined) return { slot: undefined, problems, notes };

  if (end.minutes <= start.minutes) {
    add("end", "The end must be after the start.");
    return { slot: undefined, problems, notes };
  }
  return { slot: { room: room.id, start: start.minutes, end: end.minutes }, problems, notes };
}

/** Stands in for a slot that cannot be read, so that the engine can judge the rest; its errors are dropped. */
const NO_SLOT: Slot = { room: "", start: 0, end: MINUTES_PER_DAY };

function slotField(field: FieldError["field"]): SlotField {
  return field === "start" || field === "end" ? field : "room";
}

export function readDraft(
  draft: BookingDraft,
  person: string,
  rooms: ReadonlyMap<string, Room>,
  validate: (booking: NewBooking) => FieldError[],
): DraftReading {
  const slots = [draft.wanted, ...draft.alternatives].map((slot) => readSlot(slot, rooms));
  const booking: NewBooking = {
    id: draft.id,
    title: draft.title,
    person,
    name: draft.name,
    notes: draft.notes,
    wanted: slots[0]?.slot ?? NO_SLOT,
    alternatives: slots.slice(1).map(({ slot }) => slot ?? NO_SLOT),
  };
  const text: Problem<TextField>[] = [];
  let alternatives: string | undefined;
  for (const { field, alternative, message } of validate(booking)) {
    if (field === "title" || field === "name" || field === "notes") {
      text.push({ field, message, empty: draft[field].trim() === "" });
    } else if (field === "alternatives" && alternative === undefined) {
      alternatives = message;
    } else {
      const reading = slots[alternative === undefined ? 0 : alternative + 1];
      if (reading?.slot !== undefined) {
        reading.problems.push({ field: slotField(field), message, empty: false });
      }
    }
  }
  const sound =
    text.length === 0 &&
    alternatives === undefined &&
    slots.every(({ slot, problems }) => slot !== undefined && problems.length === 0);
  return { booking: sound ? booking : undefined, text, slots, alternatives };
}
