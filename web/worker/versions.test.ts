import { expect, test } from "vitest";
import { CLIENTS_CACHE, INSTALLED_CACHE, cacheOf, unusedCaches } from "./versions.ts";

test("a version's cache stays while a page of it is there, or while it is the active one", () => {
  const names = [cacheOf("a"), cacheOf("b"), cacheOf("c")];
  expect(unusedCaches(names, "c", new Set(["b"]))).toEqual([cacheOf("a")]);
  expect(unusedCaches(names, "c", new Set())).toEqual([cacheOf("a"), cacheOf("b")]);
  expect(unusedCaches(names, "c", new Set(["a", "b", "c"]))).toEqual([]);
});

test("caches of other purposes and of other programs are left alone", () => {
  expect(unusedCaches([CLIENTS_CACHE, INSTALLED_CACHE, "somebody's"], "c", new Set())).toEqual([]);
});
