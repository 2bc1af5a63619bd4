import type { ImportedFile, TransferError } from "bayou";
import { expect, test } from "vitest";
import {
  arrivalSentence,
  arrivalsSentence,
  holdingsName,
  importAll,
  partName,
} from "./transfer.ts";

const NOW = new Date(2026, 2, 4, 9, 5);

const imported = (changes: Partial<ImportedFile> = {}): ImportedFile => ({
  number: 1,
  more: false,
  writes: 0,
  commits: 0,
  complete: true,
  ...changes,
});

const failed = (kind: TransferError["kind"]): TransferError =>
  Object.assign(new Error("The file was not imported, and nothing has changed: because."), {
    name: "TransferError" as const,
    kind,
    lacking: [],
  });

test("file names say database, date and part", () => {
  expect(partName("demo", NOW, 1, 1)).toBe("bayou-demo-2026-03-04-0905.bayou");
  expect(partName("team-7", NOW, 2, 3)).toBe("bayou-team-7-2026-03-04-0905-part-2-of-3.bayou");
  expect(holdingsName("demo", NOW)).toBe("bayou-demo-2026-03-04-0905.bayou-holds");
});

/** A reader of a chain whose files bear their numbers as names. */
function chainReader() {
  let next = 1;
  return (file: { name: string }): Promise<ImportedFile> => {
    const number = Number(file.name.replace(/\D/g, ""));
    if (Number.isNaN(number) || file.name === "") return Promise.reject(failed("damaged"));
    if (number > next) return Promise.reject(failed("lacking"));
    next = Math.max(next, number + 1);
    return Promise.resolve(imported({ number, writes: number }));
  };
}

test("the files of a chain are imported in whatever order they are given", async () => {
  const files = ["c2", "b3", "d1"].map((name) => ({ name }));
  const counts: number[] = [];
  const arrivals = await importAll(files, chainReader(), (done) => counts.push(done));
  expect(arrivals.map(({ name }) => name)).toEqual(["d1", "c2", "b3"]);
  expect(counts).toEqual([1, 2, 3]);
});

test("of a large file it is told which part is done", async () => {
  const told: number[] = [];
  const importFile = (_: { name: string }, progress: (part: number) => void) => {
    progress(0.25);
    progress(0.75);
    return Promise.resolve(imported());
  };
  await importAll([{ name: "a" }, { name: "b" }], importFile, (done) => told.push(done));
  expect(told).toEqual([0.25, 0.75, 1, 1.25, 1.75, 2]);
});

test("what cannot be imported is told, and the rest is imported", async () => {
  const files = ["a1", "b3", ""].map((name) => ({ name }));
  const arrivals = await importAll(files, chainReader(), () => undefined);
  const ends = arrivals.map((arrival) => ["imported" in arrival, arrival.name]);
  expect(ends).toEqual([
    [false, ""],
    [true, "a1"],
    [false, "b3"],
  ]);
  expect(arrivalsSentence(arrivals)).toBe(
    "1 of 3 files was imported: 1 booking or change was new here.",
  );
});

test("what a file brought, in words", () => {
  const sentence = (changes: Partial<ImportedFile>): string =>
    arrivalSentence({ name: "f", imported: imported(changes) });
  expect(sentence({})).toBe("Nothing in it was new here.");
  expect(sentence({ writes: 1 })).toBe("1 booking or change was new here.");
  expect(sentence({ writes: 2, commits: 1, more: true })).toBe(
    "2 bookings or changes and 1 confirmation were new here. It goes on in another file: import that, too.",
  );
  expect(sentence({ installed: 40 })).toBe("The schedule as of confirmation 40 was taken over.");
  expect(sentence({ writes: 3, complete: false })).toContain("left out");
  expect(sentence({ complete: false, stopped: "why" })).toContain("not taken: why.");
});

test("each error has a next step", () => {
  for (const kind of ["damaged", "other-database", "lacking", "contradiction", "size"] as const) {
    expect(arrivalSentence({ name: "f", error: failed(kind) })).toMatch(/because\. [A-Z].+\.$/);
  }
  expect(arrivalSentence({ name: "f", error: new Error("Stopped.") })).toBe("Stopped.");
});

test("all of it in one sentence", () => {
  const file = { name: "f", imported: imported() };
  const lost = { name: "g", error: failed("damaged") };
  expect(arrivalsSentence([file])).toBe("1 file was imported: nothing in it was new here.");
  expect(arrivalsSentence([lost])).toBe("The file was not imported.");
  expect(arrivalsSentence([lost, lost])).toBe("No file was imported.");
  const data = { name: "h", imported: imported({ installed: 9 }) };
  expect(arrivalsSentence([file, data])).toBe(
    "2 files were imported: the schedule in it was taken over.",
  );
});
