import type { CDPSession, Page } from "@playwright/test";

interface Sender {
  send: (method: string, parameters: object) => Promise<unknown>;
}

/** What is read of Playwright's own side of a page, which it does not publish. */
interface Inside {
  _connection?: { toImpl?: (page: Page) => InsidePage | undefined };
}
interface InsidePage {
  delegate?: { _mainFrameSession?: { _client?: Sender } };
}

/**
 * Lets the browser freeze a page, as it does with tabs that nobody has looked at for a while.
 *
 * Only hidden pages can be frozen, and Playwright has the browser take every page for a focused one. What one DevTools
 * session asks for, another cannot take back, hence the way through Playwright's own.
 */
export class Freezer {
  private constructor(
    private readonly inside: Sender,
    private readonly tools: CDPSession,
  ) {}

  static async of(page: Page): Promise<Freezer> {
    const inside = (page as unknown as Inside)._connection?.toImpl?.(page);
    const session = inside?.delegate?._mainFrameSession?._client;
    if (session === undefined) {
      throw new Error("This version of Playwright keeps its DevTools session elsewhere.");
    }
    return new Freezer(session, await page.context().newCDPSession(page));
  }

  async freeze(): Promise<void> {
    await this.inside.send("Emulation.setFocusEmulationEnabled", { enabled: false });
    await this.tools.send("Page.setWebLifecycleState", { state: "frozen" });
  }

  async resume(): Promise<void> {
    await this.tools.send("Page.setWebLifecycleState", { state: "active" });
    await this.inside.send("Emulation.setFocusEmulationEnabled", { enabled: true });
  }
}
