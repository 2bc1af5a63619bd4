/** The engine as it is built with the contract of its stores, on a page of its own that has nothing else. */
import { fileURLToPath } from "node:url";
import type { BrowserContext, Page } from "@playwright/test";

const PACKAGE =
  process.env.BAYOU_STORE_CONTRACT ??
  fileURLToPath(new URL("../../../target/xtask/contract", import.meta.url));
const ORIGIN = "http://contract.localhost";

type Engine = typeof import("bayou") & {
  storeClauses: () => string[];
  runStoreClause: (clause: string, onPanic: (message: string) => void) => Promise<void>;
};

declare global {
  interface Window {
    engine: Engine;
  }
}

/** Serves it to all pages of a browser. */
export async function serveEngine(context: BrowserContext): Promise<void> {
  await context.route(`${ORIGIN}/**`, (route) => {
    const { pathname } = new URL(route.request().url());
    return pathname.startsWith("/bayou")
      ? route.fulfill({ path: `${PACKAGE}${pathname}` })
      : route.fulfill({ contentType: "text/html", body: "<!doctype html>" });
  });
}

/** Loads the engine, as `window.engine`. */
export async function loadEngine(page: Page): Promise<void> {
  await page.goto(`${ORIGIN}/`);
  await page.evaluate(async () => {
    window.engine = (await import(`${location.origin}/bayou.js`)) as Engine;
    await window.engine.default();
  });
}
