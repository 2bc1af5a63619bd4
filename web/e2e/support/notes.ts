import type { Page } from "@playwright/test";

/** Has a tab accept many writes that are no bookings, and waits until they are stored. */
export async function submitNotes(page: Page, count: number, characters = 100): Promise<void> {
  await page.evaluate(
    async ([notes, length]) => {
      const text = "x".repeat(length);
      const submit = async (_: unknown, number: number): Promise<void> => {
        const update = [{ put: "notes", key: `n${number}`, fields: { text } }];
        await window.bayou?.submit({ update });
      };
      await Promise.all(Array.from({ length: notes }, submit));
    },
    [count, characters] as const,
  );
}
