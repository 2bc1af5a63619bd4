import { expect, test } from "./support/fixtures.ts";

const SLOT = { room: "Cypress", start: "09:00", end: "10:00" };

test("somebody elsewhere sees the room's time and their own @engines", async ({
  browser,
  relay,
  desk,
}) => {
  await desk.openWithRooms();
  await desk.book({ title: "Review", ...SLOT });

  const context = await browser.newContext({
    baseURL: relay.address,
    timezoneId: "America/New_York",
    locale: "en-GB",
  });
  const { Desk } = await import("./support/desk.ts");
  const abroad = new Desk(await context.newPage());
  await abroad.openWithRooms();
  await abroad.showAgenda();
  await expect(abroad.row("Review")).toContainText(/9:00.*10:00/);
  await expect(abroad.row("Review")).toContainText(/3:00.*4:00.*your time/);
  await expect(abroad.page.getByText("Times in Berlin")).toBeVisible();

  await abroad.openForm();
  await abroad.fill({ title: "Call", ...SLOT, start: "15:00", end: "16:00" });
  await expect(abroad.form).toContainText("times of Europe/Berlin");
  await expect(abroad.form).toContainText(/On your clock: .*9:00.*10:00/);
  await context.close();
});
