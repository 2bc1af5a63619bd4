import type { Page } from "@playwright/test";
import { expect, test } from "./support/fixtures.ts";

const SLOT = { room: "Cypress", start: "09:00", end: "10:00" };

/** What the tab's replica holds, for another one to export what it lacks. */
function readerState({ page }: { page: Page }): Promise<number[]> {
  return page.evaluate(async () => Array.from((await window.bayou?.readerState()) ?? []));
}

/** A file for that reader, or for whoever has nothing. */
function exported({ page }: { page: Page }, reader?: number[]): Promise<number[]> {
  return page.evaluate(async (state) => {
    const options = state === undefined ? {} : { reader: Uint8Array.from(state) };
    const file = await window.bayou?.exportFile(options);
    return Array.from(new Uint8Array((await file?.arrayBuffer()) ?? new ArrayBuffer()));
  }, reader);
}

/** What importing it resolves or rejects with. */
function imported({ page }: { page: Page }, file: number[]) {
  return page.evaluate(async (bytes) => {
    try {
      const file = await window.bayou?.importFile(new Blob([Uint8Array.from(bytes)]));
      return { file, error: undefined };
    } catch (error) {
      const { name, message, kind, lacking } = error as import("bayou").TransferError;
      return { file: undefined, error: { name, message, kind, lacking } };
    }
  }, file);
}

test("a file carries a booking from one offline browser to another, and a damaged one changes nothing", async ({
  visitor,
}) => {
  const ada = await (await visitor()).tab();
  const bert = await (await visitor()).tab();
  for (const desk of [ada, bert]) {
    await desk.openWithRooms();
    await desk.settled();
    await desk.goOffline();
  }
  await ada.book({ title: "By file", ...SLOT });
  await bert.showAgenda();

  const file = await exported(ada, await readerState(bert));
  const damaged = file.with(-20, (file.at(-20) ?? 0) ^ 1);
  const refused = await imported(bert, damaged);
  expect(refused.error).toMatchObject({ name: "TransferError", kind: "damaged", lacking: [] });
  expect(refused.error?.message).toMatch(
    /^The file was not imported, and nothing has changed: .+\.$/,
  );
  expect(await bert.page.evaluate(() => window.bayou?.summary().tentative)).toBe(0);
  await expect(bert.row("By file")).toHaveCount(0);

  const summary = { number: 1, more: false, writes: 1, commits: 0, complete: true };
  expect((await imported(bert, file)).file).toEqual(summary);
  await expect(bert.row("By file")).toContainText("Saved on this device");
  expect((await imported(bert, file)).file).toEqual({ ...summary, writes: 0 });

  // It is stored here, and it is the same booking for everybody.
  await bert.page.reload();
  await bert.showAgenda();
  await expect(bert.row("By file")).toBeVisible();
  await bert.goOnline();
  await bert.settled();
  await expect(bert.row("By file")).toContainText("Confirmed");
  await ada.goOnline();
  await ada.settled();
  await expect(ada.myBooking("By file")).toContainText("Confirmed");
});

test("files of a bounded size are a chain, and one that comes too early says what is lacking", async ({
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
    await ada.book({ title, ...SLOT, start: `1${index}:00`, end: `1${index + 1}:00` });
  }
  const chain = await ada.page.evaluate(
    async (reader) => {
      const options = { reader: Uint8Array.from(reader) };
      const whole = await window.bayou?.exportFile(options);
      const bytesMax = (whole?.size ?? 0) - 1;
      const files = await window.bayou?.exportFile({ ...options, bytesMax });
      return Promise.all(
        (files ?? []).map(async (file) => Array.from(new Uint8Array(await file.arrayBuffer()))),
      );
    },
    await readerState(bert),
  );
  expect(chain.length).toBeGreaterThan(1);
  const early = await imported(bert, chain.at(-1) ?? []);
  expect(early.error).toMatchObject({ name: "TransferError", kind: "lacking" });
  expect(early.error?.lacking.join()).toMatch(/writes of \S+ through stamp \d+/);
  for (const [index, file] of chain.entries()) {
    const more = index < chain.length - 1;
    expect((await imported(bert, file)).file).toMatchObject({ number: index + 1, more });
  }
  await bert.showAgenda();
  for (const title of ["First", "Second", "Third"]) {
    await expect(bert.row(title)).toBeVisible();
  }
});
