import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { type AddressInfo, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

const fromHere = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

const PROGRAM = process.env.BAYOU_RELAY ?? fromHere("../../../target/debug/bayou-relay");
/** The page as it is built. */
export const PAGE = fromHere("../../dist");
const READY = "Bayou is running at ";

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}

/** A relay with a store of its own, which can die and come back at the same address. */
export class Relay {
  #process: ChildProcess | undefined;
  readonly #log: string[] = [];

  private constructor(
    readonly port: number,
    /** The folder with what it stores. */
    readonly data: string,
    private readonly page: string,
    private readonly options: readonly string[],
  ) {}

  /** Starts one with further options of its command line, on a folder that is empty unless somebody furnishes it. */
  static async start(
    options: readonly string[] = [],
    page = PAGE,
    furnish?: (data: string) => Promise<void>,
  ): Promise<Relay> {
    const data = await mkdtemp(join(tmpdir(), "bayou-e2e-"));
    await furnish?.(data);
    const relay = new Relay(await freePort(), data, page, options);
    await relay.start();
    return relay;
  }

  get address(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  /** What it has written to standard error. */
  get log(): string {
    return this.#log.join("\n");
  }

  async start(): Promise<void> {
    const child = spawn(
      PROGRAM,
      [
        ...["--listen", `127.0.0.1:${this.port}`, "--data", this.data, "--page", this.page],
        ...this.options,
      ],
      { stdio: ["ignore", "pipe", "pipe"] },
    );
    this.#process = child;
    createInterface({ input: child.stderr }).on("line", (line) => this.#log.push(line));
    await new Promise<void>((ready, failed) => {
      createInterface({ input: child.stdout }).on("line", (line) => {
        if (line.startsWith(READY)) ready();
      });
      child.once("error", failed);
      child.once("exit", (code) => failed(new Error(`The relay ended with ${code}.\n${this.log}`)));
    });
  }

  /** `kill -9`: it has no time to put anything in order. */
  kill(): Promise<void> {
    return this.#stop("SIGKILL");
  }

  /** Lets it end in order: one file then holds all that it has stored. */
  end(): Promise<void> {
    return this.#stop("SIGTERM");
  }

  async #stop(signal: "SIGKILL" | "SIGTERM"): Promise<void> {
    const child = this.#process;
    if (child?.exitCode !== null || child.signalCode !== null) return;
    child.kill(signal);
    await once(child, "exit");
  }

  /** Loses all that it has stored, while it does not run. */
  async forget(): Promise<void> {
    await rm(this.data, { recursive: true, force: true });
  }

  async dispose(): Promise<void> {
    await this.kill();
    await rm(this.data, { recursive: true, force: true });
  }
}
