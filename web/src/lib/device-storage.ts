/** How much room this site takes in this browser, and whether the browser keeps what it holds. */

const ASKED_KEY = "bayou:asked-to-keep";

export interface DeviceStorage {
  readonly usedBytes: number;
  /** What the browser gives this site at most. */
  readonly quotaBytes: number;
  /** It is not cleared when the device runs low on space, but by a person alone. */
  readonly kept: boolean;
}

/** What the browser says; `undefined` where it says nothing. */
export async function lookAtStorage(): Promise<DeviceStorage | undefined> {
  try {
    const { usage, quota } = await navigator.storage.estimate();
    if (usage === undefined || quota === undefined) return undefined;
    return { usedBytes: usage, quotaBytes: quota, kept: await navigator.storage.persisted() };
  } catch {
    return undefined;
  }
}

/** Asks the browser to keep what is stored; whether it does. */
export async function keepStorage(): Promise<boolean> {
  try {
    return await navigator.storage.persist();
  } catch {
    return false;
  }
}

/** Asks after somebody's first booking: once in this browser, and not again where it was refused. */
export async function keepStorageOnce(): Promise<void> {
  try {
    if (localStorage.getItem(ASKED_KEY) !== null) return;
    localStorage.setItem(ASKED_KEY, "yes");
  } catch {
    // Without a note of it, somebody would be asked after every booking.
    return;
  }
  await keepStorage();
}

const WARNED_BYTES = 50_000_000;
const WARNED_SHARE = 0.2;

/** There is room for a good many bookings yet, but somebody should see to it. */
export function isNearlyFull({ usedBytes, quotaBytes }: DeviceStorage): boolean {
  return quotaBytes - usedBytes < Math.min(WARNED_BYTES, WARNED_SHARE * quotaBytes);
}

const UNITS = ["kB", "MB", "GB", "TB"] as const;

/** An amount for a person: two digits tell enough. */
export function amount(bytes: number): string {
  let value = Math.max(bytes, 0) / 1000;
  let unit = 0;
  while (value >= 999.5 && unit < UNITS.length - 1) {
    value /= 1000;
    unit += 1;
  }
  const rounded = value < 10 ? Math.round(value * 10) / 10 : Math.round(value);
  return `${rounded.toLocaleString("en")} ${UNITS[unit] ?? ""}`;
}
