/** Storage that fails, or does not answer, while it is opened, read or written. `storage.spec.ts` has what browsers do on purpose. */
import type { Page } from "@playwright/test";
import type { Desk } from "./support/desk.ts";
import { expect, test } from "./support/fixtures.ts";

const MORNING = { room: "Cypress", start: "09:00", end: "10:00" };
const NOON = { room: "Cypress", start: "12:00", end: "13:00" };
const EVENING = { room: "Cypress", start: "18:00", end: "19:00" };
/** Longer than the page waits for any answer. */
const LONG_MS = 21_000;

type Fault = "reading" | "closing" | "hanging";

/** Lets a replica's store fail, as `localStorage.failing` says. */
function fail(): void {
  const isFailing = (how: Fault): boolean => localStorage.getItem("failing") === how;
  const begin = Reflect.get(IDBDatabase.prototype, "transaction");
  IDBDatabase.prototype.transaction = function (...given) {
    if (this.name.startsWith("bayou/") && isFailing("closing")) {
      localStorage.removeItem("failing");
      throw new DOMException("The database connection is closing.", "InvalidStateError");
    }
    return begin.apply(this, given);
  };
  const getAll = Reflect.get(IDBObjectStore.prototype, "getAll");
  IDBObjectStore.prototype.getAll = function (...given) {
    const request = getAll.apply(this, given);
    if (this.name === "batches" && isFailing("reading")) this.transaction.abort();
    return request;
  };
  const commit = Reflect.get(IDBTransaction.prototype, "commit");
  IDBTransaction.prototype.commit = function () {
    if (this.db.name.startsWith("bayou/") && isFailing("hanging")) {
      const store = this.objectStore("batches");
      const goOn = (): void => {
        store.count().onsuccess = goOn;
      };
      goOn();
      return;
    }
    commit.call(this);
  };
}

async function failing({ page }: Desk, how: Fault): Promise<void> {
  await page.evaluate((value) => localStorage.setItem("failing", value), how);
}

async function works({ page }: Desk): Promise<void> {
  await page.evaluate(() => localStorage.removeItem("failing"));
}

/** Has the page believe that so much time has passed, until this is so. */
async function soon(page: Page, isSo: () => Promise<void>): Promise<void> {
  await expect(async () => {
    await page.clock.runFor(LONG_MS);
    await isSo();
  }).toPass();
}

test("storage that does not answer is told, and the page goes on when it does", async ({
  visitor,
}) => {
  const { tab } = await visitor();
  const desk = await tab();
  const { page } = desk;
  // A deletion that somebody keeps from being done keeps all others waiting, and the browser tells them nothing.
  const held = await tab();
  await held.page.goto("/favicon.svg");
  await held.page.evaluate(
    () =>
      new Promise<void>((resolve) => {
        const opening = indexedDB.open("bayou");
        opening.onsuccess = () => {
          indexedDB.deleteDatabase("bayou").onblocked = () => resolve();
        };
      }),
  );
  await page.clock.install();
  await page.goto("/d/demo");
  const alert = page.getByRole("alert");
  await soon(page, () => expect(alert).toContainText("does not answer", { timeout: 1_000 }));
  await held.page.close();
  await expect(alert).toHaveCount(0);
  await page.clock.resume();
  await desk.openWithRooms();
  await desk.book({ title: "After all", ...MORNING });
  await desk.settled();
});

test("a first visit to a browser without room is told in a sentence", async ({ desk }) => {
  const { page } = desk;
  await page.goto("/favicon.svg");
  const tools = await page.context().newCDPSession(page);
  const { origin } = new URL(page.url());
  await tools.send("Storage.overrideQuotaForOrigin", { origin, quotaSize: 1 });
  await page.goto("/d/demo");
  await expect(page.getByRole("alert")).toContainText("Free some space on this device");
  await tools.send("Storage.overrideQuotaForOrigin", { origin });
  await page.getByRole("button", { name: "Reload" }).click();
  await desk.openWithRooms();
});

test.describe("a store that fails", () => {
  test.beforeEach(async ({ desk }) => {
    await desk.page.addInitScript(fail);
    await desk.openWithRooms();
    await desk.settled();
    await desk.goOffline();
    await desk.book({ title: "Before", ...MORNING });
    await expect(desk.myBooking("Before")).toContainText("Saved on this device");
  });

  test("while it is read is told, and nothing is begun in its place", async ({ desk }) => {
    const { page } = desk;
    const id = await page.evaluate(() => window.bayou?.id);
    await failing(desk, "reading");
    await page.reload();
    await expect(page.getByRole("alert")).toContainText("Check its disk and reload");
    await expect(page.getByRole("button", { name: "Book a room" })).toHaveCount(0);
    await works(desk);
    await page.getByRole("button", { name: "Reload" }).click();
    await expect(desk.myBooking("Before")).toContainText("Saved on this device");
    expect(await page.evaluate(() => window.bayou?.id)).toBe(id);
    const names = await page.evaluate(async () =>
      (await indexedDB.databases()).filter(({ name = "" }) => name.startsWith("bayou/")),
    );
    expect(names).toHaveLength(1);
  });

  test("because the browser is closing it is opened again", async ({ desk }) => {
    await failing(desk, "closing");
    await desk.book({ title: "After", ...NOON });
    await expect(desk.myBooking("After")).toContainText("Saved on this device");
    expect(await desk.page.evaluate(() => localStorage.getItem("failing"))).toBeNull();
    await desk.page.reload();
    await expect(desk.myBooking("After")).toContainText("Saved on this device");
    await desk.goOnline();
    await desk.settled();
  });

  test("to end a transaction stops the page, and what was not stored is not there later", async ({
    desk,
  }) => {
    const { page } = desk;
    await page.clock.install();
    await page.reload();
    await expect(desk.myBooking("Before")).toContainText("Saved on this device");
    await failing(desk, "hanging");
    await desk.openForm();
    await desk.fill({ title: "Never", ...NOON });
    await desk.form.getByRole("button", { name: "Book", exact: true }).click();
    await soon(page, () =>
      expect(desk.sync).toContainText("Storage failed - nothing new can be saved", {
        timeout: 1_000,
      }),
    );
    await expect(desk.form.getByRole("alert")).toContainText("does not answer");
    await desk.form.getByRole("button", { name: "Cancel" }).click();
    await expect(page.getByRole("button", { name: "Book a room" })).toBeDisabled();
    await expect(desk.myBooking("Before")).toContainText("Saved on this device");
    await works(desk);
    await page.clock.resume();
    await page.reload();
    await expect(desk.myBooking("Before")).toContainText("Saved on this device");
    await expect(desk.myBooking("Never")).toHaveCount(0);
    await desk.goOnline();
    await desk.book({ title: "Works again", ...EVENING });
    await desk.settled();
    await expect(desk.myBooking("Before")).toContainText("Confirmed");
  });
});
