/** When a tab asks whether there is a new version. */
import type { LinkState } from "bayou";

const HOUR_MS = 3_600_000;

/** What matters of a replica here. */
interface Linked {
  readonly links: { readonly relay: { readonly enabled: boolean; readonly state: LinkState } };
  onChange(callback: () => void, options: { signal: AbortSignal }): unknown;
}

/** Each time the relay has answered, every hour, and when the tab is looked at again; a tab that is switched offline asks nothing. */
export function checkNowAndThen(
  check: () => void,
  replica: Linked | undefined,
  page: Pick<Document, "visibilityState"> & EventTarget,
  signal: AbortSignal,
): void {
  const checkUnlessOffline = (): void => {
    if (replica?.links.relay.enabled !== false) check();
  };
  if (replica === undefined) {
    check();
  } else {
    let reached = false;
    const look = (): void => {
      const { kind } = replica.links.relay.state;
      // A relay that refuses this tab may do so because it wants a newer program.
      const reaches = kind === "open" || kind === "refused";
      if (reaches && !reached) check();
      reached = reaches;
    };
    replica.onChange(look, { signal });
    look();
  }
  const timer = setInterval(checkUnlessOffline, HOUR_MS);
  signal.addEventListener("abort", () => clearInterval(timer));
  const seen = (): void => {
    if (page.visibilityState === "visible") checkUnlessOffline();
  };
  page.addEventListener("visibilitychange", seen, { signal });
}
