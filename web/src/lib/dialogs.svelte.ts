/**
 * What opens on top of a view. It is fetched while the view is being looked at; later there may be no relay to fetch it
 * from.
 */
type Parts = typeof import("../components/dialogs.ts");

export class Dialogs {
  #parts = $state.raw<Parts>();
  #isMissing = $state(false);

  constructor() {
    void this.#fetch();
  }

  /** Nothing yet while they are on their way; what is wanted meanwhile opens when they are there. */
  get parts(): Parts | undefined {
    return this.#parts;
  }

  /** What to say if they could not be fetched. Asked for once more they would come without their styles. */
  get trouble(): string | undefined {
    return this.#isMissing
      ? "Part of this page could not be fetched, so it only shows the schedule. Reload once the relay answers."
      : undefined;
  }

  async #fetch(): Promise<void> {
    try {
      this.#parts = await import("../components/dialogs.ts");
    } catch {
      // The relay went away, or has another version of the page by now.
      this.#isMissing = true;
    }
  }
}
