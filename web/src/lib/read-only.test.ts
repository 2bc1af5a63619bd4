import { expect, test } from "vitest";
import { type ReadOnlyFacts, readOnlySentence, spokenReadOnly } from "./read-only.ts";

const ZONE = "Europe/Berlin";
const asOf = Date.parse("2026-11-28T14:06+01:00") / 60_000;
const later = (minutes: number, facts: ReadOnlyFacts) =>
  readOnlySentence(facts, asOf + minutes, ZONE);

test("what is shown is dated, with its day where that is another one", () => {
  const facts: ReadOnlyFacts = { asOf, trouble: undefined };
  expect(later(0, facts)).toMatch(/^Read only\. As the relay had it at (14:06|2:06.PM)\.$/);
  expect(later(24 * 60, facts)).toMatch(/ had it at .*28.*, (14:06|2:06.PM)\.$/);
});

test("a relay that hands out nothing is told, and what was shown keeps its date", () => {
  const told = (trouble: ReadOnlyFacts["trouble"]) => later(3, { asOf, trouble });
  expect(told({ kind: "unreachable" })).toMatch(/06.*; it cannot be reached at present\.$/);
  expect(told({ kind: "none" })).toMatch(/06.*; it has no database of this name at present\.$/);
  expect(told({ kind: "refused", reason: "No." })).toMatch(/06.*; it hands out nothing/);
});

test("before there is anything to show the sentence says why", () => {
  const told = (trouble: ReadOnlyFacts["trouble"]) => later(0, { asOf: undefined, trouble });
  expect(told(undefined)).toBe("Read only. The relay is asked for the bookings.");
  expect(told({ kind: "unreachable" })).toContain("cannot be reached; this page keeps trying");
  expect(told({ kind: "none" })).toContain("has no database of this name yet");
  expect(told({ kind: "refused", reason: "Too late." })).toMatch(/hands out nothing: Too late\.$/);
});

test("what is read aloud does not change with the time", () => {
  const spoken = (minutes: number, trouble: ReadOnlyFacts["trouble"]) =>
    spokenReadOnly({ asOf: asOf + minutes, trouble });
  expect(spoken(0, undefined)).toBe(spoken(1, undefined));
  expect(spoken(0, { kind: "unreachable" })).toBe(spoken(1, { kind: "unreachable" }));
  expect(spoken(0, undefined)).not.toBe(spoken(0, { kind: "unreachable" }));
  expect(spokenReadOnly({ asOf: undefined, trouble: undefined })).toContain("is asked");
});
