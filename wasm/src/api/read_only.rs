//! A database that is only looked at, where a page can have no replica.

use bayou_core::rooms;
use js_sys::Uint8Array;
use tsify::Ts;
use wasm_bindgen::prelude::*;

use super::{
    ApiError,
    data::plain,
    files::{ImportedFile, check_size},
    room_data::{Booking, Room},
    rooms::{plain_list, read_stretch},
};

/// What files hold of a database, for a page that can have no replica of it: it needs neither storage nor locks, and writes
/// nothing. It follows a replica by importing the files that are made for its state: the relay does so at
/// `POST /v1/databases/NAME/export`.
#[wasm_bindgen]
pub struct ReadOnlyCopy {
    copy: bayou_core::ReadOnlyCopy,
}

#[wasm_bindgen]
impl ReadOnlyCopy {
    /// Reads the first file of a chain, which presupposes nothing. Throws a `TransferError`.
    pub fn open(file: &Uint8Array) -> Result<Self, JsValue> {
        check_size(file)?;
        let copy = bayou_core::ReadOnlyCopy::open([file.to_vec()]).map_err(ApiError::from)?;
        Ok(Self { copy })
    }

    /// Takes in a further file. Throws a `TransferError` where it cannot be used here; then nothing has changed.
    #[wasm_bindgen(js_name = importFile, unchecked_return_type = "ImportedFile")]
    pub fn import_file(&mut self, file: &Uint8Array) -> Result<Ts<ImportedFile>, JsValue> {
        check_size(file)?;
        let import = self.copy.import(&file.to_vec()).map_err(ApiError::from)?;
        Ok(plain(&ImportedFile::from(import)))
    }

    /// What is held here, for a replica to export what is lacking. Throws a `TransferError`.
    #[wasm_bindgen(js_name = readerState)]
    pub fn reader_state(&self) -> Result<Uint8Array, JsValue> {
        let state = self.copy.reader_state().map_err(ApiError::from)?;
        Ok(Uint8Array::from(&*state.to_bytes()))
    }

    /// Whether it holds all that the writer of its files held: no further file follows the last one.
    #[wasm_bindgen(getter)]
    #[must_use]
    pub fn whole(&self) -> bool {
        self.copy.is_whole()
    }

    /// The rooms, as {@link Rooms.list} has them.
    #[must_use]
    pub fn rooms(&self) -> Vec<Ts<Room>> {
        plain_list::<Room, _>(rooms::rooms(&self.copy))
    }

    /// What stands, or would, in a stretch of time, as {@link Rooms.between} has it.
    pub fn between(
        &self,
        #[wasm_bindgen(unchecked_param_type = "number")] from: JsValue,
        #[wasm_bindgen(unchecked_param_type = "number")] to: JsValue,
    ) -> Result<Vec<Ts<Booking>>, JsValue> {
        let (from, to) = read_stretch(from, to)?;
        Ok(plain_list::<Booking, _>(rooms::bookings(&self.copy, from, to)))
    }
}
