//! A database's replica, from the store or new.

use std::sync::Arc;

use bayou_core::{DatabaseId, DatabaseName, Outputs, RecoverError, Recovery, Replica, StoredBatch};
use tokio::task;

use crate::store::{Store, StoreError, StoredDatabase};

/// What one read asks of the store.
const READ_BYTES: usize = 16 * 1024 * 1024;

/// Why a database could not be opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LoadError {
    /// The store cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The engine makes no replica of it.
    #[error("what is stored cannot be recovered: {0}")]
    Recover(#[from] RecoverError),
    /// It is another database's.
    #[error("the stored batches of this database belong to another one")]
    Misplaced,
    /// A new database gets a random id.
    #[error("the operating system gave no random bytes: {0}")]
    Random(getrandom::Error),
    /// A fault of this program.
    #[error("the engine failed to recover what is stored: {0}")]
    Panicked(#[from] task::JoinError),
}

/// A replica that is ready to run.
pub(crate) struct Loaded {
    pub(crate) replica: Replica,
    pub(crate) database: StoredDatabase,
    /// The number of the last batch in the store.
    pub(crate) stored_through: u64,
    /// Bytes of all batches in the store.
    pub(crate) stored_bytes: u64,
    /// What founding it asks for; `None` for one that was stored.
    pub(crate) founded: Option<Outputs>,
}

/// Recovers the database of this name, or founds it.
pub(super) async fn load(
    name: DatabaseName,
    store: &Arc<dyn Store>,
    options: bayou_core::Options,
) -> Result<Loaded, LoadError> {
    match recover(name.clone(), store, options).await? {
        Some(recovered) => Ok(recovered),
        None => found(name, options),
    }
}

/// Recovers the database of this name; `None` if the store holds none.
pub(crate) async fn recover(
    name: DatabaseName,
    store: &Arc<dyn Store>,
    options: bayou_core::Options,
) -> Result<Option<Loaded>, LoadError> {
    let batches = read_all(&name, store).await?;
    let Some(last) = batches.last() else { return Ok(None) };
    let last = last.number;
    let stored_bytes = batches.iter().map(|batch| batch.bytes.len() as u64).sum();
    // A long log is replayed here; that must not hold up the sockets of other databases.
    let recovering = task::spawn_blocking(move || Replica::recover(options, batches));
    let Recovery { replica, torn } = recovering.await??;
    if let Some(number) = torn {
        tracing::warn!(
            number,
            "the last stored batch cannot be read; nothing of it was told to anybody, it is deleted"
        );
        store.cut(name.clone(), number).await?;
    }
    let stored_through = torn.map_or(last, |number| number - 1);
    match replica.database() {
        Some(id) if *replica.name() == name => {
            let database = StoredDatabase { name, id };
            Ok(Some(Loaded { replica, database, stored_through, stored_bytes, founded: None }))
        }
        _ => Err(LoadError::Misplaced),
    }
}

fn found(name: DatabaseName, options: bayou_core::Options) -> Result<Loaded, LoadError> {
    let mut random = [0; 16];
    getrandom::fill(&mut random).map_err(LoadError::Random)?;
    let id = DatabaseId::from_random(random);
    let (replica, outputs) = Replica::found(options, id, name.clone());
    tracing::info!(%id, "a new database");
    let database = StoredDatabase { name, id };
    Ok(Loaded { replica, database, stored_through: 0, stored_bytes: 0, founded: Some(outputs) })
}

/// All batches of a database that the store holds.
pub(crate) async fn read_all(name: &DatabaseName, store: &Arc<dyn Store>) -> Result<Vec<StoredBatch>, StoreError> {
    let mut batches: Vec<StoredBatch> = Vec::new();
    loop {
        let after = batches.last().map_or(0, |batch| batch.number);
        let more = store.read(name.clone(), after, READ_BYTES).await?;
        if more.is_empty() {
            return Ok(batches);
        }
        batches.extend(more);
    }
}
