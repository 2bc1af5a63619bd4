import { expect, test } from "./support/fixtures.ts";
import { countSockets } from "./support/sockets.ts";

test("without a relay a first visit says so, keeps trying, and goes on when it comes", async ({
  desk,
}) => {
  let refuse = true;
  await desk.page.routeWebSocket(/\/v1\/databases\//, (socket) => {
    if (refuse) void socket.close({ code: 1011 });
    else socket.connectToServer();
  });
  await desk.open();
  await expect(desk.sync).toContainText("Relay not reachable - retrying in");
  await expect(desk.page.getByRole("alert")).toContainText("Start the relay");
  refuse = false;
  await expect(desk.page.getByRole("button", { name: "Use sample rooms" })).toBeVisible({
    timeout: 40_000,
  });
});

test("an engine that cannot be loaded is told in a sentence", async ({ desk }) => {
  await desk.page.route("**/*.wasm", (route) => route.abort());
  await desk.page.goto("/");
  await expect(desk.page.getByRole("alert")).toContainText("engine could not be loaded");
  await expect(desk.page.getByRole("button", { name: "Reload" })).toBeVisible();
});

for (const part of ["js", "css"]) {
  test(`dialogs whose ${part} file cannot be fetched are told in a sentence, and a reload brings them @engines`, async ({
    desk,
  }) => {
    await desk.page.context().route(`**/dialogs-*.${part}`, (route) => route.abort());
    await desk.open();
    const alert = desk.page.getByRole("alert");
    await expect(alert).toContainText("Part of this page could not be fetched");
    const samples = desk.page.getByRole("button", { name: "Use sample rooms" });
    await expect(samples).toBeDisabled();
    await desk.page.context().unroute(`**/dialogs-*.${part}`);
    await desk.page.getByRole("button", { name: "Reload" }).click();
    await samples.click();
    await expect(alert).toBeHidden();
    await desk.book({ title: "After all", room: "Cypress", start: "09:00", end: "10:00" });
  });
}

// Firefox asks only once for what a page imports; there the page says that it has not started.
test("a page whose script was not fetched at first starts all the same", async ({ desk }) => {
  const context = desk.page.context();
  let isFirst = true;
  await context.route("**/assets/index-*.js", (route) => {
    const wasFirst = isFirst;
    isFirst = false;
    return wasFirst ? route.abort() : route.continue();
  });
  await desk.openWithRooms();
  expect(isFirst).toBe(false);
  await desk.book({ title: "After all", room: "Cypress", start: "09:00", end: "10:00" });
});

test("a page whose script does not come is told in a sentence after a while, and a reload brings it @engines", async ({
  desk: { page },
}) => {
  // The while is ended from here, not waited for.
  await page.addInitScript(() => {
    document.addEventListener("animationstart", ({ target }) => {
      if (target instanceof Element && target.matches("#app + *")) {
        for (const animation of target.getAnimations()) animation.pause();
      }
    });
  });
  await page.context().route("**/assets/index-*.js", (route) => route.abort());
  await page.goto("/d/demo");
  const sentence = page.locator("#app + *");
  const delays = () =>
    sentence.evaluate((element) => element.getAnimations().map(({ playState }) => playState));
  await expect.poll(delays).toEqual(["paused"]);
  await expect(sentence).toBeHidden();
  await sentence.evaluate((element) => {
    for (const animation of element.getAnimations()) animation.finish();
  });
  await expect(page.getByRole("alert")).toContainText("Bayou has not started");
  await page.context().unroute("**/assets/index-*.js");
  await page.getByRole("link", { name: "Reload" }).click();
  await expect(page.getByRole("button", { name: "Use sample rooms" })).toBeVisible();
  await expect(sentence).toBeHidden();
});

test("a browser without storage is told in a sentence", async ({ desk }) => {
  await desk.page.addInitScript(() => {
    Object.defineProperty(window, "indexedDB", { get: () => undefined });
  });
  await desk.page.goto("/");
  await expect(desk.page.getByRole("alert")).toHaveText(/.{20,}/);
  await expect(desk.page.getByRole("button", { name: "Reload" })).toBeVisible();
});

test("the Offline switch really closes the connection @engines", async ({ desk }) => {
  const sockets = await countSockets(desk.page);
  await desk.openWithRooms();
  await desk.settled();
  expect(await sockets()).toEqual({ opened: 1, closed: 0 });
  await desk.goOffline();
  await expect.poll(sockets).toEqual({ opened: 1, closed: 1 });
  await desk.goOnline();
  await desk.settled();
  expect(await sockets()).toEqual({ opened: 2, closed: 1 });
});

test("while commits are paused everything else goes on", async ({ desk, relay }) => {
  await desk.openWithRooms("demo");
  await desk.settled();
  const pause = (what: "pause" | "resume") =>
    desk.page.request.post(`/v1/databases/demo/commits/${what}`, {
      headers: { origin: relay.address },
    });
  expect((await pause("pause")).status()).toBe(204);
  await desk.book({ title: "Patience", room: "Cypress", start: "09:00", end: "10:00" });
  await expect(desk.myBooking("Patience")).toContainText("Tentative");
  await expect(desk.sync).toHaveText("Commits are paused - 1 not yet confirmed");
  expect((await pause("resume")).status()).toBe(204);
  await expect(desk.myBooking("Patience")).toContainText("Confirmed");
});

test("an address that is not secure is told in a sentence", async ({ desk }) => {
  await desk.page.addInitScript(() => {
    Object.defineProperty(window, "isSecureContext", { get: () => false });
  });
  await desk.page.goto("/");
  await expect(desk.page.getByRole("alert")).toContainText("https://");
});

test("when storage is full the page says so and is read only", async ({ desk }) => {
  const { page } = desk;
  await desk.openWithRooms();
  await desk.book({ title: "Kept", room: "Cypress", start: "09:00", end: "10:00" });
  await page.evaluate(() => {
    const replica = window.bayou;
    if (replica === undefined) throw new Error("the page has published its replica");
    Object.defineProperty(replica, "failure", {
      get: () => ({
        kind: "storage-full",
        message: "The storage is full. Free some space, then reload.",
      }),
    });
    // The page looks anew when something changes.
    replica.links.relay.enabled = false;
  });
  await expect(page.getByRole("alert")).toContainText("Free some space");
  await expect(desk.sync).toHaveText("Storage is full - nothing new can be saved");
  await expect(page.getByRole("button", { name: "Book a room" })).toBeDisabled();
  await expect(
    desk.myBooking("Kept").getByRole("button", { name: "Cancel booking" }),
  ).toBeDisabled();
});

test("closing a tab asks first while something is not stored yet, and only then", async ({
  desk,
}) => {
  const { page } = desk;
  await desk.openWithRooms();
  // What the browser asks the page before it closes it. (Closing it for real with the question open has brought the
  // whole browser down now and then.)
  const asks = (): Promise<boolean> =>
    page.evaluate(() => {
      const event = new Event("beforeunload", { cancelable: true });
      window.dispatchEvent(event);
      return event.defaultPrevented;
    });
  await desk.settled();
  expect(await asks()).toBe(false);
  await page.evaluate(() => {
    const replica = window.bayou;
    if (replica === undefined) throw new Error("the page has published its replica");
    const summary = replica.summary();
    replica.summary = () => ({ ...summary, saving: 1 });
  });
  expect(await asks()).toBe(true);
});

test("what became of a booking is announced", async ({ desk }) => {
  await desk.openWithRooms();
  await desk.book({ title: "News", room: "Cypress", start: "09:00", end: "10:00" });
  const outcomes = desk.page.getByRole("log", { name: "Outcomes" });
  await expect(outcomes).toContainText("Confirmed");
  await expect(outcomes).toContainText("News");
  await outcomes.getByRole("button", { name: "Dismiss" }).click();
  await expect(outcomes).not.toContainText("News");
});

test("a new database of the same name is told, and one can start with it", async ({
  desk,
  relay,
}) => {
  await desk.openWithRooms();
  await desk.book({ title: "Of the old database", room: "Cypress", start: "09:00", end: "10:00" });
  await desk.settled();

  await relay.kill();
  await relay.forget();
  await relay.start();
  const alert = desk.page.getByRole("alert").filter({ hasText: "new database of this name" });
  await expect(alert).toBeVisible();
  await expect(desk.myBooking("Of the old database")).toContainText("Confirmed");
  await expect(desk.page.getByRole("button", { name: "Book a room" })).toBeDisabled();

  await desk.page.getByRole("button", { name: "Start with the new database" }).click();
  await expect(desk.page.getByRole("button", { name: "Use sample rooms" })).toBeVisible();
  await desk.openWithRooms();
  await desk.book({ title: "Of the new one", room: "Cypress", start: "09:00", end: "10:00" });
  await expect(desk.myBooking("Of the new one")).toContainText("Confirmed");
  await expect(desk.myBooking("Of the old database")).toHaveCount(0);
});
