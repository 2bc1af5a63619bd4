//! Booking of meeting rooms: the application that ships with Bayou, written on the engine's public API alone.
//!
//! A booking is one write. Its dependency check says that nothing in the room overlaps the wanted time; its merge
//! procedure tries the alternatives in their order, each with the same check; its report keeps what was wanted for
//! the error log. So two confirmed bookings of one room never overlap, whoever made them and wherever they were
//! offline. A cancellation moves the booking to another relation.
//!
//! | relation       | key        | fields                                                                            |
//! |----------------|------------|-----------------------------------------------------------------------------------|
//! | `rooms`        | room id    | `name`, `seats`, `equipment`, `floor`, `zone`                                     |
//! | `bookings`     | booking id | `room`, `start`, `end`, `choice`, `title`, `person`, `name`, `notes`, `wanted`, `alternatives` |
//! | `cancelled`    | booking id | as in `bookings`                                                                  |
//! | `bayou.errors` | write id   | as in `bookings`, with `kind` and `booking`                                       |
//!
//! Times are UTC minutes since 1970. `choice` is 0 for the wanted slot and n for the n-th alternative; `wanted` and
//! `alternatives` are lists of room, start, end.

mod describe;
mod draft;
mod fields;
mod model;
mod validate;
mod view;

pub use self::{
    describe::describe,
    draft::{CancelError, add_rooms, book, cancel, validate},
    model::{Blocker, BookingState, BookingView, NewBooking, Room, Slot, sample_rooms},
    validate::{Field, FieldError, SLOT_MINUTES_MAX, SLOT_MINUTES_MIN},
    view::{bookings, bookings_of, rooms, taken},
};
