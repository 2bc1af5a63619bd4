import { Bookers, crash } from "./support/bookers.ts";
import { KillableBrowser } from "./support/browser.ts";
import { Desk } from "./support/desk.ts";
import { expect, test } from "./support/fixtures.ts";
import { LONGER, numbers, rounds, timeoutMs } from "./support/length.ts";

/** So many tabs book at a time. */
const LANES = 3;
/** A tab is killed at one of so many moments after it began to book. */
const MOMENTS = 7;

test.describe(
  "what a page called saved is confirmed, moved or reported, once",
  { tag: LONGER },
  () => {
    // In Firefox the tabs of a site share a process, and crash together.
    test("when tabs crash or are closed while they book @chromium-only", async ({
      visitor,
      relay,
    }) => {
      test.setTimeout(timeoutMs(120_000));
      const number = numbers();
      const { context, tab } = await visitor();
      const first = await tab();
      await first.openWithRooms();
      await first.settled();
      const bookers = await Bookers.of(context, relay.address);

      const lane = async (kills: number) => {
        for (let kill = 0; kill < kills; kill += 1) {
          const { desk, moment } = await bookers.booking(number(2) === 0);
          await moment(1 + number(MOMENTS));
          await (number(2) === 0 ? crash(desk.page) : desk.page.close());
        }
      };
      const each = rounds(3, 53);
      await Promise.all(Array.from({ length: LANES }, () => lane(each)));
      await first.page.close();

      const last = await bookers.tab();
      expect(bookers.saved.size).toBeGreaterThan(each);
      await bookers.allEnd(last);
      // As many as were open at once, and a few that were idle then.
      const replicas = await last.page.evaluate(async () => (await indexedDB.databases()).length);
      expect(replicas).toBeLessThanOrEqual(LANES + 4);
    });

    test("when the whole browser is killed while its tabs book @engines", async ({
      browser: usual,
      relay,
    }) => {
      test.setTimeout(timeoutMs(120_000));
      const number = numbers();
      const browser = await KillableBrowser.create(usual.browserType());
      try {
        const saved = new Set<string>();
        for (let kill = 0; kill < rounds(2, 21); kill += 1) {
          const context = await browser.start();
          if (kill === 0) {
            const first = new Desk(await context.newPage());
            await first.page.goto(`${relay.address}/d/demo`);
            await first.page.getByRole("button", { name: "Use sample rooms" }).click();
            await first.settled();
            await first.page.close();
          }
          const bookers = await Bookers.of(context, relay.address);
          const tabs = await Promise.all([bookers.booking(false), bookers.booking(true)]);
          await Promise.any(tabs.map(({ moment }) => moment(2 + number(MOMENTS))));
          await browser.kill();
          bookers.saved.forEach((id) => saved.add(id));
        }
        const bookers = await Bookers.of(await browser.start(), relay.address);
        saved.forEach((id) => bookers.saved.add(id));
        expect(saved.size).toBeGreaterThan(0);
        await bookers.allEnd(await bookers.tab());
      } finally {
        await browser.dispose();
      }
    });
  },
);
