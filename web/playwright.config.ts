import { type Project, defineConfig } from "@playwright/test";
import { CHROMIUM_ONLY, ENGINES, FIREFOX } from "./e2e/support/engines.ts";
import { LONG, LONGER } from "./e2e/support/length.ts";

const chromium: Project = {
  name: "chromium",
  use: {
    browserName: "chromium",
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
};

/** An ordinary Firefox, driven by WebDriver BiDi. */
const firefox: Project = {
  name: "firefox",
  grepInvert: new RegExp(CHROMIUM_ONLY),
  use: {
    browserName: "firefox",
    channel: "moz-firefox",
    launchOptions: {
      executablePath: process.env.FIREFOX_PATH ?? "/usr/bin/firefox-esr",
      firefoxUserPrefs: {
        // It asks nobody but the relay for anything.
        "services.settings.server": "data:,#remote-settings-dummy/v1",
        // What comes without the relay comes from the service worker, then.
        "browser.cache.disk.enable": false,
        "browser.cache.memory.enable": false,
        // WebDriver BiDi cannot ask for it.
        "ui.prefersReducedMotion": 1,
      },
    },
  },
};

function projects(): Project[] {
  if (FIREFOX) return [firefox];
  return LONG ? [chromium] : [chromium, { ...firefox, grep: new RegExp(ENGINES) }];
}

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
  projects: projects(),
  use: {
    headless: true,
    locale: "en-GB",
    timezoneId: "Europe/Berlin",
    viewport: { width: 1280, height: 860 },
    // Without the pictures of every frame, which take two fifths of the time.
    trace: { mode: "retain-on-failure", screenshots: false },
  },
});
