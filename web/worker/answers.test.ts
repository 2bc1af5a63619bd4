import { expect, test } from "vitest";
import { type Asked, answererOf } from "./answers.ts";

const ORIGIN = "https://rooms.example";
const FILES = {
  "/index.html": "sha256-1",
  "/assets/index-1a2b.js": "sha256-2",
  "/icon.svg": "sha256-3",
};

function answerer(path: string, asked: Partial<Asked> = {}): string {
  const request: Asked = { method: "GET", mode: "cors", url: ORIGIN + path, ...asked };
  const found = answererOf(request, ORIGIN, FILES);
  return "path" in found ? `${found.by}: ${found.path}` : found.by;
}

test("every address of the page is answered with this version's page", () => {
  for (const path of ["/", "/index.html", "/d/demo", "/d/another-1", "/d/No Name", "/?relay=off"]) {
    expect(answerer(path, { mode: "navigate" }), path).toBe("shell");
  }
});

test("a script that asks for an address of the page is no visitor", () => {
  expect(answerer("/d/demo")).toBe("network");
  expect(answerer("/index.html")).toBe("version: /index.html");
});

test("a file whose name tells its content comes from whichever version has it", () => {
  expect(answerer("/assets/index-1a2b.js")).toBe("any version: /assets/index-1a2b.js");
  expect(answerer("/assets/index-of-before.js")).toBe("any version: /assets/index-of-before.js");
});

test("a file with a plain name comes from this version", () => {
  expect(answerer("/icon.svg")).toBe("version: /icon.svg");
  expect(answerer("/icon.svg", { mode: "navigate" })).toBe("version: /icon.svg");
});

test("the relay's own addresses are left alone, and all that the build does not know", () => {
  for (const path of [
    "/v1/databases/demo",
    "/healthz",
    "/sw.js",
    "/other",
    "/toString",
    "/icon.svg?2",
  ]) {
    expect(answerer(path), path).toBe("network");
    expect(answerer(path, { mode: "navigate" }), path).toBe("network");
  }
});

test("what is not a plain question to this origin is left alone", () => {
  expect(answerer("/", { mode: "navigate", method: "POST" })).toBe("network");
  expect(answerer("/icon.svg", { method: "HEAD" })).toBe("network");
  expect(answerer("", { url: "https://elsewhere.example/assets/index-1a2b.js" })).toBe("network");
});
