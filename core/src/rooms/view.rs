//! Rooms and bookings as they stand: everything is read from the two views and from the status of writes.

use crate::{
    outcome::{Branch, Conflict, Outcome, Step},
    query::{Comparison, Predicate, Query},
    relation::ERRORS,
    replica::Views,
    sort::sort_by,
    tuple_store::View,
    value::{Key, Name, Row},
};

use super::{
    draft::{overlapping, within},
    fields::{
        BOOKING, BOOKINGS, CANCELLED, KIND, KIND_BOOKING, PERSON, ROOMS, int, read_room, read_slot, read_slots, string,
        text,
    },
    model::{Blocker, BookingState, BookingView, Room, Slot},
};

/// The rooms, by floor, then name.
#[must_use]
pub fn rooms(data: &dyn Views) -> Vec<Room> {
    let rows = read(data, View::Tentative, &ROOMS, Predicate::All);
    let mut rooms: Vec<Room> = rows.iter().map(read_room).collect();
    sort_by(&mut rooms, |left, right| (&left.floor, &left.name, &left.id).cmp(&(&right.floor, &right.name, &right.id)));
    rooms
}

/// All that stands, or would, between two times (UTC minutes): bookings, those that are being cancelled, and those for
/// which at present nothing fits. By start, then room, then id.
#[must_use]
pub fn bookings(data: &dyn Views, from: i64, to: i64) -> Vec<BookingView> {
    let mut views = all(data, &within(from, to));
    views.retain(|view| !matches!(view.state, BookingState::Cancelled | BookingState::NotPlaced));
    sort_by(&mut views, |left, right| {
        (left.slot.start, &left.slot.room, &left.id).cmp(&(right.slot.start, &right.slot.room, &right.id))
    });
    views
}

/// All bookings of a person, the newest change first.
#[must_use]
pub fn bookings_of(data: &dyn Views, person: &str) -> Vec<BookingView> {
    let mut views = all(data, &Predicate::equal(PERSON, text(person)));
    sort_by(&mut views, |left, right| right.write.cmp(&left.write).then_with(|| left.id.cmp(&right.id)));
    views
}

/// What stands in a slot in the tentative view.
#[must_use]
pub fn taken(data: &dyn Views, slot: &Slot) -> Vec<BookingView> {
    let rows = read(data, View::Tentative, &BOOKINGS, overlapping(slot));
    rows.iter().map(|row| placed(data, row)).collect()
}

fn all(data: &dyn Views, filter: &Predicate) -> Vec<BookingView> {
    let rows = |relation: &Name| read(data, View::Tentative, relation, filter.clone());
    let standing = rows(&BOOKINGS);
    let cancelled = rows(&CANCELLED);
    let mut unplaced = rows(&ERRORS);
    unplaced.retain(|row| string(row, "kind") == KIND_BOOKING);
    let standing = standing.iter().map(|row| placed(data, row));
    let cancelled = cancelled.iter().map(|row| given_up(data, row));
    standing.chain(cancelled).chain(unplaced.iter().map(|row| nowhere(data, row))).collect()
}

/// A booking that has a place in the tentative view.
fn placed(data: &dyn Views, row: &Row) -> BookingView {
    let choice = int(row.value("choice"));
    let committed = tuple(data, View::Committed, &BOOKINGS, row.key.as_str());
    let final_state = if choice == 0 { BookingState::Confirmed } else { BookingState::Moved };
    let is_final = committed.is_some_and(|committed| committed.tuple == row.tuple);
    let state = if is_final { final_state } else { stage(data, row) };
    BookingView { state, ..view(data, row, row.key.as_str().into()) }
}

/// A booking that is cancelled in the tentative view.
fn given_up(data: &dyn Views, row: &Row) -> BookingView {
    let is_final = tuple(data, View::Committed, &CANCELLED, row.key.as_str()).is_some();
    let state = if is_final { BookingState::Cancelled } else { stage(data, row) };
    let view = view(data, row, row.key.as_str().into());
    BookingView { state, cancelling: !is_final, in_the_way: Vec::new(), ..view }
}

/// A booking for which nothing fits in the tentative view.
fn nowhere(data: &dyn Views, row: &Row) -> BookingView {
    let is_final = tuple(data, View::Committed, &ERRORS, row.key.as_str()).is_some();
    let state = if is_final { BookingState::NotPlaced } else { stage(data, row) };
    BookingView { state, placed: false, ..view(data, row, string(row, "booking")) }
}

fn view(data: &dyn Views, row: &Row, id: String) -> BookingView {
    let slot = read_slot(row);
    let choice = int(row.value("choice"));
    BookingView {
        id,
        title: string(row, "title"),
        person: string(row, "person"),
        name: string(row, "name"),
        notes: string(row, "notes"),
        wanted: read_slots(row, "wanted").into_iter().next().unwrap_or_else(|| slot.clone()),
        slot,
        alternatives: read_slots(row, "alternatives"),
        state: BookingState::Tentative,
        placed: true,
        alternative: usize::try_from(choice).ok().and_then(|choice| choice.checked_sub(1)),
        cancelling: false,
        in_the_way: outcome_of(data, row).as_ref().map_or_else(Vec::new, in_the_way),
        write: row.tuple.written_by.clone(),
    }
}

/// What became of the write that left this tuple, if that is known here.
fn outcome_of(data: &dyn Views, row: &Row) -> Option<Outcome> {
    data.status(&row.tuple.written_by)?.outcome
}

/// How far a write that is not committed has come.
fn stage(data: &dyn Views, row: &Row) -> BookingState {
    match data.status(&row.tuple.written_by) {
        Some(status) if !status.saved => BookingState::Saving,
        Some(status) if !status.known_elsewhere => BookingState::Saved,
        _ => BookingState::Tentative,
    }
}

/// The bookings that kept a booking from its slots: from the wanted one if it was moved, from all if nothing fitted.
fn in_the_way(outcome: &Outcome) -> Vec<Blocker> {
    let mut blockers: Vec<Blocker> = Vec::new();
    for attempt in &outcome.attempts {
        if outcome.branch != Branch::Reported && attempt.step != Step::Update {
            continue;
        }
        let Conflict::Check { found, .. } = &attempt.conflict else { continue };
        for row in found {
            if blockers.iter().all(|blocker| blocker.id != row.key.as_str()) {
                let (title, name) = (string(row, "title"), string(row, "name"));
                blockers.push(Blocker { id: row.key.as_str().into(), title, name, slot: read_slot(row) });
            }
        }
    }
    blockers
}

pub(super) fn room(data: &dyn Views, view: View, id: &str) -> Option<Row> {
    tuple(data, view, &ROOMS, id)
}

/// The tuple of a relation with this key.
pub(super) fn tuple(data: &dyn Views, view: View, relation: &Name, key: &str) -> Option<Row> {
    let key = Key::new(key).ok()?;
    read(data, view, relation, Predicate::Key(Comparison::Equal, key)).into_iter().next()
}

/// A booking's tuple in the error log.
pub(super) fn unplaced(data: &dyn Views, view: View, booking_id: &str) -> Option<Row> {
    let is_booking = Predicate::equal(KIND, text(KIND_BOOKING));
    let filter = Predicate::And(vec![Predicate::equal(BOOKING, text(booking_id)), is_booking]);
    read(data, view, &ERRORS, filter).into_iter().next()
}

fn read(data: &dyn Views, view: View, relation: &Name, filter: Predicate) -> Vec<Row> {
    data.read(view, &Query::new(relation.clone(), filter)).expect("queries written here are within all limits")
}
