import { expect, test } from "vitest";
import { amount, isNearlyFull } from "./device-storage.ts";

const GB = 1_000_000_000;
const MB = 1_000_000;

test("amounts are told with two digits", () => {
  expect(amount(0)).toBe("0 kB");
  expect(amount(1_240)).toBe("1.2 kB");
  expect(amount(999_700)).toBe("1 MB");
  expect(amount(12_345_678)).toBe("12 MB");
  expect(amount(10.4 * GB)).toBe("10 GB");
});

test("storage is nearly full while there is still some room, whatever the quota is", () => {
  const nearlyFull = (usedBytes: number, quotaBytes: number): boolean =>
    isNearlyFull({ usedBytes, quotaBytes, kept: false });
  expect(nearlyFull(9 * GB, 10 * GB)).toBe(false);
  expect(nearlyFull(10 * GB - 49 * MB, 10 * GB)).toBe(true);
  expect(nearlyFull(1 * MB, 10 * MB)).toBe(false);
  expect(nearlyFull(9 * MB, 10 * MB)).toBe(true);
});
