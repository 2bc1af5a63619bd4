/**
 * Tells when a booking of one's own reaches its final state. What was final when the tab began to watch is no news.
 */
import type { Booking } from "bayou";
import { SvelteMap } from "svelte/reactivity";
import { isSettled } from "./states.ts";

export interface Notice {
  readonly id: string;
  readonly booking: Booking;
}

export class Outcomes {
  // Nothing is drawn from it.
  // eslint-disable-next-line svelte/prefer-svelte-reactivity
  readonly #seen = new Map<string, string>();
  readonly #notices = new SvelteMap<string, Notice>();

  get notices(): Notice[] {
    return [...this.#notices.values()];
  }

  /** Called with all of one's bookings whenever any may have changed. */
  watch(bookings: readonly Booking[], first: boolean): void {
    for (const booking of bookings) {
      const before = this.#seen.get(booking.id);
      this.#seen.set(booking.id, booking.state);
      const news = before === undefined ? !first : before !== booking.state;
      if (news && isSettled(booking)) {
        this.#notices.set(booking.id, { id: booking.id, booking });
      }
    }
  }

  dismiss(id: string): void {
    this.#notices.delete(id);
  }
}
