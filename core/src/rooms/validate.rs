//! What is refused before it becomes a write, field by field.

use core::fmt;

use crate::{replica::Replica, tuple_store::View};

use super::{
    model::{NewBooking, Room, Slot},
    view,
};

/// The shortest booking, in minutes.
pub const SLOT_MINUTES_MIN: i64 = 5;
/// The longest booking, in minutes: 14 days.
pub const SLOT_MINUTES_MAX: i64 = 14 * 24 * 60;

const TITLE_CHARS_MAX: usize = 200;
const NAME_CHARS_MAX: usize = 100;
const NOTES_CHARS_MAX: usize = 2_000;
const ID_BYTES_MAX: usize = 64;
const ALTERNATIVES_MAX: usize = 20;
const ROOMS_MAX: usize = 200;
const EQUIPMENT_MAX: usize = 30;
const SEATS_MAX: u32 = 100_000;
/// 2000-01-01T00:00Z and 2200-01-01T00:00Z in minutes.
const YEARS: core::ops::Range<i64> = 15_778_080..120_966_120;

/// A field of the form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
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

/// What is wrong with a field, in a sentence for the person who filled it in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldError {
    /// The field.
    pub field: Field,
    /// Of which alternative, from 0; `None`: of the wanted slot.
    pub alternative: Option<usize>,
    /// The sentence.
    pub message: String,
}

impl fmt::Display for FieldError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

/// What is wrong with single fields of a booking.
pub(super) fn field_errors(replica: &Replica, booking: &NewBooking) -> Vec<FieldError> {
    let mut errors = Errors::default();
    errors.text(Field::Title, "title", &booking.title, 1, TITLE_CHARS_MAX, false);
    errors.text(Field::Name, "name", &booking.name, 1, NAME_CHARS_MAX, false);
    errors.text(Field::Notes, "notes", &booking.notes, 0, NOTES_CHARS_MAX, true);
    errors.id(&booking.id);
    errors.id(&booking.person);
    errors.slot(replica, None, &booking.wanted);
    for (index, slot) in booking.alternatives.iter().enumerate().take(ALTERNATIVES_MAX) {
        errors.slot(replica, Some(index), slot);
        let same = booking.wanted == *slot || booking.alternatives[..index].contains(slot);
        if same {
            errors.add(Field::Start, Some(index), "This is the same room and time as above.".into());
        }
    }
    if booking.alternatives.len() > ALTERNATIVES_MAX {
        let message = format!("A booking has at most {ALTERNATIVES_MAX} alternatives.");
        errors.add(Field::Alternatives, None, message);
    }
    errors.0
}

/// All that is wrong with new rooms.
pub(super) fn validate_rooms(rooms: &[Room]) -> Vec<FieldError> {
    let mut errors = Errors::default();
    if rooms.is_empty() || rooms.len() > ROOMS_MAX {
        errors.add(Field::Room, None, format!("Between 1 and {ROOMS_MAX} rooms can be added at once."));
    }
    for room in rooms.iter().take(ROOMS_MAX) {
        errors.id(&room.id);
        errors.text(Field::Name, "name", &room.name, 1, NAME_CHARS_MAX, false);
        errors.text(Field::Notes, "floor", &room.floor, 0, NAME_CHARS_MAX, false);
        errors.text(Field::Notes, "time zone", &room.zone, 1, ID_BYTES_MAX, false);
        if room.seats > SEATS_MAX {
            errors.add(Field::Room, None, format!("A room has at most {SEATS_MAX} seats."));
        }
        if room.equipment.len() > EQUIPMENT_MAX {
            errors.add(Field::Notes, None, format!("A room lists at most {EQUIPMENT_MAX} pieces of equipment."));
        }
        for item in &room.equipment {
            errors.text(Field::Notes, "equipment", item, 1, NAME_CHARS_MAX, false);
        }
    }
    errors.0
}

#[derive(Default)]
struct Errors(Vec<FieldError>);

impl Errors {
    fn add(&mut self, field: Field, alternative: Option<usize>, message: String) {
        self.0.push(FieldError { field, alternative, message });
    }

    fn text(&mut self, field: Field, what: &str, text: &str, chars_min: usize, chars_max: usize, lines: bool) {
        let text = text.trim();
        let chars = text.chars().count();
        if chars < chars_min {
            self.add(field, None, format!("Please give a {what}."));
        } else if chars > chars_max {
            self.add(field, None, format!("The {what} has {chars} characters; at most {chars_max} fit."));
        } else if text
            .chars()
            .any(|char| is_deceptive(char) || (char.is_control() && !(lines && matches!(char, '\n' | '\r' | '\t'))))
        {
            let message = format!("The {what} has invisible control characters; please type it anew.");
            self.add(field, None, message);
        }
    }

    fn id(&mut self, id: &str) {
        if id.is_empty() || id.len() > ID_BYTES_MAX {
            self.add(Field::Title, None, format!("An id has 1 to {ID_BYTES_MAX} bytes."));
        }
    }

    fn slot(&mut self, replica: &Replica, alternative: Option<usize>, slot: &Slot) {
        if view::room(replica, View::Tentative, &slot.room).is_none() {
            self.add(Field::Room, alternative, "Please choose a room.".into());
        }
        if !YEARS.contains(&slot.start) {
            self.add(Field::Start, alternative, "Please choose a date between 2000 and 2199.".into());
            return;
        }
        let minutes = slot.end.saturating_sub(slot.start);
        let wrong = if minutes <= 0 {
            Some("The end must be after the start.".into())
        } else if minutes < SLOT_MINUTES_MIN {
            Some(format!("A booking takes at least {SLOT_MINUTES_MIN} minutes."))
        } else if minutes > SLOT_MINUTES_MAX {
            Some(format!("A booking takes at most {} days.", SLOT_MINUTES_MAX / (24 * 60)))
        } else {
            None
        };
        if let Some(message) = wrong {
            self.add(Field::End, alternative, message);
        }
    }
}

/// Characters that change the direction of the text around them, so that it reads as what it is not. (The marks that
/// belong to right-to-left scripts, U+200E and U+200F, change nothing around them and are welcome.)
const fn is_deceptive(char: char) -> bool {
    matches!(char, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}
