import type { Page } from "@playwright/test";
import { DATE } from "./support/desk.ts";
import { expect, test } from "./support/fixtures.ts";

/** The names of the IndexedDB databases of this browser's replicas. */
function stores(page: Page): Promise<string[]> {
  return page.evaluate(async () => {
    const databases = await indexedDB.databases();
    return databases.map(({ name = "" }) => name).filter((name) => name.startsWith("bayou/"));
  });
}

/** The keys and the bytes of a store's records. */
function recordsOf(store: string, page: Page): Promise<{ keys: number[]; bytes: number }> {
  return page.evaluate(async (name) => {
    const settled = <T>(request: IDBRequest<T>): Promise<T> =>
      new Promise((resolve, reject) => {
        request.onsuccess = () => resolve(request.result);
        request.onerror = () => reject(request.error ?? new Error("the request failed"));
      });
    const database = await settled(indexedDB.open(name));
    const batches = database.transaction("batches").objectStore("batches");
    const keys = (await settled(batches.getAllKeys())) as number[];
    const records = (await settled(batches.getAll())) as Uint8Array[];
    database.close();
    return { keys, bytes: records.reduce((sum, { byteLength }) => sum + byteLength, 0) };
  }, store);
}

test.describe("with a relay that keeps a short log", () => {
  test.use({ relayOptions: ["--keep-commits", "8"] });

  test("who was away meanwhile gets the data, keeps its own bookings, and all agree", async ({
    visitor,
  }) => {
    const ada = await (await visitor()).tab();
    const grace = await (await visitor()).tab();
    await ada.openWithRooms();
    await grace.openWithRooms();
    await grace.book({ title: "Early", room: "Pelican", start: "08:00", end: "09:00" });
    await grace.settled();
    await grace.goOffline();
    await grace.book({ title: "Offline", room: "Heron", start: "09:00", end: "10:00" });

    await ada.page.evaluate(
      async (midnight) => {
        const replica = window.bayou;
        const room = replica?.rooms.list().find(({ name }) => name === "Cypress")?.id ?? "";
        for (let hour = 0; hour < 20; hour += 1) {
          const start = midnight + hour * 60;
          const wanted = { room, start, end: start + 60 };
          const who = { name: "Ada", notes: "", person: "ada" };
          const id = crypto.randomUUID();
          const title = `Talk ${hour}`;
          await replica?.rooms.book({ id, title, ...who, wanted, alternatives: [] });
        }
      },
      Date.parse(`${DATE}T00:00+01:00`) / 60_000,
    );
    await ada.settled();
    await grace.goOnline();
    await grace.settled();

    const omitted = (page: Page) => page.evaluate(() => window.bayou?.inspect().omittedCsn ?? 0);
    expect(await omitted(grace.page)).toBeGreaterThan(8);
    expect(await omitted(ada.page)).toBe(0);
    await expect(grace.myBooking("Early")).toContainText("Confirmed");
    await expect(grace.myBooking("Offline")).toContainText("Confirmed");
    for (const desk of [ada, grace]) {
      await desk.showAgenda();
      await desk.settled();
      for (const title of ["Early", "Offline", "Talk 7", "Talk 19"]) {
        await expect(desk.row(title)).toContainText("Confirmed");
      }
    }
    await grace.page.reload();
    await expect(grace.myBooking("Offline")).toContainText("Confirmed");
    await grace.settled();
  });
});

test("a tab keeps its store small, and recovers from what is left of it", async ({ desk }) => {
  const { page } = desk;
  await desk.openWithRooms();
  const write = (round: number) =>
    page.evaluate(async (text) => {
      const replica = window.bayou;
      if (replica === undefined) throw new Error("the page has published its replica");
      const writes = Array.from({ length: 30 }, (_, index) => {
        const fields = { text: `${text} ${"x".repeat(40_000)}` };
        return replica.submit({ update: [{ put: "notes", key: `n${index % 5}`, fields }] });
      });
      const submitted = await Promise.all(writes);
      await Promise.all(submitted.map((write) => write.committed));
    }, `round ${round}`);
  const texts = () =>
    page.evaluate(() =>
      (window.bayou?.query({ from: "notes" }) ?? []).map(({ fields }) =>
        String(fields.text).slice(0, 8),
      ),
    );
  // 14 MB in all. A log has 2 MiB at most, the data 200 kB, and a store three times what is needed.
  for (let round = 1; round <= 12; round += 1) await write(round);
  const [store = ""] = await stores(page);
  await expect
    .poll(async () => {
      const { keys, bytes } = await recordsOf(store, page);
      return (keys[0] ?? 0) > 1 && bytes < 8_000_000;
    })
    .toBe(true);
  const csn = await page.evaluate(() => window.bayou?.inspect().csn);

  await desk.goOffline();
  await page.reload();
  await expect(desk.offline).toBeChecked();
  expect(await texts()).toEqual(Array(5).fill("round 12"));
  expect(await page.evaluate(() => window.bayou?.inspect().csn)).toBe(csn);
  await desk.goOnline();
  await write(13);
  await desk.settled();
  expect(await texts()).toEqual(Array(5).fill("round 13"));
});

test("of the replicas of tabs that were closed a few are kept, and the others retire", async ({
  visitor,
  relay,
}) => {
  const { tab } = await visitor();
  const last = await tab();
  await last.openWithRooms();
  const others = [];
  for (let count = 0; count < 5; count += 1) others.push(await tab());
  for (const desk of others) {
    await desk.open();
    await desk.settled();
  }
  const first = others[0];
  await first?.book({ title: "Kept", room: "Cypress", start: "09:00", end: "10:00" });
  await first?.settled();
  const replicas = async () => {
    const answer = await last.page.request.get(`${relay.address}/v1/databases/demo`);
    return ((await answer.json()) as { replicas: number }).replicas;
  };
  expect(await replicas()).toBe(7);
  for (const desk of others) await desk.page.close();

  await last.page.reload();
  await last.settled();
  await expect.poll(replicas).toBe(5);
  await expect.poll(() => stores(last.page)).toHaveLength(4);
  await expect(last.myBooking("Kept")).toContainText("Confirmed");

  await last.page.evaluate(() => window.bayou?.retire());
  await expect.poll(replicas).toBe(4);
  await last.page.reload();
  await last.settled();
  await expect(last.myBooking("Kept")).toContainText("Confirmed");
  expect(await replicas()).toBe(4);
});
