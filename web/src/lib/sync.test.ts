import type { LinkState, Summary } from "bayou";
import { expect, test } from "vitest";
import { type SyncFacts, spokenSync, syncSentence } from "./sync.ts";

const nothing: Summary = {
  ...{ saving: 0, onlyHere: 0, tentative: 0, csn: 0 },
  ...{ toCome: 0, arrived: 0, commitsPaused: false },
};
const open: LinkState = { kind: "open", caughtUp: true };

function facts(changes: Partial<SyncFacts>): SyncFacts {
  const usual = { failure: undefined, ready: true, link: open, offline: false };
  return { ...usual, summary: nothing, now: 0, ...changes };
}

const text = (changes: Partial<SyncFacts>): string => syncSentence(facts(changes)).text;

test("connected", () => {
  expect(text({})).toBe("All confirmed");
  expect(text({ summary: { ...nothing, tentative: 3 } })).toBe("3 not yet confirmed");
  expect(text({ link: { kind: "open", caughtUp: false } })).toBe("Catching up");
  expect(text({ ready: false })).toBe("Catching up");
  const far = facts({ ready: false, summary: { ...nothing, toCome: 100_000, arrived: 12_000 } });
  expect(syncSentence(far).text).toBe("Catching up - about 88,000 to come");
  expect(spokenSync(far)).toBe("Catching up");
  expect(text({ link: { kind: "connecting" } })).toBe("Connecting");
});

test("commits paused", () => {
  expect(text({ summary: { ...nothing, tentative: 3, commitsPaused: true } })).toBe(
    "Commits are paused - 3 not yet confirmed",
  );
});

test("much that a closed tab had left", () => {
  const summary = { ...nothing, onlyHere: 450, takingOver: { writes: 1240, left: 790 } };
  const told = "aking over from a closed tab, 790 of 1,240 to come";
  expect(text({ summary })).toBe(`T${told}`);
  expect(text({ summary, link: { kind: "off" }, offline: true })).toBe(`Offline - t${told}`);
  expect(text({ summary, link: { kind: "waiting", retryAt: 1000, reason: "closed" } })).toBe(
    `Relay not reachable - retrying in 1 s, t${told}`,
  );
  expect(text({ summary, link: { kind: "open", caughtUp: false } })).toBe("Catching up");
  expect(spokenSync(facts({ summary }))).toBe(
    "Taking over from a closed tab, 1,240 of 1,240 to come",
  );
  // A few have come before anybody has read it.
  const few = { ...nothing, takingOver: { writes: 40, left: 30 } };
  expect(text({ summary: few })).toBe("All confirmed");
});

test("offline", () => {
  const cut: Partial<SyncFacts> = { link: { kind: "off" }, offline: true };
  expect(text({ ...cut, summary: { ...nothing, onlyHere: 2, tentative: 3 } })).toBe(
    "Offline - 2 saved on this device only",
  );
  expect(text({ ...cut, summary: { ...nothing, tentative: 1 } })).toBe(
    "Offline - 1 not yet confirmed",
  );
  expect(text(cut)).toBe("Offline - all confirmed");
  expect(text({ ...cut, ready: false })).toBe("Offline - this tab has no copy yet");
});

test("the relay is off and nearby tabs are not: what they hold is still on this device only", () => {
  const link: LinkState = { kind: "off" };
  expect(text({ link, summary: { ...nothing, onlyHere: 2, tentative: 2 } })).toBe(
    "Relay off - 2 saved on this device only",
  );
  expect(text({ link })).toBe("Relay off - all confirmed");
});

test("relay not reachable", () => {
  const link: LinkState = { kind: "waiting", retryAt: 3500, reason: "closed" };
  expect(text({ link })).toBe("Relay not reachable - retrying in 4 s");
  expect(text({ link, now: 9999 })).toBe("Relay not reachable - retrying in 1 s");
  expect(text({ link, summary: { ...nothing, onlyHere: 1, tentative: 1 } })).toBe(
    "Relay not reachable - retrying in 4 s, 1 saved on this device only",
  );
  expect(spokenSync(facts({ link }))).toBe("Relay not reachable - retrying");
});

test("a failure outranks the link", () => {
  expect(syncSentence(facts({ failure: { kind: "storage-full", message: "" } }))).toEqual({
    tone: "trouble",
    text: "Storage is full - nothing new can be saved",
  });
});
