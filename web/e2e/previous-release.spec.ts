/** What the release before this one has stored is read by this one. `previous/README.md` tells how it is made. */
import type { Desk } from "./support/desk.ts";
import { type Visitor, test as base, expect } from "./support/fixtures.ts";
import { furnishRelay, keepAsPrevious, readPrevious, standing } from "./support/previous.ts";
import { Relay } from "./support/relay.ts";
import { readSiteData, writeSiteData } from "./support/site-data.ts";

const at = (room: string, hour: number) => ({
  room,
  start: `${String(hour).padStart(2, "0")}:00`,
  end: `${String(hour + 1).padStart(2, "0")}:00`,
});

/** Ends a tab, and waits on a page of the same origin that runs nothing of ours. */
async function leave({ page }: Desk): Promise<void> {
  await page.goto("/favicon.svg");
}

async function makeData(visitor: () => Promise<Visitor>, relay: Relay): Promise<void> {
  const ada = await visitor();
  const desk = await ada.tab();
  const grace = await (await visitor()).tab();
  await desk.openWithRooms();
  await desk.book({ title: "Early", ...at("Cypress", 8) });
  await desk.settled();
  // So much that the store begins with a checkpoint: 30 texts of 40 kB a round, which compress to nothing.
  const first = () =>
    desk.page.evaluate(async () => {
      for (const { name = "" } of await indexedDB.databases()) {
        if (!name.startsWith("bayou/")) continue;
        const key = await new Promise<number>((resolve) => {
          const opening = indexedDB.open(name);
          opening.onsuccess = () => {
            const keys = opening.result.transaction("batches").objectStore("batches").getAllKeys();
            keys.onsuccess = () => {
              opening.result.close();
              resolve(Number(keys.result[0]));
            };
          };
        });
        if (key > 1) return key;
      }
      return 1;
    });
  for (let round = 1; (await first()) === 1; round += 1) {
    expect(round).toBeLessThan(30);
    await desk.page.evaluate(async () => {
      const replica = window.bayou;
      if (replica === undefined) throw new Error("the page has published its replica");
      const writes = Array.from({ length: 30 }, (_, index) => {
        const fields = { text: "x".repeat(40_000) };
        return replica.submit({ update: [{ put: "notes", key: `n${index % 5}`, fields }] });
      });
      const submitted = await Promise.all(writes);
      await Promise.all(submitted.map((write) => write.committed));
    });
  }
  await desk.book({ title: "Standup", ...at("Cypress", 9) });
  await desk.book({ title: "Dropped", ...at("Delta", 9) });
  await desk.settled();
  await desk.myBooking("Dropped").getByRole("button", { name: "Cancel booking" }).click();
  await expect(desk.myBooking("Dropped")).toContainText("Cancelled");

  const idle = await ada.tab();
  await idle.open();
  await idle.settled();
  await grace.openWithRooms();
  await desk.goOffline();
  const alternatives = [at("Pelican", 10)];
  await desk.book({ title: "Planning", ...at("Cypress", 10), alternatives });
  await desk.book({ title: "Budget", ...at("Magnolia", 9) });
  await grace.book({ title: "Review", name: "Grace", ...at("Cypress", 10) });
  await grace.book({ title: "Interview", name: "Grace", ...at("Magnolia", 9) });
  await grace.settled();
  await desk.goOnline();
  await expect(desk.myBooking("Planning")).toContainText("Moved");
  await expect(desk.myBooking("Budget")).toContainText("Not placed");
  await desk.settled();
  await grace.settled();

  await desk.goOffline();
  await idle.goOffline();
  await desk.book({ title: "Only here", ...at("Otter", 9) });
  await idle.book({ title: "Of a closed tab", ...at("Heron", 9) });
  await expect(desk.myBooking("Only here")).toContainText("Saved on this device");
  await expect(idle.myBooking("Of a closed tab")).toContainText("Saved on this device");
  await idle.page.close();
  const shown = await standing(desk.page);
  await leave(desk);
  await grace.page.close();
  const site = await readSiteData(desk.page);
  await relay.end();
  await keepAsPrevious({ standing: shown, site }, relay.data);
}

async function readData(visitor: () => Promise<Visitor>): Promise<void> {
  const previous = await readPrevious();
  const { tab, context } = await visitor();
  const desk = await tab();
  const { page } = desk;
  await leave(desk);
  await writeSiteData(page, previous.site);
  await page.evaluate(() => sessionStorage.setItem("bayou:off:demo", "relay nearby"));

  // What this device has stored, and nothing else: with what a closed tab had not sent.
  await desk.open();
  await expect(desk.sync).toHaveText("Offline - 2 saved on this device only");
  await expect(desk.myBooking("Of a closed tab")).toContainText("Saved on this device");
  const { "Of a closed tab": adopted, ...kept } = await standing(page);
  expect(kept).toEqual(previous.standing);
  expect(adopted).toMatch(/^saved in Heron at /);
  expect(await page.evaluate(() => window.bayou?.query({ from: "notes" }).length)).toBe(5);
  await expect(desk.myBooking("Planning")).toContainText("Moved");
  await expect(desk.myBooking("Planning")).toContainText(
    "because Grace (Review) has the wanted slot",
  );
  await expect(desk.myBooking("Budget")).toContainText("Not placed");
  await expect(desk.myBooking("Dropped")).toContainText("Cancelled");

  // With the relay of this release, on the data of the previous one.
  await desk.goOnline();
  await desk.settled();
  const all: Record<string, string> = {};
  for (const [title, how] of Object.entries({ ...kept, "Of a closed tab": adopted ?? "" })) {
    all[title] = how.replace(/^saved /, "confirmed ");
  }
  expect(await standing(page)).toEqual(all);
  await desk.book({ title: "Of today", ...at("Otter", 12) });
  await desk.settled();
  await page.reload();
  await desk.settled();
  const { "Of today": today, ...still } = await standing(page);
  expect(still).toEqual(all);
  expect(today).toMatch(/^confirmed in Otter at /);
  // A tab beside it takes the replica of the tab that was closed.
  const beside = await tab();
  await beside.open();
  await beside.settled();
  expect(await standing(beside.page)).toEqual({ ...all, "Of today": today });
  const replicas = previous.site.databases.filter(({ name }) => name.startsWith("bayou/"));
  const names = await page.evaluate(async () =>
    (await indexedDB.databases()).map(({ name }) => name),
  );
  expect(names.sort()).toEqual(["bayou", ...replicas.map(({ name }) => name)].sort());
  await context.close();

  // Who has nothing stored gets it all from the relay, and sees of others what stands.
  const newcomer = await (await visitor()).tab();
  await newcomer.open();
  await newcomer.settled();
  const stands = Object.entries({ ...all, "Of today": today }).filter(
    ([title]) => title !== "Dropped" && title !== "Budget",
  );
  expect(await standing(newcomer.page)).toEqual(Object.fromEntries(stands));
}

if (process.env.BAYOU_MAKE_PREVIOUS !== undefined) {
  base("the data of this release is kept for the next one to read", ({ visitor, relay }) =>
    makeData(visitor, relay),
  );
} else {
  const test = base.extend({
    relay: async ({ relayOptions }, use) => {
      const relay = await Relay.start(relayOptions, undefined, furnishRelay);
      await use(relay);
      await relay.dispose();
    },
  });
  test("what the previous release has stored is there, and what was left to do is done", ({
    visitor,
  }) => readData(visitor));
}
