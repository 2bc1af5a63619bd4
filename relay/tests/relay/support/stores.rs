//! Stores that misbehave on command, around one that behaves.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicBool, AtomicUsize, Ordering},
};

use bayou_core::{DatabaseName, StoredBatch};
use bayou_relay::{MemoryStore, Store, StoreError, StoredDatabase};
use futures_util::{FutureExt, future::BoxFuture};
use tokio::sync::{Semaphore, watch};

type Answer<'a, T> = BoxFuture<'a, Result<T, StoreError>>;

/// How an append of a [`FaultyStore`] fails.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Fault {
    /// Nothing is stored.
    Lost,
    /// All is stored, but the answer is that it failed, as when a disk fails after it has written.
    StoredAll,
    /// It panics, as a fault of the program does.
    Panic,
}

/// Fails appends on command.
#[derive(Debug, Default)]
pub(crate) struct FaultyStore {
    inner: MemoryStore,
    /// How one of the next appends fails, and how many come before it.
    next: Mutex<Option<(usize, Fault)>>,
    fails_forgets: AtomicBool,
    failed_forgets: AtomicUsize,
}

impl FaultyStore {
    pub(crate) fn fail_next(&self, fault: Fault) {
        self.fail_after(0, fault);
    }

    /// Lets so many appends pass before one fails.
    pub(crate) fn fail_after(&self, appends: usize, fault: Fault) {
        *self.next.lock().unwrap() = Some((appends, fault));
    }

    /// Whether no append is to fail any more.
    pub(crate) fn has_failed(&self) -> bool {
        self.next.lock().unwrap().is_none()
    }

    fn take_fault(&self) -> Option<Fault> {
        let mut next = self.next.lock().unwrap();
        match &mut *next {
            Some((0, _)) => next.take().map(|(_, fault)| fault),
            Some((appends, _)) => {
                *appends -= 1;
                None
            }
            None => None,
        }
    }

    pub(crate) fn fail_forgets(&self, fails: bool) {
        self.fails_forgets.store(fails, Ordering::Relaxed);
    }

    pub(crate) fn failed_forgets(&self) -> usize {
        self.failed_forgets.load(Ordering::Relaxed)
    }
}

impl Store for FaultyStore {
    fn databases(&self) -> Answer<'_, Vec<StoredDatabase>> {
        self.inner.databases()
    }

    fn read(&self, name: DatabaseName, after: u64, bytes_max: usize) -> Answer<'_, Vec<StoredBatch>> {
        self.inner.read(name, after, bytes_max)
    }

    fn append(&self, database: StoredDatabase, batches: Vec<StoredBatch>) -> Answer<'_, ()> {
        let fault = self.take_fault();
        async move {
            match fault {
                None => self.inner.append(database, batches).await,
                Some(Fault::Lost) => Err(StoreError::failed("the disk is full (a test)")),
                Some(Fault::StoredAll) => {
                    self.inner.append(database, batches).await?;
                    Err(StoreError::failed("the disk does not answer (a test)"))
                }
                Some(Fault::Panic) => panic!("a fault of the program (a test)"),
            }
        }
        .boxed()
    }

    fn cut(&self, name: DatabaseName, number: u64) -> Answer<'_, ()> {
        self.inner.cut(name, number)
    }

    fn forget(&self, name: DatabaseName, before: u64) -> Answer<'_, ()> {
        if self.fails_forgets.load(Ordering::Relaxed) {
            self.failed_forgets.fetch_add(1, Ordering::Relaxed);
            return async { Err(StoreError::failed("the disk is busy (a test)")) }.boxed();
        }
        self.inner.forget(name, before)
    }
}

/// Holds appends back while its gate is shut.
#[derive(Debug)]
pub(crate) struct GatedStore {
    inner: MemoryStore,
    gate: Semaphore,
    waiting: watch::Sender<usize>,
}

impl GatedStore {
    /// One whose gate is open.
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self { inner: MemoryStore::new(), gate: Semaphore::new(1), waiting: watch::Sender::new(0) })
    }

    /// Shuts the gate, after the append that may be passing it.
    pub(crate) async fn shut(&self) {
        self.gate.acquire().await.unwrap().forget();
    }

    pub(crate) fn open(&self) {
        self.gate.add_permits(1);
    }

    /// Waits until an append stands before the gate.
    pub(crate) async fn until_one_waits(&self) {
        self.waiting.subscribe().wait_for(|waiting| *waiting > 0).await.unwrap();
    }
}

impl Store for GatedStore {
    fn databases(&self) -> Answer<'_, Vec<StoredDatabase>> {
        self.inner.databases()
    }

    fn read(&self, name: DatabaseName, after: u64, bytes_max: usize) -> Answer<'_, Vec<StoredBatch>> {
        self.inner.read(name, after, bytes_max)
    }

    fn append(&self, database: StoredDatabase, batches: Vec<StoredBatch>) -> Answer<'_, ()> {
        async move {
            self.waiting.send_modify(|waiting| *waiting += 1);
            let _passing = self.gate.acquire().await.unwrap();
            self.waiting.send_modify(|waiting| *waiting -= 1);
            self.inner.append(database, batches).await
        }
        .boxed()
    }

    fn cut(&self, name: DatabaseName, number: u64) -> Answer<'_, ()> {
        self.inner.cut(name, number)
    }

    fn forget(&self, name: DatabaseName, before: u64) -> Answer<'_, ()> {
        self.inner.forget(name, before)
    }
}

/// Counts how often a database was loaded.
#[derive(Debug, Default)]
pub(crate) struct ReadCountingStore {
    inner: MemoryStore,
    loads: AtomicUsize,
}

impl ReadCountingStore {
    pub(crate) fn loads(&self) -> usize {
        self.loads.load(Ordering::Relaxed)
    }
}

impl Store for ReadCountingStore {
    fn databases(&self) -> Answer<'_, Vec<StoredDatabase>> {
        self.inner.databases()
    }

    fn read(&self, name: DatabaseName, after: u64, bytes_max: usize) -> Answer<'_, Vec<StoredBatch>> {
        if after == 0 {
            self.loads.fetch_add(1, Ordering::Relaxed);
        }
        self.inner.read(name, after, bytes_max)
    }

    fn append(&self, database: StoredDatabase, batches: Vec<StoredBatch>) -> Answer<'_, ()> {
        self.inner.append(database, batches)
    }

    fn cut(&self, name: DatabaseName, number: u64) -> Answer<'_, ()> {
        self.inner.cut(name, number)
    }

    fn forget(&self, name: DatabaseName, before: u64) -> Answer<'_, ()> {
        self.inner.forget(name, before)
    }
}
