/** All that a page has stored in a browser: written down, put back, and cleared. */
import { once } from "node:events";
import { createServer } from "node:http";
import type { Page } from "@playwright/test";
import type { Relay } from "./relay.ts";

interface ObjectStoreData {
  name: string;
  keyPath: string | string[] | null;
  indexes: { name: string; keyPath: string | string[] }[];
  /** Bytes stand as `{ base64 }`. */
  records: { key: string | number; value: object }[];
}

export interface SiteData {
  localStorage: Record<string, string>;
  databases: { name: string; version: number; stores: ObjectStoreData[] }[];
}

/** Reads what the origin of this page has stored. No other page may be writing. */
export function readSiteData(page: Page): Promise<SiteData> {
  return page.evaluate(async () => {
    const settled = <T>(request: IDBRequest<T>): Promise<T> =>
      new Promise((resolve, reject) => {
        request.onsuccess = () => resolve(request.result);
        request.onerror = () => reject(request.error ?? new Error("the request failed"));
      });
    const written = (value: object): object => {
      if (!(value instanceof Uint8Array)) return value;
      let binary = "";
      for (const byte of value) binary += String.fromCharCode(byte);
      return { base64: btoa(binary) };
    };
    const readStore = async (store: IDBObjectStore): Promise<ObjectStoreData> => {
      const keys = await settled(store.getAllKeys());
      const values = (await settled(store.getAll())) as object[];
      const indexes = [...store.indexNames].map((name) => store.index(name));
      return {
        name: store.name,
        keyPath: store.keyPath,
        indexes: indexes.map(({ name, keyPath }) => ({ name, keyPath })),
        records: keys.map((key, at) => ({
          key: key as string | number,
          value: written(values[at] ?? {}),
        })),
      };
    };
    const databases = [];
    for (const { name = "" } of await indexedDB.databases()) {
      const database = await settled(indexedDB.open(name));
      const stores = [];
      for (const store of database.objectStoreNames) {
        stores.push(await readStore(database.transaction(store).objectStore(store)));
      }
      databases.push({ name, version: database.version, stores });
      database.close();
    }
    return { localStorage: Object.fromEntries(Object.entries<string>(localStorage)), databases };
  });
}

/** Stores it under the origin of this page, which has nothing stored yet. */
export async function writeSiteData(page: Page, data: SiteData): Promise<void> {
  await page.evaluate(async ({ localStorage: items, databases }) => {
    for (const [name, value] of Object.entries(items)) localStorage.setItem(name, value);
    const read = (value: object): object => {
      if (!("base64" in value)) return value;
      return Uint8Array.from(atob(String(value.base64)), (character) => character.charCodeAt(0));
    };
    for (const { name, version, stores } of databases) {
      await new Promise<void>((resolve, reject) => {
        const opening = indexedDB.open(name, version);
        opening.onerror = () => reject(opening.error ?? new Error("it cannot be opened"));
        opening.onupgradeneeded = () => {
          for (const { name: storeName, keyPath, indexes, records } of stores) {
            const store = opening.result.createObjectStore(storeName, { keyPath });
            for (const index of indexes) store.createIndex(index.name, index.keyPath);
            for (const { key, value } of records) {
              if (keyPath === null) store.put(read(value), key);
              else store.put(value);
            }
          }
        };
        opening.onsuccess = () => {
          opening.result.close();
          resolve();
        };
      });
    }
  }, data);
}

const CLEARING = "/v1/cleared";

/** Has the browser clear all that the origin of this page has stored: something at the relay's address asks for it. */
export async function clearSiteData(page: Page, relay: Relay): Promise<void> {
  await relay.kill();
  const server = createServer(({ url }, response) => {
    // The page looks for its relay meanwhile: that is not to clear the data a second time.
    if (url === CLEARING) response.writeHead(204, { "clear-site-data": '"storage"' }).end();
    else response.destroy();
  });
  server.listen(relay.port, "127.0.0.1");
  await once(server, "listening");
  await page.evaluate((path) => fetch(path), CLEARING);
  const closed = once(server, "close");
  server.close();
  server.closeAllConnections();
  await closed;
  await relay.start();
}
