/** Tabs that book without a pause until something happens to them, and what their pages said was saved. */
import type { BrowserContext, Page } from "@playwright/test";
import { DATE, Desk } from "./desk.ts";
import { expect } from "./fixtures.ts";

const MIDNIGHT = Date.parse(`${DATE}T00:00+01:00`) / 60_000;
/** Few enough that most bookings contend for one. */
const SLOTS = 12;

/** What a page tells while it books: a booking is about to be submitted, or its page says that it is saved. */
type Moment = "submitting" | "saved";

interface Booker {
  readonly desk: Desk;
  /** Resolves at the n-th moment from here on. */
  readonly moment: (n: number) => Promise<void>;
}

declare global {
  interface Window {
    /** Books one of the slots; resolves when it is saved. */
    bookOne?: (id: string) => Promise<unknown>;
    bookers?: (name: string, moment: Moment, id: string) => Promise<void>;
  }
}

export class Bookers {
  /** The ids of bookings that a page has called saved. */
  readonly saved = new Set<string>();
  readonly #heard = new Map<string, () => void>();
  #names = 0;

  private constructor(
    private readonly context: BrowserContext,
    private readonly address: string,
  ) {}

  /** People who book in tabs of this browser. */
  static async of(context: BrowserContext, address: string): Promise<Bookers> {
    const bookers = new Bookers(context, address);
    await context.addInitScript(
      ({ midnight, slots }) => {
        window.bookOne = (id) => {
          const replica = window.bayou;
          if (replica === undefined) throw new Error("the page is not ready");
          const rooms = replica.rooms.list();
          const slot = (number: number) => {
            const start = midnight + (number % slots) * 60;
            return { room: rooms[number % rooms.length]?.id ?? "", start, end: start + 60 };
          };
          const number = Math.floor(Math.random() * slots * rooms.length);
          return replica.rooms.book({
            ...{ id, title: `Talk ${id.slice(0, 8)}`, person: "ada", name: "Ada", notes: "" },
            ...{ wanted: slot(number), alternatives: [slot(number + 1)] },
          });
        };
      },
      { midnight: MIDNIGHT, slots: SLOTS },
    );
    await context.exposeFunction("bookers", (name: string, moment: Moment, id: string) => {
      if (moment === "saved") bookers.saved.add(id);
      bookers.#heard.get(name)?.();
    });
    return bookers;
  }

  /** A tab that is ready to book. */
  async tab(): Promise<Desk> {
    const page = await this.context.newPage();
    await page.goto(`${this.address}/d/demo`);
    return this.ready(page);
  }

  /** The tab in this page, once it is ready to book. */
  async ready(page: Page): Promise<Desk> {
    // Asked again and again from here: in a popup of Firefox, Playwright waits in the blank page that was there first.
    await expect(async () => {
      expect(await page.evaluate(() => window.bayou?.ready)).toBe(true);
    }).toPass();
    return new Desk(page);
  }

  /** One booking, until the page calls it saved. */
  async book({ page }: Desk): Promise<void> {
    const id = crypto.randomUUID();
    await page.evaluate(async (id) => {
      await window.bookOne?.(id);
    }, id);
    this.saved.add(id);
  }

  /** A tab that books until it is gone, `apart` from the relay or not. */
  async booking(apart: boolean): Promise<Booker> {
    const desk = await this.tab();
    this.#names += 1;
    const name = `${this.#names}`;
    await desk.page.evaluate(
      ({ name, apart }) => {
        const { bayou: replica, bookers: tell, bookOne } = window;
        if (!replica || !tell || !bookOne) throw new Error("the page is not ready");
        if (apart) replica.links.relay.enabled = false;
        const bookOn = async () => {
          for (;;) {
            const id = crypto.randomUUID();
            const saved = bookOne(id);
            void tell(name, "submitting", id);
            await saved;
            await tell(name, "saved", id);
          }
        };
        // It ends with the page.
        void bookOn();
      },
      { name, apart },
    );
    return { desk, moment: (n) => this.#moment(name, n) };
  }

  #moment(name: string, n: number): Promise<void> {
    return new Promise((resolve) => {
      let left = n;
      this.#heard.set(name, () => {
        left -= 1;
        if (left > 0) return;
        this.#heard.delete(name);
        resolve();
      });
    });
  }

  /** Every booking that a page has called saved comes to its end, and is there once. */
  async allEnd(desk: Desk): Promise<void> {
    const without = async (): Promise<{ unsettled: number; twice: number }> => {
      const found = await desk.page.evaluate(() =>
        (window.bayou?.rooms.of("ada") ?? []).map(({ id, state }) => ({ id, state })),
      );
      const ends = found.filter(({ state }) => ["confirmed", "moved", "notPlaced"].includes(state));
      const settled = new Set(ends.map(({ id }) => id));
      const unsettled = [...this.saved].filter((id) => !settled.has(id)).length;
      return { unsettled, twice: found.length - new Set(found.map(({ id }) => id)).size };
    };
    await expect.poll(without, { timeout: 60_000 }).toEqual({ unsettled: 0, twice: 0 });
    const overlaps = await desk.page.evaluate(
      ({ midnight, minutes }) => {
        const placed = (window.bayou?.rooms.between(midnight, midnight + minutes) ?? []).filter(
          ({ state }) => state === "confirmed" || state === "moved",
        );
        const places = placed.map(({ slot }) => `${slot.room} ${slot.start}`);
        return places.length - new Set(places).size;
      },
      { midnight: MIDNIGHT, minutes: SLOTS * 60 },
    );
    expect(overlaps).toBe(0);
  }
}

/** The renderer of a tab is gone at once, as in a crash. */
export async function crash(page: Page): Promise<void> {
  const session = await page.context().newCDPSession(page);
  const crashed = page.waitForEvent("crash");
  // The command is never answered: who would answer is gone.
  session.send("Page.crash").catch(() => undefined);
  await crashed;
  await page.close();
}
