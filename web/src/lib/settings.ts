/** Small choices that outlive a reload. A browser that keeps nothing costs the choice, never the page. */

function read(storage: () => Storage, key: string): string | null {
  try {
    return storage().getItem(key);
  } catch {
    return null;
  }
}

function write(storage: () => Storage, key: string, value: string | null): void {
  try {
    if (value === null) storage().removeItem(key);
    else storage().setItem(key, value);
  } catch {
    // Kept for this tab's life only.
  }
}

const perTab = (): Storage => sessionStorage;
const perDevice = (): Storage => localStorage;

/** Which links of a tab are on. */
export interface Switches {
  relay: boolean;
  nearby: boolean;
}

/** A tab's own choice, so that two tabs can be cut off one by one. */
export function readSwitches(database: string): Switches {
  const off = read(perTab, `bayou:off:${database}`)?.split(" ") ?? [];
  return { relay: !off.includes("relay"), nearby: !off.includes("nearby") };
}

export function writeSwitches(database: string, { relay, nearby }: Switches): void {
  const off = [...(relay ? [] : ["relay"]), ...(nearby ? [] : ["nearby"])];
  write(perTab, `bayou:off:${database}`, off.length > 0 ? off.join(" ") : null);
}

export type View = "grid" | "agenda";

export function readView(): View | undefined {
  const view = read(perDevice, "bayou:view");
  return view === "grid" || view === "agenda" ? view : undefined;
}

export function writeView(view: View): void {
  write(perDevice, "bayou:view", view);
}
