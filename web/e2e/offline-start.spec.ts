/** After one visit the page opens without a network. */
import { expect, test } from "./support/fixtures.ts";

const SLOT = { room: "Cypress", start: "09:00", end: "10:00" };
const LATER = { room: "Cypress", start: "10:00", end: "11:00" };
const LATEST = { room: "Cypress", start: "11:00", end: "12:00" };

test("after one visit a reload and a new tab work without the relay, and nothing is lost @engines", async ({
  browserName,
  relay,
  visitor,
}) => {
  const { tab } = await visitor();
  const first = await tab();
  await first.openWithRooms();
  await first.book({ title: "With the relay", ...SLOT });
  await expect(first.myBooking("With the relay")).toContainText("Confirmed");
  await first.kept();
  await relay.kill();
  // What browsers keep anyway they keep for as long as they like. Firefox runs without such a cache.
  if (browserName === "chromium") {
    const devtools = await first.page.context().newCDPSession(first.page);
    await devtools.send("Network.clearBrowserCache");
  }

  await first.page.reload();
  await expect(first.sync).toContainText("Relay not reachable");
  await expect(first.myBooking("With the relay")).toContainText("Confirmed");
  await first.book({ title: "After a reload", ...LATER });
  await expect(first.myBooking("After a reload")).toContainText("Saved on this device");
  await first.page.close();

  const next = await tab();
  await next.open();
  await expect(next.myBooking("With the relay")).toContainText("Confirmed");
  await expect(next.myBooking("After a reload")).toContainText("Saved on this device");
  await next.book({ title: "In a new tab", ...LATEST });
  await expect(next.myBooking("In a new tab")).toContainText("Saved on this device");

  await relay.start();
  await next.settled();
  for (const title of ["With the relay", "After a reload", "In a new tab"]) {
    await expect(next.myBooking(title)).toContainText("Confirmed");
  }
});

test("all that opens on top of the view opens without the relay, too", async ({ desk, relay }) => {
  const { page } = desk;
  await desk.openWithRooms();
  await desk.book({ title: "Retro", ...SLOT });
  await desk.settled();
  await desk.kept();
  await relay.kill();
  await page.reload();

  await desk.openForm();
  await page.keyboard.press("Escape");
  await page.getByRole("button", { name: "Add rooms" }).click();
  await expect(page.getByRole("dialog", { name: "Add rooms" })).toBeVisible();
  await page.keyboard.press("Escape");
  await desk.myBooking("Retro").getByRole("button", { name: "Retro" }).click();
  await expect(page.getByRole("dialog", { name: "Retro" })).toBeVisible();
  await page.keyboard.press("Escape");
  await page
    .getByRole("region", { name: "Replica" })
    .getByRole("button", { name: "Replica" })
    .click();
  await expect(page.getByRole("table", { name: "Log" })).toBeVisible();
});

test("every address of the page opens without the relay, and no other one @engines", async ({
  desk,
  relay,
}) => {
  const { page } = desk;
  await desk.openWithRooms();
  await desk.kept();
  await relay.kill();

  await page.goto("/");
  await expect(desk.sync).toContainText("Relay not reachable");
  await desk.open("never-seen-before");
  await expect(page.getByRole("alert")).toContainText("no copy of this database yet");
  await page.goto("/d/No%20Name");
  await expect(page.getByRole("alert")).toContainText("This address names no database");
  for (const path of ["/v1/databases/demo", "/healthz"]) {
    await expect(page.goto(path), path).rejects.toThrow("CONNECTION_REFUSED");
  }
});

test("where the browser has no service workers the page works, and says nothing of them", async ({
  desk,
}) => {
  await desk.page.addInitScript(() => {
    Reflect.deleteProperty(Navigator.prototype, "serviceWorker");
  });
  await desk.openWithRooms();
  expect(await desk.page.evaluate(() => "serviceWorker" in navigator)).toBe(false);
  await desk.book({ title: "Retro", ...SLOT });
  await desk.settled();
  await expect(desk.page.getByRole("region", { name: "New version" })).toHaveCount(0);
});

test("where the browser refuses the service worker the page works, and says nothing of it @engines", async ({
  desk,
}) => {
  await desk.page.addInitScript(() => {
    // The blank page before the first is none.
    if (!isSecureContext) return;
    const refused = (): Promise<never> => Promise.reject(new DOMException("", "SecurityError"));
    ServiceWorkerContainer.prototype.register = refused;
  });
  await desk.openWithRooms();
  await desk.book({ title: "Retro", ...SLOT });
  await desk.settled();
  await expect(desk.page.getByRole("region", { name: "New version" })).toHaveCount(0);
});

// Firefox installs no pages, and tells nothing of what it makes of a manifest.
test("the page can be installed as an app @chromium-only", async ({ desk }) => {
  await desk.open();
  const devtools = await desk.page.context().newCDPSession(desk.page);
  const { errors, data } = await devtools.send("Page.getAppManifest");
  expect(errors).toEqual([]);
  expect(JSON.parse(data ?? "")).toMatchObject({ short_name: "Bayou", display: "standalone" });
  const { installabilityErrors } = await devtools.send("Page.getInstallabilityErrors");
  // A test's browser profile is a private one.
  expect(installabilityErrors.map(({ errorId }) => errorId)).toEqual(["in-incognito"]);
});
