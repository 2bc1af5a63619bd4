import { afterEach, expect, test, vi } from "vitest";
import { NoFile, requestFile } from "./relay-files.ts";

afterEach(() => vi.unstubAllGlobals());

/** What comes of a request that is answered like this. */
async function answered(how: () => Response, held?: Uint8Array): Promise<unknown> {
  const ask = vi.fn<typeof fetch>(() => Promise.resolve().then(how));
  vi.stubGlobal("fetch", ask);
  const file = await requestFile("team-7", held).catch((error: unknown) => {
    if (error instanceof NoFile) return error.trouble;
    throw error;
  });
  expect(ask).toHaveBeenCalledOnce();
  const [address, { method, body } = {}] = ask.mock.lastCall ?? [];
  expect([address, method]).toEqual(["/v1/databases/team-7/export", "POST"]);
  expect(body ?? undefined).toEqual(held);
  return file;
}

const held = new Uint8Array([7]);
const refusal = (status: number) => () => Response.json({ error: "No." }, { status });

test("a file is handed on as it is", async () => {
  const bytes = new Uint8Array([1, 2, 3]);
  expect(await answered(() => new Response(bytes))).toEqual(bytes);
  expect(await answered(() => new Response(bytes), held)).toEqual(bytes);
});

test("what the relay says tells whether to begin anew, to wait, or what is wrong", async () => {
  expect(await answered(refusal(409), held)).toBeUndefined();
  expect(await answered(refusal(409))).toEqual({ kind: "refused", reason: "No." });
  expect(await answered(refusal(404), held)).toEqual({ kind: "none" });
  expect(await answered(refusal(503))).toEqual({ kind: "refused", reason: "No." });
});

test("a relay that is gone, or in whose place something else answers, cannot be reached", async () => {
  const gone = (): Response => {
    throw new TypeError("Failed to fetch");
  };
  expect(await answered(gone, held)).toEqual({ kind: "unreachable" });
  const proxy = () => new Response("<h1>Bad gateway</h1>", { status: 502 });
  expect(await answered(proxy)).toEqual({ kind: "unreachable" });
});
