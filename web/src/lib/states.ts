/** What a booking's state is called, and why it stands where it stands. */
import type { Booking, Room, Slot } from "bayou";
import { day, dayAndTime, sameClocks, timeRange } from "./format.ts";
import type { Phrase } from "./phrase.ts";

export type State = Booking["state"];

export const STATE_WORDS: Readonly<Record<State, string>> = {
  saving: "Saving",
  saved: "Saved on this device",
  tentative: "Tentative",
  confirmed: "Confirmed",
  moved: "Moved",
  notPlaced: "Not placed",
  cancelled: "Cancelled",
};

export const STATE_MEANINGS: Readonly<Record<State, string>> = {
  saving: "Not yet stored on this device.",
  saved: "Stored here; nobody else has it yet.",
  tentative: "Others have it; its place may still change.",
  confirmed: "In the wanted place, for good.",
  moved: "In an alternative place, for good.",
  notPlaced: "Nothing that was asked for is free.",
  cancelled: "Given up, for good.",
};

export const STATES = Object.keys(STATE_WORDS) as readonly State[];

export type RoomsById = ReadonlyMap<string, Room>;

export function byId(rooms: readonly Room[]): RoomsById {
  return new Map(rooms.map((room) => [room.id, room]));
}

/** The time zones that rooms are in. */
export function zonesOf(rooms: readonly Room[]): string[] {
  return [...new Set(rooms.map(({ zone }) => zone))];
}

export function roomName(rooms: RoomsById, id: string): string {
  return rooms.get(id)?.name ?? "a room that is not here yet";
}

export function zoneOf(rooms: RoomsById, id: string): string {
  return rooms.get(id)?.zone ?? "UTC";
}

/** Its last word is spoken: nothing will change this booking but a new write. */
export function isSettled(booking: Booking): boolean {
  return (
    booking.state === "confirmed" ||
    booking.state === "moved" ||
    booking.state === "notPlaced" ||
    booking.state === "cancelled"
  );
}

/** Whether it stands in the schedule, be it for the time being. */
export function standsInSchedule(booking: Booking): boolean {
  return booking.state !== "cancelled" && booking.state !== "notPlaced";
}

export function canCancel(booking: Booking): boolean {
  return standsInSchedule(booking) && !booking.cancelling;
}

/** A slot told beside another: the day only where it differs. */
function place(slot: Slot, beside: Slot, rooms: RoomsById): Phrase {
  const zone = zoneOf(rooms, slot.room);
  const sameDay = day(slot.start, zone) === day(beside.start, zone);
  const when = sameDay ? timeRange(slot, zone) : dayAndTime(slot, zone);
  return [{ said: roomName(rooms, slot.room) }, ", ", { when }];
}

function takers(booking: Booking): Phrase {
  return booking.inTheWay.flatMap((other, index): Phrase => [
    index === 0 ? "" : index === booking.inTheWay.length - 1 ? " and " : ", ",
    { said: other.name },
    " (",
    { said: other.title },
    ")",
  ]);
}

function because(booking: Booking): Phrase {
  if (booking.inTheWay.length === 0) return [];
  const verb = booking.inTheWay.length === 1 ? " has" : " have";
  return [" because ", ...takers(booking), verb, " the wanted slot"];
}

function takenBy(booking: Booking): Phrase {
  return booking.inTheWay.length === 0 ? [] : [": taken by ", ...takers(booking)];
}

/**
 * What the state word leaves open; empty where it says everything. It begins in lower case, as it follows that word;
 * where it stands alone the style sheet capitalises it.
 */
export function explanation(booking: Booking, rooms: RoomsById): Phrase {
  if (booking.cancelling) return ["cancellation not yet confirmed."];
  switch (booking.state) {
    case "moved":
      return ["moved to ", ...place(booking.slot, booking.wanted, rooms), ...because(booking), "."];
    case "notPlaced":
      return ["not placed", ...takenBy(booking), "."];
    case "saving":
    case "saved":
    case "tentative":
      if (!booking.placed) return ["would not be placed", ...takenBy(booking), "."];
      if (booking.alternative === undefined) return [];
      return [
        "would move to ",
        ...place(booking.slot, booking.wanted, rooms),
        ...because(booking),
        ".",
      ];
    case "confirmed":
    case "cancelled":
      return [];
  }
}

/** The viewer's own time, where the room's clocks show another. */
export function viewerTime(slot: Slot, rooms: RoomsById, viewer: string): string | undefined {
  const zone = zoneOf(rooms, slot.room);
  if (sameClocks(slot, zone, viewer)) return undefined;
  const sameDay = day(slot.start, zone) === day(slot.start, viewer);
  return sameDay ? timeRange(slot, viewer) : dayAndTime(slot, viewer);
}
