//! Which replicas this browser keeps: one IndexedDB database named `bayou`, for all databases of this origin.
//!
//! It is a list of what there may be, never proof: the lock decides who owns a replica, and the store what it is.

use bayou_core::{Replica, Salvaged};
use js_sys::{Array, Reflect};
use wasm_bindgen::JsValue;
use web_sys::IdbKeyRange;

use super::{
    StorageError, StoreId,
    connection::{Connection, Layout},
};
use crate::platform::object;

const NAME: &str = "bayou";
const BY_LAST_USE: &str = "by last use";
const LAYOUT: Layout =
    Layout { store: "replicas", key_path: Some("store"), index: Some((BY_LAST_USE, ["database", "lastUsed"])) };

/// One replica on this device.
#[derive(Clone)]
pub(crate) struct Entry {
    pub(crate) store: StoreId,
    /// Name of the database it replicates.
    pub(crate) database: String,
    /// That database's id, once noted. The store itself is what counts.
    pub(crate) database_id: Option<String>,
    /// The replica's id, once noted. For people who look into the storage.
    pub(crate) replica: Option<String>,
    /// When a tab last opened it, in `Date.now()` milliseconds.
    pub(crate) last_used: f64,
    /// It was left for good: no tab may resume it. Its writes are still there to be taken over.
    pub(crate) is_abandoned: bool,
    /// Of a store that is damaged: what came of it so far. No tab resumes it.
    pub(crate) salvaged: Option<Salvaged>,
}

impl Entry {
    /// The entry of this replica, whatever was known of it: a tab may be closed before it could note which one it has become.
    pub(crate) fn of(self, replica: &Replica) -> Self {
        let database_id = replica.database().map(|id| id.to_string());
        Self { database_id, replica: replica.id().map(ToString::to_string), ..self }
    }

    fn to_js(&self) -> JsValue {
        let salvaged = self.salvaged.map_or(JsValue::UNDEFINED, |Salvaged { writes, left_out }| {
            object(&[("writes", writes.into()), ("leftOut", left_out.into())])
        });
        object(&[
            ("store", JsValue::from_str(&self.store.to_string())),
            ("database", JsValue::from_str(&self.database)),
            ("databaseId", self.database_id.as_deref().into()),
            ("replica", self.replica.as_deref().into()),
            ("lastUsed", self.last_used.into()),
            ("abandoned", self.is_abandoned.into()),
            ("salvaged", salvaged),
        ])
    }

    fn from_js(value: &JsValue) -> Option<Self> {
        let of = |value: &JsValue, name: &str| Reflect::get(value, &JsValue::from_str(name)).ok();
        let field = |name: &str| of(value, name);
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "counts; the cast is bounded")]
        let count = |value: &JsValue, name: &str| Some(of(value, name)?.as_f64()? as usize);
        let salvaged =
            |value: &JsValue| Some(Salvaged { writes: count(value, "writes")?, left_out: count(value, "leftOut")? });
        Some(Self {
            store: StoreId::parse(&field("store")?.as_string()?)?,
            database: field("database")?.as_string()?,
            database_id: field("databaseId")?.as_string(),
            replica: field("replica")?.as_string(),
            last_used: field("lastUsed")?.as_f64()?,
            is_abandoned: field("abandoned")?.is_truthy(),
            salvaged: field("salvaged").as_ref().and_then(salvaged),
        })
    }
}

/// The registry. Each operation opens and closes its own connection: they are rare, and nobody is ever blocked.
pub(crate) struct Registry;

impl Registry {
    /// The replicas of one database, the most recently used first. Entries that cannot be read are skipped.
    pub(crate) async fn replicas_of(database: &str) -> Result<Vec<Entry>, StorageError> {
        let name = JsValue::from_str(database);
        let registry = Self::connect().await?;
        let values = registry
            .read(&|replicas| {
                // Every key that begins with the database's name: a list sorts behind all numbers.
                let range = IdbKeyRange::bound(&Array::of1(&name), &Array::of2(&name, &Array::new()))?;
                replicas.index(BY_LAST_USE)?.get_all_with_key(&range)
            })
            .await?;
        let mut entries: Vec<Entry> = values.iter().filter_map(|value| Entry::from_js(&value)).collect();
        entries.reverse();
        Ok(entries)
    }

    /// The entry as it is at present, if it is there.
    pub(crate) async fn current(entry: &Entry) -> Result<Option<Entry>, StorageError> {
        Ok(Self::replicas_of(&entry.database).await?.into_iter().find(|current| current.store == entry.store))
    }

    /// Adds an entry or replaces it.
    pub(crate) async fn put(entry: &Entry) -> Result<(), StorageError> {
        let value = entry.to_js();
        Self::connect().await?.write(&|replicas| replicas.put(&value)).await
    }

    /// Removes an entry, if it is there.
    pub(crate) async fn remove(store: &StoreId) -> Result<(), StorageError> {
        let key = JsValue::from_str(&store.to_string());
        Self::connect().await?.write(&|replicas| replicas.delete(&key)).await
    }

    async fn connect() -> Result<Connection, StorageError> {
        // Closed before anybody could ask for it.
        Connection::open(NAME, &LAYOUT, |_| {}).await
    }
}
