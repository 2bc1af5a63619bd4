import config from "../playwright.config.ts";

/** Measurements report figures; they pass or fail on nothing but being able to measure. */
export default {
  ...config,
  testDir: ".",
  testMatch: "*.bench.ts",
  outputDir: "../test-results/bench",
  workers: 1,
  // In Chromium alone.
  projects: config.projects?.filter(({ name }) => name === "chromium"),
};
