//! Stores in memory: what the contract says, in the plainest way.

use std::{
    cell::{Cell, RefCell},
    collections::BTreeMap,
    ops::RangeInclusive,
    rc::Rc,
    task::Poll,
};

use bayou_core::StoredBatch;

use super::{FAILED, Medium, Store};
use crate::store::{StorageError, StorageErrorKind};

type Batches = Rc<RefCell<Option<Vec<StoredBatch>>>>;

#[derive(Default)]
pub(super) struct Memory {
    stores: RefCell<BTreeMap<String, Batches>>,
    failing: Rc<Cell<u32>>,
}

pub(super) struct MemoryStore {
    /// `None` once it is deleted.
    batches: Batches,
    failing: Rc<Cell<u32>>,
    stored: Cell<u64>,
    has_ended: Cell<bool>,
}

impl Medium for Memory {
    type Store = MemoryStore;

    async fn open(&self, name: &str) -> Result<(MemoryStore, Vec<StoredBatch>), StorageError> {
        let new = || Rc::new(RefCell::new(Some(Vec::new())));
        let batches = Rc::clone(self.stores.borrow_mut().entry(name.to_owned()).or_insert_with(new));
        let held = batches.borrow().clone().unwrap_or_default();
        if held.windows(2).any(|two| two[0].number + 1 != two[1].number) {
            return Err(error(StorageErrorKind::Corrupted));
        }
        let stored = Cell::new(held.last().map_or(0, |batch| batch.number));
        Ok((MemoryStore { batches, failing: Rc::clone(&self.failing), stored, has_ended: Cell::default() }, held))
    }

    async fn delete(&self, name: &str) -> Result<(), StorageError> {
        if let Some(batches) = self.stores.borrow_mut().remove(name) {
            batches.take();
        }
        Ok(())
    }

    async fn has(&self, name: &str) -> bool {
        self.stores.borrow().contains_key(name)
    }

    async fn salvage(&self, name: &str) -> Result<Vec<StoredBatch>, StorageError> {
        let stores = self.stores.borrow();
        Ok(stores.get(name).and_then(|batches| batches.borrow().clone()).unwrap_or_default())
    }

    async fn lose(&self, name: &str, lost: RangeInclusive<u64>) {
        if let Some(batches) = self.stores.borrow().get(name) {
            batches.borrow_mut().iter_mut().for_each(|held| held.retain(|batch| !lost.contains(&batch.number)));
        }
    }

    fn fail(&self, transactions: u32) {
        self.failing.set(transactions);
    }
}

impl MemoryStore {
    /// The number of the last batch that it knows of.
    pub(super) const fn stored(&self) -> u64 {
        self.stored.get()
    }

    /// A transaction, or nothing of it.
    fn write(&self, change: impl FnOnce(&mut Vec<StoredBatch>)) -> Result<(), StorageError> {
        let mut batches = self.read_now()?;
        if self.failing.get() > 0 {
            self.failing.set(self.failing.get() - 1);
            return Err(error(FAILED));
        }
        change(&mut batches);
        self.batches.replace(Some(batches));
        Ok(())
    }

    fn read_now(&self) -> Result<Vec<StoredBatch>, StorageError> {
        if self.has_ended.get() {
            return Err(error(StorageErrorKind::Closed));
        }
        self.batches.borrow().clone().ok_or_else(|| error(StorageErrorKind::Lost))
    }

    fn append_now(&self, batches: &[StoredBatch]) -> Result<(), StorageError> {
        let last = self.read_now()?.last().map_or(0, |batch| batch.number);
        if last > self.stored.get() {
            return Err(error(StorageErrorKind::Fenced));
        }
        self.write(|held| held.extend_from_slice(batches))
    }
}

impl Store for MemoryStore {
    async fn read(&self) -> Result<Vec<StoredBatch>, StorageError> {
        self.read_now()
    }

    async fn append(&self, batches: &[StoredBatch]) -> Result<(), StorageError> {
        let Some(last) = batches.last() else { return Ok(()) };
        if (self.stored.get() + 1..).zip(batches).any(|(number, batch)| batch.number != number) {
            return Err(error(StorageErrorKind::Fenced));
        }
        if self.append_now(batches).is_err_and(|error| error.may_reopen()) {
            yield_once().await;
        }
        if self.batches.borrow().as_ref().and_then(|held| held.last()) != Some(last) {
            self.append_now(batches)?;
        }
        self.stored.set(last.number);
        Ok(())
    }

    async fn cut(&self, number: u64) -> Result<(), StorageError> {
        if number == 0 || number != self.stored.get() {
            return Err(error(StorageErrorKind::Fenced));
        }
        self.write(|held| drop(held.pop()))?;
        self.stored.set(number - 1);
        Ok(())
    }

    async fn forget(&self, before: u64) -> Result<(), StorageError> {
        if before > self.stored.get() {
            return Err(error(StorageErrorKind::Fenced));
        }
        // Where nothing is to be deleted, nothing is written that could fail.
        if self.read_now()?.iter().all(|batch| batch.number >= before) {
            return Ok(());
        }
        self.write(|held| held.retain(|batch| batch.number >= before))
    }

    async fn compact(&self) {}

    fn end(&self) {
        self.has_ended.set(true);
    }
}

fn error(kind: StorageErrorKind) -> StorageError {
    StorageError::new(kind, "in memory")
}

/// Lets others go on, once.
async fn yield_once() {
    let mut has_yielded = false;
    std::future::poll_fn(|context| {
        if has_yielded {
            return Poll::Ready(());
        }
        has_yielded = true;
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

/// What waits for nothing but itself.
#[cfg(test)]
pub(super) fn completed(future: impl Future<Output = ()>) {
    let mut future = std::pin::pin!(future);
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    while future.as_mut().poll(&mut context).is_pending() {}
}
