/** Who answers which request. */

/** The file that is the page. */
export const SHELL = "/index.html";

/** Names under here carry a hash of their content, so that two files of one name are the same. */
const HASHED = "/assets/";

export interface Asked {
  readonly method: string;
  readonly mode: string;
  readonly url: string;
}

export type Answerer =
  /** As if there were no service worker. */
  | { readonly by: "network" }
  /** This version's page. All else that the page loads follows from it. */
  | { readonly by: "shell" }
  /** A file of this version. */
  | { readonly by: "version"; readonly path: string }
  /** Whichever version has a file of this name: a tab of an older one loads its parts until it is reloaded. */
  | { readonly by: "any version"; readonly path: string };

const network: Answerer = { by: "network" };

export function isHashed(path: string): boolean {
  return path.startsWith(HASHED);
}

/** `/` and `/d/<name>`; what is wrong with a name, the page says itself. */
function isPage(path: string): boolean {
  return path === "/" || path === SHELL || path.startsWith("/d/");
}

export function answererOf(
  { method, mode, url }: Asked,
  origin: string,
  files: Readonly<Record<string, string>>,
): Answerer {
  const { origin: asked, pathname: path, search } = new URL(url);
  if (method !== "GET" || asked !== origin) return network;
  if (mode === "navigate" && isPage(path)) return { by: "shell" };
  // The build asks for none of its files with a query.
  if (search !== "") return network;
  if (isHashed(path)) return { by: "any version", path };
  return Object.hasOwn(files, path) ? { by: "version", path } : network;
}
