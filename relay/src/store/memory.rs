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
    databases: Mutex<BTreeMap<DatabaseName, (DatabaseId, Vec<StoredBatch>)>>,
}

impl MemoryStore {
    /// An empty store.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<DatabaseName, (DatabaseId, Vec<StoredBatch>)>> {
        // Each change is a single push or insert, so that a panic elsewhere leaves nothing half done.
        self.databases.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn append_now(&self, database: &StoredDatabase, batches: Vec<StoredBatch>) -> Result<(), StoreError> {
        let mut databases = self.lock();
        let (stored, last) =
            databases.get(&database.name).map_or((database.id, 0), |(id, batches)| (*id, batches.len() as u64));
        super::check_append(database, stored, last, &batches)?;
        databases.entry(database.name.clone()).or_insert((database.id, Vec::new())).1.extend(batches);
        Ok(())
    }

    fn cut_now(&self, name: &DatabaseName, number: u64) -> Result<(), StoreError> {
        let mut databases = self.lock();
        let batches = databases.get_mut(name).map(|(_, batches)| batches);
        let last = batches.as_ref().and_then(|batches| batches.last()).map_or(0, |batch| batch.number);
        super::check_cut(name, last, number)?;
        batches.and_then(Vec::pop);
        Ok(())
    }
}

impl Store for MemoryStore {
    fn databases(&self) -> BoxFuture<'_, Result<Vec<StoredDatabase>, StoreError>> {
        let databases =
            self.lock().iter().map(|(name, (id, _))| StoredDatabase { name: name.clone(), id: *id }).collect();
        async move { Ok(databases) }.boxed()
    }

    fn read(
        &self,
        name: DatabaseName,
        after: u64,
        bytes_max: usize,
    ) -> BoxFuture<'_, Result<Vec<StoredBatch>, StoreError>> {
        let mut bytes = 0;
        let batches = self.lock().get(&name).map_or(Vec::new(), |(_, batches)| {
            let beyond = batches.iter().filter(|batch| batch.number > after);
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
}
