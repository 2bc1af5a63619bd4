/**
 * The replica as something that components can read: every question subscribes its reader to changes.
 * Nothing is copied; the replica stays the only holder of state.
 */
import type {
  Booking,
  DamagedStore,
  Failure,
  Inspection,
  Links,
  LinkState,
  Replica,
  Room,
  Slot,
  Summary,
} from "bayou";
import { createContext } from "svelte";
import { createSubscriber } from "svelte/reactivity";
import { paced } from "./pace.ts";
import { type RoomsById, byId } from "./states.ts";

/** So often the page follows a replica that changes all the time. */
const REDRAW_MILLISECONDS = 50;

function watched(replica: Replica) {
  const subscribe = createSubscriber((update) => {
    const redrawing = paced(update, REDRAW_MILLISECONDS);
    const unsubscribe = replica.onChange(redrawing.ask);
    return () => {
      redrawing.stop();
      unsubscribe();
    };
  });
  return { replica, subscribe };
}

export class LiveReplica {
  #watched: ReturnType<typeof watched>;

  constructor(replica: Replica) {
    this.#watched = $state.raw(watched(replica));
  }

  get replica(): Replica {
    return this.#watched.replica;
  }

  /** Goes on with another one in place of one that was let go. */
  adopt(replica: Replica): void {
    this.#watched = watched(replica);
  }

  /** The replica itself, for a reader that wants to be told of changes. */
  get #now(): Replica {
    const { replica, subscribe } = this.#watched;
    subscribe();
    return replica;
  }

  /** The browser put the page away, and this tab has let go of its replica. */
  get closed(): boolean {
    return this.#now.closed;
  }

  get ready(): boolean {
    return this.#now.ready;
  }

  get failure(): Failure | undefined {
    return this.#now.failure;
  }

  /** What this browser had stored of this database and is damaged. */
  get damagedStores(): DamagedStore[] {
    return this.#now.damagedStores();
  }

  get link(): LinkState {
    return this.#now.links.relay.state;
  }

  get links(): Links {
    return this.#now.links;
  }

  /** Whether every link of this tab is switched off. */
  get offline(): boolean {
    const { relay, nearby } = this.#now.links;
    return !relay.enabled && !nearby.enabled;
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
    return this.ready && this.failure === undefined && !this.closed;
  }

  /** Whether what is here can be taken for what there is: the relay has told all it had, or cannot be asked. */
  get informed(): boolean {
    const { link } = this;
    return this.ready && link.kind !== "connecting" && !(link.kind === "open" && !link.caughtUp);
  }
}

export const [useLive, provideLive] = createContext<LiveReplica>();
