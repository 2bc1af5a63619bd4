/**
 * Finds out whether a new version of the page is ready, and goes over to it when asked. Nothing happens by itself: a tab runs the
 * version that it began with until somebody reloads it.
 */
import type { Greeting, Message } from "../../worker/messages.ts";

/** What there is around this tab's version. */
export interface Surroundings {
  /** Path of the main script that this tab runs. */
  readonly script: string;
  /** None where the browser has no service workers. */
  readonly workers: ServiceWorkerContainer | undefined;
  readonly reload: () => void;
}

export class NewVersion {
  #registration: ServiceWorkerRegistration | undefined;
  /** The worker of a newer version, which waits to be asked for. */
  #waiting = $state.raw<ServiceWorker>();
  /** The worker of another version than this tab's, which somebody has asked for in another tab. */
  #other = $state.raw<ServiceWorker>();
  #putAway = $state.raw<ServiceWorker>();

  constructor(private readonly around: Surroundings) {}

  /** Whether there is a new version of which this person does not know yet. */
  get offered(): boolean {
    return this.#offer !== undefined && this.#offer !== this.#putAway;
  }

  get #offer(): ServiceWorker | undefined {
    return this.#waiting ?? this.#other;
  }

  /** Registers the service worker, where the browser has such a thing. */
  async begin(): Promise<void> {
    const { workers } = this.around;
    if (workers === undefined) return;
    const greet = (): void => void this.#greet(workers.controller);
    workers.addEventListener("controllerchange", greet);
    greet();
    let registration: ServiceWorkerRegistration;
    try {
      registration = await workers.register("/sw.js");
    } catch {
      // Some browsers refuse it in private windows, and the relay may be gone. The page works as if there were none.
      return;
    }
    this.#registration = registration;
    const look = (): void => {
      // The first version of all waits for a moment, too, but for nobody.
      const waiting = registration.active === null ? null : registration.waiting;
      this.#waiting = waiting ?? undefined;
    };
    const follow = (): void => {
      for (const worker of [registration.installing, registration.waiting]) {
        worker?.addEventListener("statechange", look);
      }
      look();
    };
    registration.addEventListener("updatefound", follow);
    follow();
  }

  /** Asks the relay whether it has another version. */
  check(): void {
    this.#registration?.update().catch(() => {
      // It cannot be reached, or the new version is not all there yet. A later check will tell.
    });
  }

  /** For this tab; others keep theirs. */
  async use(): Promise<void> {
    const worker = this.#waiting;
    if (worker !== undefined) {
      say(worker, { kind: "activate" });
      await isDecided(worker);
    }
    this.around.reload();
  }

  putAway(): void {
    this.#putAway = this.#offer;
  }

  async #greet(worker: ServiceWorker | null): Promise<void> {
    if (worker === null) return;
    const { same } = await hello(worker, this.around.script);
    this.#other = same ? undefined : worker;
  }
}

function say(worker: ServiceWorker, message: Message, transfer: Transferable[] = []): void {
  worker.postMessage(message, transfer);
}

/** A worker that does not know the question leaves it open. */
function hello(worker: ServiceWorker, script: string): Promise<Greeting> {
  const { port1, port2 } = new MessageChannel();
  return new Promise((resolve) => {
    port1.onmessage = ({ data }: MessageEvent<Greeting>) => {
      port1.close();
      resolve(data);
    };
    say(worker, { kind: "hello", script }, [port2]);
  });
}

/** It serves from here on, or a newer one has taken its place. */
function isDecided(worker: ServiceWorker): Promise<void> {
  return new Promise((resolve) => {
    const look = (): void => {
      if (worker.state !== "activated" && worker.state !== "redundant") return;
      worker.removeEventListener("statechange", look);
      resolve();
    };
    worker.addEventListener("statechange", look);
    look();
  });
}
