/** Opens the replica of the database that the address names. */
import init, { Replica } from "bayou";
import wasmUrl from "bayou/bayou_bg.wasm?url";
import { relayAddress } from "./address.ts";
import { OpenError, sentenceOf, whenAnswered } from "./errors.ts";
import { readSwitches } from "./settings.ts";

declare global {
  interface Window {
    /** For consoles, classrooms and tests. */
    bayou?: Replica;
  }
}

/**
 * Opens it as soon as the storage lets it be opened. `tell` gets what it waits for, in a sentence; `progress`, where there
 * is much to read, the part that is done: from 0 to 1.
 */
export async function openReplica(
  database: string,
  tell: (sentence: string | undefined) => void,
  progress?: (part: number) => void,
): Promise<Replica> {
  try {
    await init({ module_or_path: wasmUrl });
  } catch (cause) {
    throw new OpenError(
      "The booking engine could not be loaded. Check that the relay is running, then reload this page.",
      { cause },
    );
  }
  for (;;) {
    try {
      const replica = await openOnce(database, progress);
      tell(undefined);
      return replica;
    } catch (error) {
      const answered = whenAnswered(error);
      if (answered === undefined) throw error;
      tell(sentenceOf(error));
      await answered;
    }
  }
}

async function openOnce(
  database: string,
  progress: ((part: number) => void) | undefined,
): Promise<Replica> {
  const { relay, nearby } = readSwitches(database);
  const replica = await Replica.open({
    database,
    relay: relayAddress(window.location),
    relayEnabled: relay,
    nearbyEnabled: nearby,
    progress,
  });
  window.bayou = replica;
  return replica;
}
