import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { type Server, createServer } from "node:http";
import { extname, join, normalize } from "node:path";
import { PAGE } from "./relay.ts";

const TYPES: Readonly<Record<string, string>> = {
  ".css": "text/css",
  ".html": "text/html",
  ".js": "text/javascript",
  ".svg": "image/svg+xml",
  ".wasm": "application/wasm",
  ".webmanifest": "application/manifest+json",
  ".woff2": "font/woff2",
};

/** Serves the page and nothing else, where a relay was: tabs can be opened, and there is no replica to link with. */
export class PageServer {
  private constructor(private readonly server: Server) {}

  static async start(port: number): Promise<PageServer> {
    const server = createServer((request, response) => {
      const path = normalize(new URL(request.url ?? "/", "http://page").pathname);
      if (path.startsWith("/v1/")) {
        response.writeHead(503).end();
        return;
      }
      const file = extname(path) === "" ? "/index.html" : path;
      readFile(join(PAGE, file)).then(
        (content) => {
          const type = TYPES[extname(file)] ?? "application/octet-stream";
          response.writeHead(200, { "content-type": type }).end(content);
        },
        () => response.writeHead(404).end(),
      );
    });
    server.listen(port, "127.0.0.1");
    await once(server, "listening");
    return new PageServer(server);
  }

  async stop(): Promise<void> {
    const closed = once(this.server, "close");
    this.server.close();
    this.server.closeAllConnections();
    await closed;
  }
}
