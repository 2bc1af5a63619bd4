//! Damaged stores of this browser: what can be read of them is taken over, and they stay until a person has them deleted.
//!
//! A store is damaged if what it holds is no replica, and will be none the next time: a batch in its middle cannot be read,
//! or is missing. No tab runs that replica again, for nobody knows what its id had told of. But whatever of its writes
//! continues what this tab's replica holds is as good as received from a peer, and is inserted, so that bookings are there
//! again, and get confirmed, without anybody having to do anything. What follows something that is lost may be taken over
//! later, once a peer has brought that.
//!
//! What came of it stands in the list of replicas, so that every tab can tell of it. Each page reads the store once, for what
//! could not be read may be readable the next time, and again only while something in it waits for what is lost.

use std::{cell::RefCell, collections::BTreeMap};

use bayou_core::{DecodeError, Export, ExportError, ReadOnlyCopy, RecoverError, Salvage, Salvaged};
use wasm_bindgen::JsValue;

use crate::{
    api::{ApiError, waited},
    host::Host,
    locks::StoreLock,
    orphans::{forget, warn},
    store::{Entry, Registry, ReplicaStore, StorageError, StorageErrorKind, StoreId},
};

/// Who holds the lock of a damaged store only looks at it.
const PATIENCE_MS: u32 = 2_000;

/// Whether no version of this page will ever recover what cannot be recovered.
pub(crate) const fn is_damaged(error: &RecoverError) -> bool {
    !matches!(error, RecoverError::Decode { error: DecodeError::Version { .. }, .. })
}

/// The damaged stores that this tab knows of.
#[derive(Default)]
pub(crate) struct DamagedStores(RefCell<BTreeMap<StoreId, Known>>);

struct Known {
    entry: Entry,
    /// This page has taken over all that it could read.
    is_done: bool,
}

impl DamagedStores {
    /// Adds a store, or what has become known of it.
    pub(crate) fn note(&self, entry: Entry) {
        self.insert(entry, false);
    }

    fn insert(&self, entry: Entry, is_done: bool) {
        self.0.borrow_mut().insert(entry.store.clone(), Known { entry, is_done });
    }

    fn is_done(&self, store: &StoreId) -> bool {
        self.0.borrow().get(store).is_some_and(|known| known.is_done)
    }

    fn remove(&self, store: &StoreId) {
        self.0.borrow_mut().remove(store);
    }

    /// Forgets those that are not in the list of replicas any more: another tab has deleted them.
    pub(crate) fn keep(&self, entries: &[Entry]) {
        self.0.borrow_mut().retain(|store, _| entries.iter().any(|entry| entry.store == *store));
    }

    /// Those that are of this very database, or may be.
    pub(crate) fn of(&self, database_id: Option<&String>) -> Vec<Entry> {
        let is_of = |entry: &&Entry| database_id.is_none() || entry.database_id.as_ref() == database_id;
        self.0.borrow().values().map(|known| &known.entry).filter(is_of).cloned().collect()
    }

    /// The one with this name.
    pub(crate) fn named(&self, store: &StoreId) -> Option<Entry> {
        self.0.borrow().get(store).map(|known| known.entry.clone())
    }
}

/// Takes over what can be read of a damaged store, unless that was done before.
pub(crate) async fn take_over(host: &Host, entry: &Entry, why: &str) {
    if host.damaged().named(&entry.store).is_none() && entry.salvaged.is_none() {
        warn(&["Replica store ", &entry.store.to_string(), " is damaged"].concat(), why);
    }
    if let Err(error) = try_to_take_over(host, entry).await {
        let what = "What can be read of a damaged replica store is not taken over";
        web_sys::console::warn_2(&JsValue::from_str(what), &error.into());
    }
}

async fn try_to_take_over(host: &Host, entry: &Entry) -> Result<(), ApiError> {
    let damaged = host.damaged();
    if damaged.is_done(&entry.store) {
        return Ok(());
    }
    if damaged.named(&entry.store).is_none() {
        damaged.note(entry.clone());
        host.listeners().notify();
    }
    let name = entry.store.full_name(&entry.database);
    let Some(_lock) = StoreLock::acquire(&name, PATIENCE_MS).await? else { return Ok(()) };
    // Another tab may have been here meanwhile.
    let Some(entry) = Registry::current(entry).await? else {
        damaged.remove(&entry.store);
        return Ok(());
    };
    let (taken, stored) = host.salvage(ReplicaStore::salvage(&name).await?)?;
    let Salvaged { writes, left_out } = taken?;
    waited(stored).await?;
    let before = entry.salvaged.unwrap_or_default();
    let salvaged = Some(Salvaged { writes: before.writes + writes, left_out });
    let is_news = entry.salvaged != salvaged;
    let entry = Entry { salvaged, ..entry };
    damaged.insert(entry.clone(), left_out == 0);
    if is_news {
        host.listeners().notify();
        Registry::put(&entry).await?;
    }
    Ok(())
}

/// Writes what can be read of a damaged store into files, as a replica does; `take` is handed what the engine exports.
pub(crate) async fn export<T>(
    entry: &Entry,
    file_bytes_max: usize,
    take: impl Fn(Export<'_>) -> Result<T, ExportError>,
) -> Result<T, ApiError> {
    let name = entry.store.full_name(&entry.database);
    let _lock = lock(&name).await?;
    if Registry::current(entry).await?.is_none() {
        return Err(RecoverError::Empty.into());
    }
    let Salvage { copy, .. } = ReadOnlyCopy::salvage(ReplicaStore::salvage(&name).await?)?;
    Ok(copy.export(None, file_bytes_max).and_then(take)?)
}

/// Deletes a damaged store.
pub(crate) async fn discard(host: &Host, entry: &Entry) -> Result<(), ApiError> {
    let _lock = lock(&entry.store.full_name(&entry.database)).await?;
    forget(entry).await?;
    host.damaged().remove(&entry.store);
    host.listeners().notify();
    Ok(())
}

async fn lock(name: &str) -> Result<StoreLock, ApiError> {
    let held = || StorageError::new(StorageErrorKind::TimedOut, "another tab looks at this store");
    Ok(StoreLock::acquire(name, PATIENCE_MS).await?.ok_or_else(held)?)
}
