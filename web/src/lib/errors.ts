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
