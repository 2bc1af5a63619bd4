import type { Room, Slot } from "bayou";
import { expect, test } from "vitest";
import { suggestAlternative } from "./suggest.ts";

const room = (id: string, seats: number): Room => ({
  id,
  name: id,
  seats,
  equipment: [],
  floor: "1",
  zone: "UTC",
});
const rooms = [room("small", 2), room("wanted", 6), room("large", 20), room("fitting", 8)];
const wanted: Slot = { room: "wanted", start: 600, end: 660 };

test("the smallest free room that holds as many people", () => {
  expect(suggestAlternative(wanted, [wanted], rooms, () => false).room).toBe("fitting");
  expect(suggestAlternative(wanted, [wanted], rooms, ({ room }) => room === "fitting").room).toBe(
    "large",
  );
});

test("a smaller room rather than none, and never one that is chosen already", () => {
  const chosen = ["fitting", "large"].map((id) => ({ ...wanted, room: id }));
  expect(suggestAlternative(wanted, [wanted, ...chosen], rooms, () => false).room).toBe("small");
});

test("without another room, the next time that is free in the same one", () => {
  expect(
    suggestAlternative(wanted, [wanted], [room("wanted", 6)], ({ start }) => start === 660),
  ).toEqual({ room: "wanted", start: 720, end: 780 });
});
