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
  return isOfStorage(error) ? error.answered : undefined;
}

/** Whether this page can have no replica, be it for the time being. */
export function isOfStorage(error: unknown): error is StorageError {
  return isNamed(error, "StorageError");
}

/** The engine's errors are told apart by their names. */
export function isNamed(error: unknown, name: string): boolean {
  return error instanceof Error && error.name === name;
}
