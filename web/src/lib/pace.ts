/**
 * Runs something at once when it is asked for, and then, for as long as it is asked again, once in each interval.
 * A write passes four or five states within milliseconds; drawing the page for each would hold up the next.
 */
export function paced(
  run: () => void,
  milliseconds: number,
): { ask: () => void; stop: () => void } {
  let resting: ReturnType<typeof setTimeout> | undefined;
  let asked = false;

  function ask(): void {
    if (resting !== undefined) {
      asked = true;
      return;
    }
    asked = false;
    resting = setTimeout(() => {
      resting = undefined;
      if (asked) ask();
    }, milliseconds);
    run();
  }

  function stop(): void {
    clearTimeout(resting);
    resting = undefined;
    asked = false;
  }

  return { ask, stop };
}
