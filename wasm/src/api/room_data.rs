//! Rooms and bookings, as plain data.

use bayou_core::rooms;
use serde::Serialize;
use tsify::Tsify;
use wasm_bindgen::prelude::*;

use super::input::{Input, InputError};

/// A meeting room.
#[derive(Serialize, Tsify)]
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
    /// The IANA name of its time zone.
    pub zone: String,
}

impl From<rooms::Room> for Room {
    fn from(room: rooms::Room) -> Self {
        let rooms::Room { id, name, seats, equipment, floor, zone } = room;
        Self { id, name, seats, equipment, floor, zone }
    }
}

pub(super) fn read_room(room: &Input<'_>) -> Result<rooms::Room, InputError> {
    Ok(rooms::Room {
        id: room.field("id").text()?,
        name: room.field("name").text()?,
        seats: room.field("seats").unsigned()?,
        equipment: room.field("equipment").list(Input::text)?,
        floor: room.field("floor").text()?,
        zone: room.field("zone").text()?,
    })
}

/// A stretch of time in a room, in UTC minutes since 1970-01-01T00:00Z.
#[derive(Serialize, Tsify)]
pub struct Slot {
    /// The room's id.
    pub room: String,
    /// The first minute.
    pub start: f64,
    /// The minute after the last.
    pub end: f64,
}

impl From<rooms::Slot> for Slot {
    #[expect(clippy::cast_precision_loss, reason = "exact for the next 17 billion years")]
    fn from(slot: rooms::Slot) -> Self {
        let rooms::Slot { room, start, end } = slot;
        Self { room, start: start as f64, end: end as f64 }
    }
}

pub(super) fn read_slot(slot: &Input<'_>) -> Result<rooms::Slot, InputError> {
    Ok(rooms::Slot {
        room: slot.field("room").text()?,
        start: slot.field("start").integer()?,
        end: slot.field("end").integer()?,
    })
}

// The page makes these, so no value of this type is ever built here.
#[wasm_bindgen(typescript_custom_section)]
const NEW_BOOKING: &str = r#"
/**
 * A booking to be made.
 */
export interface NewBooking {
    /** A random id, drawn by the page. */
    id: string;
    /** What it is for. */
    title: string;
    /** The random id of the person who books. */
    person: string;
    /** That person's name. */
    name: string;
    /** Whatever else is to be said; may be empty. */
    notes: string;
    /** The slot that is wanted. */
    wanted: Slot;
    /** What would do as well, the best first. */
    alternatives: readonly Slot[];
}
"#;

pub(super) fn read_booking(booking: &Input<'_>) -> Result<rooms::NewBooking, InputError> {
    Ok(rooms::NewBooking {
        id: booking.field("id").text()?,
        title: booking.field("title").text()?,
        person: booking.field("person").text()?,
        name: booking.field("name").text()?,
        notes: booking.field("notes").text()?,
        wanted: read_slot(&booking.field("wanted"))?,
        alternatives: booking.field("alternatives").list(read_slot)?,
    })
}

/// What is wrong with a field, in a sentence for the person who filled it in.
#[derive(Serialize, Tsify)]
pub struct FieldError {
    /// The field.
    pub field: Field,
    /// Of which alternative, from 0; absent: of the wanted slot.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[tsify(optional)]
    pub alternative: Option<usize>,
    /// The sentence.
    pub message: String,
}

/// A field of the form.
#[derive(Serialize, Tsify)]
#[serde(rename_all = "camelCase")]
pub enum Field {
    /// What the booking is for; of a room, its id.
    Title,
    /// The person's name; of a room, its name.
    Name,
    /// The notes; of a room, its equipment, floor or zone.
    Notes,
    /// The room; of a room, its seats.
    Room,
    /// The start, or the date.
    Start,
    /// The end.
    End,
    /// The alternatives as a whole.
    Alternatives,
}

impl From<rooms::FieldError> for FieldError {
    fn from(error: rooms::FieldError) -> Self {
        let field = match error.field {
            rooms::Field::Title => Field::Title,
            rooms::Field::Name => Field::Name,
            rooms::Field::Notes => Field::Notes,
            rooms::Field::Room => Field::Room,
            rooms::Field::Start => Field::Start,
            rooms::Field::End => Field::End,
            rooms::Field::Alternatives => Field::Alternatives,
        };
        Self { field, alternative: error.alternative, message: error.message }
    }
}

/// How far a booking, or its cancellation, has come.
#[derive(Serialize, Tsify)]
#[serde(rename_all = "camelCase")]
pub enum BookingState {
    /// Not stored yet.
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

impl From<rooms::BookingState> for BookingState {
    fn from(state: rooms::BookingState) -> Self {
        match state {
            rooms::BookingState::Saving => Self::Saving,
            rooms::BookingState::Saved => Self::Saved,
            rooms::BookingState::Tentative => Self::Tentative,
            rooms::BookingState::Confirmed => Self::Confirmed,
            rooms::BookingState::Moved => Self::Moved,
            rooms::BookingState::NotPlaced => Self::NotPlaced,
            rooms::BookingState::Cancelled => Self::Cancelled,
        }
    }
}

/// A booking that kept another from a slot.
#[derive(Serialize, Tsify)]
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
#[derive(Serialize, Tsify)]
#[serde(rename_all = "camelCase")]
pub struct Booking {
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
    /// How far it has come; while `cancelling`, how far the cancellation has.
    pub state: BookingState,
    /// It has a place, or would have at present.
    pub placed: bool,
    /// Which alternative, from 0, places it or would; absent: none.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[tsify(optional)]
    pub alternative: Option<usize>,
    /// It is cancelled, but that is not committed.
    pub cancelling: bool,
    /// What kept it from the slots that it did not get.
    pub in_the_way: Vec<Blocker>,
    /// Accept stamp of the write that last changed it; a higher one is newer.
    pub stamp: u64,
    /// Id of that write.
    pub write: String,
}

impl From<rooms::BookingView> for Booking {
    fn from(view: rooms::BookingView) -> Self {
        let blocker = |blocker: rooms::Blocker| {
            let rooms::Blocker { id, title, name, slot } = blocker;
            Blocker { id, title, name, slot: slot.into() }
        };
        Self {
            id: view.id,
            title: view.title,
            person: view.person,
            name: view.name,
            notes: view.notes,
            slot: view.slot.into(),
            wanted: view.wanted.into(),
            alternatives: view.alternatives.into_iter().map(Slot::from).collect(),
            state: view.state.into(),
            placed: view.placed,
            alternative: view.alternative,
            cancelling: view.cancelling,
            in_the_way: view.in_the_way.into_iter().map(blocker).collect(),
            stamp: view.write.stamp.get(),
            write: view.write.to_string(),
        }
    }
}
