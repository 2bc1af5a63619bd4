//! Recovery of a replica from its store, in slices, so that the page's thread is never held for long. What comes next is
//! read meanwhile.

use bayou_core::{RecoverError, Recovering, Recovery, Replica, StoredBatch};
use thiserror::Error;

use crate::{
    host::REPLICA_OPTIONS,
    memory,
    store::{Next, Reading, ReplicaStore, StorageError},
    wait::{Slices, both},
};

/// A replica with its store.
pub(crate) struct Recovered {
    pub(crate) replica: Replica,
    pub(crate) store: ReplicaStore,
    /// Bytes of all that the store holds.
    pub(crate) stored_bytes: usize,
}

/// Why a store yields no replica.
#[derive(Debug, Error)]
pub(crate) enum UnrecoveredError {
    #[error("{0}")]
    Storage(StorageError),
    #[error(transparent)]
    Recover(RecoverError),
}

impl From<StorageError> for UnrecoveredError {
    fn from(error: StorageError) -> Self {
        Self::Storage(error)
    }
}

impl From<RecoverError> for UnrecoveredError {
    fn from(error: RecoverError) -> Self {
        Self::Recover(error)
    }
}

/// Recovers the replica of the store with this name, and tells each time it rests which part is done; `None` if the store
/// is empty. A batch that was being stored when its page ended is cut off.
pub(crate) async fn recover(name: String, tell: &dyn Fn(f64)) -> Result<Option<Recovered>, UnrecoveredError> {
    let mut steps = Steps::new();
    let mut stored_bytes = 0;
    let mut next = Reading::begin(name).await?.next().await?;
    let store = loop {
        match next {
            Next::Batches(batches, rest) => {
                stored_bytes += bytes_of(&batches);
                let part = rest.part();
                let (read, taken) = both(rest.next(), steps.take(batches, &|| tell(part))).await;
                taken?;
                next = read?;
            }
            Next::All(store) => break store,
        }
    };
    if stored_bytes == 0 {
        return Ok(None);
    }
    let Recovery { replica, torn } = steps.recovering.finish()?;
    if let Some(number) = torn {
        store.cut(number).await?;
    }
    Ok(Some(Recovered { replica, store, stored_bytes }))
}

/// Recovers the replica whose batches these are.
pub(crate) async fn recover_batches(batches: Vec<StoredBatch>) -> Result<Recovery, RecoverError> {
    let mut steps = Steps::new();
    steps.take(batches, &|| ()).await?;
    steps.recovering.finish()
}

fn bytes_of(batches: &[StoredBatch]) -> usize {
    batches.iter().map(|batch| batch.bytes.len()).sum()
}

struct Steps {
    recovering: Recovering,
    slices: Slices,
}

impl Steps {
    fn new() -> Self {
        Self { recovering: Recovering::new(REPLICA_OPTIONS), slices: Slices::new() }
    }

    /// Takes the next batches; calls `rests` each time it lets others have the thread.
    async fn take(&mut self, batches: Vec<StoredBatch>, rests: &dyn Fn()) -> Result<(), RecoverError> {
        memory::reserve_for(bytes_of(&batches));
        for batch in batches {
            self.recovering.take(batch)?;
            loop {
                let is_left = self.recovering.step()?;
                if self.slices.is_over() {
                    rests();
                    self.slices.next().await;
                }
                if !is_left {
                    break;
                }
            }
        }
        Ok(())
    }
}
