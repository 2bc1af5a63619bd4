/**
 * Every view, at three widths, light and dark: axe finds nothing, nothing sticks out, and a picture of each is left in
 * `test-results/screenshots` for somebody to look at.
 */
import AxeBuilder from "@axe-core/playwright";
import { fileURLToPath } from "node:url";
import type { Desk } from "./support/desk.ts";
import { expect, test } from "./support/fixtures.ts";
import { furnish } from "./support/scenery.ts";

const FOLDER = fileURLToPath(new URL("../test-results/screenshots", import.meta.url));
const SIZES = [
  { width: 360, height: 780 },
  { width: 768, height: 1024 },
  { width: 1280, height: 860 },
];

async function inspect(desk: Desk, view: string): Promise<void> {
  const { page } = desk;
  for (const colorScheme of ["light", "dark"] as const) {
    await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
    for (const size of SIZES) {
      await page.setViewportSize(size);
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

test("a new database", async ({ desk }) => {
  await desk.open();
  await expect(desk.page.getByRole("button", { name: "Use sample rooms" })).toBeEnabled();
  await inspect(desk, "first-rooms");
  await desk.page.getByRole("button", { name: "Add own rooms" }).click();
  await expect(desk.page.getByRole("dialog", { name: "Add rooms" })).toBeVisible();
  await inspect(desk, "own-rooms");
});

test("the day as a grid", async ({ desk }) => {
  await desk.openWithRooms();
  await furnish(desk);
  await inspect(desk, "grid");
});

test("the day as a table", async ({ desk }) => {
  await desk.openWithRooms();
  await furnish(desk);
  await desk.page.getByRole("button", { name: "Agenda" }).click();
  await inspect(desk, "agenda");
});

test("the form", async ({ desk }) => {
  await desk.openWithRooms();
  await furnish(desk);
  await desk.openForm();
  await desk.fill({
    title: "",
    room: "Pelican",
    start: "10:00",
    end: "10:30",
    alternatives: [{ room: "Otter", start: "12:00", end: "11:00" }],
  });
  await desk.form.getByRole("button", { name: "Book", exact: true }).click();
  await inspect(desk, "form");
});

test("a booking's details", async ({ desk }) => {
  await desk.openWithRooms();
  await furnish(desk);
  await desk.myBooking("Retro").getByRole("button", { name: "Retro" }).click();
  await expect(desk.page.getByRole("dialog", { name: "Retro" })).toBeVisible();
  await inspect(desk, "details");
});

test("the marks and the replica", async ({ desk }) => {
  await desk.openWithRooms();
  await furnish(desk);
  await desk.page.getByText("What the marks mean").click();
  await desk.page
    .getByRole("region", { name: "Replica" })
    .getByRole("button", { name: "Replica" })
    .click();
  await expect(desk.page.getByRole("table", { name: "Log" })).toBeVisible();
  await desk.page.getByRole("table", { name: "Log" }).scrollIntoViewIfNeeded();
  await inspect(desk, "replica");
});
