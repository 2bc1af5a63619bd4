/** The links of this tab: their switches, and words for where they stand. */
import type { LinkState, NearbyLink, RelayLink, Replica } from "bayou";
import { type Switches, writeSwitches } from "./settings.ts";

/** Turns links on and off, and keeps the choice for when this tab is loaded again. */
export function switchLinks({ links, database }: Replica, changes: Partial<Switches>): void {
  if (changes.relay !== undefined) links.relay.enabled = changes.relay;
  if (changes.nearby !== undefined) links.nearby.enabled = changes.nearby;
  writeSwitches(database.name, { relay: links.relay.enabled, nearby: links.nearby.enabled });
}

/** What there is to say of a link at one moment. (The link itself is one object for ever, in which nobody sees a change.) */
export function factsOf({ enabled, state, lastHeard, bytesIn, bytesOut }: RelayLink | NearbyLink) {
  return { enabled, state, lastHeard, bytesIn, bytesOut };
}

/** What a nearby tab is called: by its replica, once that has said who it is. */
export function nearbyName({ replica, tab }: Pick<NearbyLink, "replica" | "tab">): string {
  return `Nearby tab ${replica ?? `new ${tab.slice(0, 4)}`}`;
}

/** Where a link stands. */
export function stateWords(state: LinkState, now: number): string {
  switch (state.kind) {
    case "off":
      return "Off";
    case "connecting":
      return "Connecting";
    case "open":
      return state.caughtUp ? "Connected" : "Catching up";
    case "waiting": {
      const seconds = Math.max(1, Math.ceil((state.retryAt - now) / 1000));
      return `Trying again in ${seconds} s: ${state.reason}`;
    }
    case "refused":
      return state.reason;
  }
}

/** How long ago the other side was heard. */
export function contactWords(lastHeard: number | undefined, now: number): string {
  if (lastHeard === undefined) return "never";
  const seconds = Math.floor((now - lastHeard) / 1000);
  if (seconds < 2) return "now";
  if (seconds < 60) return `${seconds} s ago`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ago`;
  return `${Math.floor(seconds / 3600)} h ago`;
}

const UNITS = ["B", "kB", "MB", "GB"];

export function bytesWords(bytes: number): string {
  let [value, unit] = [bytes, 0];
  // What would be rounded to a thousand of a unit is one of the next.
  while (value >= (unit === 0 ? 1000 : 999.5) && unit < UNITS.length - 1) {
    value /= 1000;
    unit += 1;
  }
  const digits = unit > 0 && value < 9.95 ? 1 : 0;
  return `${value.toFixed(digits)} ${UNITS[unit] ?? ""}`;
}
