/** The time, as far as the page shows it. A component that reads it is drawn anew when it moves on. */
import { createSubscriber } from "svelte/reactivity";

class Clock {
  readonly #subscribe: () => void;

  constructor(private readonly periodMs: number) {
    this.#subscribe = createSubscriber((update) => {
      const timer = setInterval(update, periodMs);
      // A tab in the background sleeps; it must not wake up to an old time.
      document.addEventListener("visibilitychange", update);
      return () => {
        clearInterval(timer);
        document.removeEventListener("visibilitychange", update);
      };
    });
  }

  /** `Date.now()`, in steps of the period. */
  get now(): number {
    this.#subscribe();
    return Math.floor(Date.now() / this.periodMs) * this.periodMs;
  }
}

export const seconds = new Clock(1000);
const tenSeconds = new Clock(10_000);

/** UTC minutes. */
export function currentMinute(): number {
  return Math.floor(tenSeconds.now / 60_000);
}
