/** One sentence of truth about a schedule that is only looked at: whose it is, and how old. */
import { day, time } from "./format.ts";

/** Why the relay has handed out nothing when it was asked last. */
export type Trouble =
  | { readonly kind: "unreachable" }
  /** It has no such database. */
  | { readonly kind: "none" }
  | { readonly kind: "refused"; readonly reason: string };

export interface ReadOnlyFacts {
  /** When the relay had what is shown, in UTC minutes; absent: nothing is shown yet. */
  readonly asOf: number | undefined;
  readonly trouble: Trouble | undefined;
}

const NOW: Readonly<Record<Trouble["kind"], string>> = {
  unreachable: "it cannot be reached at present",
  none: "it has no database of this name at present",
  refused: "it hands out nothing at present",
};

function withoutAny(trouble: Trouble | undefined): string {
  switch (trouble?.kind) {
    case undefined:
      return "The relay is asked for the bookings.";
    case "unreachable":
      return "The relay cannot be reached; this page keeps trying.";
    case "none":
      return "The relay has no database of this name yet.";
    case "refused":
      return `The relay hands out nothing: ${trouble.reason}`;
  }
}

/** `now` and `zone` are the viewer's: a time of another day is told with its day. */
export function readOnlySentence({ asOf, trouble }: ReadOnlyFacts, now: number, zone: string) {
  if (asOf === undefined) return `Read only. ${withoutAny(trouble)}`;
  const on = day(asOf, zone) === day(now, zone) ? "" : `${day(asOf, zone)}, `;
  const but = trouble === undefined ? "" : `; ${NOW[trouble.kind]}`;
  return `Read only. As the relay had it at ${on}${time(asOf, zone)}${but}.`;
}

/** The same without the time, which moves on: for being read aloud when it changes. */
export function spokenReadOnly({ asOf, trouble }: ReadOnlyFacts): string {
  if (asOf === undefined) return `Read only. ${withoutAny(trouble)}`;
  return trouble === undefined
    ? "Read only. As the relay has it."
    : `Read only. As the relay had it; ${NOW[trouble.kind]}.`;
}
