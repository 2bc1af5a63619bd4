/**
 * What a first visit costs, by part, as brotli sends it. Fails when a budget is exceeded.
 *
 *     npm run build && npm run weight
 */
import { readFileSync, readdirSync, statSync } from "node:fs";
import { fileURLToPath } from "node:url";

const dist = fileURLToPath(new URL("../dist", import.meta.url));
const PAGE_BYTES_MAX = 60_000;
const ENGINE_BYTES_MAX = 150_000;

/** @param {string} path */
function sent(path) {
  try {
    return statSync(`${dist}${path}.br`).size;
  } catch {
    return statSync(`${dist}${path}`).size;
  }
}

const html = readFileSync(`${dist}/index.html`, "utf8");
const first = new Set(
  [...html.matchAll(/(?:src|href)="(\/assets\/[^"]+)"/g)].map((m) => m[1] ?? ""),
);
const assets = readdirSync(`${dist}/assets`)
  .filter((name) => !name.endsWith(".br"))
  .map((name) => `/assets/${name}`);

/** @type {[part: string, matches: (path: string) => boolean][]} */
const parts = [
  ["engine, WebAssembly", (path) => path.endsWith(".wasm")],
  ["engine, bindings", (path) => /\/engine-[^/]+\.js$/.test(path)],
  ["page, JavaScript", (path) => path.endsWith(".js") && first.has(path)],
  ["page, style sheet", (path) => path.endsWith(".css") && first.has(path)],
  ["dialogs, after the first view", (path) => /\.(?:js|css)$/.test(path) && !first.has(path)],
  ["typeface", (path) => path.endsWith(".woff2") && first.has(path)],
  ["typeface, on demand", (path) => path.endsWith(".woff2") && !first.has(path)],
];

/** @type {Record<string, number>} */
const weight = { "page, document": sent("/index.html") };
for (const path of assets) {
  const part = parts.find(([, matches]) => matches(path))?.[0] ?? "other";
  weight[part] = (weight[part] ?? 0) + sent(path);
}

for (const [part, bytes] of Object.entries(weight)) {
  console.log(`${(bytes / 1000).toFixed(1).padStart(7)} kB  ${part}`);
}

const page = (weight["page, JavaScript"] ?? 0) + (weight["page, style sheet"] ?? 0);
const engine = (weight["engine, WebAssembly"] ?? 0) + (weight["engine, bindings"] ?? 0);
console.log(
  `${(page / 1000).toFixed(1).padStart(7)} kB of ${PAGE_BYTES_MAX / 1000} for the page's JavaScript and CSS`,
);
console.log(
  `${(engine / 1000).toFixed(1).padStart(7)} kB of ${ENGINE_BYTES_MAX / 1000} for the engine`,
);
if (page > PAGE_BYTES_MAX || engine > ENGINE_BYTES_MAX) {
  console.error("Over budget.");
  process.exitCode = 1;
}
