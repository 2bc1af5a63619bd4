/**
 * Draws the icons of the web app manifest from `public/favicon.svg`. What it draws is committed; run it when the favicon changes.
 *
 *     npm run icons
 */
import { chromium } from "@playwright/test";
import { mkdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const folder = fileURLToPath(new URL("../public", import.meta.url));
const drawing = readFileSync(`${folder}/favicon.svg`, "utf8");
/** A launcher may cut a maskable icon to any shape that holds a circle of four fifths of its width. */
const fullBleed = drawing
  .replace('rx="9" ', "")
  .replace('viewBox="0 0 32 32"', 'viewBox="-2 -2 36 36"')
  .replace('<rect width="32" height="32"', '<rect x="-2" y="-2" width="36" height="36"');

/** @type {[name: string, size: number, svg: string][]} */
const icons = [
  ["192", 192, drawing],
  ["512", 512, drawing],
  ["maskable-512", 512, fullBleed],
];

mkdirSync(`${folder}/icons`, { recursive: true });
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM_PATH ?? "/usr/bin/chromium",
  args: ["--no-sandbox"],
});
for (const [name, size, svg] of icons) {
  const page = await browser.newPage({ viewport: { width: size, height: size } });
  await page.setContent(`<style>body { margin: 0 } svg { display: block }</style>${svg}`);
  await page.screenshot({ path: `${folder}/icons/${name}.png`, omitBackground: true });
}
await browser.close();
