/** Bookings go from browser to browser in files, through the page alone, while no relay runs. */
import { join } from "node:path";
import type { Locator } from "@playwright/test";
import type { Desk } from "./support/desk.ts";
import { savedFile } from "./support/downloads.ts";
import { expect, test } from "./support/fixtures.ts";
import { submitNotes } from "./support/notes.ts";

const MORNING = { room: "Cypress", start: "09:00", end: "10:00" };

async function openFiles({ page }: Desk): Promise<Locator> {
  await page.getByRole("button", { name: "Export or import" }).click();
  const dialog = page.getByRole("dialog", { name: "Carry bookings in a file" });
  await expect(dialog).toBeVisible();
  return dialog;
}

/** Presses a button of the dialog and returns where the file that comes of it was put. */
function saved({ page }: Desk, button: string, folder: string): Promise<string> {
  const press = (): Promise<void> =>
    page.getByRole("button", { name: button, exact: true }).click();
  return savedFile(page, press, folder);
}

async function importFiles(dialog: Locator, files: string[]): Promise<Locator> {
  await dialog.getByLabel("Files to import").setInputFiles(files);
  await dialog.getByRole("button", { name: "Import", exact: true }).click();
  return dialog.getByRole("status", { name: "What was imported" });
}

test("a booking goes by file to a browser that no network leads to, and what became of it goes back @engines", async ({
  visitor,
  relay,
}, { outputDir }) => {
  const ada = await (await visitor()).tab();
  const bert = await (await visitor()).tab();
  for (const desk of [ada, bert]) {
    await desk.openWithRooms();
    await desk.settled();
  }
  await relay.kill();
  await expect(ada.sync).toContainText("Relay not reachable");
  await ada.book({ title: "From Ada", ...MORNING });
  await bert.book({ title: "From Bert", ...MORNING, room: "Pelican" });

  // Bert says what he has; Ada's file has no more than he lacks.
  await openFiles(bert);
  const holdings = await saved(bert, "Save what this device holds", outputDir);
  expect(holdings).toMatch(/bayou-demo-\d{4}-\d\d-\d\d-\d{4}\.bayou-holds$/);
  const adas = await openFiles(ada);
  await adas.getByRole("radio", { name: "What another device lacks" }).check();
  await adas.getByRole("button", { name: "Export", exact: true }).click();
  await expect(adas.getByText("Choose the file that was saved on that device.")).toBeVisible();
  await adas.getByLabel("What that device holds").setInputFiles(holdings);
  const fromAda = await saved(ada, "Export", join(outputDir, "ada"));
  expect(fromAda).toMatch(/bayou-demo-\d{4}-\d\d-\d\d-\d{4}\.bayou$/);

  const berts = bert.page.getByRole("dialog", { name: "Carry bookings in a file" });
  const told = await importFiles(berts, [fromAda]);
  await expect(told).toContainText("1 file was imported: 1 booking or change was new here.");
  await importFiles(berts, [fromAda]);
  await expect(told).toContainText("1 file was imported: nothing in it was new here.");

  // And back, with everything.
  const fromBert = await saved(bert, "Export", join(outputDir, "bert"));
  await expect(await importFiles(adas, [fromBert])).toContainText("1 booking or change was new");
  for (const desk of [ada, bert]) {
    await desk.page.getByRole("dialog").getByRole("button", { name: "Close" }).click();
    await desk.showAgenda();
    for (const title of ["From Ada", "From Bert"]) {
      await expect(desk.row(title)).toContainText("Saved on this device");
    }
  }

  // Bert alone meets the relay, and brings Ada's booking, too.
  await ada.page.goto("about:blank");
  await relay.start();
  await bert.open();
  await bert.settled();
  await bert.showAgenda();
  for (const title of ["From Ada", "From Bert"]) {
    await expect(bert.row(title)).toContainText("Confirmed");
  }
});

test("the files of a chain are chosen together, in any order, and what cannot be imported says why", async ({
  visitor,
}) => {
  const ada = await (await visitor()).tab();
  const bert = await (await visitor()).tab();
  for (const desk of [ada, bert]) {
    await desk.openWithRooms();
    await desk.settled();
    await desk.goOffline();
  }
  for (const [index, title] of ["First", "Second", "Third"].entries()) {
    await ada.book({ title, ...MORNING, start: `1${index}:00`, end: `1${index + 1}:00` });
  }
  const state = await bert.page.evaluate(async () => [
    ...((await window.bayou?.readerState()) ?? []),
  ]);
  const chain = await ada.page.evaluate(async (reader) => {
    const options = { reader: Uint8Array.from(reader) };
    const whole = await window.bayou?.exportFile(options);
    const bytesMax = (whole?.size ?? 0) - 1;
    const files = (await window.bayou?.exportFile({ ...options, bytesMax })) ?? [];
    return Promise.all(files.map(async (file) => [...new Uint8Array(await file.arrayBuffer())]));
  }, state);
  expect(chain.length).toBeGreaterThan(1);
  const file = (name: string, bytes: number[]) => ({
    name,
    mimeType: "application/octet-stream",
    buffer: Buffer.from(bytes),
  });
  const dialog = await openFiles(bert);
  const files = dialog.getByLabel("Files to import");
  const run = dialog.getByRole("button", { name: "Import", exact: true });
  const told = dialog.getByRole("status", { name: "What was imported" });

  await run.click();
  await expect(dialog.getByText("Choose at least one file.")).toBeVisible();

  // One from the end of the chain, and a damaged one: nothing changes.
  const last = chain.at(-1) ?? [];
  const first = chain[0] ?? [];
  const damaged = first.with(-20, (first.at(-20) ?? 0) ^ 1);
  await files.setInputFiles([file("b.bayou", last), file("a.bayou", damaged)]);
  await run.click();
  await expect(told).toContainText("No file was imported.");
  await expect(told.getByRole("listitem").nth(0)).toContainText("Ask for the file again.");
  await expect(told.getByRole("listitem").nth(1)).toContainText("Import the files before it");
  expect(await bert.page.evaluate(() => window.bayou?.summary().tentative)).toBe(0);

  await files.setInputFiles(
    chain.map((bytes, index) => file(`${chain.length - index}.bayou`, bytes)),
  );
  await run.click();
  await expect(told).toContainText(
    `${chain.length} files were imported: 3 bookings or changes were new here.`,
  );
  await dialog.getByRole("button", { name: "Close" }).click();
  await bert.showAgenda();
  for (const title of ["First", "Second", "Third"]) await expect(bert.row(title)).toBeVisible();
});

test("a file of another database is refused and says which it belongs to", async ({ desk }, {
  outputDir,
}) => {
  await desk.openWithRooms("team-7");
  await desk.settled();
  await openFiles(desk);
  const path = await saved(desk, "Export", outputDir);
  expect(path).toContain("bayou-team-7-");
  await desk.openWithRooms("team-8");
  const told = await importFiles(await openFiles(desk), [path]);
  await expect(told).toContainText("The file was not imported.");
  await expect(told.getByRole("listitem")).toContainText('database "team-7"');
  await expect(told.getByRole("listitem")).toContainText("import it there");
});

test("of one large file the page shows which part is done", async ({ visitor }, { outputDir }) => {
  const ada = await (await visitor()).tab();
  const bert = await (await visitor()).tab();
  for (const desk of [ada, bert]) {
    await desk.openWithRooms();
    await desk.settled();
    await desk.goOffline();
  }
  await submitNotes(ada.page, 3000);
  await openFiles(ada);
  const file = await saved(ada, "Export", outputDir);

  const dialog = await openFiles(bert);
  const parts = bert.page.evaluate(
    () =>
      new Promise<number[]>((resolve) => {
        const seen: number[] = [];
        let shown = false;
        new MutationObserver((_, observer) => {
          const bar = document.querySelector("progress");
          if (bar !== null) {
            shown = true;
            seen.push(bar.position);
          } else if (shown) {
            observer.disconnect();
            resolve(seen);
          }
        }).observe(document.body, { subtree: true, childList: true, attributes: true });
      }),
  );
  await expect(await importFiles(dialog, [file])).toContainText(
    "1 file was imported: 3000 bookings or changes",
  );
  const seen = await parts;
  expect(seen.filter((part) => part > 0 && part < 1).length).toBeGreaterThan(1);
  expect(seen).toEqual(seen.toSorted((left, right) => left - right));
});
