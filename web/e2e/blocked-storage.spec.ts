/** Somebody holds a database of the page open and does not let go of it: a tab that the browser has stopped, for example. */
import type { Page } from "@playwright/test";
import { loadEngine, serveEngine } from "./support/contract.ts";
import { expect, test } from "./support/fixtures.ts";

const MORNING = { room: "Cypress", start: "09:00", end: "10:00" };
const NOON = { room: "Cypress", start: "12:00", end: "13:00" };
const LIST = "bayou";

declare global {
  interface Window {
    /** Whether somebody has asked for the database that is held. */
    isAskedFor: boolean;
  }
}

/** A tab that runs nothing of ours and holds a database open until it is closed. */
async function holder(page: Page, name: string): Promise<Page> {
  const tab = await page.context().newPage();
  await tab.goto(new URL("/favicon.svg", page.url()).href);
  await tab.evaluate(
    (wanted) =>
      new Promise<void>((resolve) => {
        window.isAskedFor = false;
        const opening = indexedDB.open(wanted);
        opening.onsuccess = () => {
          opening.result.onversionchange = () => {
            window.isAskedFor = true;
          };
          resolve();
        };
      }),
    name,
  );
  return tab;
}

const isAskedFor = (held: Page): Promise<boolean> => held.evaluate(() => window.isAskedFor);

const storeNames = (page: Page): Promise<string[]> =>
  page.evaluate(async () =>
    (await indexedDB.databases()).flatMap(({ name = "" }) =>
      name.startsWith("bayou/") ? [name] : [],
    ),
  );

/** How many replicas this browser's list has. */
const listed = (page: Page): Promise<number> =>
  page.evaluate(
    (list) =>
      new Promise((resolve) => {
        const opening = indexedDB.open(list);
        opening.onsuccess = () => {
          const replicas = opening.result.transaction("replicas").objectStore("replicas").count();
          replicas.onsuccess = () => {
            opening.result.close();
            resolve(replicas.result);
          };
        };
      }),
    LIST,
  );

/** Makes a page one of a later release, which has another layout: it upgrades what it opens. */
function upgrade(): void {
  const open = Reflect.get(IDBFactory.prototype, "open");
  IDBFactory.prototype.open = function (name) {
    return open.call(this, name, 2);
  };
  // What there is stays as it was made.
  const create = Reflect.get(IDBDatabase.prototype, "createObjectStore");
  IDBDatabase.prototype.createObjectStore = function (name, options) {
    return this.objectStoreNames.contains(name)
      ? ({ createIndex: () => undefined } as unknown as IDBObjectStore)
      : create.call(this, name, options);
  };
}

for (const which of ["the list of replicas", "a replica's store"]) {
  test(`who has to upgrade ${which} is told what keeps them from it, and goes on when that is gone`, async ({
    visitor,
  }) => {
    const { context, tab } = await visitor();
    const old = await tab();
    await old.openWithRooms();
    await old.goOffline();
    await old.book({ title: "Of the old version", ...MORNING });
    await expect(old.myBooking("Of the old version")).toContainText("Saved on this device");
    const [store = ""] = await storeNames(old.page);
    const held = await holder(old.page, which === "the list of replicas" ? LIST : store);
    await old.page.close();

    await context.addInitScript(upgrade);
    const desk = await tab();
    await desk.page.goto("/d/demo");
    const alert = desk.page.getByRole("alert");
    await expect(alert).toContainText("Another version of this page is open in this browser");
    expect(await isAskedFor(held)).toBe(true);
    // Meanwhile there is what the relay has.
    const readOnly = desk.page.getByRole("status", { name: "Read only" });
    await expect(readOnly).toContainText("As the relay had it at");
    await expect(desk.page.getByRole("grid")).toBeVisible();
    await expect(desk.page.getByRole("button", { name: "Book a room" })).toHaveCount(0);
    await held.close();
    await expect(desk.myBooking("Of the old version")).toContainText("Confirmed");
    await expect(alert.or(readOnly)).toHaveCount(0);
    await desk.book({ title: "Of the new version", ...NOON });
    await desk.settled();
    expect(await storeNames(desk.page)).toEqual([store]);
    await desk.page.reload();
    await expect(desk.myBooking("Of the old version")).toContainText("Confirmed");
    await expect(desk.myBooking("Of the new version")).toContainText("Confirmed");
  });
}

test("opening rejects with an error that names the reason, and that tells when to try again", async ({
  context,
}) => {
  await serveEngine(context);
  const page = await context.newPage();
  await loadEngine(page);
  const held = await holder(page, LIST);
  await page.evaluate(upgrade);
  const error = await page.evaluate(async () => {
    const open = () =>
      window.engine.Replica.open({
        database: "demo",
        relay: "ws://127.0.0.1",
        relayEnabled: false,
      });
    try {
      await open();
      return undefined;
    } catch (error) {
      const { name, kind, message, answered } = error as import("bayou").StorageError;
      void answered?.then(open).then((replica) => {
        document.title = `open, with id ${replica.id}`;
      });
      return { name, kind, message };
    }
  });
  expect(error).toMatchObject({ name: "StorageError", kind: "storage-blocked" });
  expect(error?.message).toContain("Another version of this page is open");
  await held.close();
  await expect(page).toHaveTitle("open, with id undefined");
});

test("a store that somebody holds open is deleted when they are gone, and nothing waits for that", async ({
  visitor,
}) => {
  const { tab } = await visitor();
  const desk = await tab();
  const { page } = desk;
  await desk.openWithRooms();
  await desk.book({ title: "Kept", ...MORNING });
  await desk.settled();
  const [store = ""] = await storeNames(page);
  const held = await holder(page, store);
  const refused = await page.evaluate(() =>
    window.bayou?.retire().catch((error: unknown) => (error as import("bayou").StorageError).kind),
  );
  expect(refused).toBe("storage-blocked");
  expect(await isAskedFor(held)).toBe(true);
  await page.reload();
  await desk.settled();
  await expect(desk.myBooking("Kept")).toContainText("Confirmed");
  await desk.book({ title: "Meanwhile", ...NOON });
  await desk.settled();
  await page.reload();
  await desk.settled();
  // The replica that it deletes is the only one that is free.
  const other = await tab();
  await other.open();
  await other.settled();
  await expect(other.myBooking("Meanwhile")).toContainText("Confirmed");
  expect(await listed(page)).toBe(3);

  await held.close();
  await expect.poll(() => storeNames(page)).not.toContain(store);
  await page.reload();
  await desk.settled();
  await expect.poll(() => listed(page)).toBe(2);
  await expect.poll(() => storeNames(page)).toHaveLength(2);
  await expect(desk.myBooking("Kept")).toContainText("Confirmed");
});
