import { expect, test } from "vitest";
import { stable } from "./stable.ts";

test("gives the very same value while it says the same, and another one once it does not", () => {
  let title = "Review";
  const answer = stable(() => [{ title }]);
  const first = answer();
  expect(answer()).toBe(first);
  title = "Retro";
  expect(answer()).toEqual([{ title: "Retro" }]);
  expect(answer()).not.toBe(first);
});
