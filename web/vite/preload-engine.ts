import type { Plugin } from "vite";

/** Lets the browser fetch the engine while it still reads the script that will ask for it. */
export function preloadEngine(): Plugin {
  return {
    name: "bayou-preload-engine",
    apply: "build",
    transformIndexHtml: {
      order: "post",
      handler(_html, { bundle = {} }) {
        return Object.keys(bundle)
          .filter((name) => name.endsWith(".wasm"))
          .map((name) => ({
            tag: "link",
            attrs: {
              rel: "preload",
              href: `/${name}`,
              as: "fetch",
              type: "application/wasm",
              crossorigin: true,
            },
            injectTo: "head" as const,
          }));
      },
    },
  };
}
