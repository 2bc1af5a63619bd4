/** A browser of its own, whose profile outlives it, and which can be killed. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { BrowserContext, BrowserType } from "@playwright/test";

/** What is read of Playwright's own side of a context, which it does not publish. */
interface Inside {
  _connection?: { toImpl?: (context: BrowserContext) => InsideContext | undefined };
}
interface InsideContext {
  _browser?: { options?: { browserProcess?: { kill: () => Promise<void> } } };
}

export class KillableBrowser {
  #context: BrowserContext | undefined;

  private constructor(
    private readonly type: BrowserType,
    private readonly profile: string,
  ) {}

  /** One with an empty profile, not started. */
  static async create(type: BrowserType): Promise<KillableBrowser> {
    return new KillableBrowser(type, await mkdtemp(join(tmpdir(), "bayou-profile-")));
  }

  /** Started as the project says. */
  async start(): Promise<BrowserContext> {
    this.#context = await this.type.launchPersistentContext(this.profile);
    return this.#context;
  }

  /** `kill -9`: nothing is written any more. */
  async kill(): Promise<void> {
    const context = this.#context;
    if (context === undefined) return;
    this.#context = undefined;
    const inside = (context as unknown as Inside)._connection?.toImpl?.(context);
    const process = inside?._browser?.options?.browserProcess;
    if (process === undefined) {
      throw new Error("This version of Playwright keeps the browser's process elsewhere.");
    }
    await process.kill();
  }

  async dispose(): Promise<void> {
    await this.kill();
    // Its helper processes end by themselves and may write until then.
    await rm(this.profile, { recursive: true, force: true, maxRetries: 10 });
  }
}
