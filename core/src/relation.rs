//! Relations with a meaning for the engine.

use crate::value::Name;

/// The error log \[95 §4.3\]: a tuple for each write for which nothing fitted, keyed by its id.
pub const ERRORS: Name = Name::literal("bayou.errors");

/// The definitions of secondary indexes, which applications write.
///
/// A tuple's fields: `relation` (text), `by` (list of texts: fields compared for equality), and for an interval index
/// `start` and `end` (texts: integer fields). An index changes how fast a query is answered, never the answer.
pub const INDEXES: Name = Name::literal("bayou.indexes");

/// Who is the primary: one tuple with the key `primary` and the fields `replica` (text) and `term` (integer), once the
/// role has moved for the first time.
pub const PRIMARY: Name = Name::literal("bayou.primary");

/// The replicas that have consented to become the primary, by id.
pub const CONSENTS: Name = Name::literal("bayou.consents");

/// The replicas whose creation was refused, by id, with the field `reason` (text).
pub const REFUSED: Name = Name::literal("bayou.refused");

/// The tags of lost writes that were offered again.
pub const AGAIN: Name = Name::literal("bayou.again");

const ENGINE_PREFIX: &str = "bayou.";

/// Whether applications may not write to the relation.
pub(crate) fn is_engines_own(name: &Name) -> bool {
    name.as_str().starts_with(ENGINE_PREFIX) && *name != INDEXES
}
