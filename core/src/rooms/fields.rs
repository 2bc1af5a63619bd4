//! How rooms, slots and bookings stand in tuples.

use crate::value::{Fields, Key, Name, Row, Value};

use super::model::{NewBooking, Room, Slot};

pub(super) const ROOMS: Name = Name::literal("rooms");
pub(super) const BOOKINGS: Name = Name::literal("bookings");
pub(super) const CANCELLED: Name = Name::literal("cancelled");

pub(super) const ROOM: Name = Name::literal("room");
pub(super) const START: Name = Name::literal("start");
pub(super) const END: Name = Name::literal("end");
pub(super) const CHOICE: Name = Name::literal("choice");
pub(super) const PERSON: Name = Name::literal("person");
pub(super) const KIND: Name = Name::literal("kind");
pub(super) const BOOKING: Name = Name::literal("booking");

/// The `kind` in the error log of a booking that found no place.
pub(super) const KIND_BOOKING: &str = "booking";
/// The `kind` in the error log of a cancellation that found no booking.
pub(super) const KIND_CANCELLATION: &str = "cancellation";

/// Fields that are written here, all with literal names and few.
pub(super) fn fields(fields: impl IntoIterator<Item = (Name, Value)>) -> Fields {
    Fields::new(fields).expect("literal names, each once")
}

pub(super) fn text(value: &str) -> Value {
    value.into()
}

/// A key for an id that has been validated.
pub(super) fn key(id: &str) -> Key {
    Key::new(id).expect("validated ids are neither empty nor long")
}

pub(super) fn room_fields(room: &Room) -> Fields {
    let equipment: Vec<Value> = room.equipment.iter().map(|item| text(item)).collect();
    fields([
        (Name::literal("equipment"), equipment.into()),
        (Name::literal("floor"), text(&room.floor)),
        (Name::literal("name"), text(&room.name)),
        (Name::literal("seats"), i64::from(room.seats).into()),
        (Name::literal("zone"), text(&room.zone)),
    ])
}

pub(super) fn read_room(row: &Row) -> Room {
    Room {
        id: row.key.as_str().into(),
        name: string(row, "name"),
        seats: row.value("seats").as_int().and_then(|seats| seats.try_into().ok()).unwrap_or(0),
        equipment: row.value("equipment").as_list().unwrap_or_default().iter().map(value_string).collect(),
        floor: string(row, "floor"),
        zone: string(row, "zone"),
    }
}

/// The fields of a booking at the slot that is wanted, which is choice 0. What was typed is trimmed.
pub(super) fn booking_fields(booking: &NewBooking) -> Fields {
    let slot = &booking.wanted;
    fields([
        (Name::literal("alternatives"), slots_value(&booking.alternatives)),
        (CHOICE, 0.into()),
        (END, slot.end.into()),
        (Name::literal("name"), text(booking.name.trim())),
        (Name::literal("notes"), text(booking.notes.trim())),
        (PERSON, text(&booking.person)),
        (ROOM, text(&slot.room)),
        (START, slot.start.into()),
        (Name::literal("title"), text(booking.title.trim())),
        (Name::literal("wanted"), slots_value(core::slice::from_ref(slot))),
    ])
}

/// The fields of a booking at another slot than the wanted one: the n-th alternative is choice n.
pub(super) fn booking_fields_at(wanted: &Fields, slot: &Slot, choice: i64) -> Fields {
    let at = [(CHOICE, choice.into()), (END, slot.end.into()), (ROOM, text(&slot.room)), (START, slot.start.into())];
    wanted.with_all(at)
}

pub(super) fn read_slot(row: &Row) -> Slot {
    Slot { room: string(row, "room"), start: int(row.value("start")), end: int(row.value("end")) }
}

pub(super) fn read_slots(row: &Row, field: &str) -> Vec<Slot> {
    let parts = row.value(field).as_list().unwrap_or_default();
    let slot = |part: &[Value]| Slot { room: value_string(&part[0]), start: int(&part[1]), end: int(&part[2]) };
    parts.chunks_exact(3).map(slot).collect()
}

pub(super) fn string(row: &Row, field: &str) -> String {
    value_string(row.value(field))
}

pub(super) fn int(value: &Value) -> i64 {
    value.as_int().unwrap_or(0)
}

fn value_string(value: &Value) -> String {
    value.as_text().map_or_else(String::new, ToString::to_string)
}

/// Slots one after the other: room, start, end, room ...
fn slots_value(slots: &[Slot]) -> Value {
    let parts = slots.iter().flat_map(|slot| [text(&slot.room), slot.start.into(), slot.end.into()]);
    parts.collect::<Vec<Value>>().into()
}
