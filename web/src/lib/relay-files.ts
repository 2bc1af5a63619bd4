/** What the relay hands out to who only looks on: files, as the engine makes and reads them. */
import type { Trouble } from "./read-only.ts";

/** The relay itself gives up before. */
const ANSWER_MS_MAX = 20_000;
const NOT_FOUND = 404;
const CONFLICT = 409;

/** There is no file, and why. */
export class NoFile extends Error {
  override readonly name = "NoFile";
  constructor(readonly trouble: Trouble) {
    super(trouble.kind);
  }
}

/**
 * The next file for a reader that holds this, or for one that holds nothing; `undefined` where what it holds contradicts what
 * the relay has. Rejects with `NoFile`.
 */
export async function requestFile(
  database: string,
  held: Uint8Array | undefined,
): Promise<Uint8Array | undefined> {
  try {
    const answer = await fetch(`/v1/databases/${database}/export`, {
      method: "POST",
      body: held === undefined ? null : new Uint8Array(held),
      signal: AbortSignal.timeout(ANSWER_MS_MAX),
    });
    if (answer.ok) return new Uint8Array(await answer.arrayBuffer());
    if (answer.status === CONFLICT && held !== undefined) return undefined;
    if (answer.status === NOT_FOUND) throw new NoFile({ kind: "none" });
    const { error } = (await answer.json()) as { error: string };
    throw new NoFile({ kind: "refused", reason: error });
  } catch (error) {
    if (error instanceof NoFile) throw error;
    // It is gone, does not answer, or something else answers in its place.
    throw new NoFile({ kind: "unreachable" });
  }
}
