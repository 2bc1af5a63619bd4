import { expect, test } from "../e2e/support/fixtures.ts";

const WARM_UP = 50;
const ROUNDS = 500;

function report(what: string, milliseconds: number[]): void {
  const sorted = milliseconds.slice(WARM_UP).sort((left, right) => left - right);
  const at = (share: number): string =>
    (sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN).toFixed(
      1,
    );
  console.log(`${what}: median ${at(0.5)} ms, p99 ${at(0.99)} ms, of ${sorted.length}`);
}

test("from submit to saved on this device", async ({ desk }) => {
  await desk.openWithRooms();
  const times = await desk.page.evaluate(async (rounds) => {
    const replica = window.bayou;
    if (replica === undefined) throw new Error("the page has published its replica");
    const taken: number[] = [];
    for (let round = 0; round < rounds; round += 1) {
      const before = performance.now();
      await replica.submit({ update: [{ put: "bench", key: `k${round}`, fields: { round } }] });
      taken.push(performance.now() - before);
    }
    return taken;
  }, WARM_UP + ROUNDS);
  report("submit to saved", times);
});

test("from submit in one tab to confirmed in another", async ({ visitor }) => {
  const { tab } = await visitor();
  const [writer, reader] = [await tab(), await tab()];
  await writer.openWithRooms();
  await reader.openWithRooms();
  await reader.settled();

  // The reader notes when it first has each write in its committed view, by the clock that both tabs share.
  await reader.page.evaluate(() => {
    const replica = window.bayou;
    if (replica === undefined) throw new Error("the page has published its replica");
    const seen = new Map<string, number>();
    replica.onChange(() => {
      const now = performance.timeOrigin + performance.now();
      for (const { key } of replica.query({ from: "bench" }, "committed")) {
        if (!seen.has(key)) seen.set(key, now);
      }
    });
    Object.assign(window, { seen });
  });
  const rounds = WARM_UP + ROUNDS;
  const submitted = await writer.page.evaluate(async (count) => {
    const replica = window.bayou;
    if (replica === undefined) throw new Error("the page has published its replica");
    const at: [key: string, time: number][] = [];
    for (let round = 0; round < count; round += 1) {
      const key = `k${round}`;
      at.push([key, performance.timeOrigin + performance.now()]);
      const write = await replica.submit({ update: [{ put: "bench", key, fields: { round } }] });
      await write.committed;
    }
    return at;
  }, rounds);

  const seenAt = (): Promise<[string, number][]> =>
    reader.page.evaluate(() => [...(window as unknown as { seen: Map<string, number> }).seen]);
  await expect.poll(async () => (await seenAt()).length).toBe(rounds);
  const seen = new Map(await seenAt());
  report(
    "submit to confirmed in another tab",
    submitted.map(([key, time]) => (seen.get(key) ?? Number.NaN) - time),
  );
});
