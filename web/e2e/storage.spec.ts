/** What the browser may do to a page's storage, done to it for real. */
import type { Page } from "@playwright/test";
import type { Desk } from "./support/desk.ts";
import { savedFile } from "./support/downloads.ts";
import { expect, test } from "./support/fixtures.ts";
import { clearSiteData } from "./support/site-data.ts";

const MORNING = { room: "Cypress", start: "09:00", end: "10:00" };
const NOON = { room: "Cypress", start: "12:00", end: "13:00" };

/** A tab of the same origin that runs nothing of ours. */
async function bareTab({ page }: Desk): Promise<Page> {
  const tab = await page.context().newPage();
  await tab.goto("/favicon.svg");
  return tab;
}

/** Name of the IndexedDB database that this browser's one replica is stored in. */
function storeName(page: Page): Promise<string> {
  return page.evaluate(async () => {
    const names = (await indexedDB.databases()).flatMap(({ name }) => name ?? []);
    return names.find((name) => name.startsWith("bayou/")) ?? "";
  });
}

async function tryToBook(desk: Desk, title: string, slot: typeof NOON): Promise<void> {
  await desk.openForm();
  await desk.fill({ title, ...slot });
  await desk.form.getByRole("button", { name: "Book", exact: true }).click();
}

test("what is stored is shown, and a warning comes while there is room yet", async ({ desk }) => {
  await desk.openWithRooms();
  const { page } = desk;
  const notice = page.getByRole("status", { name: "Storage notice" });
  await page
    .getByRole("region", { name: "Replica" })
    .getByRole("button", { name: "Replica" })
    .click();
  const shown = page.getByRole("region", { name: "Storage" });
  await expect(shown).toContainText(
    /\d [kM]B of \d+ GB that this browser gives this site\s+are used/,
  );
  await expect(notice).toBeEmpty();

  // This browser tells every site the same, so that none can be told by it.
  await page.addInitScript(() => {
    if (!isSecureContext) return;
    navigator.storage.estimate = () => Promise.resolve({ usage: 4_900_000, quota: 5_000_000 });
  });
  await page.reload();
  await expect(notice).toContainText(/nearly full: this browser has 100 kB left/);
  await expect(page.getByRole("button", { name: "Book a room" })).toBeEnabled();
  await notice.getByRole("button", { name: "Export" }).click();
  await expect(page.getByRole("dialog", { name: "Carry bookings in a file" })).toBeVisible();
});

test("the browser is asked once to keep what is stored, after the first booking @engines", async ({
  visitor,
}) => {
  const { context, tab } = await visitor();
  await context.addInitScript(() => {
    // The blank page before the first is none.
    if (!isSecureContext) return;
    const persist = navigator.storage.persist.bind(navigator.storage);
    navigator.storage.persist = () => {
      localStorage.setItem("asked", `${localStorage.getItem("asked") ?? ""}!`);
      return persist();
    };
  });
  const desk = await tab();
  const asked = () => desk.page.evaluate(() => localStorage.getItem("asked"));
  await desk.openWithRooms();
  await desk.settled();
  expect(await asked()).toBeNull();
  await desk.book({ title: "First", ...MORNING });
  await expect.poll(asked).toBe("!");
  await desk.book({ title: "Second", ...NOON });
  const other = await tab();
  await other.openWithRooms();
  await other.book({ title: "Third", ...NOON, room: "Pelican" });
  await other.settled();
  expect(await asked()).toBe("!");
});

test("a database that is deleted in another tab is let go at once, and what only this tab has can be carried over @engines", async ({
  desk,
}, { outputDir }) => {
  const { page } = desk;
  await desk.openWithRooms();
  await desk.settled();
  await desk.goOffline();
  await desk.book({ title: "Only here", ...MORNING });

  const other = await bareTab(desk);
  const deleted = await other.evaluate(
    (name) =>
      new Promise<string>((resolve) => {
        const request = indexedDB.deleteDatabase(name);
        for (const type of ["success", "error", "blocked"]) {
          request.addEventListener(type, () => resolve(type));
        }
      }),
    await storeName(page),
  );
  expect(deleted).toBe("success");
  await desk.stopped("was cleared", "Storage was cleared - nothing new can be saved");
  await expect(desk.myBooking("Only here")).toBeVisible();

  const dialog = page.getByRole("dialog", { name: "Carry bookings in a file" });
  await page.getByRole("main").getByRole("button", { name: "Export", exact: true }).click();
  const path = await savedFile(
    page,
    () => dialog.getByRole("button", { name: "Export", exact: true }).click(),
    outputDir,
  );
  await expect(dialog.getByRole("button", { name: "Import", exact: true })).toBeDisabled();

  // It begins anew, under another id.
  const before = await page.evaluate(() => window.bayou?.id);
  await page.evaluate(() => sessionStorage.removeItem("bayou:off:demo"));
  await page.reload();
  await desk.settled();
  expect(await page.evaluate(() => window.bayou?.id)).not.toBe(before);
  await expect(desk.myBooking("Only here")).toHaveCount(0);
  await page.getByRole("button", { name: "Export or import" }).click();
  await dialog.getByLabel("Files to import").setInputFiles(path);
  await dialog.getByRole("button", { name: "Import", exact: true }).click();
  await expect(dialog).toContainText("1 booking or change was new here");
  await dialog.getByRole("button", { name: "Close" }).click();
  await expect(desk.myBooking("Only here")).toContainText("Confirmed");
});

test("a site that has its data cleared tells the open page at once @engines", async ({
  desk,
  relay,
}) => {
  await desk.openWithRooms();
  await desk.settled();
  await clearSiteData(desk.page, relay);
  await desk.stopped("was cleared", "Storage was cleared - nothing new can be saved");
  // Nothing is left of it, not even what the page has looked with.
  await expect.poll(() => storeName(desk.page)).toBe("");
  await desk.page.reload();
  await desk.settled();
  await desk.book({ title: "Anew", ...MORNING });
  await expect(desk.myBooking("Anew")).toContainText("Confirmed");
});

test.describe("transactions that are aborted", () => {
  test.beforeEach(async ({ desk }) => {
    await desk.page.addInitScript(() => {
      const original = Object.getOwnPropertyDescriptor(IDBDatabase.prototype, "transaction");
      const transaction = original?.value as IDBDatabase["transaction"];
      IDBDatabase.prototype.transaction = function (...given) {
        const begun = transaction.apply(this, given);
        const left = Number(localStorage.getItem("aborts") ?? 0);
        if (given[1] === "readwrite" && this.name.startsWith("bayou/") && left > 0) {
          localStorage.setItem("aborts", String(left - 1));
          // After its requests were made, and before it could be committed.
          begun.commit = () => begun.abort();
        }
        return begun;
      };
    });
    await desk.openWithRooms();
    await desk.settled();
    await desk.book({ title: "Before", ...MORNING });
    await desk.settled();
    await desk.goOffline();
  });
  const abort = ({ page }: Desk, count: number): Promise<void> =>
    page.evaluate((aborts) => localStorage.setItem("aborts", String(aborts)), count);

  test("once, are made again @engines", async ({ desk }) => {
    await abort(desk, 1);
    await desk.book({ title: "After", ...NOON });
    await expect(desk.myBooking("After")).toContainText("Saved on this device");
    expect(await desk.page.evaluate(() => localStorage.getItem("aborts"))).toBe("0");
    await desk.page.reload();
    await expect(desk.myBooking("After")).toContainText("Saved on this device");
    await desk.goOnline();
    await desk.settled();
  });

  test("again and again, stop the page, and nothing of it is half written @engines", async ({
    desk,
  }) => {
    await abort(desk, 1000);
    await tryToBook(desk, "Never", NOON);
    await expect(desk.form.getByRole("alert")).toHaveText(/.{20,}/);
    await desk.form.getByRole("button", { name: "Cancel" }).click();
    await desk.stopped("eload", "Storage failed - nothing new can be saved");
    await expect(desk.myBooking("Never")).toHaveCount(0);
    await expect(desk.myBooking("Before")).toContainText("Confirmed");
    await abort(desk, 0);
    await desk.page.reload();
    await expect(desk.myBooking("Before")).toContainText("Confirmed");
    await expect(desk.myBooking("Never")).toHaveCount(0);
    await desk.goOnline();
    await desk.book({ title: "Works again", ...NOON });
    await expect(desk.myBooking("Works again")).toContainText("Confirmed");
  });
});

for (const [what, deny] of [
  [
    "throws",
    () => {
      IDBFactory.prototype.open = () => {
        throw new DOMException("denied", "SecurityError");
      };
    },
  ],
  [
    "fails",
    () => {
      const open = indexedDB.open.bind(indexedDB);
      IDBFactory.prototype.open = (name) => {
        const request = open(name, 1);
        request.addEventListener("upgradeneeded", () => request.transaction?.abort());
        return request;
      };
    },
  ],
] as const) {
  test(`storage that ${what} when it is opened is told in a sentence @engines`, async ({
    desk,
  }) => {
    await desk.page.addInitScript(deny);
    await desk.page.goto("/");
    const alert = desk.page.getByRole("alert");
    await expect(alert).toContainText("does not let the page store anything");
    await expect(desk.page.getByRole("button", { name: "Reload" })).toBeVisible();
  });
}

test("a newer version that changes the layout is not kept waiting, and this page says so @engines", async ({
  desk,
}) => {
  await desk.openWithRooms();
  await desk.settled();
  await desk.book({ title: "Old", ...MORNING });
  await desk.settled();
  const other = await bareTab(desk);
  const upgraded = await other.evaluate(
    (name) =>
      new Promise<string>((resolve) => {
        const request = indexedDB.open(name, 2);
        request.addEventListener("blocked", () => resolve("blocked"));
        request.addEventListener("success", () => {
          request.result.close();
          resolve("success");
        });
      }),
    await storeName(desk.page),
  );
  expect(upgraded).toBe("success");
  await desk.stopped("newer version of this page", "A newer version is open");
  // It is not taken for lost, nor is something new begun in its place.
  await desk.page.reload();
  await expect(desk.page.getByRole("alert")).toContainText("newer version of this page");
});

test("records of a newer version are left as they are until that version reads them @engines", async ({
  desk,
}) => {
  const { page } = desk;
  await desk.openWithRooms();
  await desk.book({ title: "Of today", ...MORNING });
  await desk.settled();
  const other = await bareTab(desk);
  const name = await storeName(page);
  /** Writes another version into every record, and tells which they had. */
  const setVersion = (version: number): Promise<number[]> =>
    other.evaluate(
      async ([store, number]) => {
        const settled = <T>(request: IDBRequest<T>): Promise<T> =>
          new Promise((resolve, reject) => {
            request.onsuccess = () => resolve(request.result);
            request.onerror = () => reject(request.error ?? new Error("the request failed"));
          });
        const database = await settled(indexedDB.open(store));
        const batches = database.transaction("batches", "readwrite").objectStore("batches");
        const keys = await settled(batches.getAllKeys());
        const versions: number[] = [];
        for (const key of keys) {
          const record = (await settled(batches.get(key))) as Uint8Array;
          versions.push(record[0] ?? 0);
          record[0] = number;
          await settled(batches.put(record, key));
        }
        database.close();
        return versions;
      },
      [name, version] as const,
    );
  await page.goto("about:blank");
  const versions = await setVersion(2);
  expect(new Set(versions)).toEqual(new Set([1]));
  await desk.page.goto("/d/demo");
  await expect(page.getByRole("alert")).toContainText("newer version of this page");
  await page.goto("about:blank");
  expect(new Set(await setVersion(1))).toEqual(new Set([2]));
  await desk.open();
  await expect(desk.myBooking("Of today")).toContainText("Confirmed");
});
