/** A browser with little room for the site, which gets used up. */
import type { Page } from "@playwright/test";
import { test as base, expect } from "./support/fixtures.ts";

const MORNING = { room: "Cypress", start: "09:00", end: "10:00" };
const NOON = { room: "Cypress", start: "12:00", end: "13:00" };

/** For the page's own files, which its service worker keeps, 1.6 MB of something else, and a little more. */
const QUOTA_KIB = 4096;

/** Firefox takes its quota from a preference when it starts, and has it for all sites together. */
const test = base.extend<object, { launchOptions: object }>({
  launchOptions: [
    async ({ launchOptions }, use) => {
      const { firefoxUserPrefs, ...others } = launchOptions;
      const limit = { "dom.quotaManager.temporaryStorage.fixedLimit": QUOTA_KIB };
      await use({ ...others, firefoxUserPrefs: { ...firefoxUserPrefs, ...limit } });
    },
    { scope: "worker" },
  ],
});

/** Leaves the origin of this page little room, and returns what gives it more. */
async function cramp(page: Page, origin: string): Promise<() => Promise<unknown>> {
  if (page.context().browser()?.browserType().name() === "chromium") {
    // What something else frees is no use there: it lets a site have more than its quota by some megabytes.
    const tools = await page.context().newCDPSession(page);
    await tools.send("Storage.overrideQuotaForOrigin", { origin, quotaSize: QUOTA_KIB * 1024 });
    return () => tools.send("Storage.overrideQuotaForOrigin", { origin });
  }
  await page.evaluate(async (bytes) => {
    const folder = await navigator.storage.getDirectory();
    const file = await folder.getFileHandle("something else", { create: true });
    const writable = await file.createWritable();
    await writable.write(new Uint8Array(bytes));
    await writable.close();
  }, 1_600_000);
  return () =>
    page.evaluate(async () => {
      await (await navigator.storage.getDirectory()).removeEntry("something else");
    });
}

test("when the quota is used up, nothing is pretended, and nothing that was saved is lost @engines", async ({
  desk,
  relay,
}) => {
  const { page } = desk;
  await page.goto("/favicon.svg");
  const freeSomeSpace = await cramp(page, relay.address);
  await desk.openWithRooms();
  await desk.settled();
  await desk.goOffline();
  await desk.book({ title: "Kept", ...MORNING });
  await expect(desk.myBooking("Kept")).toContainText("Saved on this device");

  const { saved, error } = await page.evaluate(async () => {
    for (let saved = 0; ; saved += 1) {
      // What can be compressed takes little room.
      const bytes = crypto.getRandomValues(new Uint8Array(20_000));
      const text = Array.from(bytes, (byte) => byte.toString(16)).join("");
      const fields = { text };
      try {
        await window.bayou?.submit({ update: [{ put: "notes", key: `n${saved}`, fields }] });
      } catch (error) {
        const { name, kind } = error as import("bayou").StoppedError;
        return { saved, error: { name, kind } };
      }
    }
  });
  expect(saved).toBeGreaterThan(2);
  expect(error).toEqual({ name: "StoppedError", kind: "storage-full" });
  await desk.stopped("Free some space", "Storage is full - nothing new can be saved");
  await expect(desk.myBooking("Kept")).toContainText("Saved on this device");
  await expect(
    desk.myBooking("Kept").getByRole("button", { name: "Cancel booking" }),
  ).toBeDisabled();
  // What could not be stored is not there, not even as something that is being saved.
  const held = () =>
    page.evaluate(() => ({
      notes: window.bayou?.query({ from: "notes" }).length,
      saving: window.bayou?.summary().saving,
    }));
  await expect.poll(held).toEqual({ notes: saved, saving: 0 });

  await freeSomeSpace();
  await page.reload();
  await expect(desk.myBooking("Kept")).toContainText("Saved on this device");
  expect(await held()).toEqual({ notes: saved, saving: 0 });
  await desk.goOnline();
  await desk.book({ title: "Enough again", ...NOON });
  await desk.settled();
  await expect(desk.myBooking("Kept")).toContainText("Confirmed");
});
