//! The booking application's part of the API.

use std::rc::Rc;

use bayou_core::{Draft, rooms};
use js_sys::Promise;
use serde::Serialize;
use tsify::{Ts, Tsify};
use wasm_bindgen::prelude::*;

use super::{
    ApiError,
    data::plain,
    input::Input,
    replica::submit,
    room_data::{Booking, FieldError, Room, read_booking, read_room, read_slot},
};
use crate::host::Host;

/// The booking of meeting rooms. Times are UTC minutes since 1970-01-01T00:00Z.
#[wasm_bindgen]
pub struct Rooms {
    host: Rc<Host>,
}

impl Rooms {
    pub(super) const fn new(host: Rc<Host>) -> Self {
        Self { host }
    }

    fn draft_of_rooms(rooms: JsValue) -> Result<Draft, ApiError> {
        let rooms = Input::argument("rooms", rooms).list(read_room)?;
        rooms::add_rooms(&rooms).map_err(ApiError::from)
    }

    fn draft_of_booking(&self, booking: JsValue) -> Result<Draft, ApiError> {
        let booking = read_booking(&Input::argument("booking", booking))?;
        self.host.read(|replica| rooms::book(replica, &booking))?.map_err(ApiError::from)
    }

    fn draft_of_cancellation(&self, id: &str) -> Result<Draft, ApiError> {
        let draft = self.host.read(|replica| rooms::cancel(replica, id))?;
        draft.map_err(|error| ApiError::Cancel(error.to_string()))
    }

    fn errors_of_booking(&self, booking: JsValue) -> Result<Vec<rooms::FieldError>, ApiError> {
        let booking = read_booking(&Input::argument("booking", booking))?;
        self.host.read(|replica| rooms::validate(replica, &booking))
    }

    fn taken_slot(&self, slot: JsValue) -> Result<Vec<rooms::BookingView>, ApiError> {
        let slot = read_slot(&Input::argument("slot", slot))?;
        self.host.read(|replica| rooms::taken(replica, &slot))
    }
}

#[wasm_bindgen]
impl Rooms {
    /// The rooms, by floor, then name.
    pub fn list(&self) -> Result<Vec<Ts<Room>>, JsValue> {
        Ok(plain_list::<Room, _>(self.host.read(|replica| rooms::rooms(replica))?))
    }

    /// Adds rooms, or changes those whose ids are taken. Rejects with a `ValidationError`.
    #[wasm_bindgen(unchecked_return_type = "Promise<SubmittedWrite>")]
    pub fn add(&self, #[wasm_bindgen(unchecked_param_type = "readonly Room[]")] rooms: JsValue) -> Promise {
        submit(&self.host, Self::draft_of_rooms(rooms))
    }

    /// Six rooms to try things with, in the given IANA time zone. They are not added.
    #[must_use]
    pub fn sample(&self, zone: &str) -> Vec<Ts<Room>> {
        plain_list::<Room, _>(rooms::sample_rooms(zone))
    }

    /// Books the wanted slot or, where that is taken, the first free alternative. Rejects with a `ValidationError`.
    #[wasm_bindgen(unchecked_return_type = "Promise<SubmittedWrite>")]
    pub fn book(&self, #[wasm_bindgen(unchecked_param_type = "NewBooking")] booking: JsValue) -> Promise {
        submit(&self.host, self.draft_of_booking(booking))
    }

    /// What is wrong with a booking; nothing is written.
    pub fn validate(
        &self,
        #[wasm_bindgen(unchecked_param_type = "NewBooking")] booking: JsValue,
    ) -> Result<Vec<Ts<FieldError>>, JsValue> {
        Ok(plain_list::<FieldError, _>(self.errors_of_booking(booking)?))
    }

    /// Gives up the place of a booking. Rejects with a `CancelError` where there is none.
    #[wasm_bindgen(unchecked_return_type = "Promise<SubmittedWrite>")]
    pub fn cancel(&self, #[wasm_bindgen(js_name = bookingId)] booking_id: &str) -> Promise {
        submit(&self.host, self.draft_of_cancellation(booking_id))
    }

    /// All that stands, or would, in this stretch of time, by start: bookings, those being cancelled, and those for
    /// which at present nothing fits.
    pub fn between(
        &self,
        #[wasm_bindgen(unchecked_param_type = "number")] from: JsValue,
        #[wasm_bindgen(unchecked_param_type = "number")] to: JsValue,
    ) -> Result<Vec<Ts<Booking>>, JsValue> {
        let (from, to) = read_stretch(from, to)?;
        Ok(plain_list::<Booking, _>(self.host.read(|replica| rooms::bookings(replica, from, to))?))
    }

    /// All bookings of a person, the newest change first.
    pub fn of(&self, person: &str) -> Result<Vec<Ts<Booking>>, JsValue> {
        Ok(plain_list::<Booking, _>(self.host.read(|replica| rooms::bookings_of(replica, person))?))
    }

    /// What stands in a slot at present; booking it all the same is allowed, as its taker may be tentative too.
    pub fn taken(
        &self,
        #[wasm_bindgen(unchecked_param_type = "Slot")] slot: JsValue,
    ) -> Result<Vec<Ts<Booking>>, JsValue> {
        Ok(plain_list::<Booking, _>(self.taken_slot(slot)?))
    }
}

impl From<Vec<rooms::FieldError>> for ApiError {
    fn from(errors: Vec<rooms::FieldError>) -> Self {
        Self::Validation(errors.into_iter().map(FieldError::from).collect())
    }
}

/// A stretch of time, in UTC minutes.
pub(super) fn read_stretch(from: JsValue, to: JsValue) -> Result<(i64, i64), ApiError> {
    let minutes = |name, value| Input::argument(name, value).integer();
    Ok((minutes("from", from)?, minutes("to", to)?))
}

pub(super) fn plain_list<T: From<S> + Tsify + Serialize, S>(items: Vec<S>) -> Vec<Ts<T>> {
    items.into_iter().map(|item| plain(&T::from(item))).collect()
}
