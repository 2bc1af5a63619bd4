/** Stores of closed tabs that are damaged: what can be read of them is taken over, told, and kept until somebody deletes it. */
import type { Locator, Page } from "@playwright/test";
import type { Desk } from "./support/desk.ts";
import { savedFile } from "./support/downloads.ts";
import { type Visitor, expect, test } from "./support/fixtures.ts";
import { inspect } from "./support/inspect.ts";
import { ownedReplicas } from "./support/owned.ts";

const MORNING = { room: "Cypress", start: "09:00", end: "10:00" };
const NOON = { room: "Cypress", start: "12:00", end: "13:00" };
const EVENING = { room: "Cypress", start: "18:00", end: "19:00" };

/** The stores of this browser's replicas. */
const stores = (page: Page): Promise<string[]> =>
  page.evaluate(async () => {
    const names = (await indexedDB.databases()).flatMap(({ name }) => name ?? []);
    return names.filter((name) => name.startsWith("bayou/"));
  });

/** Changes one byte in the middle of a record, or removes it; counted from the end, the last is 1. */
function damage(page: Page, store: string, fromEnd: number, how: "byte" | "gone"): Promise<void> {
  return page.evaluate(
    async ([name, back, what]) => {
      const settled = <T>(request: IDBRequest<T>): Promise<T> =>
        new Promise((resolve, reject) => {
          request.onsuccess = () => resolve(request.result);
          request.onerror = () => reject(request.error ?? new Error("the request failed"));
        });
      const database = await settled(indexedDB.open(name));
      const batches = database.transaction("batches", "readwrite").objectStore("batches");
      const key = (await settled(batches.getAllKeys())).at(-back);
      if (key === undefined) throw new Error("there are not so many records");
      const record = (await settled(batches.get(key))) as Uint8Array;
      const middle = record.length >> 1;
      record[middle] = (record[middle] ?? 0) ^ 1;
      if (what === "gone") await settled(batches.delete(key));
      else await settled(batches.put(record, key));
      database.close();
    },
    [store, fromEnd, how] as const,
  );
}

/** Closes the tab and gives its store, with a page that runs nothing of ours. */
async function closed({ context }: Visitor, { page }: Desk): Promise<[bare: Page, store: string]> {
  const bare = await context.newPage();
  await bare.goto("/favicon.svg");
  await page.close();
  await expect.poll(() => ownedReplicas(bare)).toBe(0);
  const [store = ""] = await stores(bare);
  return [bare, store];
}

/** Leaves a store with two bookings that nobody else has, of which the first is damaged. */
async function withDamage(person: Visitor): Promise<[bare: Page, store: string]> {
  const first = await person.tab();
  await first.openWithRooms();
  await first.settled();
  await first.goOffline();
  await first.book({ title: "Hit", ...MORNING });
  await first.book({ title: "Behind it", ...NOON });
  const [bare, store] = await closed(person, first);
  await damage(bare, store, 2, "byte");
  return [bare, store];
}

const noticeOf = ({ page }: Desk): Locator =>
  page.getByRole("status", { name: "Damaged storage", exact: true });

const keptOf = ({ page }: Desk): Locator =>
  page.getByRole("status", { name: "Damaged storage that is kept" });

/** Asks for its end, and says yes when asked whether that is meant. */
async function discard(notice: Locator): Promise<void> {
  await notice.getByRole("button", { name: "Delete the damaged part" }).click();
  await notice.getByRole("button", { name: "Delete for good" }).click();
}

async function importInto(desk: Desk, path: string, brought: string): Promise<void> {
  const dialog = desk.page.getByRole("dialog", { name: "Carry bookings in a file" });
  await desk.page.getByRole("button", { name: "Export or import" }).click();
  await dialog.getByLabel("Files to import").setInputFiles(path);
  await dialog.getByRole("button", { name: "Import", exact: true }).click();
  await expect(dialog).toContainText(brought);
  await dialog.getByRole("button", { name: "Close" }).click();
}

test("a booking behind the damage is confirmed, and the store goes when somebody says so @engines", async ({
  visitor,
}) => {
  const person = await visitor();
  const first = await person.tab();
  await first.openWithRooms();
  await first.book({ title: "Sent", ...MORNING });
  await first.settled();
  const before = await first.page.evaluate(() => window.bayou?.id);
  await first.goOffline();
  await first.book({ title: "Only here", ...NOON });
  const [bare, store] = await closed(person, first);
  // What was sent before: the relay has it.
  await damage(bare, store, 3, "byte");

  const desk = await person.tab();
  await desk.open();
  await expect(desk.myBooking("Only here")).toContainText("Confirmed");
  await expect(desk.myBooking("Sent")).toContainText("Confirmed");
  await desk.settled();
  expect(await desk.page.evaluate(() => window.bayou?.id)).not.toBe(before);
  const notice = noticeOf(desk);
  await expect(notice).toContainText("Part of what this browser had stored is damaged.");
  await expect(notice).toContainText("was taken over: 1 booking or change.");

  // It is there as long as nobody deletes it, and is told in the same words.
  await desk.page.reload();
  await expect(notice).toContainText("was taken over: 1 booking or change.");
  expect(await stores(bare)).toContain(store);
  await discard(notice);
  await expect(notice).toBeEmpty();
  expect(await stores(bare)).not.toContain(store);
  await desk.page.reload();
  await desk.settled();
  await expect(desk.myBooking("Only here")).toContainText("Confirmed");
  await expect(notice).toBeEmpty();
});

test("what follows a booking that is gone waits for it, and all that can be read goes into a file", async ({
  visitor,
}, { outputDir }) => {
  const person = await visitor();
  const first = await person.tab();
  await first.openWithRooms();
  await first.settled();
  const elsewhere = await (await visitor()).tab();
  await elsewhere.openWithRooms();
  await elsewhere.settled();
  await elsewhere.goOffline();
  await first.goOffline();
  await first.book({ title: "Kept", ...MORNING });
  await first.book({ title: "Gone", ...NOON });
  await first.book({ title: "Behind it", ...EVENING });
  const [bare, store] = await closed(person, first);
  await damage(bare, store, 2, "gone");

  const desk = await person.tab();
  await desk.open();
  await expect(desk.myBooking("Kept")).toContainText("Confirmed");
  const notice = noticeOf(desk);
  await expect(notice).toContainText("was taken over: 1 booking or change.");
  await expect(notice).toContainText("1 more follows something that is lost");
  await expect(desk.mine.getByRole("listitem")).toHaveCount(1);

  const save = notice.getByRole("button", { name: "Save what can be read" });
  const path = await savedFile(desk.page, () => save.click(), outputDir);
  await expect(notice).toContainText("Saved among this browser's downloads");
  await elsewhere.showAgenda();
  await importInto(elsewhere, path, "1 booking or change was new here");
  await expect(elsewhere.row("Kept")).toBeVisible();

  // Once put away it is no news any more, and stays to be found.
  await notice.getByRole("button", { name: "put this notice away" }).click();
  await expect(notice).toBeEmpty();
  await desk.page.reload();
  await desk.settled();
  await expect.poll(() => desk.page.evaluate(() => window.bayou?.damagedStores())).toHaveLength(1);
  await expect(notice).toBeEmpty();
  const replica = desk.page.getByRole("region", { name: "Replica" });
  await replica.getByRole("button", { name: "Replica" }).click();
  await expect(keptOf(desk)).toContainText("follows something that is lost");
  await discard(keptOf(desk));
  await expect(keptOf(desk)).toBeEmpty();
  expect(await stores(bare)).not.toContain(store);
});

test("where there is no other replica, what can be read can be saved all the same", async ({
  visitor,
  relay,
}, { outputDir }) => {
  const person = await visitor();
  const first = await person.tab();
  await first.openWithRooms();
  await first.settled();
  await first.kept();
  await first.goOffline();
  await first.book({ title: "Kept", ...MORNING });
  await first.book({ title: "Hit", ...NOON });
  await first.book({ title: "Behind it", ...EVENING });
  const [bare, store] = await closed(person, first);
  await damage(bare, store, 2, "byte");
  await relay.kill();

  const desk = await person.tab();
  await desk.open();
  const notice = noticeOf(desk);
  await expect(notice).toContainText("taken over once this tab has the schedule");
  const save = notice.getByRole("button", { name: "Save what can be read" });
  const path = await savedFile(desk.page, () => save.click(), outputDir);
  expect(path).toContain("salvaged");

  await relay.start();
  await expect(desk.myBooking("Kept")).toContainText("Confirmed");
  await expect(notice).toContainText("was taken over: 1 booking or change.");
});

test("nothing is deleted before somebody has said so twice, by keyboard, too", async ({
  visitor,
}) => {
  const person = await visitor();
  const [bare, store] = await withDamage(person);

  const desk = await person.tab();
  await desk.open();
  const { keyboard } = desk.page;
  const notice = noticeOf(desk);
  const remove = notice.getByRole("button", { name: "Delete the damaged part" });
  await remove.focus();
  await keyboard.press("Enter");
  await expect(notice).toContainText("Delete it for good?");
  const keep = notice.getByRole("button", { name: "Keep it", exact: true });
  await expect(keep).toBeFocused();
  await expect(keep).toHaveAccessibleDescription(/Delete it for good\?/);
  await keyboard.press("Enter");
  await expect(notice).not.toContainText("Delete it for good?");
  await expect(remove).toBeFocused();
  expect(await stores(bare)).toContain(store);

  await keyboard.press("Enter");
  await expect(keep).toBeFocused();
  await keyboard.press("Tab");
  await expect(notice.getByRole("button", { name: "Delete for good" })).toBeFocused();
  expect(await stores(bare)).toContain(store);
  await keyboard.press("Enter");
  await expect(notice).toBeEmpty();
  expect(await stores(bare)).not.toContain(store);
});

test("how it looks", async ({ visitor }) => {
  const person = await visitor();
  await withDamage(person);

  const desk = await person.tab();
  await desk.open();
  // Axe takes long for the grid, which has a test of its own.
  await desk.showAgenda();
  const notice = noticeOf(desk);
  await expect(notice).toContainText("follows something that is lost");
  await inspect(desk, "damaged-storage", notice);
  await notice.getByRole("button", { name: "Delete the damaged part" }).click();
  await inspect(desk, "damaged-storage-asking", notice);
  await notice.getByRole("button", { name: "Keep it", exact: true }).click();
  await notice.getByRole("button", { name: "put this notice away" }).click();
  const replica = desk.page.getByRole("region", { name: "Replica" });
  await replica.getByRole("button", { name: "Replica" }).click();
  await expect(keptOf(desk)).toContainText("follows something that is lost");
  await inspect(desk, "damaged-storage-kept", keptOf(desk));
});
