/**
 * The simulator in WebAssembly: whether seeds give the same traces as natively, and golden bytes are read as natively.
 * `cargo xtask test sim` builds the module and starts this with its folder, a file with a line for each seed
 * (`seed hash verdict`, as the native simulator prints them) and the folder of the golden bytes.
 */
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

const [folder, hashes, vectors] = process.argv.slice(2);
const { default: init, run, reencoded } = await import(pathToFileURL(join(folder, "bayou.js")).href);
await init({ module_or_path: readFileSync(join(folder, "bayou_bg.wasm")) });

const complaints = [];

const lines = readFileSync(hashes, "utf8").trim().split("\n");
for (const line of lines) {
  const [seed, ...native] = line.split(" ");
  const here = run(BigInt(seed));
  if (here !== native.join(" ")) {
    complaints.push(`seed ${seed}: natively ${native.join(" ")}, in WebAssembly ${here}`);
  }
}

const files = readdirSync(vectors).filter((file) => file.endsWith(".hex"));
for (const file of files) {
  const golden = Buffer.from(readFileSync(join(vectors, file), "utf8").replaceAll(/\s/g, ""), "hex");
  const name = file.slice(0, -".hex".length);
  let again;
  try {
    again = Buffer.from(reencoded(name, golden));
  } catch (refusal) {
    if (typeof refusal !== "string") {
      throw refusal;
    }
  }
  const fits = name.startsWith("refused-") ? again === undefined : again?.equals(golden);
  if (!fits) {
    complaints.push(`${file}: ${again === undefined ? "refused" : `read as ${again.toString("hex")}`}`);
  }
}

complaints.forEach((complaint) => console.error(complaint));
console.log(`In WebAssembly: ${lines.length} seeds and ${files.length} golden files, ${complaints.length} complaints`);
process.exitCode = complaints.length > 0 || lines.length < 200 || files.length < 40 ? 1 : 0;
