/** Files that the page has made, as the browser saves them. */

export interface NamedBlob {
  readonly name: string;
  readonly blob: Blob;
}

interface Offered {
  readonly name: string;
  readonly url: string;
}

export class OfferedFiles {
  #offered = $state.raw<readonly Offered[]>([]);

  /** Under which addresses the files can be saved. */
  get all(): readonly Offered[] {
    return this.#offered;
  }

  /** Hands the files to the browser: one at once, several one by one as they are asked for. */
  offer(files: readonly NamedBlob[]): void {
    this.revoke();
    this.#offered = files.map(({ name, blob }) => ({ name, url: URL.createObjectURL(blob) }));
    const only = this.#offered.length === 1 ? this.#offered[0] : undefined;
    if (only === undefined) return;
    const link = document.createElement("a");
    link.href = only.url;
    link.download = only.name;
    link.click();
  }

  revoke(): void {
    for (const { url } of this.#offered) URL.revokeObjectURL(url);
  }
}
