import type { Page } from "@playwright/test";
import { Bookers } from "./support/bookers.ts";
import type { Desk } from "./support/desk.ts";
import { expect, test } from "./support/fixtures.ts";
import { LONGER, numbers, rounds, timeoutMs } from "./support/length.ts";

const replicaId = (desk: Desk): Promise<string | undefined> =>
  desk.page.evaluate(() => window.bayou?.id);

async function allDiffer(desks: readonly Desk[]): Promise<void> {
  const ids = await Promise.all(desks.map(replicaId));
  expect(new Set(ids).size).toBe(desks.length);
}

/** Sets the time of day for one page, for which it passes as ever. The clock of Playwright is that of all pages. */
async function setClock(page: Page, time: string): Promise<void> {
  await page.addInitScript(
    (aheadMs) => {
      const Clock = Date;
      window.Date = class extends Clock {
        constructor(...told: [] | ConstructorParameters<typeof Clock>) {
          if (told.length === 0) super(Clock.now() + aheadMs);
          else super(...told);
        }
        static override now(): number {
          return Clock.now() + aheadMs;
        }
      } as typeof Date;
    },
    Date.parse(time) - Date.now(),
  );
}

test.describe("an id has one owner", { tag: LONGER }, () => {
  test("tabs that are opened and closed again and again leave few replicas behind", async ({
    visitor,
    relay,
  }) => {
    test.setTimeout(timeoutMs(120_000));
    const { context, tab } = await visitor();
    const first = await tab();
    await first.openWithRooms();
    await first.settled();
    await first.page.close();
    const bookers = await Bookers.of(context, relay.address);
    const together = rounds(9, 20);
    for (let round = 0; round < rounds(2, 100); round += 1) {
      const desks = await Promise.all(Array.from({ length: together }, () => bookers.tab()));
      await allDiffer(desks);
      await bookers.book(desks[round % together] ?? first);
      await Promise.all(desks.map(({ page }) => page.close()));
    }

    const last = await bookers.tab();
    await bookers.allEnd(last);
    // The list of replicas, this tab's own, and three that are kept for the tabs to come. What retires leaves the version
    // vector.
    const isTidy = (): Promise<boolean> =>
      last.page.evaluate(async () => {
        const stores = (await indexedDB.databases()).length;
        const entries = window.bayou?.inspect().vector.length ?? 0;
        return stores <= 5 && entries <= 6;
      });
    await expect.poll(isTidy, { timeout: 120_000 }).toBe(true);
  });

  test("a duplicated tab becomes a replica of its own @engines", async ({ visitor, relay }) => {
    test.setTimeout(timeoutMs(120_000));
    const number = numbers();
    const { context, tab } = await visitor();
    const first = await tab();
    await first.openWithRooms();
    await first.page.close();
    const bookers = await Bookers.of(context, relay.address);
    let desk = await bookers.tab();
    for (let round = 0; round < rounds(4, 50); round += 1) {
      // What the browser's own command does, as far as a page can see: the new tab gets a copy of the session storage.
      const [page] = await Promise.all([
        desk.page.waitForEvent("popup"),
        desk.page.evaluate(() => {
          window.open(location.href);
        }),
      ]);
      const twin = await bookers.ready(page);
      await allDiffer([desk, twin]);
      await Promise.all([bookers.book(desk), bookers.book(twin)]);
      const [stays, goes] = number(2) === 0 ? [desk, twin] : [twin, desk];
      await goes.page.close();
      desk = stays;
    }
    await bookers.allEnd(desk);
  });

  test("clocks that are years off change nothing", async ({ visitor, relay }) => {
    const { context, tab } = await visitor();
    const first = await tab();
    await first.openWithRooms();
    await first.page.close();
    const bookers = await Bookers.of(context, relay.address);
    const years = [1999, 2031, 2060];
    const desks = await Promise.all(
      years.map(async (year) => {
        const page = await context.newPage();
        await setClock(page, `${year}-06-15T08:00:00Z`);
        await page.goto(`${relay.address}/d/demo`);
        return bookers.ready(page);
      }),
    );
    expect(
      await Promise.all(desks.map(({ page }) => page.evaluate(() => new Date().getUTCFullYear()))),
    ).toEqual(years);
    await allDiffer(desks);
    for (let round = 0; round < 3; round += 1) {
      await Promise.all(desks.map((desk) => bookers.book(desk)));
    }
    const stamps = await Promise.all(
      desks.map(async (desk) => {
        await bookers.allEnd(desk);
        return desk.page.evaluate(() => window.bayou?.inspect().clock ?? 0);
      }),
    );
    // Stamps count writes, and no clock of the day has a part in them.
    expect(Math.max(...stamps)).toBeLessThan(100);
  });
});
