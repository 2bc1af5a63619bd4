/**
 * What the engine costs in WebAssembly, in milliseconds of processor time: median, least and most of some runs.
 * `cargo xtask bench` builds the module with the feature `bench` and starts this with its folder.
 */
import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";

const RUNS = 7;
const BOOKINGS = 10_000;

const [folder] = process.argv.slice(2);
const { default: init, BenchReplica } = await import(pathToFileURL(`${folder}/bayou.js`).href);
await init({ module_or_path: readFileSync(`${folder}/bayou_bg.wasm`) });

const milliseconds = (work) => {
  const before = process.cpuUsage();
  work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000;
};

const times = { submit: [], late: [], recover: [] };
for (let run = 0; run < RUNS; run += 1) {
  const [tab, other] = BenchReplica.pair();
  times.submit.push(milliseconds(() => tab.book(BOOKINGS)));
  times.recover.push(milliseconds(() => tab.recovered()));
  other.book(1);
  tab.greet(other);
  times.late.push(milliseconds(() => tab.takeFrom(other)));
  tab.free();
  other.free();
}

const names = {
  submit: `${BOOKINGS} local submits`,
  late: `one late write before ${BOOKINGS} tentative ones`,
  recover: `recovery of ${BOOKINGS} bookings`,
};
for (const [key, name] of Object.entries(names)) {
  const sorted = times[key].sort((left, right) => left - right);
  const shown = [sorted[RUNS >> 1], sorted[0], sorted[RUNS - 1]].map((time) => time.toFixed(0));
  console.log(`${name}: median ${shown[0]} ms (${shown[1]} to ${shown[2]})`);
}
