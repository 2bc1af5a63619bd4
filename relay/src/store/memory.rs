//! A store that forgets everything with the process: for tests and trials.

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use bayou_core::{DatabaseId, DatabaseName, StoredBatch};
use futures_util::{FutureExt, future::BoxFuture};

use super::{Store, StoreError, StoredDatabase};

/// Keeps batches in memory, by the same contract as a durable store apart from the durability.
#[derive(Debug, Default)]
pub struct MemoryStore {
    databases: Mutex<BTreeMap<DatabaseName, Batches>>,
}

#[derive(Debug)]
struct Batches {
    id: DatabaseId,
    /// The number of the last batch.
    last: u64,
    kept: Vec<StoredBatch>,
}

impl MemoryStore {
    /// An empty store.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<DatabaseName, Batches>> {
        // Nothing that is done under the lock panics half way.
        self.databases.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn append_now(&self, database: &StoredDatabase, batches: Vec<StoredBatch>) -> Result<(), StoreError> {
        let mut databases = self.lock();
        let (stored, last) = databases.get(&database.name).map_or((database.id, 0), |stored| (stored.id, stored.last));
        super::check_append(database, stored, last, &batches)?;
        let new = || Batches { id: database.id, last: 0, kept: Vec::new() };
        let stored = databases.entry(database.name.clone()).or_insert_with(new);
        stored.last += batches.len() as u64;
        stored.kept.extend(batches);
        Ok(())
    }

    fn cut_now(&self, name: &DatabaseName, number: u64) -> Result<(), StoreError> {
        let mut databases = self.lock();
        let stored = databases.get_mut(name);
        let last = stored.as_ref().and_then(|stored| stored.kept.last()).map(|batch| batch.number);
        super::check_cut(name, stored.as_ref().map_or(0, |stored| stored.last), last, number)?;
        if let Some(stored) = stored {
            stored.kept.pop();
            stored.last -= 1;
        }
        Ok(())
    }

    fn forget_now(&self, name: &DatabaseName, before: u64) {
        if let Some(stored) = self.lock().get_mut(name) {
            stored.kept.retain(|batch| batch.number >= before);
        }
    }
}

impl Store for MemoryStore {
    fn databases(&self) -> BoxFuture<'_, Result<Vec<StoredDatabase>, StoreError>> {
        let databases =
            self.lock().iter().map(|(name, stored)| StoredDatabase { name: name.clone(), id: stored.id }).collect();
        async move { Ok(databases) }.boxed()
    }

    fn read(
        &self,
        name: DatabaseName,
        after: u64,
        bytes_max: usize,
    ) -> BoxFuture<'_, Result<Vec<StoredBatch>, StoreError>> {
        let mut bytes = 0;
        let batches = self.lock().get(&name).map_or(Vec::new(), |stored| {
            let beyond = stored.kept.iter().filter(|batch| batch.number > after);
            let within = beyond.enumerate().take_while(|(index, batch)| {
                bytes += batch.bytes.len();
                *index == 0 || bytes <= bytes_max
            });
            within.map(|(_, batch)| batch.clone()).collect()
        });
        async move { Ok(batches) }.boxed()
    }

    fn append(&self, database: StoredDatabase, batches: Vec<StoredBatch>) -> BoxFuture<'_, Result<(), StoreError>> {
        async move { self.append_now(&database, batches) }.boxed()
    }

    fn cut(&self, name: DatabaseName, number: u64) -> BoxFuture<'_, Result<(), StoreError>> {
        async move { self.cut_now(&name, number) }.boxed()
    }

    fn forget(&self, name: DatabaseName, before: u64) -> BoxFuture<'_, Result<(), StoreError>> {
        async move {
            self.forget_now(&name, before);
            Ok(())
        }
        .boxed()
    }
}
