//! Why writing has stopped.

use crate::store::{StorageError, StorageErrorKind};

/// The kinds of failure that a page tells apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FailureKind {
    /// Saving failed; what was saved is kept.
    Storage,
    /// There is no room left.
    StorageFull,
    /// What had been saved is gone.
    StorageLost,
    /// A newer version of the page has changed what is stored.
    StorageNewer,
    /// Tabs with another version of the page keep what is stored from being opened.
    StorageBlocked,
    /// There is no storage at all.
    StorageUnavailable,
    /// The page has no secure context.
    Insecure,
    /// The relay will not take what is written here.
    Refused,
    /// The engine met a defect of its own and stopped.
    Trap,
}

/// Writing has stopped, for good as far as this page is concerned. Reading goes on.
#[derive(Clone, Debug)]
pub(crate) struct Failure {
    pub(crate) kind: FailureKind,
    /// What happened and what to do, in one or two sentences.
    pub(crate) message: String,
}

impl Failure {
    pub(crate) fn trap() -> Self {
        Self {
            kind: FailureKind::Trap,
            message:
                "Something went wrong inside this page and it stopped saving. What was saved is kept; reload to go on."
                    .to_owned(),
        }
    }
}

impl From<&StorageError> for Failure {
    fn from(error: &StorageError) -> Self {
        let kind = match error.kind {
            StorageErrorKind::Full => FailureKind::StorageFull,
            StorageErrorKind::Lost => FailureKind::StorageLost,
            StorageErrorKind::Newer => FailureKind::StorageNewer,
            StorageErrorKind::Blocked => FailureKind::StorageBlocked,
            StorageErrorKind::Unavailable => FailureKind::StorageUnavailable,
            _ => FailureKind::Storage,
        };
        Self { kind, message: error.to_string() }
    }
}
