/** A new version of the page is offered and never forced, and versions never mix. */
import { cp, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { Page } from "@playwright/test";
import type { Desk } from "./support/desk.ts";
import { expect, test as base } from "./support/fixtures.ts";
import { inspect } from "./support/inspect.ts";
import { PAGE, Relay } from "./support/relay.ts";
import { SAYS, Site, assetsOf, buildNewVersion } from "./support/versions.ts";

const test = base.extend<{ site: Site }, { newVersion: string }>({
  newVersion: [
    // eslint-disable-next-line no-empty-pattern -- Playwright reads from the pattern what a fixture needs
    async ({}, use) => {
      const page = await buildNewVersion();
      await use(page);
      await rm(dirname(page), { recursive: true, force: true });
    },
    { scope: "worker", timeout: 120_000 },
  ],
  // eslint-disable-next-line no-empty-pattern -- as above
  site: async ({}, use) => {
    const site = await Site.with(PAGE);
    await use(site);
    await site.dispose();
  },
  relay: async ({ site }, use) => {
    const relay = await Relay.start([], site.path);
    await use(relay);
    await relay.dispose();
  },
});

const notice = (page: Page) => page.getByRole("region", { name: "New version" });
const reload = (page: Page) => notice(page).getByRole("button", { name: "Reload" });

/** An operator brings the new version up: other files, and the relay anew. Its tabs find out by themselves. */
async function deploy(relay: Relay, site: Site, page: string): Promise<void> {
  await relay.kill();
  await site.replaceBy(page);
  await relay.start();
}

async function expectVersion(desk: Desk, version: "old" | "new", folder: string): Promise<void> {
  const { page } = desk;
  await expect(page.getByText(SAYS[version].view)).toBeVisible();
  await page.getByRole("button", { name: "Book a room" }).click();
  await expect(desk.form.getByRole("button", { name: SAYS[version].dialog })).toBeVisible();
  await page.keyboard.press("Escape");
  await expect(desk.form).toBeHidden();

  const loaded = await page.evaluate(() =>
    performance
      .getEntriesByType("resource")
      .map(({ name }) => new URL(name).pathname)
      .filter((path) => path.startsWith("/assets/")),
  );
  expect(loaded.some((path) => path.endsWith(".wasm"))).toBe(true);
  expect(await assetsOf(folder)).toEqual(expect.arrayContaining(loaded));
}

/** How many versions the browser keeps. */
const versionsKept = (page: Page): Promise<number> =>
  page.evaluate(async () => {
    const names = await caches.keys();
    return names.filter((name) => name.startsWith("bayou:version:")).length;
  });

/** What a page is answered that asks for a file, whatever the browser remembers apart from the service worker's versions. */
const statusOf = (page: Page, path: string): Promise<number> =>
  page.evaluate(async (url) => (await fetch(url, { cache: "reload" })).status, path);

test("a new version is offered; whoever wants it gets it, others go on with theirs, and nothing mixes @engines", async ({
  newVersion,
  relay,
  site,
  visitor,
}) => {
  const { tab } = await visitor();
  const [first, second] = [await tab(), await tab()];
  await first.openWithRooms();
  await first.kept();
  await second.openWithRooms();
  await deploy(relay, site, newVersion);

  for (const desk of [first, second]) {
    await expect(notice(desk.page)).toContainText("A new version is ready");
    await expectVersion(desk, "old", PAGE);
  }
  // Not even a reload brings it: it is the old version's until somebody says otherwise.
  await second.page.reload();
  await expect(reload(second.page)).toBeVisible();
  await expectVersion(second, "old", PAGE);
  expect(await versionsKept(first.page)).toBe(2);

  await reload(first.page).click();
  await expectVersion(first, "new", newVersion);
  await expect(notice(first.page)).toHaveCount(0);

  // The other tab is served by the new worker, and still gets every part of its own version, which the relay has no more.
  await second.page.waitForFunction(
    () => navigator.serviceWorker.controller?.state === "activated",
  );
  await expect(reload(second.page)).toBeVisible();
  await expectVersion(second, "old", PAGE);
  const ofOldOnly = (await assetsOf(PAGE)).filter((path) =>
    /\/(?:dialogs|index)-.*\.js$/.test(path),
  );
  expect(ofOldOnly).toHaveLength(2);
  for (const path of ofOldOnly) {
    expect((await second.page.request.get(path)).status()).toBe(404);
    expect(await statusOf(second.page, path)).toBe(200);
  }
  await second.book({ title: "By the old version", room: "Cypress", start: "09:00", end: "10:00" });
  await second.settled();
  expect(await versionsKept(first.page)).toBe(2);

  await reload(second.page).click();
  await expectVersion(second, "new", newVersion);
  await expect(second.myBooking("By the old version")).toContainText("Confirmed");
  await expect.poll(() => versionsKept(first.page)).toBe(1);
  expect(await statusOf(second.page, ofOldOnly[0] ?? "")).toBe(404);

  await relay.kill();
  await first.page.reload();
  await expectVersion(first, "new", newVersion);
});

test("how it is offered", async ({ desk, newVersion, relay, site }) => {
  await desk.openWithRooms();
  await desk.kept();
  await deploy(relay, site, newVersion);
  await expect(notice(desk.page)).toBeVisible();
  await inspect(desk, "new-version");
});

test("the offer can be put away, and the version remains what it is", async ({
  desk,
  newVersion,
  relay,
  site,
}) => {
  await desk.openWithRooms();
  await desk.kept();
  await deploy(relay, site, newVersion);
  await expect(notice(desk.page)).toBeVisible();
  await notice(desk.page).getByRole("button", { name: "Dismiss" }).click();
  await expect(notice(desk.page)).toHaveCount(0);
  await expectVersion(desk, "old", PAGE);
  // The next visit asks anew.
  await desk.page.reload();
  await reload(desk.page).click();
  await expectVersion(desk, "new", newVersion);
});

test("a first visit during the change keeps the version that it began with, and is offered the other", async ({
  desk,
  newVersion,
  relay,
  site,
}) => {
  const { page } = desk;
  // The page asks for its service worker last of all.
  let arrive = (): void => undefined;
  const arrived = new Promise<void>((resolve) => (arrive = resolve));
  let goOn = (): void => undefined;
  const changed = new Promise<void>((resolve) => (goOn = resolve));
  await page.route(/\/assets\/NewVersion-.*\.js$/, async (route) => {
    const response = await route.fetch();
    arrive();
    await changed;
    await route.fulfill({ response });
  });
  await desk.openWithRooms();
  await arrived;
  await deploy(relay, site, newVersion);
  goOn();

  await desk.kept();
  await expect(reload(page)).toBeVisible();
  await expectVersion(desk, "old", PAGE);
  await reload(page).click();
  await expectVersion(desk, "new", newVersion);
});

test("a version of which not every file is there yet is not offered, and nothing of it is kept", async ({
  desk,
  newVersion,
  relay,
  site,
}) => {
  const { page } = desk;
  await desk.openWithRooms();
  await desk.kept();

  // The new service worker is there already, and so are all files but one, which is the old one still.
  const halfway = join(dirname(newVersion), "halfway");
  await cp(newVersion, halfway, { recursive: true });
  await rm(join(halfway, "index.html.br"));
  await cp(join(PAGE, "index.html"), join(halfway, "index.html"));
  const refused = page.evaluate(async () => {
    const registration = await navigator.serviceWorker.ready;
    return new Promise((resolve) => {
      registration.addEventListener("updatefound", () => {
        const worker = registration.installing;
        worker?.addEventListener("statechange", () => resolve(worker.state));
      });
    });
  });
  await deploy(relay, site, halfway);
  expect(await refused).toBe("redundant");
  await expect(notice(page)).toHaveCount(0);
  expect(await versionsKept(page)).toBe(1);
  await page.reload();
  await expectVersion(desk, "old", PAGE);

  await deploy(relay, site, newVersion);
  await reload(page).click();
  await expectVersion(desk, "new", newVersion);
});
