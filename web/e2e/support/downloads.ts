import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import type { Page } from "@playwright/test";
import { nextFile } from "./firefox.ts";

/** Has the page save a file; returns where it was put, which is in this folder if the browser lets the test choose. */
export async function savedFile(
  page: Page,
  save: () => Promise<void>,
  folder: string,
): Promise<string> {
  if (page.context().browser()?.browserType().name() === "firefox") {
    const file = nextFile(page);
    await save();
    return file;
  }
  const downloading = page.waitForEvent("download");
  await save();
  const download = await downloading;
  await mkdir(folder, { recursive: true });
  const path = join(folder, download.suggestedFilename());
  await download.saveAs(path);
  return path;
}
