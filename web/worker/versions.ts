/** The caches of the versions that a browser keeps. */

const PREFIX = "bayou:version:";

/** For each page that a worker has served: which version it is of, under its client's id. */
export const CLIENTS_CACHE = "bayou:clients";

/** Which version was installed last. */
export const INSTALLED_CACHE = "bayou:installed";

export function cacheOf(version: string): string {
  return PREFIX + version;
}

/** The caches, among all of this origin, that hold versions which no page runs any more. */
export function unusedCaches(
  names: readonly string[],
  own: string,
  inUse: ReadonlySet<string>,
): string[] {
  return names.filter(
    (name) =>
      name.startsWith(PREFIX) && name !== cacheOf(own) && !inUse.has(name.slice(PREFIX.length)),
  );
}
