/** What holds up the page's thread while 1,000 tentative bookings are rolled back and replayed on another one's commit. */
import type { Page } from "@playwright/test";
import { expect, test } from "../e2e/support/fixtures.ts";
import { longTasks, watchLongTasks } from "./long-tasks.ts";

const BOOKINGS = 1_000;

/** An hour each, one every half hour, so that all but the first of each room find a conflict. */
function book(page: Page, count: number): Promise<void> {
  return page.evaluate(async (count) => {
    const replica = window.bayou;
    const rooms = replica?.rooms.list() ?? [];
    const writes = Array.from({ length: count }, async (_, number) => {
      const room = rooms[number % rooms.length]?.id ?? "";
      const start = 32_000_000 + Math.floor(number / rooms.length) * 30;
      const slot = (from: number) => ({ room, start: start + from, end: start + from + 60 });
      const who = { name: "Ada", notes: "", person: "ada" };
      const places = { wanted: slot(0), alternatives: [slot(30), slot(60)] };
      await replica?.rooms.book({
        id: crypto.randomUUID(),
        title: `N${number}`,
        ...who,
        ...places,
      });
    });
    await Promise.all(writes);
  }, count);
}

test("1,000 tentative bookings replayed", async ({ visitor }) => {
  test.setTimeout(600_000);
  const [busy, other] = [await (await visitor()).tab(), await (await visitor()).tab()];
  await watchLongTasks(busy.page);
  for (const desk of [busy, other]) {
    await desk.openWithRooms();
    await desk.settled();
  }
  await busy.goOffline();
  await book(busy.page, BOOKINGS);
  // It is committed before them, so that all of them are executed again behind it.
  await book(other.page, 1);
  await expect(other.sync).toHaveText("All confirmed");
  await longTasks(busy.page);
  const begun = Date.now();
  await busy.goOnline();
  await expect(busy.sync).toHaveText("All confirmed", { timeout: 300_000 });
  console.log(`${BOOKINGS} tentative bookings replayed and confirmed in ${Date.now() - begun} ms`);
  console.log(`long tasks, ms: ${(await longTasks(busy.page)).join(" ")}`);
});
