import AxeBuilder from "@axe-core/playwright";
import { type Locator, expect } from "@playwright/test";
import { fileURLToPath } from "node:url";
import type { Desk } from "./desk.ts";

const FOLDER = fileURLToPath(new URL("../../test-results/screenshots", import.meta.url));
const SIZES = [
  { width: 360, height: 780 },
  { width: 768, height: 1024 },
  { width: 1280, height: 860 },
];

/** Axe finds nothing, nothing sticks out, and there is a picture for somebody to look at. */
export async function inspect(desk: Desk, view: string, shown?: Locator): Promise<void> {
  const { page } = desk;
  const engine = page.context().browser()?.browserType().name() ?? "";
  // Firefox cannot be asked for another colour scheme.
  for (const colorScheme of engine === "firefox"
    ? (["light"] as const)
    : (["light", "dark"] as const)) {
    await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
    for (const size of SIZES) {
      await page.setViewportSize(size);
      await shown?.scrollIntoViewIfNeeded();
      await page.screenshot({
        path: `${FOLDER}/${engine}/${view}-${size.width}-${colorScheme}.png`,
      });
      expect(
        await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth),
        `${view} at ${size.width} sticks out`,
      ).toBeLessThanOrEqual(0);
    }
    // What axe finds is the same in every engine; in Firefox it takes a minute for the grid, and crashes with a dialog.
    if (engine === "firefox") continue;
    const { violations } = await new AxeBuilder({ page })
      .withTags(["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"])
      .analyze();
    expect(
      violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(" | ")}`),
      `${view}, ${colorScheme}`,
    ).toEqual([]);
  }
}
