import { type BrowserContext, type Page, test as base, expect } from "@playwright/test";
import { Desk } from "./desk.ts";
import { NO_FAULT, doWithoutMediaFeatures } from "./firefox.ts";
import { Relay } from "./relay.ts";

/** Somebody with a browser of their own, in which they open tabs. */
export interface Visitor {
  readonly context: BrowserContext;
  readonly tab: () => Promise<Desk>;
}

interface Fixtures {
  /** Further options of the relay's command line. */
  relayOptions: readonly string[];
  relay: Relay;
  /** Another person: another browser profile. */
  visitor: () => Promise<Visitor>;
  /** The first tab of the first person. */
  desk: Desk;
}

/** What no test may leave behind unnoticed: uncaught errors, and anything that the policy has kept from loading. */
export function watch(page: Page, faults: string[]): void {
  page.on("pageerror", ({ message }) => {
    if (!NO_FAULT.test(message)) faults.push(`uncaught: ${message}`);
  });
  page.on("console", (message) => {
    if (message.type() === "error" && /Content Security Policy|panicked/.test(message.text())) {
      faults.push(message.text());
    }
  });
}

export const test = base.extend<Fixtures>({
  browser: [
    async ({ browser, browserName }, use) => {
      if (browserName === "firefox") doWithoutMediaFeatures(browser);
      await use(browser);
    },
    { scope: "worker" },
  ],

  relayOptions: [[], { option: true }],

  relay: async ({ relayOptions }, use, info) => {
    const relay = await Relay.start(relayOptions);
    await use(relay);
    if (info.status !== info.expectedStatus) {
      await info.attach("relay.log", { body: relay.log, contentType: "text/plain" });
    }
    await relay.dispose();
  },

  visitor: async ({ browser, relay, contextOptions }, use) => {
    const contexts: BrowserContext[] = [];
    const faults: string[] = [];
    await use(async () => {
      const context = await browser.newContext({ ...contextOptions, baseURL: relay.address });
      contexts.push(context);
      context.on("page", (page) => watch(page, faults));
      return { context, tab: async () => new Desk(await context.newPage()) };
    });
    await Promise.all(contexts.map((context) => context.close()));
    expect(faults).toEqual([]);
  },

  desk: async ({ visitor }, use) => {
    const { tab } = await visitor();
    await use(await tab());
  },
});

export { expect };
