import { expect, test } from "./support/fixtures.ts";

const SLOT = { room: "Cypress", start: "09:00", end: "10:00" };

test.beforeEach(async ({ desk }) => {
  await desk.openWithRooms();
  await desk.openForm();
});

test("what is wrong stands at its field, and nothing typed is lost", async ({ desk }) => {
  const { form } = desk;
  await desk.fill({ title: "", name: "", notes: "Bring cake", ...SLOT, end: "08:00" });
  await expect(form.getByLabel("End")).toHaveAccessibleDescription(
    "The end must be after the start.",
  );
  await expect(form.getByLabel("Title")).not.toHaveAttribute("aria-invalid", "true");

  await form.getByRole("button", { name: "Book", exact: true }).click();
  await expect(form).toBeVisible();
  await expect(form.getByLabel("Title")).toBeFocused();
  await expect(form.getByLabel("Title")).toHaveAttribute("aria-invalid", "true");
  await expect(form.getByLabel("Title")).toHaveAccessibleDescription(/./);
  await expect(form.getByLabel("Your name")).toHaveAccessibleDescription(/./);
  await expect(form.getByLabel("Notes")).toHaveValue("Bring cake");
  await expect(form.getByLabel("Start")).toHaveValue("09:00");
  await expect(form.getByLabel("End")).toHaveValue("08:00");
  await expect(desk.mine).toHaveCount(0);
});

test("a date that does not exist is told at the field", async ({ desk }) => {
  const date = desk.form.getByLabel("Date");
  await desk.fill({ title: "Impossible", ...SLOT });
  await date.focus();
  await date.pressSequentially("02312031");
  await expect(date).toHaveValue("");
  await expect(date).toHaveAccessibleDescription(/no such date/);
  await desk.form.getByRole("button", { name: "Book", exact: true }).click();
  await expect(desk.form).toBeVisible();
});

test("an empty date is asked for when one tries to book", async ({ desk }) => {
  const date = desk.form.getByLabel("Date");
  await desk.fill({ title: "Some day", ...SLOT });
  await date.fill("");
  await expect(date).not.toHaveAttribute("aria-invalid", "true");
  await desk.form.getByRole("button", { name: "Book", exact: true }).click();
  await expect(date).toHaveAttribute("aria-invalid", "true");
});

test("a title of 10,000 characters is refused with a reason and kept", async ({ desk }) => {
  const title = desk.form.getByLabel("Title");
  await desk.fill({ title: "x".repeat(10_000), ...SLOT });
  await expect(title).toHaveAttribute("aria-invalid", "true");
  await expect(title).toHaveAccessibleDescription(/\d/);
  await desk.form.getByRole("button", { name: "Book", exact: true }).click();
  await expect(desk.form).toBeVisible();
  await expect(title).toHaveValue("x".repeat(10_000));
});

test("markup and right-to-left text are shown as the text they are", async ({ desk }) => {
  const title = "<img src=x onerror=alert(1)> \u200Fشلام\u200F (1)";
  await desk.fill({ title, name: "<b>Ada</b> مريم", ...SLOT });
  await desk.form.getByRole("button", { name: "Book", exact: true }).click();
  await expect(desk.form).toBeHidden();

  const item = desk.mine.getByRole("listitem");
  await expect(item).toContainText("<img src=x onerror=alert(1)>");
  await expect(item.locator("img")).toHaveCount(0);
  await expect(item.locator("bdi").filter({ hasText: "<img" })).toHaveCount(1);
  await desk.showAgenda();
  await expect(desk.agenda).toContainText("<img src=x onerror=alert(1)>");
  await expect(desk.agenda.locator("img, b")).toHaveCount(0);
});

test("marks that would turn the text around them are refused at the field", async ({ desk }) => {
  const title = desk.form.getByLabel("Title");
  await desk.fill({ title: "invoice \u202Efdp.exe", ...SLOT });
  await expect(title).toHaveAccessibleDescription(/control characters/);
  await desk.form.getByRole("button", { name: "Book", exact: true }).click();
  await expect(desk.form).toBeVisible();
  await expect(title).toHaveValue("invoice \u202Efdp.exe");
});

test("the form warns of what is taken and lets one ask all the same", async ({ desk }) => {
  await desk.fill({ title: "First", ...SLOT });
  await desk.form.getByRole("button", { name: "Book", exact: true }).click();
  await expect(desk.myBooking("First")).toContainText("Confirmed");

  await desk.openForm();
  await desk.fill({ title: "Second", ...SLOT, start: "09:30", end: "10:30" });
  await expect(desk.form).toContainText("Taken as things stand");
  await expect(desk.form).toContainText("First");
  await desk.form.getByRole("button", { name: "Book", exact: true }).click();
  await expect(desk.myBooking("Second")).toContainText("Not placed");
  await expect(desk.myBooking("Second")).toContainText("taken by Ada (First)");
});

test("alternatives can be added, reordered and removed", async ({ desk }) => {
  const { form } = desk;
  await desk.fill({
    title: "Choosy",
    ...SLOT,
    alternatives: [
      { room: "Pelican", start: "11:00", end: "12:00" },
      { room: "Heron", start: "13:00", end: "14:00" },
    ],
  });
  const room = (alternative: number) =>
    form
      .getByRole("group", { name: `Alternative ${alternative}` })
      .getByLabel("Room")
      .locator("option:checked");
  await form.getByRole("button", { name: "Move up alternative 2" }).click();
  await expect(room(1)).toHaveText("Heron");
  await expect(room(2)).toHaveText("Pelican");
  await form.getByRole("button", { name: "Remove alternative 1" }).click();
  await expect(room(1)).toHaveText("Pelican");
  await expect(form.getByRole("group", { name: "Alternative 2" })).toHaveCount(0);
});

test("clocks that change: a time that is skipped is refused, one that happens twice is explained @engines", async ({
  desk,
}) => {
  await desk.fill({
    title: "Night shift",
    room: "Cypress",
    date: "2031-03-30",
    start: "02:30",
    end: "05:00",
  });
  await expect(desk.form.getByLabel("Start")).toHaveAccessibleDescription(
    /02:30 does not exist .* from 02:00 to 03:00/,
  );
  await desk.form.getByLabel("Date").fill("2031-10-26");
  await expect(desk.form).toContainText("happens twice");
  await expect(desk.form.getByLabel("Start")).not.toHaveAttribute("aria-invalid", "true");
});

test("the name is asked once and kept on this device", async ({ desk }) => {
  await desk.fill({ title: "One", name: "Ada Lovelace", ...SLOT });
  await desk.form.getByRole("button", { name: "Book", exact: true }).click();
  await expect(desk.form).toBeHidden();
  await desk.page.reload();
  await desk.openForm();
  await expect(desk.form.getByLabel("Your name")).toHaveValue("Ada Lovelace");
});

test("Escape and Cancel close the form, and focus returns to where it was", async ({ desk }) => {
  await desk.page.keyboard.press("Escape");
  await expect(desk.form).toBeHidden();
  await expect(desk.page.getByRole("button", { name: "Book a room" })).toBeFocused();
  await desk.openForm();
  await desk.form.getByRole("button", { name: "Cancel" }).click();
  await expect(desk.form).toBeHidden();
  await expect(desk.page.getByRole("button", { name: "Book a room" })).toBeFocused();
});
