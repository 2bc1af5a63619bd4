import { expect, test, vi } from "vitest";
import type { Message } from "../../worker/messages.ts";
import { NewVersion } from "./new-version.svelte.ts";

const SCRIPT = "/assets/index-1a2b.js";

/** A service worker that serves the given scripts, as a page sees it. */
class FakeWorker extends EventTarget {
  state: ServiceWorkerState = "installing";
  readonly told: Message["kind"][] = [];

  constructor(private readonly scripts: readonly string[]) {
    super();
  }

  postMessage(message: Message, [port]: MessagePort[] = []): void {
    this.told.push(message.kind);
    if (message.kind === "hello") {
      port?.postMessage({ same: this.scripts.includes(message.script) });
    }
  }

  become(state: ServiceWorkerState): void {
    this.state = state;
    this.dispatchEvent(new Event("statechange"));
  }
}

class FakeRegistration extends EventTarget {
  installing: FakeWorker | null = null;
  waiting: FakeWorker | null = null;
  active: FakeWorker | null = null;

  find(worker: FakeWorker): void {
    this.installing = worker;
    this.dispatchEvent(new Event("updatefound"));
  }

  /** The worker that is being installed is ready. */
  wait(): FakeWorker {
    const { installing } = this;
    if (installing === null) throw new Error("some worker is being installed");
    this.waiting?.become("redundant");
    this.waiting = installing;
    this.installing = null;
    installing.become("installed");
    return installing;
  }
}

class FakeContainer extends EventTarget {
  readonly registration = new FakeRegistration();
  controller: FakeWorker | null = null;

  register(): Promise<FakeRegistration> {
    return Promise.resolve(this.registration);
  }

  activate(worker: FakeWorker): void {
    this.registration.waiting = null;
    this.registration.active = worker;
    worker.become("activating");
    this.controller = worker;
    this.dispatchEvent(new Event("controllerchange"));
    worker.become("activated");
  }
}

/** A tab whose version the active worker serves. */
async function tab() {
  const container = new FakeContainer();
  const { registration } = container;
  const own = new FakeWorker([SCRIPT]);
  own.state = "activated";
  registration.active = own;
  container.controller = own;
  const reload = vi.fn();
  const workers = container as unknown as ServiceWorkerContainer;
  const version = new NewVersion({ script: SCRIPT, workers, reload });
  await version.begin();
  return { container, registration, version, reload, newer: () => new FakeWorker([]) };
}

test("the first version of all is no news", async () => {
  const container = new FakeContainer();
  const workers = container as unknown as ServiceWorkerContainer;
  const version = new NewVersion({ script: SCRIPT, workers, reload: vi.fn() });
  await version.begin();
  container.registration.find(new FakeWorker([SCRIPT]));
  const first = container.registration.wait();
  expect(version.offered).toBe(false);
  container.activate(first);
  await vi.waitFor(() => expect(first.told).toEqual(["hello"]));
  expect(version.offered).toBe(false);
});

test("a version is offered when it is ready, and not while it is being fetched", async () => {
  const { registration, version, newer } = await tab();
  registration.find(newer());
  expect(version.offered).toBe(false);
  registration.wait();
  expect(version.offered).toBe(true);
});

test("a version that was ready before this tab began is offered", async () => {
  const { container, newer } = await tab();
  container.registration.find(newer());
  container.registration.wait();
  const workers = container as unknown as ServiceWorkerContainer;
  const later = new NewVersion({ script: SCRIPT, workers, reload: vi.fn() });
  await later.begin();
  expect(later.offered).toBe(true);
});

test("what was put away stays away, and the version after it is offered again", async () => {
  const { container, registration, version, newer } = await tab();
  registration.find(newer());
  const second = registration.wait();
  version.putAway();
  expect(version.offered).toBe(false);

  container.activate(second);
  await vi.waitFor(() => expect(second.told).toEqual(["hello"]));
  expect(version.offered).toBe(false);

  registration.find(newer());
  registration.wait();
  expect(version.offered).toBe(true);
});

test("whoever wants it has it activated first, and only then the tab is reloaded", async () => {
  const { container, registration, version, reload, newer } = await tab();
  registration.find(newer());
  const second = registration.wait();
  const using = version.use();
  expect(second.told).toEqual(["activate"]);
  expect(reload).not.toHaveBeenCalled();
  container.activate(second);
  await using;
  expect(reload).toHaveBeenCalledTimes(1);
});

test("if a still newer version takes its place meanwhile, the tab is reloaded all the same", async () => {
  const { registration, version, reload, newer } = await tab();
  registration.find(newer());
  registration.wait();
  const using = version.use();
  registration.find(newer());
  registration.wait();
  await using;
  expect(reload).toHaveBeenCalledTimes(1);
});

test("when somebody takes the new version in another tab, this one is not reloaded but offered it", async () => {
  const { container, registration, version, reload, newer } = await tab();
  registration.find(newer());
  container.activate(registration.wait());
  await vi.waitFor(() => expect(version.offered).toBe(true));
  expect(reload).not.toHaveBeenCalled();
  await version.use();
  expect(reload).toHaveBeenCalledTimes(1);
});

test("without service workers, or where they are refused, nothing is offered", async () => {
  const none = new NewVersion({ script: SCRIPT, workers: undefined, reload: vi.fn() });
  await none.begin();
  none.check();
  expect(none.offered).toBe(false);

  const container = new FakeContainer();
  container.register = () => Promise.reject(new DOMException("", "SecurityError"));
  const workers = container as unknown as ServiceWorkerContainer;
  const refused = new NewVersion({ script: SCRIPT, workers, reload: vi.fn() });
  await refused.begin();
  refused.check();
  expect(refused.offered).toBe(false);
});
