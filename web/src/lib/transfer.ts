/** Files that carry bookings where no link leads: what they are called, and what came of them in words. */
import type { ImportedFile, TransferError } from "bayou";
import { sentenceOf } from "./errors.ts";

/** A larger export becomes several files, which most ways of carrying a file take. */
export const PART_BYTES_MAX = 64 * 1024 * 1024;

/** Of what another device holds: what it gives for a file to be made for it. */
export const HOLDINGS_SUFFIX = ".bayou-holds";
export const FILE_SUFFIX = ".bayou";

function stem(database: string, now: Date): string {
  const two = (number: number): string => String(number).padStart(2, "0");
  const date = `${now.getFullYear()}-${two(now.getMonth() + 1)}-${two(now.getDate())}`;
  return `bayou-${database}-${date}-${two(now.getHours())}${two(now.getMinutes())}`;
}

export function partName(database: string, now: Date, part: number, parts: number): string {
  const place = parts === 1 ? "" : `-part-${part}-of-${parts}`;
  return `${stem(database, now)}${place}${FILE_SUFFIX}`;
}

/** The files of a chain under their names. */
export function namedParts(
  database: string,
  now: Date,
  blobs: readonly Blob[],
): { name: string; blob: Blob }[] {
  return blobs.map((blob, index) => ({
    name: partName(database, now, index + 1, blobs.length),
    blob,
  }));
}

export function holdingsName(database: string, now: Date): string {
  return `${stem(database, now)}${HOLDINGS_SUFFIX}`;
}

/** What came of one file. */
export type Arrival =
  | { readonly name: string; readonly imported: ImportedFile }
  | { readonly name: string; readonly error: unknown };

/**
 * Imports files, which may be parts of one chain and come in any order: one that lacks what is in another is tried again
 * after that. `told` hears how much is done, in files, each time there is more.
 */
export async function importAll<Given extends { readonly name: string }>(
  files: readonly Given[],
  importFile: (file: Given, progress: (part: number) => void) => Promise<ImportedFile>,
  told: (done: number) => void,
): Promise<readonly Arrival[]> {
  const byName = new Intl.Collator("en", { numeric: true });
  let waiting = files.toSorted((left, right) => byName.compare(left.name, right.name));
  let arrivals: readonly Arrival[] = [];
  const settle = (arrival: Arrival): void => {
    arrivals = [...arrivals, arrival];
    told(arrivals.length);
  };
  const progress = (part: number): void => told(arrivals.length + part);
  while (waiting.length > 0) {
    const lacking: { file: Given; error: unknown }[] = [];
    for (const file of waiting) {
      try {
        settle({ name: file.name, imported: await importFile(file, progress) });
      } catch (error) {
        if (isTransfer(error) && error.kind === "lacking") lacking.push({ file, error });
        else settle({ name: file.name, error });
      }
    }
    if (lacking.length === waiting.length) {
      for (const { file, error } of lacking) settle({ name: file.name, error });
      return arrivals;
    }
    waiting = lacking.map(({ file }) => file);
  }
  return arrivals;
}

function isTransfer(error: unknown): error is TransferError {
  return error instanceof Error && error.name === "TransferError";
}

const counted = (count: number, one: string, many: string): string =>
  `${count} ${count === 1 ? one : many}`;

export const bookingsOrChanges = (count: number): string =>
  counted(count, "booking or change", "bookings or changes");

/** What was new, as the subject of a sentence; `undefined` if nothing was. */
function news(writes: number, commits: number): string | undefined {
  const parts = [
    ...(writes > 0 ? [bookingsOrChanges(writes)] : []),
    ...(commits > 0 ? [counted(commits, "confirmation", "confirmations")] : []),
  ];
  if (parts.length === 0) return undefined;
  return `${parts.join(" and ")} ${writes + commits === 1 ? "was" : "were"} new here`;
}

const NEXT_STEPS: Readonly<Record<TransferError["kind"], string>> = {
  damaged: "Ask for the file again.",
  "other-database": "Open the database that it belongs to and import it there.",
  lacking: "Import the files before it first, or have it made anew from what this device holds.",
  contradiction: "Connect both devices to the relay first.",
  size: "Ask for it in smaller parts.",
};

/** One file's end in sentences. */
export function arrivalSentence(arrival: Arrival): string {
  if ("error" in arrival) {
    const { error } = arrival;
    return isTransfer(error) ? `${error.message} ${NEXT_STEPS[error.kind]}` : sentenceOf(error);
  }
  const { imported } = arrival;
  const { writes, commits, installed, stopped, complete, more } = imported;
  const brought = news(writes, commits);
  const sentences = [
    ...(installed === undefined
      ? []
      : [`The schedule as of confirmation ${installed} was taken over.`]),
    ...(brought === undefined ? [] : [`${brought}.`]),
  ];
  if (sentences.length === 0) sentences.push("Nothing in it was new here.");
  if (stopped !== undefined) {
    sentences.push(`It contradicts what is here, so the rest was not taken: ${stopped}.`);
  } else if (!complete) {
    sentences.push("Part of it was left out; the relay knows better and will tell.");
  }
  if (more) sentences.push("It goes on in another file: import that, too.");
  return sentences.join(" ");
}

/** All of it in one sentence. */
export function arrivalsSentence(arrivals: readonly Arrival[]): string {
  const imported = arrivals.flatMap((arrival) => ("imported" in arrival ? [arrival.imported] : []));
  if (imported.length === 0) {
    return arrivals.length === 1 ? "The file was not imported." : "No file was imported.";
  }
  const all = imported.length === arrivals.length;
  const how = all
    ? counted(imported.length, "file was", "files were")
    : `${imported.length} of ${arrivals.length} files ${imported.length === 1 ? "was" : "were"}`;
  const sum = (of: (file: ImportedFile) => number): number =>
    imported.reduce((total, file) => total + of(file), 0);
  const installed = imported.some((file) => file.installed !== undefined);
  const brought = news(
    sum(({ writes }) => writes),
    sum(({ commits }) => commits),
  );
  const what =
    brought ?? (installed ? "the schedule in it was taken over" : "nothing in it was new here");
  return `${how} imported: ${what}.`;
}
