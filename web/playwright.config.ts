import { defineConfig } from "@playwright/test";
import { LONG, LONGER } from "./e2e/support/length.ts";

/** Every test starts a relay of its own; nothing here is shared between tests. */
export default defineConfig({
  testDir: "e2e",
  grep: LONG ? new RegExp(LONGER) : /.*/,
  outputDir: "test-results/tests",
  forbidOnly: process.env.CI !== undefined,
  fullyParallel: true,
  retries: 0,
  workers: 2,
  // Two cores may have ten tabs to carry.
  timeout: 120_000,
  expect: { timeout: 30_000 },
  reporter: [["list"]],
  use: {
    browserName: "chromium",
    headless: true,
    locale: "en-GB",
    timezoneId: "Europe/Berlin",
    viewport: { width: 1280, height: 860 },
    trace: "retain-on-failure",
    launchOptions: {
      executablePath: process.env.CHROMIUM_PATH ?? "/usr/bin/chromium",
      // The browser's own parts, such as date fields, speak this language, whatever the machine's is.
      env: { ...process.env, LANGUAGE: "en_US" },
      args: [
        "--no-sandbox",
        "--disable-gpu",
        "--disable-quic",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
      ],
    },
  },
});
