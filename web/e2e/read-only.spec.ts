/** Pages that can have no replica: they say why, and show the schedule as the relay has it, to be looked at. */
import type { Page } from "@playwright/test";
import { Desk } from "./support/desk.ts";
import { doWithoutMediaFeatures } from "./support/firefox.ts";
import { test as base, expect, watch } from "./support/fixtures.ts";

const MORNING = { room: "Cypress", start: "09:00", end: "10:00" };
const NOON = { room: "Cypress", start: "12:00", end: "13:00" };
/** A name that no browser takes for this computer's own. */
const HOST = "bayou.test";

interface Fixtures {
  /** A tab at an address that is not secure. */
  insecure: Desk;
}

const test = base.extend<Fixtures>({
  relayOptions: ["--allow-host", HOST],

  insecure: async (
    { playwright, browserName, channel, launchOptions, contextOptions, relay },
    use,
  ) => {
    const browser = await playwright[browserName].launch({
      ...launchOptions,
      ...(channel === undefined ? {} : { channel }),
      args: [
        ...(launchOptions.args ?? []),
        ...(browserName === "chromium" ? [`--host-resolver-rules=MAP ${HOST} 127.0.0.1`] : []),
      ],
      firefoxUserPrefs: { ...launchOptions.firefoxUserPrefs, "network.dns.localDomains": HOST },
    });
    if (browserName === "firefox") doWithoutMediaFeatures(browser);
    const baseURL = `http://${HOST}:${relay.port}`;
    const context = await browser.newContext({ ...contextOptions, baseURL });
    const faults: string[] = [];
    context.on("page", (page) => watch(page, faults));
    await use(new Desk(await context.newPage()));
    await browser.close();
    expect(faults).toEqual([]);
  },
});

const sentence = (page: Page) => page.getByRole("status", { name: "Read only" });

/** A user or a policy has forbidden the site to store anything. */
function forbidStorage(): void {
  for (const storage of ["indexedDB", "localStorage", "sessionStorage"]) {
    Object.defineProperty(window, storage, {
      get: () => {
        throw new DOMException("The operation is insecure.", "SecurityError");
      },
    });
  }
}

async function hasNothingToBookWith({ page, mine, offline }: Desk): Promise<void> {
  for (const name of ["Book a room", "Add rooms", "Cancel booking", "Export or import"]) {
    await expect(page.getByRole("button", { name })).toHaveCount(0);
  }
  await expect(mine.or(offline)).toHaveCount(0);
}

test("an address that is not secure shows the schedule, and what is booked elsewhere appears @engines", async ({
  desk,
  insecure,
}) => {
  await desk.openWithRooms();
  await desk.book({ title: "Before", notes: "Bring the cards.", ...MORNING });
  await desk.settled();

  const { page } = insecure;
  await page.goto("/d/demo");
  expect(await page.evaluate(() => isSecureContext)).toBe(false);
  await expect(page.getByRole("alert")).toContainText("https://");
  await expect(sentence(page)).toHaveText(/^Read only\. As the relay had it at \d?\d:\d\d\.$/);
  await insecure.showAgenda();
  await expect(insecure.row("Before")).toContainText("Confirmed");
  await hasNothingToBookWith(insecure);

  await desk.book({ title: "Made elsewhere", ...NOON });
  await expect(insecure.row("Made elsewhere")).toContainText("Confirmed");
  await insecure.row("Before").getByRole("button").click();
  const details = page.getByRole("dialog", { name: "Before" });
  await expect(details).toContainText("Bring the cards.");
  await hasNothingToBookWith(insecure);
});

test("in the grid of who looks on free places ask for nothing, and bookings can be opened", async ({
  desk,
  visitor,
}) => {
  await desk.openWithRooms();
  await desk.book({ title: "Before", ...MORNING });
  await desk.settled();
  const { tab } = await visitor();
  const other = await tab();
  const { page } = other;
  await page.addInitScript(forbidStorage);
  await page.goto("/d/demo");
  await other.show();
  const grid = page.getByRole("grid");
  await expect(grid).toHaveAttribute("aria-readonly", "true");
  await grid.getByRole("gridcell", { name: "Cypress, 12:00: free" }).click();
  await grid.locator("[tabindex='0']").press("Enter");
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("ArrowDown");
  await expect(grid.getByRole("gridcell", { name: /^Cypress, 0?9:00: Before/ })).toBeFocused();
  await page.keyboard.press("Enter");
  await expect(page.getByRole("dialog")).toHaveCount(1);
  await expect(page.getByRole("dialog", { name: "Before" })).toBeVisible();
});

test("a browser that may store nothing shows what the relay has, tentative bookings too @engines", async ({
  desk,
  relay,
  visitor,
}) => {
  await desk.openWithRooms("demo");
  await desk.settled();
  await desk.page.request.post("/v1/databases/demo/commits/pause", {
    headers: { origin: relay.address },
  });
  await desk.book({ title: "Patience", ...MORNING });
  await expect(desk.myBooking("Patience")).toContainText("Tentative");

  const { tab } = await visitor();
  const other = await tab();
  const { page } = other;
  await page.addInitScript(forbidStorage);
  await page.goto("/d/demo");
  await expect(page.getByRole("alert")).toContainText("does not let the page store anything");
  await other.showAgenda();
  await expect(other.row("Patience")).toContainText("Tentative");
  await hasNothingToBookWith(other);
});

test("who looks on is told when the relay is away, and sees what it has when it is back", async ({
  desk,
  relay,
  visitor,
}) => {
  const { tab } = await visitor();
  const other = await tab();
  const { page } = other;
  await page.addInitScript(forbidStorage);
  await page.goto("/d/demo");
  await expect(sentence(page)).toContainText("has no database of this name yet");
  await desk.openWithRooms();
  await desk.book({ title: "Before", ...MORNING });
  await desk.settled();
  await expect(sentence(page)).toContainText("As the relay had it at");
  await other.showAgenda();
  await expect(other.row("Before")).toContainText("Confirmed");

  await relay.kill();
  await expect(sentence(page)).toHaveText(
    /As the relay had it at \d?\d:\d\d; it cannot be reached at present\.$/,
  );
  await expect(other.row("Before")).toContainText("Confirmed");
  await relay.start();
  await expect(sentence(page)).not.toContainText("cannot be reached");

  // Another database of this name, once somebody founds it.
  await desk.page.close();
  await relay.kill();
  await relay.forget();
  await relay.start();
  await expect(sentence(page)).toContainText("it has no database of this name at present");
  const { tab: elsewhere } = await visitor();
  await (await elsewhere()).openWithRooms();
  await expect(page.getByText("Nothing is booked on this day.")).toBeVisible();
  await expect(sentence(page)).toHaveText(/^Read only\. As the relay had it at \d?\d:\d\d\.$/);
});

test("a page that nobody sees does not ask the relay, and asks at once when it is looked at", async ({
  desk,
  visitor,
}) => {
  await desk.openWithRooms();
  const { tab } = await visitor();
  const { page } = await tab();
  await page.addInitScript(forbidStorage);
  await page.clock.install();
  let asked = 0;
  page.on("request", (request) => {
    if (request.url().endsWith("/export")) asked += 1;
  });
  await page.goto("/d/demo");
  await expect(sentence(page)).toContainText("As the relay had it at");
  const hide = (hidden: boolean): Promise<void> =>
    page.evaluate((value) => {
      Object.defineProperty(document, "hidden", { configurable: true, get: () => value });
      document.dispatchEvent(new Event("visibilitychange"));
    }, hidden);
  await hide(true);
  const before = asked;
  await page.clock.runFor(60_000);
  expect(asked).toBe(before);
  await hide(false);
  await expect.poll(() => asked).toBe(before + 1);
});
