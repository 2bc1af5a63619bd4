/** Proposes a next alternative: the same time in another room that is free, else a later time in the same room. */
import type { Room, Slot } from "bayou";

export function suggestAlternative(
  wanted: Slot,
  chosen: readonly Slot[],
  rooms: readonly Room[],
  isTaken: (slot: Slot) => boolean,
): Slot {
  const isChosen = (slot: Slot): boolean =>
    chosen.some(({ room, start }) => room === slot.room && start === slot.start);
  const seatsOf = (id: string): number => rooms.find((room) => room.id === id)?.seats ?? 0;
  const wantedSeats = seatsOf(wanted.room);
  const elsewhere = rooms
    .filter((room) => room.id !== wanted.room)
    // Rooms that hold as many people come first, the smallest of them before all.
    .sort((a, b) => {
      const enough = Number(b.seats >= wantedSeats) - Number(a.seats >= wantedSeats);
      return enough !== 0
        ? enough
        : Math.abs(a.seats - wantedSeats) - Math.abs(b.seats - wantedSeats);
    })
    .map((room): Slot => ({ ...wanted, room: room.id }))
    .find((slot) => !isChosen(slot) && !isTaken(slot));
  if (elsewhere !== undefined) return elsewhere;

  const length = wanted.end - wanted.start;
  let later = { ...wanted, start: wanted.end, end: wanted.end + length };
  for (let tries = 0; tries < 48 && (isChosen(later) || isTaken(later)); tries += 1) {
    later = { ...later, start: later.end, end: later.end + length };
  }
  return later;
}
