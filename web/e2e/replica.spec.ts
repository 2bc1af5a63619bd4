import { expect, test } from "./support/fixtures.ts";

test("the panel shows the replica's id, its CSN, and the log on both sides of the commit line", async ({
  desk,
}) => {
  const { page } = desk;
  await desk.openWithRooms();
  await desk.book({ title: "Committed one", room: "Cypress", start: "09:00", end: "10:00" });
  await desk.settled();
  await desk.goOffline();
  await desk.book({ title: "Tentative one", room: "Pelican", start: "09:00", end: "10:00" });

  const panel = page.getByRole("region", { name: "Replica" });
  await panel.getByRole("button", { name: "Replica" }).click();
  const inspection = await page.evaluate(() => window.bayou?.inspect());
  await expect(panel.getByTestId("replica-id")).toHaveText(inspection?.replica ?? "");
  await expect(panel.getByTestId("csn")).toHaveText(String(inspection?.csn));
  const log = panel.getByRole("table", { name: "Log" });
  await expect(log).toContainText(`Committed up to CSN ${inspection?.csn ?? ""}`);
  const summaries = (committed: boolean): string[] =>
    (inspection?.log ?? [])
      .filter(({ csn }) => (csn !== null) === committed)
      .map(({ summary }) => summary);
  expect(summaries(true).length).toBeGreaterThan(1);
  expect(summaries(false)).toHaveLength(1);
  for (const summary of summaries(true)) {
    await expect(log.getByRole("rowgroup", { name: "Committed" })).toContainText(summary);
  }
  await expect(log.getByRole("rowgroup", { name: "Tentative" })).toContainText(
    summaries(false)[0] ?? "",
  );
});
