import type { StorageError } from "bayou";

/** A sentence for the person who looks at the page: what is wrong, and what to do. */
export class OpenError extends Error {
  override readonly name = "OpenError";
}

/** What to tell about an error that nobody foresaw the shape of. */
export function sentenceOf(error: unknown): string {
  if (error instanceof Error && error.message !== "") return error.message;
  if (typeof error === "object" && error !== null && "message" in error) {
    return String(error.message);
  }
  return "This tab could not open its database. Reload the page to try again.";
}

/** Where opening failed because the storage has not answered yet: when to try again. */
export function whenAnswered(error: unknown): Promise<void> | undefined {
  const isOfStorage = error instanceof Error && error.name === "StorageError";
  return isOfStorage ? (error as StorageError).answered : undefined;
}
