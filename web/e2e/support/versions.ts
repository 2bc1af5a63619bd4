/** Two versions of the page, and a folder in which an operator replaces one by the other. */
import { cp, mkdtemp, readFile, readdir, rename, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type Plugin, build } from "vite";

const fromHere = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

const WEB = fromHere("../..");
const BINDINGS = fromHere("../../../wasm/pkg");

/** A custom section with an empty name: an engine does not look at it, and it makes another file. */
const CUSTOM_SECTION = Uint8Array.of(0, 1, 0);

/** What the two versions say in the same places: in the first view, and in a dialog that is loaded after it. */
export const SAYS = {
  old: { view: "What the marks mean", dialog: "Add alternative" },
  new: { view: "What the marks tell", dialog: "Add another wish" },
} as const;

const otherWords: Plugin = {
  name: "other-words",
  enforce: "pre",
  transform: (code, id) =>
    /(?:Legend|BookingForm)\.svelte$/.test(id)
      ? code.replace(SAYS.old.view, SAYS.new.view).replace(SAYS.old.dialog, SAYS.new.dialog)
      : null,
};

/** Builds the page with other words and another engine; the folder is the caller's to delete. */
export async function buildNewVersion(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "bayou-e2e-version-"));
  const bindings = join(folder, "pkg");
  await cp(BINDINGS, bindings, { recursive: true });
  const engine = join(bindings, "bayou_bg.wasm");
  await writeFile(engine, Buffer.concat([await readFile(engine), CUSTOM_SECTION]));
  const page = join(folder, "dist");
  await build({
    root: WEB,
    logLevel: "error",
    plugins: [otherWords],
    resolve: {
      alias: [
        { find: /^bayou$/, replacement: join(bindings, "bayou.js") },
        { find: /^bayou\//, replacement: `${bindings}/` },
      ],
    },
    build: { outDir: page, emptyOutDir: true },
  });
  return page;
}

/** The paths of a build's files whose names tell their content. */
export async function assetsOf(page: string): Promise<string[]> {
  const names = await readdir(join(page, "assets"));
  return names.filter((name) => !name.endsWith(".br")).map((name) => `/assets/${name}`);
}

/** What a relay serves: one version, until another one takes its place at a stroke. */
export class Site {
  private constructor(private readonly folder: string) {}

  static async with(page: string): Promise<Site> {
    const site = new Site(await mkdtemp(join(tmpdir(), "bayou-e2e-site-")));
    await site.replaceBy(page);
    return site;
  }

  get path(): string {
    return join(this.folder, "page");
  }

  async replaceBy(page: string): Promise<void> {
    const next = join(this.folder, "next");
    await symlink(page, next);
    await rename(next, this.path);
  }

  async dispose(): Promise<void> {
    await rm(this.folder, { recursive: true, force: true });
  }
}
