//! Damaged stores of this browser.

use std::rc::Rc;

use js_sys::Promise;
use serde::Serialize;
use tsify::{Ts, Tsify};
use wasm_bindgen::prelude::*;

use super::{
    ApiError, Replica,
    data::plain,
    files::{FILE_BYTES_MAX, write_all},
    input::Input,
    promise::promise,
};
use crate::{
    damage,
    host::Host,
    store::{Entry, StoreId},
};

#[wasm_bindgen]
impl Replica {
    /// The stores of this browser that held a replica of this database, and are damaged. What can be read of them is taken
    /// over into this replica by itself, as if a peer had sent it.
    #[wasm_bindgen(js_name = damagedStores, unchecked_return_type = "DamagedStore[]")]
    #[must_use]
    pub fn damaged_stores(&self) -> Vec<Ts<DamagedStore>> {
        let host = self.host();
        let damaged = host.damaged().of(host.entry().database_id.as_ref());
        damaged.into_iter().map(|entry| plain(&DamagedStore::from(entry))).collect()
    }

    /// Writes what can be read of a damaged store into files, none of which is larger than `bytesMax`, for
    /// {@link Replica.importFile} of any replica of this database: each after the one before it. The store stays as it is.
    /// Rejects with a `TransferError` where not even the beginning of it can be read, and with a `StorageError`.
    #[wasm_bindgen(js_name = exportDamagedStore, unchecked_return_type = "Promise<Blob[]>")]
    pub fn export_damaged_store(&self, store: &str, #[wasm_bindgen(js_name = bytesMax)] bytes_max: u32) -> Promise {
        let damaged = named(self.host(), store);
        promise(async move {
            let bytes_max = FILE_BYTES_MAX.min(bytes_max as usize);
            Ok(damage::export(&damaged?, bytes_max, write_all).await?.into())
        })
    }

    /// Deletes a damaged store from this device for good, with what could not be read of it or taken over. Rejects with a
    /// `StorageError`.
    #[wasm_bindgen(js_name = discardDamagedStore, unchecked_return_type = "Promise<void>")]
    pub fn discard_damaged_store(&self, store: &str) -> Promise {
        let host = Rc::clone(self.host());
        let damaged = named(&host, store);
        promise(async move {
            damage::discard(&host, &damaged?).await?;
            Ok(JsValue::UNDEFINED)
        })
    }
}

/// No other store is read or deleted by its name.
fn named(host: &Host, store: &str) -> Result<Entry, ApiError> {
    let damaged = StoreId::parse(store).and_then(|store| host.damaged().named(&store));
    damaged.ok_or_else(|| Input::argument("store", JsValue::UNDEFINED).error("no damaged store has this name").into())
}

/// A store of this browser that held a replica, and is damaged: no tab opens it any more.
#[derive(Serialize, Tsify)]
#[serde(rename_all = "camelCase")]
pub struct DamagedStore {
    /// Its name on this device.
    pub store: String,
    /// What came of it; missing until some tab of this browser was ready to take anything over.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[tsify(optional)]
    pub salvaged: Option<Salvaged>,
}

/// What was taken over from a damaged store.
#[derive(Serialize, Tsify)]
#[serde(rename_all = "camelCase")]
pub struct Salvaged {
    /// How many writes were new to the tab that took them over.
    pub writes: usize,
    /// How many writes could be read and not taken over, because others before them are lost. They are when those have come
    /// from elsewhere.
    pub left_out: usize,
}

impl From<Entry> for DamagedStore {
    fn from(entry: Entry) -> Self {
        let salvaged = |bayou_core::Salvaged { writes, left_out }| Salvaged { writes, left_out };
        Self { store: entry.store.to_string(), salvaged: entry.salvaged.map(salvaged) }
    }
}
