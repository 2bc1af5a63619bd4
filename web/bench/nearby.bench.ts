import type { Desk } from "../e2e/support/desk.ts";
import { expect, test } from "../e2e/support/fixtures.ts";

const BOOKINGS = 20;

/** What a tab has posted. */
interface Posted {
  frames: number;
  bytes: number;
  others: number;
}

/** Frames are counted where they are posted, from before the page's own scripts run. */
function countPosts(): void {
  const posted: Posted = { frames: 0, bytes: 0, others: 0 };
  class Counting extends BroadcastChannel {
    override postMessage(message: unknown): void {
      if (message instanceof Uint8Array) {
        posted.frames += 1;
        posted.bytes += message.length;
      } else {
        posted.others += 1;
      }
      super.postMessage(message);
    }
  }
  Object.assign(window, { posted, BroadcastChannel: Counting });
}

for (const tabs of [2, 5, 10, 20]) {
  test(`what ${tabs} tabs post to each other`, async ({ visitor }) => {
    test.setTimeout(300_000);
    const { context, tab } = await visitor();
    await context.addInitScript(countPosts);
    const desks: Desk[] = [];
    for (let count = 0; count < tabs; count += 1) {
      const desk = await tab();
      await desk.open();
      await desk.page.evaluate(() => window.bayou?.whenReady());
      desks.push(desk);
    }
    const links = await Promise.all(
      desks.map(({ page }) =>
        page.evaluate(() => {
          const replica = window.bayou;
          if (replica === undefined) throw new Error("the page has published its replica");
          replica.links.relay.enabled = false;
          return replica.links.nearby.peers.length;
        }),
      ),
    );
    const posted = async () => {
      const each = await Promise.all(
        desks.map(({ page }) =>
          page.evaluate(() => ({
            ...(window as unknown as { posted: Record<"frames" | "bytes" | "others", number> })
              .posted,
          })),
        ),
      );
      const sum = (of: keyof Posted) => each.reduce((total, counts) => total + counts[of], 0);
      return { frames: sum("frames"), bytes: sum("bytes"), others: sum("others") };
    };
    const held = (key: string) =>
      Promise.all(
        desks.map(({ page }) =>
          page.evaluate(
            (name) =>
              (window.bayou?.query({ from: "bench" }) ?? []).some((row) => row.key === name),
            key,
          ),
        ),
      );

    const before = await posted();
    for (let round = 0; round < BOOKINGS; round += 1) {
      const key = `k${round}`;
      await desks[round % tabs]?.page.evaluate(
        (name) =>
          window.bayou?.submit({ update: [{ put: "bench", key: name, fields: { round: 1 } }] }),
        key,
      );
      await expect.poll(async () => (await held(key)).every(Boolean)).toBe(true);
    }
    const after = await posted();
    const perWrite = (of: "frames" | "bytes") => Math.round((after[of] - before[of]) / BOOKINGS);
    console.log(
      `${tabs} tabs, ${links.reduce((sum, count) => sum + count, 0) / 2} links: ` +
        `${perWrite("frames")} frames and ${perWrite("bytes")} bytes for each write, ` +
        `${before.others} other messages to open them`,
    );
  });
}
