//! Writes of the application.

use thiserror::Error;

use crate::{
    draft::{Alternative, Condition, DependencyCheck, Draft, Expectation, Operation, UpdateSet},
    limits::WRITE_BYTES_MAX,
    query::{Comparison, Predicate, Query},
    relation::{ERRORS, INDEXES},
    replica::Replica,
    tuple_store::View,
    value::{Fields, Name, Value},
};

use super::{
    fields::{
        BOOKING, BOOKINGS, CANCELLED, END, KIND, KIND_BOOKING, KIND_CANCELLATION, PERSON, ROOM, ROOMS, START,
        booking_fields, booking_fields_at, fields, key, room_fields, text,
    },
    model::{NewBooking, Room, Slot},
    validate::{Field, FieldError, field_errors, validate_rooms},
    view,
};

/// Why a booking cannot be cancelled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum CancelError {
    /// There is no booking of this id.
    #[error("This booking is not known here.")]
    Unknown,
    /// It is cancelled already.
    #[error("This booking is cancelled already.")]
    Cancelled,
    /// It has no place that could be given up.
    #[error("This booking was not placed, so there is nothing to cancel.")]
    NotPlaced,
}

/// Adds rooms, or changes those whose ids are taken.
///
/// The write also declares the indexes that bookings are looked up by.
///
/// # Errors
/// One [`FieldError`] for each thing that is wrong.
pub fn add_rooms(rooms: &[Room]) -> Result<Draft, Vec<FieldError>> {
    let errors = validate_rooms(rooms);
    if !errors.is_empty() {
        return Err(errors);
    }
    let rooms = rooms.iter().map(|room| Operation::Put(ROOMS, key(&room.id), room_fields(room)));
    let update = UpdateSet(indexes().into_iter().chain(rooms).collect());
    Ok(Draft { update, ..Draft::default() })
}

/// Books the wanted slot, or the first of the alternatives that is free.
///
/// # Errors
/// One [`FieldError`] for each thing that is wrong. That a slot is taken is none: its taker may be tentative, too.
pub fn book(replica: &Replica, booking: &NewBooking) -> Result<Draft, Vec<FieldError>> {
    let errors = field_errors(replica, booking);
    if !errors.is_empty() {
        return Err(errors);
    }
    let key = key(&booking.id);
    let wanted = booking_fields(booking);
    let insert = |fields: Fields| UpdateSet(vec![Operation::Insert(BOOKINGS, key.clone(), fields)]);
    let alternatives = (1..).zip(&booking.alternatives).map(|(choice, slot)| Alternative {
        check: free(slot),
        update: insert(booking_fields_at(&wanted, slot, choice)),
    });
    let draft = Draft {
        alternatives: alternatives.collect(),
        check: free(&booking.wanted),
        report: report(KIND_BOOKING, &booking.id, &wanted),
        update: insert(wanted),
    };
    // Each field is short enough, but the texts stand in every alternative.
    if !surely_fits(booking) {
        draft.validate().map_err(|_| vec![too_large()])?;
    }
    Ok(draft)
}

/// Whether a booking is far from too large for a write, so that nobody needs to encode it to find out.
fn surely_fits(booking: &NewBooking) -> bool {
    /// What the names and values of a booking take beside its texts, also where they are written out, and what each of
    /// its slots adds to that, the room's id included.
    const BOOKING_BYTES: usize = 512;
    const SLOT_BYTES: usize = 256;
    let slots = booking.alternatives.len() + 2;
    let NewBooking { id, title, person, name, notes, .. } = booking;
    let texts: usize = [id, title, person, name, notes].into_iter().map(String::len).sum();
    slots * (BOOKING_BYTES + slots * SLOT_BYTES + texts) <= WRITE_BYTES_MAX
}

/// All that is wrong with a booking; nothing, if it can be booked.
#[must_use]
pub fn validate(replica: &Replica, booking: &NewBooking) -> Vec<FieldError> {
    book(replica, booking).err().unwrap_or_default()
}

/// Gives up the place of a booking.
///
/// # Errors
/// When there is no such booking or it has no place any more.
pub fn cancel(replica: &Replica, booking_id: &str) -> Result<Draft, CancelError> {
    let Some(row) = view::tuple(replica, View::Tentative, &BOOKINGS, booking_id)
        .or_else(|| view::unplaced(replica, View::Tentative, booking_id))
    else {
        let cancelled = view::tuple(replica, View::Tentative, &CANCELLED, booking_id).is_some();
        return Err(if cancelled { CancelError::Cancelled } else { CancelError::Unknown });
    };
    if view::unplaced(replica, View::Committed, booking_id).is_some() {
        return Err(CancelError::NotPlaced);
    }
    let stands = row.tuple.fields.iter().filter(|(name, _)| ![KIND, BOOKING, WRITE].contains(name));
    let stands = fields(stands.map(|(name, value)| (name.clone(), value.clone())));
    let key = key(booking_id);
    let is_there = Query::new(BOOKINGS, Predicate::Key(Comparison::Equal, key.clone()));
    let update = vec![Operation::Delete(BOOKINGS, key.clone()), Operation::Put(CANCELLED, key, stands.clone())];
    Ok(Draft {
        update: UpdateSet(update),
        check: DependencyCheck(vec![Condition { query: is_there, expect: Expectation::Some }]),
        alternatives: Vec::new(),
        report: report(KIND_CANCELLATION, booking_id, &stands),
    })
}

fn too_large() -> FieldError {
    let message = "The notes are too long for so many alternatives; please shorten them.".into();
    FieldError { field: Field::Notes, alternative: None, message }
}

const WRITE: Name = Name::literal("write");

/// The room is there and nothing in it overlaps the slot.
fn free(slot: &Slot) -> DependencyCheck {
    let room = Query::new(ROOMS, Predicate::Key(Comparison::Equal, key(&slot.room)));
    let query = Query::new(BOOKINGS, overlapping(slot));
    DependencyCheck(vec![
        Condition { query, expect: Expectation::None },
        Condition { query: room, expect: Expectation::Some },
    ])
}

pub(super) fn overlapping(slot: &Slot) -> Predicate {
    Predicate::And(vec![Predicate::equal(ROOM, text(&slot.room)), within(slot.start, slot.end)])
}

pub(super) const fn within(start: i64, end: i64) -> Predicate {
    Predicate::Overlaps { start_field: START, end_field: END, start, end }
}

fn report(kind: &str, booking_id: &str, booking: &Fields) -> Fields {
    booking.with_all([(BOOKING, text(booking_id)), (KIND, text(kind))])
}

fn indexes() -> Vec<Operation> {
    let index = |name: &str, relation: &Name, by: &[Name], interval: bool| {
        let by: Vec<Value> = by.iter().map(|name| text(name.as_str())).collect();
        let by = (!by.is_empty()).then(|| (Name::literal("by"), Value::from(by)));
        let bounds = [(START, text(START.as_str())), (END, text(END.as_str()))];
        let definition = [(Name::literal("relation"), text(relation.as_str()))];
        let definition = definition.into_iter().chain(by).chain(bounds.into_iter().filter(|_| interval));
        Operation::Put(INDEXES, key(name), fields(definition))
    };
    vec![
        index("bookings by room and time", &BOOKINGS, &[ROOM], true),
        index("bookings by time", &BOOKINGS, &[], true),
        index("bookings by person", &BOOKINGS, &[PERSON], false),
        index("cancelled by time", &CANCELLED, &[], true),
        index("cancelled by person", &CANCELLED, &[PERSON], false),
        index("errors by time", &ERRORS, &[], true),
        index("errors by person", &ERRORS, &[PERSON], false),
        index("errors by booking", &ERRORS, &[BOOKING], false),
    ]
}
