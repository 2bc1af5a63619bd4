/** One sentence of truth about this tab's connection. */
import type { Failure, LinkState, Summary } from "bayou";

const WORTH_TELLING = 500;

export type Tone = "settled" | "pending" | "offline" | "trouble";

export interface Sync {
  tone: Tone;
  text: string;
}

export interface SyncFacts {
  failure: Failure | undefined;
  ready: boolean;
  link: LinkState;
  /** Every link is switched off, and not the relay's alone. */
  offline: boolean;
  summary: Summary;
  /** `Date.now()` */
  now: number;
}

function notConfirmed(summary: Summary): string {
  return summary.tentative === 0 ? "all confirmed" : `${summary.tentative} not yet confirmed`;
}

function kept(summary: Summary): string {
  const here =
    summary.onlyHere > 0 ? `${summary.onlyHere} saved on this device only` : notConfirmed(summary);
  return takingOver("taking over", summary) ?? here;
}

/** What only the replica of a closed tab held is on its way into this tab's, and there is much of it. */
function takingOver(verb: string, { takingOver: told }: Summary): string | undefined {
  if (told === undefined || told.writes < WORTH_TELLING) return undefined;
  const [left, writes] = [told.left.toLocaleString("en"), told.writes.toLocaleString("en")];
  return `${verb} from a closed tab, ${left} of ${writes} to come`;
}

/** How far it is; a few are here before anybody has read their number. */
function catchingUp({ toCome, arrived }: Summary): string {
  const left = toCome - arrived;
  return left < WORTH_TELLING
    ? "Catching up"
    : `Catching up - about ${left.toLocaleString("en")} to come`;
}

const FAILURES: Readonly<Record<Failure["kind"], string>> = {
  "storage-full": "Storage is full - nothing new can be saved",
  storage: "Storage failed - nothing new can be saved",
  "storage-lost": "Storage was cleared - nothing new can be saved",
  "storage-newer": "A newer version is open - nothing new can be saved here",
  "storage-blocked": "Another version is open - nothing new can be saved here",
  "storage-unavailable": "Storage is not available - nothing can be saved",
  insecure: "Not a secure address - nothing can be saved",
  refused: "Refused by the relay - nothing new can be saved",
  trap: "Stopped after a fault - nothing new can be saved",
};

export function syncSentence({ failure, ready, link, offline, summary, now }: SyncFacts): Sync {
  if (failure !== undefined) return { tone: "trouble", text: FAILURES[failure.kind] };
  switch (link.kind) {
    case "off":
      return {
        tone: "offline",
        text: `${offline ? "Offline" : "Relay off"} - ${ready ? kept(summary) : "this tab has no copy yet"}`,
      };
    case "connecting":
      return {
        tone: "pending",
        text: summary.tentative === 0 ? "Connecting" : `Connecting - ${notConfirmed(summary)}`,
      };
    case "waiting": {
      const seconds = Math.max(1, Math.ceil((link.retryAt - now) / 1000));
      const tail = summary.onlyHere > 0 ? `, ${kept(summary)}` : "";
      return { tone: "trouble", text: `Relay not reachable - retrying in ${seconds} s${tail}` };
    }
    case "refused":
      return { tone: "trouble", text: `Refused by the relay - ${link.reason}` };
    case "open": {
      if (!ready || !link.caughtUp) return { tone: "pending", text: catchingUp(summary) };
      const taking = takingOver("Taking over", summary);
      if (taking !== undefined) return { tone: "pending", text: taking };
      if (summary.commitsPaused) {
        return { tone: "pending", text: `Commits are paused - ${notConfirmed(summary)}` };
      }
      return summary.tentative === 0
        ? { tone: "settled", text: "All confirmed" }
        : { tone: "pending", text: notConfirmed(summary) };
    }
  }
}

/** The same without what changes all the time, for being read aloud when it changes. */
export function spokenSync(facts: SyncFacts): string {
  if (facts.failure !== undefined) return syncSentence(facts).text;
  if (facts.link.kind === "waiting") return "Relay not reachable - retrying";
  const { takingOver: all } = facts.summary;
  const summary = {
    ...facts.summary,
    toCome: 0,
    ...(all && { takingOver: { ...all, left: all.writes } }),
  };
  return syncSentence({ ...facts, summary }).text;
}

/** What becomes of what only this tab's device has, for whoever was about to close the tab. */
export function stayedSentence(saving: number, onlyHere: number): string {
  if (saving > 0) {
    return `${saving} not stored yet: keep this tab open until nothing is being saved any more.`;
  }
  return `${onlyHere} saved on this device only. Nobody else sees ${onlyHere === 1 ? "it" : "them"} yet, but nothing is lost when you close this tab: the next one that opens this database goes on with ${onlyHere === 1 ? "it" : "them"}.`;
}
