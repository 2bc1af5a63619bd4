import type { LinkState } from "bayou";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { checkNowAndThen } from "./version-checks.ts";

const HOUR_MS = 3_600_000;
const OPEN: LinkState = { kind: "open", caughtUp: true };

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

class Page extends EventTarget {
  visibilityState: DocumentVisibilityState = "visible";

  readonly show = (state: DocumentVisibilityState): void => {
    this.visibilityState = state;
    this.dispatchEvent(new Event("visibilitychange"));
  };
}

/** A tab that is not linked yet. */
function tab(enabled = true) {
  const relay = { enabled, state: { kind: "connecting" } as LinkState };
  let changed = (): void => undefined;
  const replica = {
    links: { relay },
    onChange: (callback: () => void) => (changed = callback),
  };
  const page = new Page();
  const check = vi.fn();
  const closing = new AbortController();
  checkNowAndThen(check, replica, page, closing.signal);
  const to = (state: LinkState): void => {
    relay.state = state;
    changed();
  };
  return { check, closing, to, show: page.show };
}

test("each time that the relay comes it is asked once", () => {
  const { check, to } = tab();
  expect(check).toHaveBeenCalledTimes(0);
  to(OPEN);
  to(OPEN);
  expect(check).toHaveBeenCalledTimes(1);
  to({ kind: "connecting" });
  to(OPEN);
  expect(check).toHaveBeenCalledTimes(2);
});

test("a relay that refuses the tab is asked, too", () => {
  const { check, to } = tab();
  to({ kind: "refused", code: 4426, reason: "another format version" });
  expect(check).toHaveBeenCalledTimes(1);
});

test("it is asked every hour, and when the tab is looked at again", () => {
  const { check, show } = tab();
  vi.advanceTimersByTime(2 * HOUR_MS);
  expect(check).toHaveBeenCalledTimes(2);
  show("hidden");
  expect(check).toHaveBeenCalledTimes(2);
  show("visible");
  expect(check).toHaveBeenCalledTimes(3);
});

test("a tab that is switched offline asks nothing", () => {
  const { check, show } = tab(false);
  vi.advanceTimersByTime(HOUR_MS);
  show("visible");
  expect(check).not.toHaveBeenCalled();
});

test("a page that could not open its replica asks all the same: the new version may be the cure", () => {
  const check = vi.fn();
  checkNowAndThen(check, undefined, new Page(), new AbortController().signal);
  expect(check).toHaveBeenCalledTimes(1);
});

test("a page that goes asks no more", () => {
  const { check, closing, show } = tab();
  closing.abort();
  vi.advanceTimersByTime(HOUR_MS);
  show("visible");
  expect(check).not.toHaveBeenCalled();
});
