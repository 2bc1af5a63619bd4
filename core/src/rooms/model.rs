//! What people book, and how it stands.

use crate::id::WriteId;

/// A meeting room.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Room {
    /// Its id, unique in the database.
    pub id: String,
    /// Its name, for people.
    pub name: String,
    /// How many people it seats.
    pub seats: u32,
    /// What it has.
    pub equipment: Vec<String>,
    /// Where it is.
    pub floor: String,
    /// The IANA name of its time zone; the engine never reads it.
    pub zone: String,
}

/// A stretch of time in a room.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Slot {
    /// The room's id.
    pub room: String,
    /// The first minute, in UTC minutes since 1970-01-01T00:00Z.
    pub start: i64,
    /// The minute after the last.
    pub end: i64,
}

/// A booking to be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewBooking {
    /// A random id, drawn by the host.
    pub id: String,
    /// What it is for.
    pub title: String,
    /// The random id of the person who books.
    pub person: String,
    /// That person's name.
    pub name: String,
    /// Whatever else is to be said; may be empty.
    pub notes: String,
    /// The slot that is wanted.
    pub wanted: Slot,
    /// What would do as well, the best first.
    pub alternatives: Vec<Slot>,
}

/// How far a booking, or its cancellation, has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BookingState {
    /// Not on stable storage yet.
    Saving,
    /// On this device; no replica outside this browser is known to have it.
    Saved,
    /// A replica elsewhere holds it; its place may still change.
    Tentative,
    /// Committed at the wanted slot.
    Confirmed,
    /// Committed at an alternative.
    Moved,
    /// Committed without a place.
    NotPlaced,
    /// Its cancellation is committed.
    Cancelled,
}

/// A booking that kept another from a slot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Blocker {
    /// Its id.
    pub id: String,
    /// Its title.
    pub title: String,
    /// Who booked it.
    pub name: String,
    /// What it takes.
    pub slot: Slot,
}

/// A booking as it stands in this replica.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BookingView {
    /// Its id.
    pub id: String,
    /// What it is for.
    pub title: String,
    /// The random id of the person who booked.
    pub person: String,
    /// That person's name.
    pub name: String,
    /// Whatever else was said.
    pub notes: String,
    /// Where it stands, or would at present; the wanted slot if nothing fits.
    pub slot: Slot,
    /// The slot that was wanted.
    pub wanted: Slot,
    /// What would have done as well.
    pub alternatives: Vec<Slot>,
    /// How far it has come; while [`cancelling`](Self::cancelling), how far the cancellation has.
    pub state: BookingState,
    /// It has a place, or would have at present.
    pub placed: bool,
    /// The index of the alternative that places it, or would.
    pub alternative: Option<usize>,
    /// It is cancelled, but that is not committed.
    pub cancelling: bool,
    /// What kept it from the slots that it did not get.
    pub in_the_way: Vec<Blocker>,
    /// The write that last changed it.
    pub write: WriteId,
}

/// Six rooms to try things with.
#[must_use]
pub fn sample_rooms(zone: &str) -> Vec<Room> {
    let room = |id: &str, name: &str, seats, equipment: &[&str], floor: &str| Room {
        id: id.into(),
        name: name.into(),
        seats,
        equipment: equipment.iter().map(|&item| item.into()).collect(),
        floor: floor.into(),
        zone: zone.into(),
    };
    vec![
        room("heron", "Heron", 4, &["Screen"], "Floor 0"),
        room("otter", "Otter", 6, &["Screen", "Whiteboard"], "Floor 0"),
        room("cypress", "Cypress", 8, &["Screen", "Whiteboard", "Video"], "Floor 1"),
        room("pelican", "Pelican", 10, &["Projector", "Video"], "Floor 1"),
        room("magnolia", "Magnolia", 14, &["Projector", "Whiteboard", "Video"], "Floor 2"),
        room("delta", "Delta", 24, &["Projector", "Video", "Microphones"], "Floor 2"),
    ]
}
