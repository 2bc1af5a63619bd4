import { expect, test } from "vitest";
import { DrawnEvents, type EventPlace } from "./drawn-events.ts";

const place = (id: string, start = "09:00"): EventPlace => ({
  id,
  resourceId: "aspen",
  start,
  end: "10:00",
});

test("only what came, moved or went is drawn", () => {
  const calls: string[] = [];
  const drawn = new DrawnEvents({
    addEvent: ({ id }) => calls.push(`add ${id}`),
    updateEvent: ({ id }) => calls.push(`update ${id}`),
    removeEventById: (id) => calls.push(`remove ${id}`),
  });
  drawn.update([place("a"), place("b"), place("c")]);
  calls.length = 0;

  drawn.update([place("b"), place("c", "09:30"), place("d")]);
  expect(calls).toEqual(["remove a", "update c", "add d"]);
});
