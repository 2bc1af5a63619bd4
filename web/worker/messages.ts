/**
 * What a page says to a service worker. The two may be of different versions, so that kinds are only ever added here, and
 * who does not know one says nothing.
 */
export type Message =
  /** Somebody wants the new version: become the active worker. */
  | { readonly kind: "activate" }
  /**
   * A page has begun, or its worker has changed; `script` is the path of its main script, whose name carries a hash of all that
   * it loads. Answered through the port that comes with it by a `Greeting`.
   */
  | { readonly kind: "hello"; readonly script: string };

export interface Greeting {
  /** Whether the page is of the worker's own version. */
  readonly same: boolean;
}

export function isMessage(data: unknown): data is Message {
  if (typeof data !== "object" || data === null || !("kind" in data)) return false;
  return (
    data.kind === "activate" ||
    (data.kind === "hello" && "script" in data && typeof data.script === "string")
  );
}
