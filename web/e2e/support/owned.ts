import type { Page } from "@playwright/test";

/**
 * How many replicas of the browser belong to somebody at present. It may take the browser a while until what belonged to
 * a closed tab is free.
 */
export function ownedReplicas(page: Page): Promise<number> {
  return page.evaluate(async () => {
    const { held = [] } = await navigator.locks.query();
    return held.filter(({ name = "" }) => /^bayou\/[^/]+\/[0-9a-f]{32}$/.test(name)).length;
  });
}
