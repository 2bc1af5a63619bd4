/**
 * A sentence made of our words and of other people's. The latter stay apart until they are shown, so that a
 * name in another direction cannot turn the sentence round it; times stay in one piece (see `Phrase.svelte`).
 */
export type Phrase = readonly (string | { readonly said: string } | { readonly when: string })[];

const FIRST_STRONG_ISOLATE = "\u2068";
const POP_DIRECTIONAL_ISOLATE = "\u2069";

/** The sentence where markup cannot go: accessible names, tooltips. */
export function plainText(phrase: Phrase): string {
  return phrase
    .map((part) => {
      if (typeof part === "string") return part;
      if ("when" in part) return part.when;
      return `${FIRST_STRONG_ISOLATE}${part.said}${POP_DIRECTIONAL_ISOLATE}`;
    })
    .join("");
}
