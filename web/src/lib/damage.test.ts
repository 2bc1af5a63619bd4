import { expect, test } from "vitest";
import { damageSentence, isPutAway, putAway } from "./damage.ts";

const told = (writes: number, leftOut: number): string =>
  damageSentence({ store: "s", salvaged: { writes, leftOut } });

test("what came of a damaged store is told as it is", () => {
  expect(damageSentence({ store: "s" })).toContain("is taken over once this tab has the schedule.");
  expect(told(0, 0)).toContain("All that could be read of it was here already.");
  expect(told(1, 0)).toContain("was taken over: 1 booking or change.");
  expect(told(2, 1)).toContain("taken over: 2 bookings or changes. 1 more follows something");
  expect(told(2, 3)).toContain("3 more follow something that is lost, and are taken over if");
  const nothing = told(0, 1);
  expect(nothing).toContain("1 booking or change follows something that is lost, and is taken");
  expect(nothing).not.toContain("here already");
  expect(told(2, 0)).not.toContain("lost");
});

test("a notice that was put away comes again only with news", () => {
  const damaged = { store: "a", salvaged: { writes: 1, leftOut: 2 } };
  expect(isPutAway(damaged)).toBe(false);
  putAway(damaged);
  expect(isPutAway(damaged)).toBe(true);
  expect(isPutAway({ ...damaged, store: "b" })).toBe(false);
  expect(isPutAway({ store: "a", salvaged: { writes: 2, leftOut: 1 } })).toBe(false);
});
