import { expect, test } from "vitest";
import { type Cell, cellReached } from "./grid-keys.ts";

const size = { rows: 3, columns: 48 };
const from = (row: number, column: number, key: string, control = false): Cell | undefined =>
  cellReached(key, control, { row, column }, size);

test("arrows move by one cell and stop at the edges", () => {
  expect(from(1, 5, "ArrowLeft")).toEqual({ row: 1, column: 4 });
  expect(from(1, 5, "ArrowDown")).toEqual({ row: 2, column: 5 });
  expect(from(0, 0, "ArrowUp")).toEqual({ row: 0, column: 0 });
  expect(from(2, 47, "ArrowRight")).toEqual({ row: 2, column: 47 });
});

test("Home and End go to the ends of the row, with Control to those of the grid", () => {
  expect(from(1, 5, "Home")).toEqual({ row: 1, column: 0 });
  expect(from(1, 5, "End")).toEqual({ row: 1, column: 47 });
  expect(from(1, 5, "Home", true)).toEqual({ row: 0, column: 0 });
  expect(from(1, 5, "End", true)).toEqual({ row: 2, column: 47 });
});

test("other keys are left alone", () => {
  expect(from(1, 5, "Tab")).toBeUndefined();
});
