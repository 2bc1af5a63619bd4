/** Which day is looked at, in whose time, and how: what somebody has chosen, or else what suits. */
import type { Room } from "bayou";
import { currentMinute } from "./clock.svelte.ts";
import { dateAt, dayOf } from "./day.ts";
import { type View, readView, writeView } from "./settings.ts";
import { zonesOf } from "./states.ts";
import { viewerZone } from "./zone.ts";

const PHONE = "(max-width: 640px)";

export class Shown {
  #chosenZone = $state<string>();
  #chosenDate = $state<string>();
  #view = $state<View>(readView() ?? (matchMedia(PHONE).matches ? "agenda" : "grid"));

  constructor(private readonly rooms: () => readonly Room[]) {}

  /** Those of the rooms. */
  readonly zones = $derived.by(() => zonesOf(this.rooms()));
  readonly #zone = $derived.by(() => {
    const [viewer, { zones }] = [viewerZone(), this];
    if (this.#chosenZone !== undefined && zones.includes(this.#chosenZone)) return this.#chosenZone;
    return zones.includes(viewer) ? viewer : (zones[0] ?? viewer);
  });
  readonly #date = $derived(this.#chosenDate ?? dateAt(currentMinute(), this.#zone));
  readonly day = $derived(dayOf(this.#date, this.#zone));

  get view(): View {
    return this.#view;
  }

  chooseZone(zone: string): void {
    this.#chosenZone = zone;
  }

  chooseDate(date: string): void {
    this.#chosenDate = date;
  }

  chooseView(view: View): void {
    this.#view = view;
    writeView(view);
  }
}
