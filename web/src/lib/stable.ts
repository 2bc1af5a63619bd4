/**
 * The answer to a question that is asked again and again: the very value of the last time for as long as it says the
 * same, so that nothing is drawn anew. Plain data only.
 */
export function stable<T extends object>(ask: () => T): () => T {
  let last: { answer: T; text: string } | undefined;
  return () => {
    const answer = ask();
    const text = JSON.stringify(answer);
    if (last?.text !== text) last = { answer, text };
    return last.answer;
  };
}
