//! Opening a database: which replica this tab becomes.
//!
//! Ids are owned through locks. A tab resumes the most recently used replica of this browser whose lock is free, and
//! only where there is none it becomes a new one, so that a browser keeps as many replicas as it ever had tabs open at
//! once. What a tab had before a reload is but a hint: duplicating a tab copies the hint, and the lock decides.

use std::rc::Rc;

use bayou_core::{DatabaseName, Replica};

use crate::{
    api::ApiError,
    damage::is_damaged,
    host::{Departure, Enabled, Host, Ownership, REPLICA_OPTIONS},
    link::RelayUrl,
    locks::{LockError, StoreLock},
    orphans::{forget, warn},
    platform,
    recovery::{Recovered, UnrecoveredError, recover},
    store::{Entry, Registry, ReplicaStore, StorageError, StorageErrorKind, StoreId},
};

/// A reload comes before the browser has freed the lock of the page that it replaces.
const RELOAD_PATIENCE_MS: u32 = 1_000;
/// Another tab that opens at the same time may be looking at this tab's own replica for writes to take over.
const HINT_PATIENCE_MS: u32 = 250;

/// A replica with its place on this device.
struct Opened {
    replica: Replica,
    store: ReplicaStore,
    /// Bytes of all that it holds.
    stored_bytes: usize,
    lock: StoreLock,
    entry: Entry,
}

/// Opens the local replica of a database and puts it to work; tells meanwhile which part of it is done. The relay is not
/// waited for.
pub(crate) async fn open(
    name: DatabaseName,
    relay: RelayUrl,
    enabled: Enabled,
    tell: &dyn Fn(f64),
) -> Result<Rc<Host>, ApiError> {
    if platform::locks().is_none() {
        return Err(LockError::Insecure.into());
    }
    let departure = Departure::watch();
    let mut damaged = Vec::new();
    let opened = match resume(&name, &mut damaged, tell).await? {
        Some(opened) => opened,
        None => create(name.clone()).await?,
    };
    let Opened { replica, store, stored_bytes, lock, entry } = opened;
    write_hint(&name, &entry.store);
    let ownership = Ownership { lock, entry, departure };
    let host = Host::start(replica, store, stored_bytes, ownership, relay, enabled);
    damaged.into_iter().for_each(|entry| host.damaged().note(entry));
    Ok(host)
}

/// The replica that this tab had, or else the most recently used one that nobody has; and what is damaged of those that
/// come before it.
async fn resume(name: &DatabaseName, damaged: &mut Vec<Entry>, tell: &dyn Fn(f64)) -> Result<Option<Opened>, ApiError> {
    let mut entries = Registry::replicas_of(name.as_str()).await?;
    entries.retain(|entry| !entry.is_abandoned);
    damaged.extend(entries.extract_if(.., |entry| entry.salvaged.is_some()));
    let hint = read_hint(name);
    if let Some(hinted) = entries.iter().position(|entry| hint.as_ref() == Some(&entry.store)) {
        // To the front; behind it the order by last use stays.
        entries[..=hinted].rotate_right(1);
    }
    let mut failed = None;
    for entry in entries {
        let patience_ms = match (hint.as_ref() == Some(&entry.store), platform::is_reload()) {
            (true, true) => RELOAD_PATIENCE_MS,
            (true, false) => HINT_PATIENCE_MS,
            (false, _) => 0,
        };
        let full_name = entry.store.full_name(name.as_str());
        let Some(lock) = StoreLock::acquire(&full_name, patience_ms).await? else { continue };
        match resume_from(&full_name, &entry, tell).await {
            // What is left to be done of it is another replica's.
            Ok(Some(Recovered { replica, .. })) if replica.has_retired() => {}
            Ok(Some(Recovered { replica, store, stored_bytes })) => {
                let entry = Entry { last_used: js_sys::Date::now(), ..entry.of(&replica) };
                // On a full disk it cannot be noted, but what is stored can still be read.
                if let Err(error) = Registry::put(&entry).await {
                    warn("The list of replicas on this device cannot be updated", &error.to_string());
                }
                return Ok(Some(Opened { replica, store, stored_bytes, lock, entry }));
            }
            Ok(None) => {}
            // One broken store never stops the others. It is left as it is, for what can be read of it to be taken over.
            Err(ResumeError::Broken(why)) => {
                warn_of(&full_name, &why);
                damaged.push(entry);
            }
            Err(ResumeError::Storage(error)) => {
                warn_of(&full_name, &error.to_string());
                failed = Some(error);
            }
        }
    }
    // To begin anew because the storage fails would show an empty schedule to someone whose bookings are in it.
    failed.map_or(Ok(None), |error| Err(error.into()))
}

fn warn_of(full_name: &str, why: &str) {
    warn(&["Replica store ", full_name, " cannot be resumed"].concat(), why);
}

enum ResumeError {
    /// What is stored is no replica, and will be none the next time.
    Broken(String),
    /// The storage fails at present, or this version of the page cannot read it.
    Storage(StorageError),
}

impl From<UnrecoveredError> for ResumeError {
    fn from(error: UnrecoveredError) -> Self {
        match error {
            UnrecoveredError::Recover(error) if !is_damaged(&error) => {
                Self::Storage(StorageError::new(StorageErrorKind::Newer, error.to_string()))
            }
            UnrecoveredError::Storage(error) if error.kind != StorageErrorKind::Corrupted => Self::Storage(error),
            broken => Self::Broken(broken.to_string()),
        }
    }
}

async fn resume_from(full_name: &str, entry: &Entry, tell: &dyn Fn(f64)) -> Result<Option<Recovered>, ResumeError> {
    let recovered = recover(full_name.to_owned(), tell).await?;
    if recovered.is_none() {
        // It never got an id, or lost its storage with it: an id is never resumed without the writes made under it.
        if let Err(error) = forget(entry).await {
            warn_of(full_name, &error.to_string());
        }
    }
    Ok(recovered)
}

/// A new replica, which gets its id from the relay, or from another tab.
async fn create(name: DatabaseName) -> Result<Opened, ApiError> {
    let entry = Entry {
        store: StoreId::random(),
        database: name.as_str().to_owned(),
        database_id: None,
        replica: None,
        last_used: js_sys::Date::now(),
        is_abandoned: false,
        salvaged: None,
    };
    let full_name = entry.store.full_name(name.as_str());
    // Listed before it exists, so that it is never there unlisted; locked before it is listed, so that nobody takes it.
    let lock = StoreLock::acquire(&full_name, 0).await?.ok_or(LockError::Refused)?;
    Registry::put(&entry).await?;
    let (store, _) = ReplicaStore::open(full_name).await?;
    Ok(Opened { replica: Replica::join(REPLICA_OPTIONS, name), store, stored_bytes: 0, lock, entry })
}

fn hint_key(name: &DatabaseName) -> String {
    ["bayou/", name.as_str()].concat()
}

fn read_hint(name: &DatabaseName) -> Option<StoreId> {
    let text = platform::session_storage()?.get_item(&hint_key(name)).ok().flatten()?;
    StoreId::parse(&text)
}

fn write_hint(name: &DatabaseName, store: &StoreId) {
    if let Some(storage) = platform::session_storage() {
        // Only a hint: a full or forbidden session storage is no reason to fail.
        let _ = storage.set_item(&hint_key(name), &store.to_string());
    }
}
