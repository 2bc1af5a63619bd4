/** The browser puts pages away and brings them back: each replica has one owner, and nothing is lost. */
import type { Desk } from "./support/desk.ts";
import { expect, test } from "./support/fixtures.ts";
import { Freezer } from "./support/freezing.ts";
import { countSockets } from "./support/sockets.ts";

// Playwright switches Chromium's back/forward cache off.
test.use({
  launchOptions: [
    async ({ launchOptions }, use) => {
      await use({ ...launchOptions, ignoreDefaultArgs: ["--disable-back-forward-cache"] });
    },
    { scope: "worker" },
  ],
});

const MORNING = { room: "Cypress", start: "09:00", end: "10:00" };
const NOON = { room: "Cypress", start: "12:00", end: "13:00" };

const replicaId = ({ page }: Desk): Promise<string | undefined> =>
  page.evaluate(() => window.bayou?.id);

/** Marks the document, so that one can tell whether it is the same that comes back. */
const mark = ({ page }: Desk): Promise<void> =>
  page.evaluate(() => document.documentElement.setAttribute("data-marked", ""));

async function leaveForOtherPage({ page }: Desk): Promise<void> {
  await page.goto("/favicon.svg");
}

/** Back by the back/forward cache, which Playwright does not wait for. */
async function goBack({ page }: Desk): Promise<void> {
  await page.evaluate(() => history.back());
  await expect(page.locator("html[data-marked]")).toBeAttached();
}

// Firefox keeps no page that holds a lock when one leaves it: back, it is loaded anew.
test("a page that one goes back to has its replica again, and what was typed @chromium-only", async ({
  desk,
}) => {
  await desk.openWithRooms();
  await desk.settled();
  await desk.book({ title: "Before", ...MORNING });
  await desk.settled();
  const id = await replicaId(desk);
  await desk.openForm();
  await desk.fill({ title: "Half typed", ...NOON });
  await mark(desk);
  await leaveForOtherPage(desk);
  await goBack(desk);

  await expect.poll(() => replicaId(desk)).toBe(id);
  await expect(desk.form.getByLabel("Title")).toHaveValue("Half typed");
  await desk.form.getByRole("button", { name: "Book", exact: true }).click();
  await expect(desk.myBooking("Half typed")).toContainText("Confirmed");
  await desk.settled();
});

test("a page that one goes back to takes another replica where its own was taken meanwhile @chromium-only", async ({
  visitor,
}) => {
  const { tab } = await visitor();
  const first = await tab();
  await first.openWithRooms();
  await first.settled();
  await first.goOffline();
  await first.book({ title: "Offline", ...MORNING });
  await expect(first.myBooking("Offline")).toContainText("Saved on this device");
  const id = await replicaId(first);
  await first.page.evaluate(() => sessionStorage.removeItem("bayou:off:demo"));
  await mark(first);
  await leaveForOtherPage(first);

  // It keeps nothing in secret: the next tab has its replica, and what only that held.
  const second = await tab();
  await second.open();
  expect(await replicaId(second)).toBe(id);
  await expect(second.myBooking("Offline")).toContainText("Confirmed");

  await goBack(first);
  await first.settled();
  expect(await replicaId(first)).toBeDefined();
  expect(await replicaId(first)).not.toBe(id);
  await expect(first.myBooking("Offline")).toContainText("Confirmed");
  await first.book({ title: "By the first", ...NOON });
  await second.book({ title: "By the second", ...NOON, room: "Pelican" });
  for (const desk of [first, second]) {
    await desk.settled();
    for (const title of ["By the first", "By the second"]) {
      await expect(desk.myBooking(title)).toContainText("Confirmed");
    }
  }
});

// Firefox freezes no tabs: there is nothing between running and put away.
test("a frozen tab leaves its replica to others, and goes on under an id of its own @chromium-only", async ({
  visitor,
}) => {
  const { tab } = await visitor();
  const first = await tab();
  await first.openWithRooms();
  await first.goOffline();
  await first.book({ title: "Frozen in", ...MORNING });
  await expect(first.myBooking("Frozen in")).toContainText("Saved on this device");
  await first.page.evaluate(() => sessionStorage.removeItem("bayou:off:demo"));
  const id = await replicaId(first);
  const second = await tab();
  await second.page.goto("/favicon.svg");
  const freezer = await Freezer.of(first.page);
  await freezer.freeze();
  const locks = (): Promise<number> =>
    second.page.evaluate(async () => ((await navigator.locks.query()).held ?? []).length);
  await expect.poll(locks).toBe(0);

  await second.open();
  expect(await replicaId(second)).toBe(id);
  await expect(second.myBooking("Frozen in")).toContainText("Confirmed");

  await freezer.resume();
  await expect.poll(() => replicaId(first)).not.toBe(id);
  await first.settled();
  await expect(first.myBooking("Frozen in")).toContainText("Confirmed");
  await first.book({ title: "Thawed", ...NOON });
  await expect(second.myBooking("Thawed")).toContainText("Confirmed");
});

test("tabs that are frozen and resumed again and again while they book lose nothing @chromium-only", async ({
  visitor,
}) => {
  test.setTimeout(300_000);
  const ROUNDS = 50;
  const { tab } = await visitor();
  const desks = [await tab(), await tab()] as const;
  for (const desk of desks) {
    await desk.openWithRooms();
    await desk.settled();
  }
  const first = [desks[0], await Freezer.of(desks[0].page)] as const;
  const second = [desks[1], await Freezer.of(desks[1].page)] as const;
  // How many replicas the page has opened, one after the other.
  for (const { page } of desks) {
    await page.evaluate(() => {
      let replica = window.bayou;
      let opened = 1;
      Object.defineProperty(window, "bayou", {
        configurable: true,
        get: () => replica,
        set: (next: typeof replica) => {
          replica = next;
          opened += 1;
        },
      });
      Object.defineProperty(window, "opened", { get: () => opened });
    });
  }
  const opened = ({ page }: Desk): Promise<number> =>
    page.evaluate(() => (window as unknown as { opened: number }).opened);
  // Each tab keeps submitting, and notes what it was told is saved.
  const notes = ({ page }: Desk): Promise<void> =>
    page.evaluate(() => {
      const saved: string[] = [];
      let count = 0;
      const next = async (): Promise<void> => {
        const key = crypto.randomUUID();
        count += 1;
        try {
          const fields = { count };
          await window.bayou?.submit({ update: [{ insert: "notes", key, fields }] });
          saved.push(key);
        } catch {
          // It was let go just now; whether it is saved was not told.
        }
        setTimeout(() => void next(), 5);
      };
      void next();
      Object.assign(window, { saved });
    });
  for (const desk of desks) await notes(desk);
  for (let round = 0; round < ROUNDS; round += 1) {
    const [desk, freezer] = round % 2 === 0 ? first : second;
    const before = await opened(desk);
    await freezer.freeze();
    await freezer.resume();
    await expect.poll(() => opened(desk)).toBe(before + 1);
  }
  const saved: string[] = [];
  for (const { page } of desks) {
    saved.push(
      ...(await page.evaluate(() => {
        const { saved } = window as unknown as { saved: string[] };
        const told = [...saved];
        // No more from here on.
        delete window.bayou;
        return told;
      })),
    );
  }
  expect(saved.length).toBeGreaterThan(ROUNDS);
  for (const desk of desks) await desk.page.close();

  const last = await tab();
  await last.open();
  await last.settled();
  const held = () =>
    last.page.evaluate(() =>
      (window.bayou?.query({ from: "notes" }, "committed") ?? []).map(({ key }) => key),
    );
  await expect
    .poll(async () => {
      const keys = new Set(await held());
      return saved.filter((key) => !keys.has(key));
    })
    .toEqual([]);
});

test("closing a tab that holds what nobody else has asks first, and says that it stays on this device @engines", async ({
  desk,
}) => {
  const { page } = desk;
  await desk.openWithRooms();
  const asks = (): Promise<boolean> =>
    page.evaluate(() => {
      const event = new Event("beforeunload", { cancelable: true });
      window.dispatchEvent(event);
      return event.defaultPrevented;
    });
  await desk.settled();
  expect(await asks()).toBe(false);
  await desk.goOffline();
  await desk.book({ title: "Only here", ...MORNING });
  await expect(desk.myBooking("Only here")).toContainText("Saved on this device");
  expect(await asks()).toBe(true);
  const told = page.getByRole("status").filter({ hasText: "nothing is lost when you close" });
  await expect(told).toContainText("1 saved on this device only");
  await told.getByRole("button", { name: "Dismiss" }).click();
  await expect(told).toHaveCount(0);
  await desk.goOnline();
  await desk.settled();
  expect(await asks()).toBe(false);
});

test("after the machine has slept a page that is looked at tries its links at once", async ({
  desk,
}) => {
  const { page } = desk;
  await page.addInitScript(() => {
    const { now } = Date;
    Object.assign(window, { slept: 0 });
    Date.now = () => now() + (window as unknown as { slept: number }).slept;
  });
  const sockets = await countSockets(page);
  const opened = async (): Promise<number> => (await sockets()).opened;
  await desk.openWithRooms();
  await desk.settled();
  const becomeVisible = (sleptMs: number): Promise<void> =>
    page.evaluate((slept) => {
      Object.assign(window, { slept });
      document.dispatchEvent(new Event("visibilitychange", { bubbles: true }));
    }, sleptMs);
  await becomeVisible(0);
  await desk.book({ title: "Awake", ...MORNING });
  await desk.settled();
  expect(await opened()).toBe(1);
  await becomeVisible(3_600_000);
  await expect.poll(opened).toBe(2);
  await desk.settled();
});
