/** One build of the page, as `vite/service-worker.ts` lists it. */
export interface Build {
  /** Changes with any byte of any file and of the service worker itself. */
  readonly version: string;
  /** Path from the root, beginning with `/`, to the digest that `fetch` checks. */
  readonly files: Readonly<Record<string, string>>;
}
