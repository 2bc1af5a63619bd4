import { fileURLToPath } from "node:url";
import { svelte } from "@sveltejs/vite-plugin-svelte";
import { defineConfig } from "vitest/config";
import { precompress } from "./vite/precompress.ts";
import { preloadEngine } from "./vite/preload-engine.ts";
import { serviceWorker } from "./vite/service-worker.ts";

const bindings = fileURLToPath(new URL("../wasm/pkg", import.meta.url));

export default defineConfig({
  plugins: [svelte(), preloadEngine(), precompress(), serviceWorker()],
  resolve: {
    // The bindings are built beside this folder; an alias keeps `npm ci` independent of them.
    alias: [
      { find: /^bayou$/, replacement: `${bindings}/bayou.js` },
      { find: /^bayou\//, replacement: `${bindings}/` },
    ],
  },
  build: {
    target: ["chrome123", "firefox121", "safari17.5"],
    // Data URLs would need a wider Content-Security-Policy.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
    rolldownOptions: {
      output: {
        // The bindings belong to the engine and change with it.
        codeSplitting: {
          groups: [
            { name: "engine", test: /[\\/]pkg[\\/]bayou/, priority: 1 },
            // What the first view needs is fetched, and compressed, as one.
            { name: "view", tags: ["$initial"] },
          ],
        },
      },
    },
  },
  server: {
    fs: { allow: [".."] },
    // The relay answers only to its own origin.
    proxy: {
      "/v1": {
        target: "http://127.0.0.1:8787",
        ws: true,
        changeOrigin: true,
        rewriteWsOrigin: true,
      },
    },
  },
  // A busy machine is no verdict.
  test: { include: ["src/**/*.test.ts", "worker/**/*.test.ts"], testTimeout: 60_000 },
});
