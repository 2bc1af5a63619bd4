//! The way of batches to stable storage: in order, one transaction at a time, all that wait in the next one.

use std::cell::{Cell, RefCell};

use bayou_core::StoredBatch;
use futures_channel::oneshot;

use crate::{
    orphans::warn,
    store::{ReplicaStore, StorageError},
};

/// Where one transaction ends and the next begins, if so much waits.
const TRANSACTION_BYTES_TARGET: usize = 8 * 1024 * 1024;

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Idle,
    Running,
    /// A batch could not be stored. What comes after a gap must not be.
    Failed,
}

/// A store with the batches that wait for it.
pub(super) struct Writer {
    store: ReplicaStore,
    waiting: RefCell<Vec<StoredBatch>>,
    /// The number of the last batch that was added; 0 if none was.
    last_pushed: Cell<u64>,
    /// Stored batches with lower numbers than this are not needed any more.
    unforgotten: Cell<Option<u64>>,
    state: Cell<State>,
    /// Dropped when the writer comes to rest.
    awaiting_rest: RefCell<Vec<oneshot::Sender<()>>>,
}

impl Writer {
    pub(super) fn new(store: ReplicaStore) -> Self {
        Self {
            store,
            waiting: RefCell::default(),
            last_pushed: Cell::default(),
            unforgotten: Cell::default(),
            state: Cell::new(State::Idle),
            awaiting_rest: RefCell::default(),
        }
    }

    pub(super) fn store(&self) -> &ReplicaStore {
        &self.store
    }

    /// Adds a batch. Whoever gets `true` has to [`run`](Self::run) the writer.
    #[must_use]
    pub(super) fn push(&self, batch: StoredBatch) -> bool {
        self.last_pushed.set(batch.number);
        self.waiting.borrow_mut().push(batch);
        self.starts()
    }

    /// The number of the last batch that was added; 0 if none was since the store was opened.
    pub(super) fn last_pushed(&self) -> u64 {
        self.last_pushed.get()
    }

    /// Has batches with lower numbers than this deleted, once nothing waits to be stored. Likewise.
    #[must_use]
    pub(super) fn forget(&self, before: u64) -> bool {
        self.unforgotten.set(Some(before));
        self.starts()
    }

    /// Ends the writer and its store: nothing more is written, and nothing is tried again.
    pub(super) fn end(&self) {
        self.waiting.take();
        self.unforgotten.take();
        self.store.end();
    }

    fn starts(&self) -> bool {
        let is_idle = self.is_idle();
        if is_idle {
            self.state.set(State::Running);
        }
        is_idle
    }

    /// Whether all that was pushed is stored.
    pub(super) fn is_idle(&self) -> bool {
        self.state.get() == State::Idle
    }

    /// Waits until all that was pushed is stored, or storing failed.
    pub(super) async fn rest(&self) {
        if self.state.get() == State::Running {
            let (sender, rested) = oneshot::channel();
            self.awaiting_rest.borrow_mut().push(sender);
            // It is never sent, only dropped.
            let _ = rested.await;
        }
    }

    /// Stores what waits and what joins it meanwhile, and reports each time through which number all is stored.
    pub(super) async fn run(&self, stored_through: impl Fn(u64)) -> Result<(), StorageError> {
        let result = self.store_all(stored_through).await;
        self.state.set(if result.is_ok() { State::Idle } else { State::Failed });
        self.awaiting_rest.take();
        result
    }

    async fn store_all(&self, stored_through: impl Fn(u64)) -> Result<(), StorageError> {
        loop {
            let batches = self.next_transaction();
            if let Some(last) = batches.last() {
                self.store.append(&batches).await?;
                stored_through(last.number);
            } else if let Some(before) = self.unforgotten.take() {
                if let Err(error) = self.store.forget(before).await {
                    // They cost room and nothing else, and go with the next ones that are not needed.
                    warn("What is stored and not needed any more cannot be deleted", &error.to_string());
                }
            } else if self.store.wants_compaction() {
                self.store.compact().await;
            } else {
                return Ok(());
            }
        }
    }

    fn next_transaction(&self) -> Vec<StoredBatch> {
        let mut waiting = self.waiting.borrow_mut();
        let mut bytes = 0;
        let fitting = waiting.iter().take_while(|batch| {
            let fits = bytes < TRANSACTION_BYTES_TARGET;
            bytes += batch.bytes.len();
            fits
        });
        let count = fitting.count();
        waiting.drain(..count).collect()
    }
}
