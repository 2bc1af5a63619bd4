/**
 * The replica as something that components can read: every question subscribes its reader to changes.
 * Nothing is copied; the replica stays the only holder of state.
 */
import type { Booking, Failure, Inspection, LinkState, Replica, Room, Slot, Summary } from "bayou";
import { createContext } from "svelte";
import { createSubscriber } from "svelte/reactivity";
import { paced } from "./pace.ts";
import { type RoomsById, byId } from "./states.ts";

/** So often the page follows a replica that changes all the time. */
const REDRAW_MILLISECONDS = 50;

export class LiveReplica {
  readonly #subscribe: () => void;

  constructor(readonly replica: Replica) {
    this.#subscribe = createSubscriber((update) => {
      const redrawing = paced(update, REDRAW_MILLISECONDS);
      const unsubscribe = replica.onChange(redrawing.ask);
      return () => {
        redrawing.stop();
        unsubscribe();
      };
    });
  }

  /** The replica itself, for a reader that wants to be told of changes. */
  get #now(): Replica {
    this.#subscribe();
    return this.replica;
  }

  get ready(): boolean {
    return this.#now.ready;
  }

  get failure(): Failure | undefined {
    return this.#now.failure;
  }

  get link(): LinkState {
    return this.#now.links.relay.state;
  }

  get online(): boolean {
    return this.#now.links.relay.enabled;
  }

  get summary(): Summary {
    return this.#now.summary();
  }

  get rooms(): Room[] {
    return this.#now.rooms.list();
  }

  get roomsById(): RoomsById {
    return byId(this.rooms);
  }

  /** Bookings that touch a stretch of time, in UTC minutes. */
  between(from: number, to: number): Booking[] {
    return this.#now.rooms.between(from, to);
  }

  of(person: string): Booking[] {
    return this.#now.rooms.of(person);
  }

  taken(slot: Slot): Booking[] {
    return this.#now.rooms.taken(slot);
  }

  inspect(): Inspection {
    return this.#now.inspect();
  }

  /** Whether this tab may write: it has an id, and its store works. */
  get writable(): boolean {
    return this.ready && this.failure === undefined;
  }

  /** Whether what is here can be taken for what there is: the relay has told all it had, or cannot be asked. */
  get informed(): boolean {
    const { link } = this;
    return this.ready && link.kind !== "connecting" && !(link.kind === "open" && !link.caughtUp);
  }
}

export const [useLive, provideLive] = createContext<LiveReplica>();
