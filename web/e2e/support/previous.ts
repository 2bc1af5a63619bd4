/** What the previous release has stored, in browser and relay: made by it, kept in `previous`, read by this one. */
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { gunzipSync, gzipSync } from "node:zlib";
import type { Page } from "@playwright/test";
import type { SiteData } from "./site-data.ts";

const FOLDER = fileURLToPath(new URL("../previous", import.meta.url));
const BROWSER = join(FOLDER, "browser.json.gz");
const RELAY = join(FOLDER, "relay.sqlite.gz");
const RELAY_FILE = "bayou.sqlite";

/** How a booking stands, by its title. */
export type Standing = Record<string, string>;

export interface Previous {
  /** How the previous release showed the bookings, before it was closed. */
  standing: Standing;
  site: SiteData;
}

/** Writes down what a browser and a relay, which has ended in order, have stored. */
export async function keepAsPrevious(previous: Previous, relayData: string): Promise<void> {
  const gzip = (bytes: Buffer | string): Buffer => gzipSync(bytes, { level: 9 });
  await writeFile(BROWSER, gzip(JSON.stringify(previous)));
  await writeFile(RELAY, gzip(await readFile(join(relayData, RELAY_FILE))));
}

export async function readPrevious(): Promise<Previous> {
  return JSON.parse(gunzipSync(await readFile(BROWSER)).toString()) as Previous;
}

/** Gives a relay that is to be started the data of the previous release. */
export async function furnishRelay(data: string): Promise<void> {
  await writeFile(join(data, RELAY_FILE), gunzipSync(await readFile(RELAY)));
}

/** Every booking that this page knows of, with its state and place. One that is there twice says so. */
export function standing(page: Page): Promise<Standing> {
  return page.evaluate(() => {
    const { rooms } = window.bayou ?? {};
    if (rooms === undefined) throw new Error("the page has published its replica");
    const names = new Map(rooms.list().map(({ id, name }) => [id, name]));
    const person = localStorage.getItem("bayou:person") ?? "";
    const mine = rooms.of(person);
    const ids = new Set(mine.map(({ id }) => id));
    const others = rooms.between(0, 100_000_000).filter(({ id }) => !ids.has(id));
    const standing: Standing = {};
    for (const { title, state, slot } of [...mine, ...others]) {
      const how = `${state} in ${names.get(slot.room)} at ${new Date(slot.start * 60_000).toISOString()}`;
      standing[title] = title in standing ? "there twice" : how;
    }
    return standing;
  });
}
