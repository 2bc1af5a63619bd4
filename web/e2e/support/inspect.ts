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
  for (const colorScheme of ["light", "dark"] as const) {
    await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
    for (const size of SIZES) {
      await page.setViewportSize(size);
      await shown?.scrollIntoViewIfNeeded();
      await page.screenshot({ path: `${FOLDER}/${view}-${size.width}-${colorScheme}.png` });
      expect(
        await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth),
        `${view} at ${size.width} sticks out`,
      ).toBeLessThanOrEqual(0);
    }
    const { violations } = await new AxeBuilder({ page })
      .withTags(["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"])
      .analyze();
    expect(
      violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(" | ")}`),
      `${view}, ${colorScheme}`,
    ).toEqual([]);
  }
}
