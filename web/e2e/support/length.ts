/** Whether tests of many rounds are to run all of them, as `cargo xtask test --long` asks. */
export const LONG = process.env.BAYOU_LONG !== undefined;

/** The tag of tests that have more rounds to run than everybody's run has time for. */
export const LONGER = "@longer";

/** How many rounds to run: a representative few, or all. */
export const rounds = (few: number, all: number): number => (LONG ? all : few);

/** More time than a test usually gets, if it runs all its rounds. */
export const timeoutMs = (usual: number): number => (LONG ? 90 * 60_000 : usual);

/** The same numbers below `end` at every run. `BAYOU_SEED` gives others. */
export function numbers(): (end: number) => number {
  // The 32-bit generator of Marsaglia, "Xorshift RNGs" (2003).
  let state = Number(process.env.BAYOU_SEED ?? 1995) | 1;
  return (end) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % end;
  };
}
