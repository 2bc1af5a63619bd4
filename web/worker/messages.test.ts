import { expect, test } from "vitest";
import { isMessage } from "./messages.ts";

test("messages are known by their shape, and what a later page may say is none", () => {
  expect(isMessage({ kind: "activate" })).toBe(true);
  expect(isMessage({ kind: "hello", script: "/assets/index-1a2b.js" })).toBe(true);
  for (const data of [undefined, null, "activate", {}, { kind: "hello" }, { kind: "later" }]) {
    expect(isMessage(data)).toBe(false);
  }
});
