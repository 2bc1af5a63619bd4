import { type Locator, type Page, expect } from "@playwright/test";

export interface Place {
  room?: string;
  date?: string;
  start?: string;
  end?: string;
}

export interface Wish extends Place {
  title: string;
  name?: string;
  notes?: string;
  alternatives?: Place[];
}

/** A working day far enough ahead that nothing on it is past. */
export const DATE = "2031-03-04";

/** One tab, as the person in front of it uses it. */
export class Desk {
  constructor(readonly page: Page) {}

  get sync(): Locator {
    return this.page.getByRole("status", { name: "Sync" });
  }

  get offline(): Locator {
    return this.page.getByRole("switch", { name: "Offline" });
  }

  get form(): Locator {
    return this.page.getByRole("dialog", { name: "Book a room" });
  }

  get agenda(): Locator {
    return this.page.getByRole("table", { name: "Agenda" });
  }

  get mine(): Locator {
    return this.page.getByRole("list", { name: "My bookings" });
  }

  /** One's own booking of that title. */
  myBooking(title: string): Locator {
    return this.mine.getByRole("listitem").filter({ has: this.titled(title) });
  }

  /** The agenda's row of that title. */
  row(title: string): Locator {
    return this.agenda.getByRole("row").filter({ has: this.titled(title) });
  }

  private titled(title: string): Locator {
    return this.page.getByRole("button", { name: title, exact: true });
  }

  async open(database = "demo"): Promise<void> {
    await this.page.goto(`/d/${database}`);
    await expect(this.offline).toBeVisible();
  }

  /** Opens a database and sees to it that it has rooms. */
  async openWithRooms(database = "demo"): Promise<void> {
    await this.open(database);
    const samples = this.page.getByRole("button", { name: "Use sample rooms" });
    const book = this.page.getByRole("button", { name: "Book a room" });
    await expect(samples.or(book)).toBeVisible();
    if (await samples.isVisible()) await samples.click();
    await expect(book).toBeVisible();
  }

  async show(date = DATE): Promise<void> {
    await this.page.getByLabel("Go to").fill(date);
  }

  async showAgenda(date = DATE): Promise<void> {
    await this.page.getByRole("button", { name: "Agenda" }).click();
    await this.show(date);
  }

  /** The page says what is wrong and what to do, and takes nothing more. */
  async stopped(what: string, sync: string): Promise<void> {
    await expect(this.page.getByRole("alert").filter({ hasText: what })).toBeVisible();
    await expect(this.sync).toContainText(sync);
    await expect(this.page.getByRole("button", { name: "Book a room" })).toBeDisabled();
  }

  async goOffline(): Promise<void> {
    await this.offline.click();
    await expect(this.offline).toBeChecked();
    await expect(this.sync).toContainText("Offline");
  }

  async goOnline(): Promise<void> {
    await this.offline.click();
    await expect(this.offline).not.toBeChecked();
  }

  async openForm(): Promise<void> {
    await this.page.getByRole("button", { name: "Book a room" }).click();
    await expect(this.form).toBeVisible();
  }

  async fill(wish: Wish): Promise<void> {
    const { form } = this;
    await form.getByLabel("Title").fill(wish.title);
    await form.getByLabel("Your name").fill(wish.name ?? "Ada");
    if (wish.notes !== undefined) await form.getByLabel("Notes").fill(wish.notes);
    const { alternatives = [], ...wanted } = wish;
    await this.fillPlace(form, { date: DATE, ...wanted });
    for (const [index, place] of alternatives.entries()) {
      await form.getByRole("button", { name: "Add alternative" }).click();
      await this.fillPlace(form.getByRole("group", { name: `Alternative ${index + 1}` }), {
        date: DATE,
        ...place,
      });
    }
  }

  private async fillPlace(within: Locator, { room, date, start, end }: Place): Promise<void> {
    if (room !== undefined) await within.getByLabel("Room").first().selectOption({ label: room });
    if (date !== undefined) await within.getByLabel("Date").first().fill(date);
    if (start !== undefined) await within.getByLabel("Start").first().fill(start);
    if (end !== undefined) await within.getByLabel("End").first().fill(end);
  }

  async book(wish: Wish): Promise<void> {
    await this.openForm();
    await this.fill(wish);
    await this.form.getByRole("button", { name: "Book", exact: true }).click();
    await expect(this.form).toBeHidden();
    await expect(this.myBooking(wish.title)).toBeVisible();
  }

  /** The page could be opened again without a network. */
  async kept(): Promise<void> {
    await this.page.waitForFunction(
      () => navigator.serviceWorker.controller?.state === "activated",
    );
  }

  /** Everything in the database has its final state, as far as this tab knows. */
  async settled(): Promise<void> {
    await expect(this.sync).toHaveText("All confirmed");
  }
}
