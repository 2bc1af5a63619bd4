/** What a store owes the host (`wasm/src/store/contract`), on the IndexedDB of a real browser. */
import { type Page, expect, test } from "@playwright/test";
import { loadEngine, serveEngine } from "./support/contract.ts";

declare global {
  interface Window {
    /** The durability of every transaction that wrote. */
    durabilities: string[];
    hasDatabase: (name: string) => Promise<boolean>;
    abortWrites: (count: number) => void;
    putRecord: (name: string, key: number, record: unknown) => Promise<void>;
  }
}

/** What the contract does to a browser's storage behind a store's back. */
function meddle(): void {
  const begin = Reflect.get(IDBDatabase.prototype, "transaction");
  let aborts = 0;
  window.durabilities = [];
  window.abortWrites = (count) => {
    aborts = count;
  };
  IDBDatabase.prototype.transaction = function (...given) {
    const begun = begin.apply(this, given);
    if (begun.mode === "readwrite") {
      window.durabilities.push(begun.durability);
      if (aborts > 0) {
        aborts -= 1;
        // After its requests were made, and before it could be committed.
        begun.commit = () => begun.abort();
      }
    }
    return begun;
  };
  window.hasDatabase = async (wanted) =>
    (await indexedDB.databases()).some(({ name }) => name === wanted);
  window.putRecord = (name, key, record) =>
    new Promise((resolve, reject) => {
      const opening = indexedDB.open(name);
      opening.onsuccess = () => {
        const database = opening.result;
        const transaction = begin.call(database, "batches", "readwrite");
        const batches = transaction.objectStore("batches");
        if (record === undefined) batches.delete(key);
        else batches.put(record, key);
        transaction.oncomplete = () => {
          database.close();
          resolve();
        };
        transaction.onabort = () => reject(transaction.error ?? new Error("aborted"));
      };
    });
}

/** Runs a clause on a page of its own: a panic leaves the engine unusable. What is said of it, if anything. */
function complaintAbout(page: Page, clause: string): Promise<string | undefined> {
  return page.evaluate(
    (name) =>
      new Promise<string | undefined>((resolve) => {
        void window.engine.runStoreClause(name, resolve).then(async () => {
          const left = await indexedDB.databases();
          const weak = window.durabilities.find((durability) => durability !== "strict");
          if (left.length > 0)
            resolve(`It leaves ${left.map((database) => database.name).join()}.`);
          else resolve(weak === undefined ? undefined : `A transaction is only ${weak}.`);
        });
      }),
    clause,
  );
}

test("IndexedDB keeps the contract of stores", async ({ context }) => {
  await context.addInitScript(meddle);
  await serveEngine(context);
  const first = await context.newPage();
  await loadEngine(first);
  const clauses = await first.evaluate(() => window.engine.storeClauses());
  expect(clauses.length).toBeGreaterThan(10);

  const complaints: Record<string, string> = {};
  for (const clause of clauses) {
    await test.step(clause.replaceAll("_", " "), async () => {
      const page = await context.newPage();
      await loadEngine(page);
      const complaint = await complaintAbout(page, clause);
      if (complaint !== undefined) complaints[clause] = complaint;
      await page.evaluate(async () => {
        for (const { name = "" } of await indexedDB.databases()) indexedDB.deleteDatabase(name);
      });
      await page.close();
    });
  }
  expect(complaints).toEqual({});
});
