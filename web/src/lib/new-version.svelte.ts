/**
 * Finds out whether a new version of the page is ready, and goes over to it when asked. Nothing happens by itself: a tab runs the
 * version that it began with until somebody reloads it.
 */
import type { Replica } from "bayou";
import type { Greeting, Message } from "../../worker/messages.ts";

const HOUR_MS = 3_600_000;

export class NewVersion {
  #registration: ServiceWorkerRegistration | undefined;
  /** The worker of a newer version, which waits to be asked for. */
  #waiting = $state.raw<ServiceWorker>();
  /** The worker of another version than this tab's, which somebody has asked for in another tab. */
  #other = $state.raw<ServiceWorker>();
  #putAway = $state.raw<ServiceWorker>();

  /** Whether there is a new version of which this person does not know yet. */
  get offered(): boolean {
    return this.#offer !== undefined && this.#offer !== this.#putAway;
  }

  get #offer(): ServiceWorker | undefined {
    return this.#waiting ?? this.#other;
  }

  /** Registers the service worker, where the browser has such a thing. */
  async begin(workers: ServiceWorkerContainer | undefined): Promise<void> {
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
    location.reload();
  }

  putAway(): void {
    this.#putAway = this.#offer;
  }

  async #greet(worker: ServiceWorker | null): Promise<void> {
    const script = document.querySelector("script[type=module]")?.getAttribute("src");
    if (worker === null || script == null) return;
    const { same } = await hello(worker, script);
    this.#other = same ? undefined : worker;
  }
}

/** Checks when the relay has come (back), every hour, and when the tab is looked at again; not while it is switched offline. */
export function checkNowAndThen(
  check: () => void,
  replica: Replica | undefined,
  { signal }: { signal: AbortSignal },
): void {
  let linked = false;
  const look = (): void => {
    const open = replica?.links.relay.state.kind === "open";
    if (open && !linked) check();
    linked = open;
  };
  if (replica === undefined) check();
  else replica.onChange(look, { signal });
  look();

  const mayCheck = (): boolean => replica?.links.relay.enabled !== false;
  const timer = setInterval(() => {
    if (mayCheck()) check();
  }, HOUR_MS);
  signal.addEventListener("abort", () => clearInterval(timer));
  document.addEventListener(
    "visibilitychange",
    () => {
      if (document.visibilityState === "visible" && mayCheck()) check();
    },
    { signal },
  );
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
