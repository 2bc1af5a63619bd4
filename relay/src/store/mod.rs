//! The durable store, and what the rest of the relay may rely on.

pub(crate) mod memory;
pub(crate) mod sqlite;

use std::{error::Error, fmt::Debug, sync::Arc};

use bayou_core::{DatabaseId, DatabaseName, StoredBatch};
use futures_util::future::BoxFuture;

/// A database that a store holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredDatabase {
    /// The name under which people open it; unique in one store.
    pub name: DatabaseName,
    /// The random id that it got when it was founded.
    pub id: DatabaseId,
}

/// Keeps the numbered batches of each database.
///
/// An implementation owes its callers three things:
///
/// 1. **Durable before answered.** When [`append`](Store::append) answers `Ok`, the batches survive a crash of the
///    process and a loss of power.
/// 2. **All or nothing.** An append that fails may be stored wholly or not at all, never in part.
/// 3. **The fence.** The batches of one database are consecutive, from number 1 or from the first one that was not
///    [forgotten](Store::forget). An append whose first number is not
///    the next one is refused with [`StoreError::Fenced`] and changes nothing. A replica that runs on state older
///    than the store (a second host, or one that went on after a failure) can therefore not overwrite what another
///    has stored, and by law 1 of the engine (persist, then speak) it has then not told anybody of it either.
///
/// Every implementation passes the one contract suite in `relay/tests/relay/store_contract.rs`.
pub trait Store: Debug + Send + Sync + 'static {
    /// All databases, by name.
    fn databases(&self) -> BoxFuture<'_, Result<Vec<StoredDatabase>, StoreError>>;

    /// The batches of a database with a number beyond `after`, in order. Stops before the batch that would bring the
    /// answer above `bytes_max`, but gives at least one where there is one; none means that there are no more.
    fn read(
        &self,
        name: DatabaseName,
        after: u64,
        bytes_max: usize,
    ) -> BoxFuture<'_, Result<Vec<StoredBatch>, StoreError>>;

    /// Appends consecutive batches. The first append for a name makes the database.
    fn append(&self, database: StoredDatabase, batches: Vec<StoredBatch>) -> BoxFuture<'_, Result<(), StoreError>>;

    /// Deletes the last batch of a database, which cannot be read and bears this number: the next one takes its place.
    /// If another batch is the last, nothing changes and the answer is [`StoreError::Fenced`].
    fn cut(&self, name: DatabaseName, number: u64) -> BoxFuture<'_, Result<(), StoreError>>;

    /// Forgets the batches of a database with lower numbers than this: all at once, so that none of them is read any more.
    /// Their room may be freed later. What was appended keeps its number, and the next one follows it. Those that are
    /// forgotten already, or not stored yet, are left as they are.
    fn forget(&self, name: DatabaseName, before: u64) -> BoxFuture<'_, Result<(), StoreError>>;
}

/// Why a store did not do what it was asked.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// Another replica has appended meanwhile, or the caller runs on state that was not stored.
    #[error("the store expects batch {expected} of database {database} next, not batch {found}")]
    Fenced {
        /// The database.
        database: DatabaseName,
        /// The number that the store expects next.
        expected: u64,
        /// The number of the batch that was refused.
        found: u64,
    },
    /// The store holds a database of this name with another id.
    #[error("the store holds another database named {database}, with id {stored}")]
    OtherDatabase {
        /// The name of both.
        database: DatabaseName,
        /// The id of the one in the store.
        stored: DatabaseId,
    },
    /// The medium refused: a full disk, a failing device, a damaged file.
    #[error("the store failed: {0}")]
    Failed(#[source] Arc<dyn Error + Send + Sync>),
    /// The store has been closed.
    #[error("the store is closed")]
    Closed,
}

impl StoreError {
    /// Wraps what the medium said.
    pub fn failed(source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::Failed(source.into().into())
    }
}

/// The checks of [`Store::append`] that all implementations share: `stored` and `last` are the id under that name and
/// the number of its last batch in the store (`database.id` and 0 if there is none).
fn check_append(
    database: &StoredDatabase,
    stored: DatabaseId,
    last: u64,
    batches: &[StoredBatch],
) -> Result<(), StoreError> {
    if stored != database.id {
        return Err(StoreError::OtherDatabase { database: database.name.clone(), stored });
    }
    for (expected, batch) in (last + 1..).zip(batches) {
        if batch.number != expected {
            return Err(StoreError::Fenced { database: database.name.clone(), expected, found: batch.number });
        }
    }
    Ok(())
}

/// The check of [`Store::cut`] that all implementations share: `last` is the number of the last batch that was appended,
/// and `kept` that of the last one that is not forgotten.
fn check_cut(database: &DatabaseName, last: u64, kept: Option<u64>, number: u64) -> Result<(), StoreError> {
    if kept != Some(number) {
        return Err(StoreError::Fenced { database: database.clone(), expected: last + 1, found: number });
    }
    Ok(())
}
