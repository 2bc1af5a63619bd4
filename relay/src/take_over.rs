//! Giving a relay the primary role of a database that it does not run.

use std::sync::Arc;

use bayou_core::{Csn, DatabaseName, TakeOverError, Term};

use crate::{
    database::{LoadError, Loaded, recover, store_all},
    options::Options,
    store::{Store, StoreError},
};

/// What a relay that has taken the primary role knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TakenOver {
    /// The last commit that it holds.
    pub csn: Csn,
    /// The term of that commit. The next one begins when commits are resumed.
    pub term: Term,
    /// Writes that it holds and that are not committed.
    pub tentative: usize,
}

/// Why the primary role was not taken. Nothing has changed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TakeOverFailed {
    /// There is nothing to be the primary of.
    #[error("there is no database of this name")]
    NoDatabase,
    /// What is stored is no replica.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// The engine forbids it.
    #[error(transparent)]
    Refused(#[from] TakeOverError),
    /// It could not be stored.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Takes the primary role of a database, because the primary is gone for good, or because this is the primary and its
/// store was restored from an old copy. The database must not be running; when it is opened, nothing is committed before
/// commits are resumed.
///
/// To do it twice is the same as once.
///
/// # Errors
/// When the store holds no such database, or it cannot be recovered or stored.
pub async fn take_over(store: &Arc<dyn Store>, name: &DatabaseName) -> Result<TakenOver, TakeOverFailed> {
    let loaded = recover(name.clone(), store, Options::default().replica).await?;
    let Loaded { mut replica, database, .. } = loaded.ok_or(TakeOverFailed::NoDatabase)?;
    let outputs = replica.take_over()?;
    store_all(&mut replica, outputs, store, &database).await?;
    Ok(TakenOver { csn: replica.csn(), term: replica.term(), tentative: replica.summary().tentative })
}
