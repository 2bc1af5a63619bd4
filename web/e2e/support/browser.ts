/** A browser of its own, whose profile outlives it, and which can be killed. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Browser, type BrowserContext, chromium } from "@playwright/test";
import config from "../../playwright.config.ts";
import { expect } from "./fixtures.ts";

const { executablePath = "", args = [] } = config.use?.launchOptions ?? {};

export class KillableBrowser {
  #process: ChildProcess | undefined;
  #browser: Browser | undefined;

  private constructor(private readonly profile: string) {}

  /** One with an empty profile, not started. */
  static async create(): Promise<KillableBrowser> {
    return new KillableBrowser(await mkdtemp(join(tmpdir(), "bayou-profile-")));
  }

  async start(): Promise<BrowserContext> {
    const portFile = join(this.profile, "DevToolsActivePort");
    await rm(portFile, { force: true });
    this.#process = spawn(
      executablePath,
      [
        ...args,
        ...["--headless=new", "--remote-debugging-port=0", `--user-data-dir=${this.profile}`],
        "about:blank",
      ],
      { stdio: "ignore" },
    );
    let port = "";
    await expect(async () => {
      [port = ""] = (await readFile(portFile, "utf8")).split("\n");
      expect(Number(port)).toBeGreaterThan(0);
    }).toPass();
    this.#browser = await chromium.connectOverCDP(`http://127.0.0.1:${port}`);
    const [context] = this.#browser.contexts();
    if (context === undefined) throw new Error("the browser has no context");
    return context;
  }

  /** `kill -9`: nothing is written any more. */
  async kill(): Promise<void> {
    const child = this.#process;
    if (child?.exitCode !== null || child.signalCode !== null) return;
    child.kill("SIGKILL");
    await once(child, "exit");
    await this.#browser?.close();
  }

  async dispose(): Promise<void> {
    await this.kill();
    // Its helper processes end by themselves and may write until then.
    await rm(this.profile, { recursive: true, force: true, maxRetries: 10 });
  }
}
