/**
 * The schedule as the relay has it, for a page that can have no replica: to be looked at. It asks the relay for what is new
 * for as long as somebody can see the page.
 */
import { type Booking, ReadOnlyCopy, type Room } from "bayou";
import { on } from "svelte/events";
import { isNamed, sentenceOf } from "./errors.ts";
import type { ReadOnlyFacts } from "./read-only.ts";
import { NoFile, requestFile } from "./relay-files.ts";

const ASK_AGAIN_MS = 5000;

export class RelayCopy {
  #copy: ReadOnlyCopy | undefined;
  /** A copy changes in place; this one is another object each time. */
  #facts = $state.raw<ReadOnlyFacts>({ asOf: undefined, trouble: undefined });

  constructor(private readonly database: string) {}

  get facts(): ReadOnlyFacts {
    return this.#facts;
  }

  get rooms(): Room[] {
    return this.#shown?.rooms() ?? [];
  }

  /** Bookings that touch a stretch of time, in UTC minutes. */
  between(from: number, to: number): Booking[] {
    return this.#shown?.between(from, to) ?? [];
  }

  /** What has been whole at some time, for a reader that wants to be told of changes. */
  get #shown(): ReadOnlyCopy | undefined {
    return this.#facts.asOf === undefined ? undefined : this.#copy;
  }

  /** Asks until the function is called that this returns. */
  follow(): () => void {
    let isAsking = false;
    let hasEnded = false;
    let next: ReturnType<typeof setTimeout> | undefined;
    const ask = async (): Promise<void> => {
      if (document.hidden || isAsking) return;
      clearTimeout(next);
      isAsking = true;
      const facts = await this.#ask(() => hasEnded);
      isAsking = false;
      if (hasEnded) return;
      this.#facts = facts;
      next = setTimeout(() => void ask(), ASK_AGAIN_MS);
    };
    const unsubscribe = on(document, "visibilitychange", () => void ask());
    void ask();
    return () => {
      hasEnded = true;
      clearTimeout(next);
      unsubscribe();
    };
  }

  async #ask(hasEnded: () => boolean): Promise<ReadOnlyFacts> {
    try {
      do {
        const file = await requestFile(this.database, this.#copy?.readerState());
        if (file === undefined || !this.#take(file)) {
          // The relay was set back, or holds another database of this name: next time all of it is asked for.
          this.#copy = undefined;
          return { asOf: undefined, trouble: undefined };
        }
      } while (this.#copy?.whole === false && !hasEnded());
      return { asOf: Math.floor(Date.now() / 60_000), trouble: undefined };
    } catch (error) {
      const { asOf } = this.#facts;
      if (error instanceof NoFile) return { asOf, trouble: error.trouble };
      return { asOf, trouble: { kind: "refused", reason: sentenceOf(error) } };
    }
  }

  #take(file: Uint8Array): boolean {
    if (this.#copy === undefined) {
      this.#copy = ReadOnlyCopy.open(file);
      return true;
    }
    try {
      return this.#copy.importFile(file).complete;
    } catch (error) {
      if (isNamed(error, "TransferError")) return false;
      throw error;
    }
  }
}
