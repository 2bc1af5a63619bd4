/** Damaged stores in words, and which of them somebody has heard enough of. */
import type { DamagedStore } from "bayou";
import { SvelteMap } from "svelte/reactivity";
import { bookingsOrChanges } from "./transfer.ts";

/** What happened, what was done about it, and what that leaves. */
export function damageSentence({ salvaged }: DamagedStore): string {
  const sentences = ["Part of what this browser had stored is damaged."];
  if (salvaged === undefined) {
    sentences.push("What can be read of it is taken over once this tab has the schedule.");
  } else {
    const { writes, leftOut } = salvaged;
    if (writes > 0) {
      sentences.push(`What could be read of it was taken over: ${bookingsOrChanges(writes)}.`);
    } else if (leftOut === 0) {
      sentences.push("All that could be read of it was here already.");
    }
    if (leftOut > 0) {
      const they = writes > 0 ? `${leftOut} more` : bookingsOrChanges(leftOut);
      const [follow, are] = leftOut === 1 ? ["follows", "is"] : ["follow", "are"];
      sentences.push(
        `${they} ${follow} something that is lost, and ${are} taken over if that comes from elsewhere.`,
      );
    }
  }
  sentences.push("Bookings that were not confirmed yet may be missing.");
  return sentences.join(" ");
}

const KEY = "bayou:damage:";
const told = new SvelteMap<string, string>();
const newsOf = ({ salvaged }: DamagedStore): string => `${salvaged?.writes ?? "?"}`;

function noted(store: string): string | undefined {
  const here = told.get(store);
  if (here !== undefined) return here;
  try {
    return localStorage.getItem(KEY + store) ?? undefined;
  } catch {
    return undefined;
  }
}

/** Whether somebody has put away the notice of it, and nothing more has been taken over since. */
export const isPutAway = (damaged: DamagedStore): boolean =>
  noted(damaged.store) === newsOf(damaged);

/** Shows no notice of it any more in this browser, unless there is news. */
export function putAway(damaged: DamagedStore): void {
  told.set(damaged.store, newsOf(damaged));
  try {
    localStorage.setItem(KEY + damaged.store, newsOf(damaged));
  } catch {
    // Then this tab alone knows.
  }
}

/** It is deleted. */
export function forgetNotice(store: string): void {
  told.delete(store);
  try {
    localStorage.removeItem(KEY + store);
  } catch {
    // Nor was it noted.
  }
}
