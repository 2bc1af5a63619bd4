import { createHash } from "node:crypto";
import { readFile, readdir, writeFile } from "node:fs/promises";
import { join, relative, sep } from "node:path";
import { fileURLToPath } from "node:url";
import { type Plugin, build } from "vite";
import type { Build } from "../worker/build.ts";

const SOURCE = fileURLToPath(new URL("../worker/sw.ts", import.meta.url));
const NAME = "sw.js";
/** The worker itself, what `precompress` writes beside a file, and icons that only an operating system shows. */
const NOT_LISTED = /^\/sw\.js$|\.br$|^\/icons\//;

/** Writes the service worker: last, for it lists the content of every other file. */
export function serviceWorker(): Plugin {
  let target: string | string[] | false = false;
  return {
    name: "bayou-service-worker",
    apply: "build",
    configResolved(config) {
      target = config.build.target;
    },
    writeBundle: {
      order: "post",
      sequential: true,
      async handler({ dir }) {
        if (dir === undefined) return;
        const [files, code] = await Promise.all([listed(dir), compiled(target)]);
        const version = createHash("sha256")
          .update(JSON.stringify(files))
          .update(code)
          .digest("hex");
        const described: Build = { version: version.slice(0, 16), files };
        await writeFile(join(dir, NAME), `const BUILD = ${JSON.stringify(described)};\n${code}`);
      },
    },
  };
}

/** Each file of the folder with the digest of its content. */
async function listed(folder: string): Promise<Record<string, string>> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const paths = entries
    .filter((entry) => entry.isFile())
    .map((entry) => `/${relative(folder, join(entry.parentPath, entry.name)).split(sep).join("/")}`)
    .filter((path) => !NOT_LISTED.test(path))
    .sort();
  const digests = paths.map(async (path): Promise<[string, string]> => {
    const content = await readFile(join(folder, path));
    return [path, `sha256-${createHash("sha256").update(content).digest("base64")}`];
  });
  return Object.fromEntries(await Promise.all(digests));
}

/** The worker as one script, which reads `BUILD`. */
async function compiled(target: string | string[] | false): Promise<string> {
  const result = await build({
    configFile: false,
    publicDir: false,
    logLevel: "warn",
    build: {
      target,
      write: false,
      rolldownOptions: { input: SOURCE, output: { format: "iife" } },
    },
  });
  if (!("output" in result)) throw new Error("one build has one output");
  return result.output[0].code;
}
