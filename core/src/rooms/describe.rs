//! Writes of the application in words.

use crate::{draft::Operation, replica::Replica, tuple_store::View, value::Fields, write::Write};

use super::{
    fields::{BOOKINGS, CANCELLED, ROOMS, read_room},
    view,
};

/// What a write of this application does, in a few words; `None` if it is none of its writes.
#[must_use]
pub fn describe(replica: &Replica, write: &Write) -> Option<String> {
    let kind = write.kind();
    let draft = kind.draft()?;
    let title = |fields: &Fields| fields.value("title").as_text().cloned().unwrap_or_default();
    match draft.update.0.as_slice() {
        [Operation::Insert(relation, _, fields)] if *relation == BOOKINGS => {
            let id = fields.value("room").as_text().cloned().unwrap_or_default();
            let room =
                view::room(replica, View::Tentative, &id).map_or_else(|| id.to_string(), |row| read_room(&row).name);
            let alternatives = match draft.alternatives.len() {
                0 => String::new(),
                1 => ", or an alternative".into(),
                count => format!(", or one of {count} alternatives"),
            };
            Some(format!("book \u{201c}{}\u{201d} in {room}{alternatives}", title(fields)))
        }
        [Operation::Delete(from, _), Operation::Put(to, _, fields)] if *from == BOOKINGS && *to == CANCELLED => {
            Some(format!("cancel \u{201c}{}\u{201d}", title(fields)))
        }
        operations => match operations.iter().filter(|operation| *operation.relation() == ROOMS).count() {
            0 => None,
            1 => Some("add a room".into()),
            count => Some(format!("add {count} rooms")),
        },
    }
}
