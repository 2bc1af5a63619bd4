import type { Page } from "@playwright/test";

interface Sockets {
  opened: number;
  closed: number;
}

/** Counts the WebSockets of a page from its next document on, in the page: Firefox does not tell Playwright of them. */
export async function countSockets(page: Page): Promise<() => Promise<Sockets>> {
  await page.addInitScript(() => {
    const sockets: Sockets = { opened: 0, closed: 0 };
    window.WebSocket = class extends WebSocket {
      constructor(...given: ConstructorParameters<typeof WebSocket>) {
        super(...given);
        sockets.opened += 1;
        this.addEventListener("close", () => (sockets.closed += 1));
      }
    };
    Object.assign(window, { sockets });
  });
  return () => page.evaluate(() => (window as unknown as { sockets: Sockets }).sockets);
}
