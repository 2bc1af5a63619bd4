import { expect, test } from "vitest";
import { bytesWords, contactWords, nearbyName, stateWords } from "./links.ts";

test("a nearby tab is called by its replica, or by its own name until that is known", () => {
  expect(nearbyName({ tab: "00ff00ff00ff00ff", replica: "0.14" })).toBe("Nearby tab 0.14");
  expect(nearbyName({ tab: "00ff00ff00ff00ff", replica: undefined })).toBe("Nearby tab new 00ff");
});

test("where a link stands", () => {
  expect(stateWords({ kind: "off" }, 0)).toBe("Off");
  expect(stateWords({ kind: "connecting" }, 0)).toBe("Connecting");
  expect(stateWords({ kind: "open", caughtUp: false }, 0)).toBe("Catching up");
  expect(stateWords({ kind: "open", caughtUp: true }, 0)).toBe("Connected");
  const waiting = { kind: "waiting", retryAt: 4200, reason: "It was lost." } as const;
  expect(stateWords(waiting, 1000)).toBe("Trying again in 4 s: It was lost.");
  expect(stateWords(waiting, 9000)).toBe("Trying again in 1 s: It was lost.");
  expect(stateWords({ kind: "refused", code: 1000, reason: "Off there." }, 0)).toBe("Off there.");
});

test.each([
  [undefined, "never"],
  [100_000, "now"],
  [98_001, "now"],
  [98_000, "2 s ago"],
  [88_000, "12 s ago"],
  [40_000, "1 min ago"],
  [-3_500_000, "1 h ago"],
])("the last contact at %s is %s", (lastHeard, words) => {
  expect(contactWords(lastHeard, 100_000)).toBe(words);
});

test.each([
  [0, "0 B"],
  [999, "999 B"],
  [1_000, "1.0 kB"],
  [9_949, "9.9 kB"],
  [9_950, "10 kB"],
  [999_499, "999 kB"],
  [999_500, "1.0 MB"],
  [12_345_678, "12 MB"],
  [2_000_000_000_000, "2000 GB"],
])("%s bytes are %s", (bytes, words) => {
  expect(bytesWords(bytes)).toBe(words);
});
