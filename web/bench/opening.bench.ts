/** How long a tab takes to open a database of 100,000 committed bookings, and what holds up the page's thread meanwhile. */
import type { Page } from "@playwright/test";
import { expect, test } from "../e2e/support/fixtures.ts";
import { longTasks, watchLongTasks } from "./long-tasks.ts";

const BOOKINGS = 100_000;
const AT_ONCE = 2_000;

/** The number of the first batch that the tab's store holds. */
function firstRecord(page: Page): Promise<number> {
  return page.evaluate(async () => {
    const settled = <T>(request: IDBRequest<T>): Promise<T> =>
      new Promise((resolve) => {
        request.onsuccess = () => resolve(request.result);
      });
    const databases = await indexedDB.databases();
    const name = databases.map(({ name = "" }) => name).find((name) => name.startsWith("bayou/"));
    const database = await settled(indexedDB.open(name ?? ""));
    const [first] = await settled(
      database.transaction("batches").objectStore("batches").getAllKeys(null, 1),
    );
    database.close();
    return Number(first);
  });
}

test("100,000 committed bookings", async ({ visitor }) => {
  test.setTimeout(1_200_000);
  const writer = await (await visitor()).tab();
  await writer.openWithRooms();
  for (let from = 0; from < BOOKINGS; from += AT_ONCE) {
    await writer.page.evaluate(
      async ([first, count]) => {
        const replica = window.bayou;
        const rooms = replica?.rooms.list() ?? [];
        const writes = Array.from({ length: count }, async (_, index) => {
          const number = first + index;
          const room = rooms[number % rooms.length]?.id ?? "";
          const start = 32_000_000 + Math.floor(number / rooms.length) * 30;
          const wanted = { room, start, end: start + 30 };
          const who = { name: "Ada", notes: "", person: "ada" };
          const id = crypto.randomUUID();
          await replica?.rooms.book({ id, title: `N${number}`, ...who, wanted, alternatives: [] });
        });
        await Promise.all(writes);
      },
      [from, AT_ONCE] as const,
    );
    await expect(writer.sync).toHaveText("All confirmed", { timeout: 300_000 });
  }

  const { tab } = await visitor();
  const reader = await tab();
  await watchLongTasks(reader.page);
  const opened = (): Promise<number> =>
    reader.page.evaluate(() => {
      const [entry] = performance.getEntriesByName("replica opened");
      return Math.round(entry?.startTime ?? Number.NaN);
    });
  await reader.page.addInitScript(() => {
    Object.defineProperty(window, "bayou", {
      configurable: true,
      set: (value) => {
        performance.mark("replica opened");
        Object.defineProperty(window, "bayou", { value, writable: true, configurable: true });
      },
    });
  });
  const begun = Date.now();
  await reader.open();
  await expect(reader.sync).toHaveText("All confirmed", { timeout: 300_000 });
  console.log(`first load of ${BOOKINGS} over the relay: ${Date.now() - begun} ms`);
  console.log(`long tasks, ms: ${(await longTasks(reader.page)).join(" ")}`);
  // The data is stored anew, behind what brought it, once the tab has caught up.
  await expect.poll(() => firstRecord(reader.page)).toBeGreaterThan(1);
  await longTasks(reader.page);
  for (let round = 1; round <= 3; round += 1) {
    await reader.page.reload();
    await expect(reader.offline).toBeVisible();
    await reader.settled();
    console.log(`reload ${round}: replica open after ${await opened()} ms of the page`);
    console.log(`long tasks, ms: ${(await longTasks(reader.page)).join(" ")}`);
  }

  // Another tab of the browser gets all of it from this one.
  const other = await tab();
  await watchLongTasks(other.page);
  await other.page.addInitScript(() => sessionStorage.setItem("bayou:off:demo", "relay"));
  await reader.page.evaluate(() => {
    if (window.bayou !== undefined) window.bayou.links.relay.enabled = false;
  });
  await longTasks(reader.page);
  const asked = Date.now();
  await other.open();
  const csn = (page: Page) => page.evaluate(() => window.bayou?.inspect().csn);
  const all = await csn(reader.page);
  await expect.poll(() => csn(other.page), { timeout: 300_000 }).toBe(all);
  console.log(`first load of ${BOOKINGS} from another tab: ${Date.now() - asked} ms`);
  console.log(`long tasks of the one that asks, ms: ${(await longTasks(other.page)).join(" ")}`);
  console.log(
    `long tasks of the one that answers, ms: ${(await longTasks(reader.page)).join(" ")}`,
  );
});
