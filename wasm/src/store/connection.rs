//! One connection to one IndexedDB database.
//!
//! There is one way to read, a request for a list, and one way to write, a transaction that is on the disk when it is
//! over. Each is waited for at one place, with a deadline, and its errors get their meaning there.

use std::{cell::Cell, rc::Rc};

use gloo::events::EventListener;
use js_sys::{Array, Promise};
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{
    IdbDatabase, IdbFactory, IdbObjectStore, IdbObjectStoreParameters, IdbOpenDbRequest, IdbRequest,
    IdbVersionChangeEvent,
};

use super::error::{StorageError, StorageErrorKind};
use crate::{
    platform,
    wait::{Deferred, FirstEvent},
};

/// How long the browser may take to open a database or to finish a transaction.
const ANSWER_MS_MAX: u32 = 20_000;

/// How long others may take to let go of a database that is to be upgraded or deleted.
const BLOCKED_MS_MAX: u32 = 5_000;

/// The one object store of a database, and how it is laid out. A change of it raises [`LAYOUT_VERSION`].
pub(super) struct Layout {
    pub(super) store: &'static str,
    /// The property of a value that is its key; without it keys are given.
    pub(super) key_path: Option<&'static str>,
    /// An index with the properties it is ordered by.
    pub(super) index: Option<(&'static str, [&'static str; 2])>,
}

/// One number for all databases of this crate, which change together.
const LAYOUT_VERSION: u32 = 1;

/// How a connection ended by no doing of this page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// The browser closed it; a new one may be tried.
    Closed,
    /// The database is being deleted.
    Deleted,
    /// A newer version of this page changes the layout.
    Upgraded,
}

pub(super) struct Connection {
    database: IdbDatabase,
    store: &'static str,
    is_closed: Rc<Cell<bool>>,
    /// The database did not exist before: it is empty.
    pub(super) is_new: bool,
    _listeners: [EventListener; 2],
}

impl Connection {
    /// Opens the database and, if it does not exist, makes it.
    pub(super) async fn open(
        name: &str,
        layout: &'static Layout,
        on_end: impl Fn(End) + 'static,
    ) -> Result<Self, StorageError> {
        let request = factory()?.open_with_u32(name, LAYOUT_VERSION).map_err(unavailable)?;
        let is_new = Rc::new(Cell::new(false));
        let upgrade = {
            let (request, is_new) = (request.clone(), Rc::clone(&is_new));
            EventListener::once(&request.clone(), "upgradeneeded", move |_| {
                // There is no version before the first.
                is_new.set(true);
                let made = request.result().and_then(|database| layout.make(database.unchecked_ref()));
                if made.is_err()
                    && let Some(upgrade) = request.transaction()
                {
                    // The request fails then.
                    let _ = upgrade.abort();
                }
            })
        };
        let opened = settled(&request).await;
        if opened.as_ref().is_err_and(|error| error.answered.is_some()) {
            // It may yet be made, and without its object store nobody could use it ever again.
            upgrade.forget();
        }
        let database: IdbDatabase = opened?.unchecked_into();
        Ok(Self::watch(database, layout.store, is_new.get(), on_end))
    }

    fn watch(database: IdbDatabase, store: &'static str, is_new: bool, on_end: impl Fn(End) + 'static) -> Self {
        let is_closed = Rc::new(Cell::new(false));
        let on_end = Rc::new(on_end);
        let closed = {
            let (is_closed, on_end) = (Rc::clone(&is_closed), Rc::clone(&on_end));
            EventListener::once(&database, "close", move |_| {
                is_closed.set(true);
                on_end(End::Closed);
            })
        };
        // Someone wants to delete or upgrade the database: standing in the way would hang them.
        let version_change = {
            let (is_closed, database) = (Rc::clone(&is_closed), database.clone());
            EventListener::once(&database.clone(), "versionchange", move |event| {
                is_closed.set(true);
                database.close();
                let version = event.dyn_ref::<IdbVersionChangeEvent>().and_then(IdbVersionChangeEvent::new_version);
                on_end(if version.is_some() { End::Upgraded } else { End::Deleted });
            })
        };
        Self { database, store, is_closed, is_new, _listeners: [closed, version_change] }
    }

    /// Closes it, whoever still has it: running transactions are finished by the browser, and no other begins.
    pub(super) fn close(&self) {
        self.is_closed.set(true);
        self.database.close();
    }

    pub(super) fn is_closed(&self) -> bool {
        self.is_closed.get()
    }

    /// The list that a request for several values gives.
    pub(super) async fn read(&self, request: &Request<'_>) -> Result<Array, StorageError> {
        let transaction = self.database.transaction_with_str(self.store).map_err(from_js)?;
        let request = transaction.object_store(self.store).and_then(|store| request(&store)).map_err(from_js)?;
        // Not the transaction's end: Chromium may tell of it before a result of some megabytes has arrived.
        let ended = FirstEvent::of(&request, &["success", "error"], Some(ANSWER_MS_MAX));
        match ended.await {
            Some(event) if event.type_() == "success" => request.result().map(JsCast::unchecked_into).map_err(from_js),
            Some(_) => Err(of_request(&request)),
            None => Err(StorageError::new(StorageErrorKind::TimedOut, "read")),
        }
    }

    /// Makes requests in a transaction that is on the disk when this returns; of the requests the last is given back.
    pub(super) async fn write(&self, requests: &Request<'_>) -> Result<(), StorageError> {
        let transaction = platform::strict_transaction(&self.database, self.store).map_err(from_js)?;
        // A request that fails aborts the transaction, which tells of it.
        let ended = FirstEvent::of(&transaction, &["complete", "abort"], Some(ANSWER_MS_MAX));
        let issued = transaction.object_store(self.store).and_then(|store| requests(&store));
        if let Err(error) = issued.and_then(|_| platform::commit(&transaction)) {
            // One that is over already refuses to be aborted, and need not be.
            let _ = transaction.abort();
            return Err(from_js(error));
        }
        match ended.await {
            Some(event) if event.type_() == "complete" => Ok(()),
            Some(_) => Err(transaction.error().map_or_else(
                || StorageError::new(StorageErrorKind::Closed, "the browser aborted the transaction"),
                |error| from_js(error.into()),
            )),
            None => Err(StorageError::new(StorageErrorKind::TimedOut, "write")),
        }
    }
}

/// What is asked of an object store within a transaction.
pub(super) type Request<'a> = dyn Fn(&IdbObjectStore) -> Result<IdbRequest, JsValue> + 'a;

impl Layout {
    fn make(&self, database: &IdbDatabase) -> Result<(), JsValue> {
        let parameters = IdbObjectStoreParameters::new();
        if let Some(path) = self.key_path {
            parameters.set_key_path(&JsValue::from_str(path));
        }
        let store = database.create_object_store_with_optional_parameters(self.store, &parameters)?;
        if let Some((name, [first, second])) = self.index {
            let path = Array::of2(&JsValue::from_str(first), &JsValue::from_str(second));
            store.create_index_with_str_sequence(name, &path)?;
        }
        Ok(())
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        // Running transactions are finished first, by the browser.
        self.database.close();
    }
}

/// Deletes a database, if it exists.
pub(super) async fn delete(name: &str) -> Result<(), StorageError> {
    let request = factory()?.delete_database(name).map_err(unavailable)?;
    settled(&request).await.map(drop)
}

fn factory() -> Result<IdbFactory, StorageError> {
    platform::indexed_db().map_err(unavailable)
}

#[expect(clippy::needless_pass_by_value, reason = "used as the function of map_err")]
fn from_js(error: JsValue) -> StorageError {
    StorageError::from_js(&error)
}

fn unavailable(error: JsValue) -> StorageError {
    StorageError { kind: StorageErrorKind::Unavailable, ..from_js(error) }
}

fn of_request(request: &IdbRequest) -> StorageError {
    let error = request.error().ok().flatten();
    error.map_or_else(|| StorageError::new(StorageErrorKind::Closed, ""), |error| from_js(error.into()))
}

/// Waits for a request to open or to delete a database.
async fn settled(request: &IdbOpenDbRequest) -> Result<JsValue, StorageError> {
    let mut answer = FirstEvent::of(request, &["success", "error", "blocked"], Some(ANSWER_MS_MAX)).await;
    let is_blocked = answer.as_ref().is_some_and(|event| event.type_() == "blocked");
    if is_blocked {
        // Others give way as soon as what they are about is done.
        answer = FirstEvent::of(request, &["success", "error"], Some(BLOCKED_MS_MAX)).await;
    }
    match answer.map(|event| event.type_()).as_deref() {
        Some("success") => request.result().map_err(from_js),
        Some("error") => Err(match of_request(request) {
            // Whatever it was, without an open database there is no storage; a few reasons have better words.
            error if matches!(error.kind, StorageErrorKind::Full | StorageErrorKind::Newer) => error,
            error => StorageError { kind: StorageErrorKind::Unavailable, ..error },
        }),
        _ => {
            let kind = if is_blocked { StorageErrorKind::Blocked } else { StorageErrorKind::TimedOut };
            Err(StorageError { answered: Some(abandon(request)), ..StorageError::new(kind, "open") })
        }
    }
}

/// Leaves a request that may yet succeed. The promise resolves when it is over.
fn abandon(request: &IdbOpenDbRequest) -> Promise {
    let answered = Rc::new(Deferred::new());
    for outcome in ["success", "error"] {
        let (abandoned, answered) = (request.clone(), Rc::clone(&answered));
        let over = EventListener::once(request, outcome, move |_| {
            // Nobody else would close what it opened.
            if let Ok(database) = abandoned.result()
                && let Some(database) = database.dyn_ref::<IdbDatabase>()
            {
                database.close();
            }
            answered.resolve(&JsValue::UNDEFINED);
        });
        over.forget();
    }
    answered.promise.clone()
}
