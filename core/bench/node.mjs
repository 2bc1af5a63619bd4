/**
 * Times the engine in WebAssembly: `node core/bench/node.mjs <folder of the package> [--rounds=<number>] [part of a name ...]`.
 * `cargo xtask bench` builds the package. What is printed is what `main.rs` prints.
 */
import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";

/** Enough for all that a workload holds at once. */
const ROOM_BYTES = 2 ** 31 - 2 ** 26;

const [folder, ...words] = process.argv.slice(2);
const filters = words.filter((word) => !word.startsWith("--"));
const rounds = Number(words.find((word) => word.startsWith("--rounds="))?.slice(9) ?? 7);
const asked = (name) => filters.length === 0 || filters.some((filter) => name.includes(filter));

const { default: init, ...engine } = await import(pathToFileURL(`${folder}/bayou.js`).href);
const { memory } = await init({ module_or_path: readFileSync(`${folder}/bayou_bg.wasm`) });

/** Time of this thread on a processor, where the system tells it: others that run beside do not count. */
const processorMs = () => {
  try {
    return Number(readFileSync("/proc/thread-self/schedstat", "utf8").split(" ")[0]) / 1e6;
  } catch {
    return performance.now();
  }
};

// First, for memory never shrinks.
if (asked(engine.memoryName())) {
  const before = memory.buffer.byteLength;
  const stored = engine.load();
  const each = (memory.buffer.byteLength - before - stored) / 100_000;
  console.log(`${engine.memoryName().padEnd(46)} ${each.toFixed(0).padStart(8)} B`);
}
engine.reserve(ROOM_BYTES);
const units = engine.units();
engine.names().forEach((name, index) => {
  if (!asked(name)) return;
  const bench = new engine.Bench(index);
  const times = Array.from({ length: rounds }, () => {
    bench.setUp();
    const before = processorMs();
    bench.run();
    return processorMs() - before;
  });
  bench.free();
  times.sort((left, right) => left - right);
  const [least, median, most] = [times[0], times[rounds >> 1], times[rounds - 1]];
  const shown = `${median.toFixed(2).padStart(8)} ms (${least.toFixed(2)} to ${most.toFixed(2)})`;
  console.log(`${name.padEnd(46)} ${shown}, ${((median * 1000) / units[index]).toFixed(2)} us each`);
});
const names = engine.bytesNames();
if (names.some(asked)) {
  engine.bytes().forEach((bytes, index) => {
    console.log(`${names[index].padEnd(46)} ${bytes.toFixed(0).padStart(8)} B`);
  });
}
