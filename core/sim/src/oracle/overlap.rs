//! **No two committed bookings of one room overlap**: what the application's dependency checks are for \[95 §4.1\].
//!
//! No false alarm: every booking in a run carries that check, in its update and in each alternative.

use super::{State, Violation};
use crate::model::PlainFields;

pub(super) fn check(state: &State) -> Result<(), Violation> {
    let bookings: Vec<_> = state.model.relation_tuples("bookings").collect();
    for (key, fields, written_by) in &bookings {
        if **written_by != state.write {
            continue;
        }
        let other = bookings.iter().find(|(other, other_fields, _)| other != key && overlap(fields, other_fields));
        if let Some((other, ..)) = other {
            let what = format!("bookings {key} and {other} overlap as of commit {}", state.csn);
            return Err(Violation::of("no-overlap", what));
        }
    }
    Ok(())
}

fn overlap(left: &PlainFields, right: &PlainFields) -> bool {
    let number = |fields: &PlainFields, name: &str| fields.get(name).and_then(bayou_core::Value::as_int).unwrap_or(0);
    left.get("room") == right.get("room")
        && number(left, "start") < number(right, "end")
        && number(right, "start") < number(left, "end")
}
