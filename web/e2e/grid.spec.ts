import type { Locator } from "@playwright/test";
import { expect, test } from "./support/fixtures.ts";

const SLOT = { room: "Cypress", start: "09:00", end: "10:00" };

test.beforeEach(async ({ desk }) => {
  await desk.openWithRooms();
  await desk.show();
});

test("a free cell opens the form prefilled", async ({ desk }) => {
  await desk.page.getByRole("gridcell", { name: "Pelican, 10:00: free" }).click();
  await expect(desk.form.getByLabel("Room").locator("option:checked")).toHaveText("Pelican");
  await expect(desk.form.getByLabel("Start")).toHaveValue("10:00");
  await expect(desk.form.getByLabel("End")).toHaveValue("11:00");
});

test("dragging over a free stretch opens the form with that stretch", async ({ desk }) => {
  const { page } = desk;
  const boxOf = async (cell: Locator) => {
    // The grid scrolls while something is dragged out of it.
    await expect(cell).toBeInViewport({ ratio: 1 });
    const box = await cell.boundingBox();
    if (box === null) throw new Error("the cell is in view");
    return box;
  };
  const from = await boxOf(page.getByRole("gridcell", { name: "Heron, 10:00: free" }));
  const to = await boxOf(page.getByRole("gridcell", { name: "Heron, 12:00: free" }));
  const y = from.y + from.height / 2;
  await page.mouse.move(from.x + 2, y);
  await page.mouse.down();
  await page.mouse.move((from.x + to.x) / 2, y, { steps: 4 });
  await page.mouse.move(to.x - 2, y, { steps: 4 });
  await page.mouse.up();
  await expect(desk.form.getByLabel("Start")).toHaveValue("10:00");
  await expect(desk.form.getByLabel("End")).toHaveValue("12:00");
});

test("the grid is one tab stop; arrows move inside, Enter books and opens @engines", async ({
  browserName,
  desk,
}) => {
  const { page } = desk;
  await desk.book({ title: "Standup", ...SLOT });
  const grid = page.getByRole("grid");
  await expect(grid.locator("[tabindex='0']")).toHaveCount(1);

  await page.getByRole("button", { name: "Book a room" }).focus();
  await page.keyboard.press("Tab");
  // Firefox stops at what can be scrolled before it goes into it.
  if (browserName === "firefox") await page.keyboard.press("Tab");
  await expect(page.getByRole("gridcell", { name: /^Heron, 0?9:00: free/ })).toBeFocused();
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("ArrowDown");
  await expect(page.getByRole("gridcell", { name: /^Cypress, 0?9:00/ })).toBeFocused();
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("ArrowRight");
  await page.keyboard.press("ArrowRight");
  const cell = page.getByRole("gridcell", { name: "Pelican, 10:00: free" });
  await expect(cell).toBeFocused();
  await page.keyboard.press("Enter");
  await expect(desk.form.getByLabel("Start")).toHaveValue("10:00");
  await page.keyboard.press("Escape");
  await expect(cell).toBeFocused();

  await page.keyboard.press("ArrowUp");
  await page.keyboard.press("ArrowLeft");
  await expect(
    page.getByRole("gridcell", { name: /^Cypress, 0?9:30: Standup, Ada, Confirmed/ }),
  ).toBeFocused();
  await page.keyboard.press("Enter");
  await expect(page.getByRole("dialog", { name: "Standup" })).toBeVisible();
});

test("bookings that overlap are drawn beside each other, never over each other", async ({
  desk,
}) => {
  await desk.goOffline();
  for (const [index, title] of ["Alpha", "Beta", "Gamma"].entries()) {
    await desk.book({ title, ...SLOT, start: `09:${index}0`, end: `10:${index}0` });
    await desk.show();
  }
  const boxes = await Promise.all(
    ["Alpha", "Beta", "Gamma"].map((title) =>
      desk.page.locator(".ec-event").filter({ hasText: title }).boundingBox(),
    ),
  );
  for (const [index, a] of boxes.entries()) {
    for (const b of boxes.slice(index + 1)) {
      if (a === null || b === null) throw new Error("every booking is drawn");
      expect(a.y + a.height <= b.y || b.y + b.height <= a.y).toBe(true);
    }
  }
});

test("a day can be gone to, and one comes back to today", async ({ desk }) => {
  const { page } = desk;
  const heading = page.getByRole("heading", { level: 1 });
  await expect(heading).toHaveText("Tuesday, 4 March 2031");
  await page.getByRole("button", { name: "Next day" }).click();
  await expect(heading).toHaveText("Wednesday, 5 March 2031");
  await page.getByRole("button", { name: "Previous day" }).click();
  await page.getByRole("button", { name: "Previous day" }).click();
  await expect(heading).toHaveText("Monday, 3 March 2031");
  await page.getByRole("button", { name: "Today" }).click();
  await expect(page.getByText("Today", { exact: true }).first()).toBeVisible();
  await expect(page.getByRole("button", { name: "Today" })).toBeDisabled();
});

test("today is shown around the present time, another day from the beginning of work", async ({
  visitor,
}) => {
  for (const [time, first] of [
    ["00:45", "0:00"],
    ["05:20", "4:00"],
    ["15:30", "8:00"],
  ] as const) {
    const { tab } = await visitor();
    const desk = await tab();
    await desk.page.clock.setFixedTime(new Date(`2030-11-28T${time}+01:00`));
    const heron = (at: string) =>
      desk.page.getByRole("gridcell", { name: new RegExp(`^Heron, 0?${at}: `) });
    await desk.openWithRooms();
    await expect(heron(first)).toBeInViewport({ ratio: 1 });
    await desk.show();
    await expect(heron("8:00")).toBeInViewport({ ratio: 1 });
    await expect(heron("12:00")).toBeInViewport({ ratio: 1 });
    await expect(heron("5:00")).not.toBeInViewport();
    await desk.page.getByRole("button", { name: "Today" }).click();
    await expect(heron(first)).toBeInViewport({ ratio: 1 });
  }
});

test("on a phone the agenda comes first", async ({ visitor }) => {
  const { tab } = await visitor();
  const phone = await tab();
  await phone.page.setViewportSize({ width: 360, height: 740 });
  await phone.openWithRooms();
  await expect(phone.agenda).toBeVisible();
  await phone.page.getByRole("button", { name: "Grid" }).click();
  await expect(phone.page.getByRole("grid")).toBeVisible();
  expect(
    await phone.page.evaluate(() => document.documentElement.scrollWidth <= window.innerWidth),
  ).toBe(true);
});
