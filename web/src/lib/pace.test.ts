import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { paced } from "./pace.ts";

describe("what is paced", () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  test("runs at once, then once an interval while it is asked, and the last asking is not lost", () => {
    const run = vi.fn();
    const { ask } = paced(run, 50);
    ask();
    expect(run).toHaveBeenCalledTimes(1);
    ask();
    ask();
    expect(run).toHaveBeenCalledTimes(1);
    vi.advanceTimersByTime(50);
    expect(run).toHaveBeenCalledTimes(2);
    vi.advanceTimersByTime(500);
    expect(run).toHaveBeenCalledTimes(2);
    ask();
    expect(run).toHaveBeenCalledTimes(3);
  });

  test("does not run any more once it is stopped", () => {
    const run = vi.fn();
    const { ask, stop } = paced(run, 50);
    ask();
    ask();
    stop();
    vi.advanceTimersByTime(500);
    expect(run).toHaveBeenCalledTimes(1);
  });
});
