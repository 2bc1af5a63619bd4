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

/** Offline is a tab's own choice, so that two tabs can be cut off one by one. */
export function readOffline(database: string): boolean {
  return read(perTab, `bayou:offline:${database}`) === "yes";
}

export function writeOffline(database: string, offline: boolean): void {
  write(perTab, `bayou:offline:${database}`, offline ? "yes" : null);
}

export type View = "grid" | "agenda";

export function readView(): View | undefined {
  const view = read(perDevice, "bayou:view");
  return view === "grid" || view === "agenda" ? view : undefined;
}

export function writeView(view: View): void {
  write(perDevice, "bayou:view", view);
}
