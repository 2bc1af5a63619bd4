import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { brotliCompress, constants } from "node:zlib";
import type { Plugin } from "vite";

const compress = promisify(brotliCompress);
const COMPRESSIBLE = /\.(?:html|js|css|svg|wasm|json|webmanifest)$/;
/** Below this a compressed copy saves less than a packet. */
const BYTES_MIN = 512;

/** Writes `<file>.br` beside every compressible file, so that the relay never compresses while it serves. */
export function precompress(): Plugin {
  return {
    name: "bayou-precompress",
    apply: "build",
    async writeBundle(options, bundle) {
      const folder = options.dir;
      if (folder === undefined) return;
      const files = Object.keys(bundle).filter((name) => COMPRESSIBLE.test(name));
      await Promise.all(
        files.map(async (name) => {
          const path = join(folder, name);
          const content = await readFile(path);
          if (content.length < BYTES_MIN) return;
          const compressed = await compress(content, {
            params: {
              [constants.BROTLI_PARAM_QUALITY]: constants.BROTLI_MAX_QUALITY,
              [constants.BROTLI_PARAM_SIZE_HINT]: content.length,
            },
          });
          await writeFile(`${path}.br`, compressed);
        }),
      );
    },
  };
}
