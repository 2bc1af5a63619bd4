import type { Page } from "@playwright/test";

/** Notes tasks of more than 50 ms from the page's beginning on. */
export async function watchLongTasks(page: Page): Promise<void> {
  await page.addInitScript(() => {
    const longTasks: number[] = [];
    new PerformanceObserver((list) => {
      for (const { duration } of list.getEntries()) longTasks.push(Math.round(duration));
    }).observe({ type: "longtask", buffered: true });
    Object.assign(window, { longTasks });
  });
}

/** Those since the last question, in milliseconds. */
export const longTasks = (page: Page): Promise<number[]> =>
  page.evaluate(() => (window as unknown as { longTasks: number[] }).longTasks.splice(0));
