/** Where this page was opened: which database, and where its relay is. */

const DEFAULT_DATABASE = "demo";
const NAME = /^[a-z0-9-]{1,64}$/;

/** `/` is the demo, `/d/<name>` any other. */
export function databaseName(path: string): string | undefined {
  if (path === "/" || path === "/index.html") return DEFAULT_DATABASE;
  const name = /^\/d\/([^/]+)\/?$/.exec(path)?.[1];
  return name !== undefined && NAME.test(name) ? name : undefined;
}

export function relayAddress({ protocol, host }: Pick<Location, "protocol" | "host">): string {
  return `${protocol === "https:" ? "wss" : "ws"}://${host}`;
}
