/** What holds up the page's thread while a file is imported, and while what a closed tab left is taken over. */
import { join } from "node:path";
import { savedFile } from "../e2e/support/downloads.ts";
import type { Desk } from "../e2e/support/desk.ts";
import { expect, test } from "../e2e/support/fixtures.ts";
import { submitNotes } from "../e2e/support/notes.ts";
import { longTasks, watchLongTasks } from "./long-tasks.ts";

const AT_ONCE = 500;

async function submitMany(desk: Desk, count: number, characters: number): Promise<void> {
  for (let from = 0; from < count; from += AT_ONCE) {
    await submitNotes(desk.page, Math.min(AT_ONCE, count - from), characters);
  }
}

for (const [what, count, characters] of [
  ["20,000 small writes", 20_000, 100],
  ["a file of the largest size, 64 MiB", 3_200, 20_000],
] as const) {
  test(`import: ${what}`, async ({ visitor }, { outputDir }) => {
    test.setTimeout(1_200_000);
    const [writer, reader] = [await (await visitor()).tab(), await (await visitor()).tab()];
    await watchLongTasks(reader.page);
    for (const desk of [writer, reader]) {
      await desk.openWithRooms();
      await desk.settled();
      await desk.goOffline();
    }
    await submitMany(writer, count, characters);
    await writer.page.getByRole("button", { name: "Export or import" }).click();
    const press = () => writer.page.getByRole("button", { name: "Export", exact: true }).click();
    const file = await savedFile(writer.page, press, join(outputDir, "files"));

    await reader.page.getByRole("button", { name: "Export or import" }).click();
    const dialog = reader.page.getByRole("dialog", { name: "Carry bookings in a file" });
    await dialog.getByLabel("Files to import").setInputFiles(file);
    await longTasks(reader.page);
    const begun = Date.now();
    await dialog.getByRole("button", { name: "Import", exact: true }).click();
    await expect(dialog).toContainText("file was imported", { timeout: 600_000 });
    console.log(`${what}: imported in ${Date.now() - begun} ms`);
    console.log(`long tasks, ms: ${(await longTasks(reader.page)).join(" ")}`);
  });
}

test("take-over of what a closed tab left: 10,000 small writes", async ({ visitor }) => {
  test.setTimeout(1_200_000);
  const { tab } = await visitor();
  const [stays, closes] = [await tab(), await tab()];
  await watchLongTasks(stays.page);
  for (const desk of [stays, closes]) {
    await desk.openWithRooms();
    await desk.settled();
    await desk.goOffline();
  }
  await submitMany(closes, 10_000, 100);
  await longTasks(stays.page);
  const taken = stays.page.evaluate(
    () =>
      new Promise<number>((resolve) => {
        let begun: number | undefined;
        const stop = window.bayou?.onChange(() => {
          const isTakingOver = window.bayou?.summary().takingOver !== undefined;
          if (isTakingOver) begun ??= performance.now();
          if (isTakingOver || begun === undefined) return;
          stop?.();
          resolve(Math.round(performance.now() - begun));
        });
      }),
  );
  await closes.page.close();
  console.log(`10,000 small writes of a closed tab: taken over in ${await taken} ms`);
  console.log(`long tasks, ms: ${(await longTasks(stays.page)).join(" ")}`);
});
