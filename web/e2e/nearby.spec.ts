/** Tabs of one browser among themselves, with the relay switched off or down. */
import type { Locator } from "@playwright/test";
import { crash } from "./support/bookers.ts";
import { DATE, type Desk } from "./support/desk.ts";
import { type Visitor, expect, test } from "./support/fixtures.ts";
import { submitNotes } from "./support/notes.ts";
import { PageServer } from "./support/page-server.ts";

const SLOT = { room: "Cypress", start: "09:00", end: "10:00" };
const PELICAN = { room: "Pelican", start: "09:00", end: "10:00" };
const HERON = { room: "Heron", start: "09:00", end: "10:00" };

/** The panel with the links of a tab. */
class Links {
  readonly #region: Locator;

  constructor(readonly desk: Desk) {
    this.#region = desk.page.getByRole("region", { name: "Links" });
  }

  async open(): Promise<void> {
    const toggle = this.#region.getByRole("button", { name: "Links" });
    if ((await toggle.getAttribute("aria-expanded")) === "false") await toggle.click();
    await expect(this.relay).toBeVisible();
  }

  get relay(): Locator {
    return this.#region.getByRole("switch", { name: "Relay" });
  }

  get nearby(): Locator {
    return this.#region.getByRole("switch", { name: "Nearby tabs" });
  }

  get peers(): Locator {
    return this.#region.getByRole("switch", { name: /^Nearby tab \d/ });
  }

  /** The switch of the link with that tab. */
  async to(other: Desk): Promise<Locator> {
    const replica = await id(other);
    return this.#region.getByRole("switch", { name: `Nearby tab ${replica}`, exact: true });
  }

  /** What the panel says of a link, its switch aside. */
  facts(link: Locator): Locator {
    return link.locator("xpath=following-sibling::*");
  }

  async linked(count: number): Promise<void> {
    await expect(this.peers).toHaveCount(count);
    await expect(this.facts(this.peers)).toContainText(
      Array.from({ length: count }, () => "Connected"),
    );
  }
}

async function linksOf(desk: Desk): Promise<Links> {
  const links = new Links(desk);
  await links.open();
  return links;
}

function id({ page }: Desk): Promise<string> {
  return page.evaluate(async () => {
    await window.bayou?.whenReady();
    return window.bayou?.id ?? "";
  });
}

/** The tentative writes in their order, each with what would become of it. */
function tentative({ page }: Desk): Promise<string[]> {
  return page.evaluate(() =>
    (window.bayou?.inspect().log ?? [])
      .filter(({ csn }) => csn === null)
      .map(({ id, outcome }) => `${id} ${outcome.result} ${outcome.alternative ?? ""}`),
  );
}

/** All hold so many tentative writes, in one order and with the same outcomes. */
async function agree(desks: Desk[], count: number): Promise<string[]> {
  for (const desk of desks) {
    await expect.poll(async () => (await tentative(desk)).length).toBe(count);
  }
  const orders = await Promise.all(desks.map(tentative));
  for (const order of orders) expect(order).toEqual(orders[0]);
  return orders[0] ?? [];
}

/** All have these bookings in their final states, and the same ones. */
async function confirmed(desks: Desk[], titles: string[]): Promise<void> {
  const outcomes = [];
  for (const desk of desks) {
    await desk.settled();
    const bookings = await desk.page.evaluate(() =>
      (window.bayou?.rooms.of("somebody") ?? [])
        .map(({ title, state, slot }) => `${title}: ${state} ${slot.room}`)
        .sort(),
    );
    expect(bookings.map((booking) => booking.split(":")[0])).toEqual([...titles].sort());
    outcomes.push(bookings.join("\n"));
  }
  expect(new Set(outcomes).size).toBe(1);
}

/** Books the same hour in one room and, should that be taken, in others. */
function bookAt(
  { page }: Desk,
  title: string,
  rooms: readonly string[] = ["Cypress", "Pelican", "Heron"],
): Promise<void> {
  return page.evaluate(
    async ([title, start, rooms]) => {
      const replica = window.bayou;
      if (replica === undefined) throw new Error("the page has published its replica");
      await replica.whenReady();
      const ids = new Map(replica.rooms.list().map(({ id, name }) => [name, id]));
      const [wanted, ...alternatives] = rooms.map((name) => ({
        room: ids.get(name) ?? "",
        start,
        end: start + 60,
      }));
      if (wanted === undefined) throw new Error("some room is wanted");
      await replica.rooms.book({
        id: crypto.randomUUID(),
        ...{ title, name: "Ada", notes: "", person: "somebody", wanted, alternatives },
      });
    },
    [title, Date.parse(`${DATE}T08:00Z`) / 60_000, rooms] as const,
  );
}

test("with the relay switched off two tabs share their bookings, and take the same alternatives @engines", async ({
  visitor,
}) => {
  const { tab } = await visitor();
  const ada = await tab();
  await ada.openWithRooms();
  await ada.settled();
  const bert = await tab();
  await bert.openWithRooms();
  await bert.settled();
  for (const desk of [ada, bert]) {
    await desk.showAgenda();
    const links = await linksOf(desk);
    await links.relay.click();
    await expect(links.relay).not.toBeChecked();
    await expect(links.facts(links.relay)).toContainText("Off");
    await links.linked(1);
    await expect(desk.offline).not.toBeChecked();
    await expect(desk.sync).toHaveText("Relay off - all confirmed");
  }

  await ada.book({ title: "Review", ...SLOT, alternatives: [PELICAN] });
  await expect(bert.row("Review")).toContainText("Saved on this device");
  await expect(bert.row("Review")).toContainText("Cypress");
  await bert.book({ title: "Planning", ...SLOT, alternatives: [PELICAN, HERON] });
  await Promise.all([bookAt(ada, "Left"), bookAt(bert, "Right")]);
  await agree([ada, bert], 4);
  for (const desk of [ada, bert]) {
    await expect(desk.row("Planning")).toContainText("Saved on this device");
    await expect(desk.row("Planning")).toContainText("Pelican");
    await expect(desk.sync).toHaveText("Relay off - 4 saved on this device only");
  }

  // Through a tab that is linked with the relay, the bookings of one that is not are confirmed.
  await (await linksOf(bert)).relay.click();
  await expect(bert.sync).toHaveText("All confirmed");
  await expect(ada.sync).toHaveText("Relay off - all confirmed");
  await expect(ada.row("Planning")).toContainText("Moved");
});

test("after one visit the relay is down: five tabs, two of them new, agree, and it confirms them when it comes back", async ({
  relay,
  visitor,
}) => {
  test.setTimeout(240_000);
  const { tab } = await visitor();
  const desks = [await tab(), await tab(), await tab()];
  for (const desk of desks) {
    await desk.openWithRooms();
    await desk.settled();
  }
  await relay.kill();
  const page = await PageServer.start(relay.port);
  for (const title of ["First", "Second"]) {
    const desk = await tab();
    desks.push(desk);
    await desk.openWithRooms();
    await bookAt(desk, title);
  }
  // A tab has made them, and their ids say which.
  const ids = await Promise.all(desks.map(id));
  expect(new Set(ids).size).toBe(5);
  for (const made of ids.slice(3)) {
    expect(ids.some((maker) => made.startsWith(`${maker}.`))).toBe(true);
  }
  await Promise.all(desks.map((desk, index) => bookAt(desk, `Of tab ${index}`)));
  // Seven bookings, and the writes that made two tabs.
  await agree(desks, 9);
  for (const desk of desks.slice(3)) {
    await expect(desk.sync).toHaveText(
      /^(Relay not reachable - retrying in \d+ s, 7 saved on this device only|Connecting - 7 not yet confirmed)$/,
    );
  }

  await page.stop();
  await relay.start();
  await confirmed(desks, [...["First", "Second"], ...desks.map((_, index) => `Of tab ${index}`)]);
});

test("over a link that is switched off nothing flows, from neither side, until it is switched on", async ({
  visitor,
}) => {
  const { tab } = await visitor();
  const ada = await tab();
  await ada.openWithRooms();
  await ada.settled();
  const bert = await tab();
  await bert.openWithRooms();
  const panels = [await linksOf(ada), await linksOf(bert)];
  for (const panel of panels) await panel.relay.click();
  const adas = new Links(ada);
  const toBert = await adas.to(bert);
  await adas.linked(1);

  await toBert.click();
  await expect(toBert).not.toBeChecked();
  await expect(adas.facts(toBert)).toContainText("Off");
  const berts = new Links(bert);
  await expect(berts.facts(await berts.to(ada))).toContainText("switched off in the other tab");
  const flowed = ({ page }: Desk): Promise<number[]> =>
    page.evaluate(() =>
      (window.bayou?.links.nearby.peers ?? []).flatMap(({ bytesIn, bytesOut }) => [
        bytesIn,
        bytesOut,
      ]),
    );
  const before = [await flowed(ada), await flowed(bert)];
  expect(before.flat()).toHaveLength(4);
  await bookAt(ada, "Hers");
  await bookAt(bert, "His");
  // Switching the other end off and on makes it try, in vain.
  const toAda = await berts.to(ada);
  await toAda.click();
  await expect(toAda).not.toBeChecked();
  await toAda.click();
  await expect(berts.facts(toAda)).toContainText("switched off in the other tab");
  expect([await flowed(ada), await flowed(bert)]).toEqual(before);
  expect(await tentative(ada)).toHaveLength(1);
  expect(await tentative(bert)).toHaveLength(1);

  await toBert.click();
  await agree([ada, bert], 2);
  await adas.linked(1);
});

test("Offline cuts the links with nearby tabs too, and they come back with it", async ({
  visitor,
}) => {
  const { tab } = await visitor();
  const ada = await tab();
  await ada.openWithRooms();
  const bert = await tab();
  await bert.openWithRooms();
  const berts = await linksOf(bert);
  await berts.linked(1);

  await ada.goOffline();
  await expect(berts.peers).toHaveCount(0);
  await bookAt(ada, "Alone");
  await ada.page.reload();
  await expect(ada.offline).toBeChecked();
  await expect(ada.sync).toHaveText("Offline - 1 saved on this device only");
  const adas = await linksOf(ada);
  await expect(adas.nearby).not.toBeChecked();
  await expect(berts.peers).toHaveCount(0);
  expect(await ada.page.evaluate(() => window.bayou?.links.nearby.peers.length)).toBe(0);

  // One switch after the other is no different from Offline.
  await adas.nearby.click();
  await expect(ada.offline).not.toBeChecked();
  await expect(ada.sync).toHaveText("Relay off - all confirmed");
  await berts.linked(1);
  await confirmed([bert], ["Alone"]);
});

test("a tab that is closed or put to sleep leaves the panel of the others, and one that wakes up comes back", async ({
  visitor,
}) => {
  const { tab } = await visitor();
  const stays = await tab();
  await stays.openWithRooms();
  await stays.settled();
  const [closes, sleeps] = [await tab(), await tab()];
  for (const desk of [closes, sleeps]) {
    await desk.openWithRooms();
    await desk.settled();
  }
  const panel = await linksOf(stays);
  await panel.linked(2);

  const closed = await panel.to(closes);
  await closes.page.close();
  await expect(closed).toHaveCount(0);

  const asleep = await panel.to(sleeps);
  // What the browser tells a page before it stops it; it cannot be made to stop one that the test looks at.
  const tell = (event: "freeze" | "resume"): Promise<boolean> =>
    sleeps.page.evaluate((name) => document.dispatchEvent(new Event(name)), event);
  await tell("freeze");
  await expect(asleep).toHaveCount(0);
  await bookAt(stays, "Meanwhile");
  await tell("resume");
  await panel.linked(1);
  await confirmed([stays, sleeps], ["Meanwhile"]);
});

// In Firefox the tabs of a site share a process, and crash together.
test("a tab that crashes leaves the panel of the others @chromium-only", async ({ visitor }) => {
  const { tab } = await visitor();
  const [stays, crashes] = [await tab(), await tab()];
  for (const desk of [stays, crashes]) {
    await desk.openWithRooms();
    await desk.settled();
  }
  const panel = await linksOf(stays);
  await panel.linked(1);
  await crash(crashes.page);
  await panel.linked(0);
});

test("ten tabs opened at once with the relay down agree", async ({ relay, visitor }) => {
  const { tab } = await visitor();
  const first = await tab();
  await first.openWithRooms();
  await first.settled();
  await relay.kill();
  const page = await PageServer.start(relay.port);
  const others = await Promise.all(Array.from({ length: 9 }, tab));
  await Promise.all(others.map((desk) => desk.openWithRooms()));
  const desks = [first, ...others];
  await Promise.all(desks.map((desk, index) => bookAt(desk, `Of tab ${index}`)));

  // Of those who want one of three rooms, three get one.
  const order = await agree(desks, 10 + others.length);
  expect(order.filter((write) => write.includes(" reported "))).toHaveLength(7);
  await (await linksOf(first)).linked(4);

  await page.stop();
  await relay.start();
  await confirmed(
    desks,
    desks.map((_, index) => `Of tab ${index}`),
  );
  // Whom a tab asked was given one id and no more: the relay's replica, ten tabs, and nobody else.
  const answer = await first.page.request.get(`${relay.address}/v1/databases/demo`);
  expect(((await answer.json()) as { replicas: number }).replicas).toBe(11);
});

test("where the relay answers, a new tab is its, though another tab could make it sooner", async ({
  visitor,
}) => {
  const { tab } = await visitor();
  const first = await tab();
  await first.openWithRooms();
  await first.settled();
  const second = await tab();
  await second.openWithRooms();
  const [made, other] = [await id(second), await id(first)];
  expect(made.startsWith(`${other}.`)).toBe(false);
  expect(made.split(".")).toHaveLength(other.split(".").length);
});

/** A tab that stays open, in a browser in which another one made a booking offline and was closed. */
async function leftBehind(visitor: () => Promise<Visitor>): Promise<Desk> {
  const { tab } = await visitor();
  const stays = await tab();
  await stays.openWithRooms();
  await stays.settled();
  const closes = await tab();
  await closes.openWithRooms();
  await closes.settled();
  await closes.goOffline();
  await closes.book({ title: "Left behind", ...SLOT });
  await closes.page.close();
  return stays;
}

test("a tab that was open all along takes over what a tab left that was closed offline @engines", async ({
  visitor,
}) => {
  const stays = await leftBehind(visitor);
  await stays.showAgenda();
  await expect(stays.row("Left behind")).toContainText("Confirmed");
});

test("of much that a tab left it is told how much is still to come", async ({ visitor }) => {
  const { tab } = await visitor();
  const stays = await tab();
  await stays.openWithRooms();
  await stays.settled();
  const closes = await tab();
  await closes.openWithRooms();
  await closes.settled();
  await closes.goOffline();
  await stays.goOffline();
  await submitNotes(closes.page, 3000);
  // It rests now and then, and gets its next turn by a message to itself. One is held back until the page has been looked at.
  await stays.page.evaluate(() => {
    const lacking: number[] = [];
    const turns: (() => void)[] = [];
    let isHeld = true;
    const post = Object.getOwnPropertyDescriptor(MessagePort.prototype, "postMessage");
    MessagePort.prototype.postMessage = function (...message: unknown[]) {
      const turn = (): void => {
        Reflect.apply(post?.value as MessagePort["postMessage"], this, message);
      };
      if (isHeld && lacking.some((left) => left < (lacking[0] ?? 0))) turns.push(turn);
      else turn();
    };
    window.bayou?.onChange(() => {
      const { takingOver } = window.bayou?.summary() ?? {};
      if (takingOver !== undefined) lacking.push(takingOver.left);
    });
    const goOn = (): number[] => {
      isHeld = false;
      turns.forEach((turn) => turn());
      return lacking;
    };
    Object.assign(window, { goOn });
  });
  await closes.page.close();
  await expect(stays.sync).toHaveText(
    /^Offline - taking over from a closed tab, (?!3,000)[\d,]+ of 3,000 to come$/,
  );
  const lacking = await stays.page.evaluate(() =>
    (window as unknown as { goOn: () => number[] }).goOn(),
  );
  expect(lacking).toEqual(lacking.toSorted((earlier, later) => later - earlier));
  await expect(stays.sync).toHaveText("Offline - 3000 saved on this device only");
});

test("so it does where that tab was closed before it could note which replica it had become", async ({
  visitor,
}) => {
  const stays = await leftBehind(visitor);
  const noted = (forget: boolean) =>
    stays.page.evaluate(async (forget) => {
      const settled = <T>(request: IDBRequest<T>): Promise<T> =>
        new Promise((resolve, reject) => {
          request.onsuccess = () => resolve(request.result);
          request.onerror = () => reject(request.error ?? new Error("the request failed"));
        });
      const database = await settled(indexedDB.open("bayou"));
      const replicas = database.transaction("replicas", "readwrite").objectStore("replicas");
      const entries = (await settled(replicas.getAll())) as { replica: string | null }[];
      const others = entries.filter(({ replica }) => replica !== window.bayou?.id);
      if (forget) {
        for (const entry of others) {
          await settled(replicas.put({ ...entry, replica: null, databaseId: null }));
        }
      }
      database.close();
      return others.map(({ replica }) => replica);
    }, forget);
  const before = await noted(true);
  expect(before).toHaveLength(1);
  await stays.showAgenda();
  await expect(stays.row("Left behind")).toContainText("Confirmed");
  expect(await noted(false)).toEqual(before);
});
