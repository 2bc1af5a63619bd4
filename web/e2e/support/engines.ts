/** The browsers that tests run in. A tag at the end of a test's title says where it does. */

/** In Chromium alone, for a reason that stands above the test. */
export const CHROMIUM_ONLY = "@chromium-only";

/** About what each engine does in its own way: everybody's run has these in Firefox, too. */
export const ENGINES = "@engines";

/** Whether to run in Firefox alone and all that can be run there, as `cargo xtask test --firefox` asks. */
export const FIREFOX = process.env.BAYOU_FIREFOX !== undefined;
