/**
 * Every view, at three widths, light and dark: axe finds nothing, nothing sticks out, and a picture of each is left in
 * `test-results/screenshots` for somebody to look at.
 */
import { expect, test } from "./support/fixtures.ts";
import { inspect } from "./support/inspect.ts";
import { furnish } from "./support/scenery.ts";

test("a new database", async ({ desk }) => {
  await desk.open();
  await expect(desk.page.getByRole("button", { name: "Use sample rooms" })).toBeEnabled();
  await inspect(desk, "first-rooms");
  await desk.page.getByRole("button", { name: "Add own rooms" }).click();
  await expect(desk.page.getByRole("dialog", { name: "Add rooms" })).toBeVisible();
  await inspect(desk, "own-rooms");
});

test("the day as a grid @engines", async ({ desk }) => {
  await desk.openWithRooms();
  await furnish(desk);
  await inspect(desk, "grid");
});

test("the day as a table", async ({ desk }) => {
  await desk.openWithRooms();
  await furnish(desk);
  await desk.page.getByRole("button", { name: "Agenda" }).click();
  await inspect(desk, "agenda");
});

test("the form @engines", async ({ desk }) => {
  await desk.openWithRooms();
  await furnish(desk);
  await desk.openForm();
  await desk.fill({
    title: "",
    room: "Pelican",
    start: "10:00",
    end: "10:30",
    alternatives: [{ room: "Otter", start: "12:00", end: "11:00" }],
  });
  await desk.form.getByRole("button", { name: "Book", exact: true }).click();
  await inspect(desk, "form");
});

test("a booking's details", async ({ desk }) => {
  await desk.openWithRooms();
  await furnish(desk);
  await desk.myBooking("Retro").getByRole("button", { name: "Retro" }).click();
  await expect(desk.page.getByRole("dialog", { name: "Retro" })).toBeVisible();
  await inspect(desk, "details");
});

test("the marks and the replica", async ({ desk }) => {
  await desk.openWithRooms();
  await furnish(desk);
  await desk.page.getByText("What the marks mean").click();
  await desk.page
    .getByRole("region", { name: "Replica" })
    .getByRole("button", { name: "Replica" })
    .click();
  await expect(desk.page.getByRole("table", { name: "Log" })).toBeVisible();
  await desk.page.getByRole("table", { name: "Log" }).scrollIntoViewIfNeeded();
  await inspect(desk, "replica");
});

test("files, storage, and a store that is gone", async ({ desk }) => {
  const { page } = desk;
  await page.addInitScript(() => {
    if (!isSecureContext) return;
    navigator.storage.estimate = () => Promise.resolve({ usage: 4_900_000, quota: 5_000_000 });
  });
  await desk.openWithRooms();
  await desk.settled();
  await page.getByRole("button", { name: "Export or import" }).click();
  const dialog = page.getByRole("dialog", { name: "Carry bookings in a file" });
  await dialog.getByRole("radio", { name: "What another device lacks" }).check();
  await dialog.getByRole("button", { name: "Save what this device holds" }).click();
  await expect(dialog.getByRole("link")).toBeVisible();
  await dialog
    .getByLabel("Files to import")
    .setInputFiles({ name: "no.bayou", mimeType: "text/plain", buffer: Buffer.from("no file") });
  await dialog.getByRole("button", { name: "Import", exact: true }).click();
  await expect(dialog).toContainText("The file was not imported.");
  await inspect(desk, "files");
  await dialog.getByRole("button", { name: "Close" }).click();

  await page.evaluate(async () => {
    const databases = await indexedDB.databases();
    for (const { name = "" } of databases) indexedDB.deleteDatabase(name);
  });
  await expect(page.getByRole("alert")).toContainText("was cleared");
  await page
    .getByRole("region", { name: "Replica" })
    .getByRole("button", { name: "Replica" })
    .click();
  await page.getByRole("region", { name: "Storage" }).scrollIntoViewIfNeeded();
  await inspect(desk, "storage-panel");
  await page.evaluate(() => scrollTo(0, 0));
  await inspect(desk, "storage-lost");
});

test("a page that can have no replica", async ({ desk, relay, visitor }) => {
  await desk.openWithRooms();
  await furnish(desk);
  const { tab } = await visitor();
  const other = await tab();
  const { page } = other;
  await page.addInitScript(() => {
    Object.defineProperty(window, "indexedDB", { get: () => undefined });
  });
  await page.goto("/d/demo");
  await other.show();
  await inspect(other, "read-only-grid");
  await page.getByRole("button", { name: "Agenda" }).click();
  await relay.kill();
  await expect(page.getByText("cannot be reached at present")).toHaveCount(2);
  await inspect(other, "read-only-agenda");
  await page.getByRole("button", { name: "Retro" }).click();
  await expect(page.getByRole("dialog", { name: "Retro" })).toBeVisible();
  await inspect(other, "read-only-details");
});

test("the links", async ({ visitor }) => {
  const { tab } = await visitor();
  const desk = await tab();
  await desk.openWithRooms();
  const other = await tab();
  await other.openWithRooms();
  await other.settled();
  await desk.page.bringToFront();
  const region = desk.page.getByRole("region", { name: "Links" });
  await region.getByRole("button", { name: "Links" }).click();
  await expect(region.getByRole("switch", { name: /^Nearby tab \d/ })).toBeChecked();
  await inspect(desk, "links", region.getByRole("list"));
});
