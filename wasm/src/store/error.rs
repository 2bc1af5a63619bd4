//! What can go wrong with storage, each with a sentence for the person in front of the page.

use std::fmt;

use js_sys::Promise;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::DomException;

/// The kinds of storage failure that a host or a person would treat differently.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum StorageErrorKind {
    /// There is no IndexedDB here, or it may not be used: private mode, a policy, a damaged profile.
    Unavailable,
    /// The browser gives this site no more room.
    Full,
    /// Another tab, running another version of this page, holds the database open.
    Blocked,
    /// The browser closed the connection; a new one may be tried.
    Closed,
    /// A transaction was rolled back for no reason of ours: the disk failed.
    Aborted,
    /// The storage answers nothing.
    TimedOut,
    /// What is stored was written by a newer version of this page.
    Newer,
    /// What is stored has a gap or cannot be read.
    Corrupted,
    /// What had been stored is gone: the site's data was cleared or evicted.
    Lost,
    /// Somebody else has written to this store, or a batch comes out of turn.
    Fenced,
}

/// A failed storage operation: its kind and what the browser said.
#[derive(Clone, Debug)]
pub(crate) struct StorageError {
    pub(crate) kind: StorageErrorKind,
    /// The browser's own words, for a developer; may be empty.
    pub(crate) detail: String,
    /// Of what was not answered in time: resolves when it is after all. Then it may be tried again.
    pub(crate) answered: Option<Promise>,
}

impl StorageError {
    pub(crate) fn new(kind: StorageErrorKind, detail: impl Into<String>) -> Self {
        Self { kind, detail: detail.into(), answered: None }
    }

    /// What an exception or an error event of IndexedDB means.
    pub(crate) fn from_js(error: &JsValue) -> Self {
        let Some(exception) = error.dyn_ref::<DomException>() else {
            let detail =
                error.dyn_ref::<js_sys::Error>().map_or_else(String::new, |error| String::from(error.message()));
            return Self::new(StorageErrorKind::Aborted, detail);
        };
        let kind = match exception.name().as_str() {
            "QuotaExceededError" => StorageErrorKind::Full,
            "SecurityError" | "NotAllowedError" => StorageErrorKind::Unavailable,
            // A transaction begun on a connection that is closing.
            "InvalidStateError" | "TransactionInactiveError" => StorageErrorKind::Closed,
            "VersionError" => StorageErrorKind::Newer,
            "NotFoundError" => StorageErrorKind::Lost,
            "DataError" | "DataCloneError" | "NotReadableError" => StorageErrorKind::Corrupted,
            _ => StorageErrorKind::Aborted,
        };
        Self::new(kind, exception.message())
    }

    /// Whether a fresh connection may do better. The failed one is never used again.
    pub(crate) fn may_reopen(&self) -> bool {
        matches!(self.kind, StorageErrorKind::Closed | StorageErrorKind::Aborted)
    }
}

impl fmt::Display for StorageError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.kind {
            StorageErrorKind::Unavailable => {
                "This browser does not let the page store anything. Leave private mode, or allow site data for this address, and reload."
            }
            StorageErrorKind::Full => "Storage is full: nothing new can be saved. Free some space on this device and reload.",
            StorageErrorKind::Blocked => {
                "Another version of this page is open in this browser and keeps what is stored to itself. Close its tabs; then this one goes on by itself."
            }
            StorageErrorKind::Closed => "The browser closed the storage of this page. Reload to open it again.",
            StorageErrorKind::Aborted => "This device could not save. Check its disk and reload; what was saved is kept.",
            StorageErrorKind::TimedOut => "The storage of this browser does not answer. Restart the browser and try again.",
            StorageErrorKind::Newer => {
                "What is stored here was written by a newer version of this page. Reload to get that version."
            }
            StorageErrorKind::Corrupted => {
                "What is stored here cannot be read. It is left untouched; reload to go on with a new replica."
            }
            StorageErrorKind::Fenced => {
                "Something else has written to what this page had stored, so it has stopped saving. What was saved is kept; reload to go on."
            }
            StorageErrorKind::Lost => "What this page had stored on this device was cleared, so it has stopped saving. Export what is not confirmed yet to a file, then reload.",
        })
    }
}
