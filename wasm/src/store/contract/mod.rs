//! What every store of a replica's batches owes the host, for every store.
//!
//! [`ReplicaStore`](super::ReplicaStore) passes it in a browser (`web/e2e/store-contract.spec.ts`), and the store in memory
//! natively. What memory does is simple enough to be seen to be right, so that it is the model for random histories, and it
//! has no other use. Neither is part of what is shipped.
//!
//! A clause that does not hold panics.

#![expect(clippy::unwrap_used, reason = "these are tests, which are compiled for a browser, too")]

#[cfg(feature = "contract")]
pub(crate) mod indexed_db;
mod memory;
mod random;

use std::{
    ops::RangeInclusive,
    pin::{Pin, pin},
    task::Poll,
};

use bayou_core::StoredBatch;

use self::{memory::Memory, random::Numbers};
use super::{StorageError, StorageErrorKind};

/// What keeps stores by their names.
trait Medium {
    type Store: Store;
    async fn open(&self, name: &str) -> Result<(Self::Store, Vec<StoredBatch>), StorageError>;
    async fn delete(&self, name: &str) -> Result<(), StorageError>;
    async fn has(&self, name: &str) -> bool;
    /// What can be read of a store, whatever is damaged of it.
    async fn salvage(&self, name: &str) -> Result<Vec<StoredBatch>, StorageError>;
    /// Has a store lose these batches, which were appended in one piece.
    async fn lose(&self, name: &str, batches: RangeInclusive<u64>);
    /// Has so many transactions fail, of the next ones that write: each after all of its requests were made.
    fn fail(&self, transactions: u32);
}

/// One store, with the methods of [`ReplicaStore`](super::ReplicaStore).
trait Store {
    async fn read(&self) -> Result<Vec<StoredBatch>, StorageError>;
    async fn append(&self, batches: &[StoredBatch]) -> Result<(), StorageError>;
    async fn cut(&self, number: u64) -> Result<(), StorageError>;
    async fn forget(&self, before: u64) -> Result<(), StorageError>;
    async fn compact(&self);
    fn end(&self);
}

/// How a transaction fails that the browser aborts.
const FAILED: StorageErrorKind = StorageErrorKind::Closed;

const NAME: &str = "bayou/contract/0123456789abcdef0123456789abcdef";

fn batch(number: u64) -> StoredBatch {
    StoredBatch { number, bytes: format!("content of batch {number}").into_bytes() }
}

fn batches(numbers: impl IntoIterator<Item = u64>) -> Vec<StoredBatch> {
    numbers.into_iter().map(batch).collect()
}

/// A store that holds these batches, each range in a record of its own.
async fn holding<M: Medium>(medium: &M, records: &[RangeInclusive<u64>]) -> M::Store {
    let (store, held) = medium.open(NAME).await.unwrap();
    assert!(held.is_empty());
    for numbers in records {
        store.append(&batches(numbers.clone())).await.unwrap();
    }
    store
}

/// The store holds exactly this, as far as it knows itself and for whoever opens it next.
async fn assert_holds<M: Medium>(medium: &M, store: &M::Store, expected: &[StoredBatch]) {
    assert_eq!(store.read().await.unwrap(), expected);
    assert_keeps(medium, expected).await;
}

async fn assert_keeps<M: Medium>(medium: &M, expected: &[StoredBatch]) {
    let (reopened, held) = medium.open(NAME).await.unwrap();
    assert_eq!(held, expected);
    reopened.end();
}

fn assert_refused<T: std::fmt::Debug>(result: Result<T, StorageError>, kind: StorageErrorKind) {
    assert_eq!(result.expect_err("it is refused").kind, kind);
}

/// Begins something, and leaves it before it is done.
async fn begin<F: Future>(mut future: Pin<&mut F>) -> Poll<F::Output> {
    std::future::poll_fn(|context| Poll::Ready(future.as_mut().poll(context))).await
}

async fn end_of<F: Future>(begun: Poll<F::Output>, future: Pin<&mut F>) -> F::Output {
    match begun {
        Poll::Ready(value) => value,
        Poll::Pending => future.await,
    }
}

async fn what_is_appended_is_read_in_order<M: Medium>(medium: &M) {
    let (store, held) = medium.open(NAME).await.unwrap();
    assert!(held.is_empty());
    store.append(&[]).await.unwrap();
    assert_holds(medium, &store, &[]).await;
    store.append(&batches(1..=1)).await.unwrap();
    store.append(&batches(2..=12)).await.unwrap();
    assert_holds(medium, &store, &batches(1..=12)).await;
    store.append(&[]).await.unwrap();
    store.append(&batches(13..=13)).await.unwrap();
    assert_holds(medium, &store, &batches(1..=13)).await;
}

async fn batches_of_any_size_come_back_as_they_were<M: Medium>(medium: &M) {
    let (store, _) = medium.open(NAME).await.unwrap();
    let sizes = [0, 1, 4 * 1024 * 1024, 0, 300 * 1024];
    let sized = |(number, size): (u64, &usize)| StoredBatch { number, bytes: vec![number as u8; *size] };
    let all: Vec<StoredBatch> = (1..).zip(&sizes).map(sized).collect();
    store.append(&all[..2]).await.unwrap();
    store.append(&all[2..]).await.unwrap();
    assert_holds(medium, &store, &all).await;
}

async fn an_append_out_of_turn_is_refused_and_changes_nothing<M: Medium>(medium: &M) {
    let store = holding(medium, &[]).await;
    assert_refused(store.append(&batches([2])).await, StorageErrorKind::Fenced);
    store.append(&batches(1..=3)).await.unwrap();
    for numbers in [&[3][..], &[5], &[4, 6], &[1, 2, 3, 4], &[5, 4]] {
        assert_refused(store.append(&batches(numbers.iter().copied())).await, StorageErrorKind::Fenced);
        assert_holds(medium, &store, &batches(1..=3)).await;
    }
    store.append(&batches(4..=4)).await.unwrap();
    assert_holds(medium, &store, &batches(1..=4)).await;
}

async fn of_two_writers_the_second_is_refused_and_changes_nothing<M: Medium>(medium: &M) {
    let first = holding(medium, &[1..=3]).await;
    let (second, held) = medium.open(NAME).await.unwrap();
    assert_eq!(held, batches(1..=3));
    first.append(&batches(4..=5)).await.unwrap();
    let other = StoredBatch { number: 4, bytes: b"something else".to_vec() };
    assert_refused(second.append(&[other]).await, StorageErrorKind::Fenced);
    assert_refused(second.append(&batches(4..=6)).await, StorageErrorKind::Fenced);
    second.end();
    first.append(&batches(6..=6)).await.unwrap();
    assert_holds(medium, &first, &batches(1..=6)).await;
}

async fn only_the_last_batch_can_be_cut_and_the_next_one_takes_its_place<M: Medium>(medium: &M) {
    let store = holding(medium, &[1..=3, 4..=4]).await;
    for number in [0, 3, 5] {
        assert_refused(store.cut(number).await, StorageErrorKind::Fenced);
        assert_holds(medium, &store, &batches(1..=4)).await;
    }
    store.cut(4).await.unwrap();
    assert_holds(medium, &store, &batches(1..=3)).await;
    store.cut(3).await.unwrap();
    assert_holds(medium, &store, &batches(1..=2)).await;
    let replacement = StoredBatch { number: 3, bytes: b"something else".to_vec() };
    store.append(std::slice::from_ref(&replacement)).await.unwrap();
    assert_holds(medium, &store, &[batches(1..=2), vec![replacement]].concat()).await;
}

async fn what_is_forgotten_is_not_read_and_the_numbers_go_on<M: Medium>(medium: &M) {
    let store = holding(medium, &[1..=1, 2..=5, 6..=9, 10..=10]).await;
    // Between records, within one, again, and what is forgotten already.
    for (before, first) in [(1, 1), (2, 2), (4, 4), (4, 4), (3, 4), (6, 6), (8, 8)] {
        store.forget(before).await.unwrap();
        assert_holds(medium, &store, &batches(first..=10)).await;
    }
    store.append(&batches(11..=12)).await.unwrap();
    store.forget(12).await.unwrap();
    assert_holds(medium, &store, &batches(12..=12)).await;
    store.append(&batches(13..=13)).await.unwrap();
    assert_holds(medium, &store, &batches(12..=13)).await;
}

async fn what_is_not_stored_yet_cannot_be_forgotten<M: Medium>(medium: &M) {
    let store = holding(medium, &[1..=3]).await;
    assert_refused(store.forget(4).await, StorageErrorKind::Fenced);
    assert_refused(store.forget(100).await, StorageErrorKind::Fenced);
    assert_holds(medium, &store, &batches(1..=3)).await;
}

async fn compaction_changes_nothing_that_is_read<M: Medium>(medium: &M) {
    let store = holding(medium, &[]).await;
    store.compact().await;
    assert_holds(medium, &store, &[]).await;
    for number in 1..=20 {
        store.append(&batches([number])).await.unwrap();
    }
    store.compact().await;
    assert_holds(medium, &store, &batches(1..=20)).await;
    store.append(&batches(21..=22)).await.unwrap();
    store.forget(7).await.unwrap();
    store.compact().await;
    assert_holds(medium, &store, &batches(7..=22)).await;
    store.cut(22).await.unwrap();
    store.append(&batches(22..=23)).await.unwrap();
    store.compact().await;
    assert_holds(medium, &store, &batches(7..=23)).await;
}

async fn an_append_that_fails_once_is_made_again<M: Medium>(medium: &M) {
    let store = holding(medium, &[1..=3]).await;
    medium.fail(1);
    store.append(&batches(4..=6)).await.unwrap();
    assert_holds(medium, &store, &batches(1..=6)).await;
}

async fn what_fails_changes_nothing_and_can_be_done_later<M: Medium>(medium: &M) {
    let store = holding(medium, &[1..=3, 4..=6]).await;
    let unchanged = batches(1..=6);
    medium.fail(2);
    assert_refused(store.append(&batches(7..=9)).await, FAILED);
    assert_holds(medium, &store, &unchanged).await;
    medium.fail(1);
    assert_refused(store.forget(5).await, FAILED);
    assert_holds(medium, &store, &unchanged).await;
    medium.fail(1);
    assert_refused(store.cut(6).await, FAILED);
    assert_holds(medium, &store, &unchanged).await;
    medium.fail(1);
    store.compact().await;
    assert_holds(medium, &store, &unchanged).await;
    medium.fail(0);

    store.append(&batches(7..=9)).await.unwrap();
    store.forget(5).await.unwrap();
    store.cut(9).await.unwrap();
    store.compact().await;
    assert_holds(medium, &store, &batches(5..=8)).await;
}

async fn after_its_end_nothing_is_begun<M: Medium>(medium: &M) {
    let store = holding(medium, &[1..=3]).await;
    store.end();
    assert_refused(store.append(&batches(4..=4)).await, StorageErrorKind::Closed);
    assert_refused(store.cut(3).await, StorageErrorKind::Closed);
    assert_refused(store.forget(2).await, StorageErrorKind::Closed);
    assert_refused(store.read().await, StorageErrorKind::Closed);
    store.compact().await;
    assert_keeps(medium, &batches(1..=3)).await;

    let (next, held) = medium.open(NAME).await.unwrap();
    next.append(&batches(4..=4)).await.unwrap();
    assert_eq!(held, batches(1..=3));
    assert_holds(medium, &next, &batches(1..=4)).await;
}

async fn what_is_under_way_at_the_end_is_done_or_not_and_never_tried_again<M: Medium>(medium: &M) {
    let store = holding(medium, &[1..=3]).await;
    {
        let four_to_six = batches(4..=6);
        let mut append = pin!(store.append(&four_to_six));
        let begun = begin(append.as_mut()).await;
        store.end();
        let is_done = end_of(begun, append).await.is_ok();
        let (_, held) = medium.open(NAME).await.unwrap();
        assert!(held == batches(1..=6) || (held == batches(1..=3) && !is_done), "{held:?}");
    }
    let (store, held) = medium.open(NAME).await.unwrap();
    let last = held.last().map_or(0, |batch| batch.number);
    medium.fail(1);
    let next = batches([last + 1]);
    let mut append = pin!(store.append(&next));
    let begun = begin(append.as_mut()).await;
    store.end();
    assert_refused(end_of(begun, append).await, StorageErrorKind::Closed);
    assert_keeps(medium, &held).await;
}

async fn a_store_that_was_deleted_takes_nothing_more<M: Medium>(medium: &M) {
    let store = holding(medium, &[1..=3]).await;
    medium.delete(NAME).await.unwrap();
    for _ in 0..2 {
        assert_refused(store.append(&batches(4..=4)).await, StorageErrorKind::Lost);
        assert_refused(store.read().await, StorageErrorKind::Lost);
    }
    assert!(!medium.has(NAME).await, "nobody would look for what was made in its place");
}

async fn what_can_be_read_of_a_damaged_store_is_salvaged_and_it_stays_as_it_is<M: Medium>(medium: &M) {
    holding(medium, &[1..=2, 3..=5, 6..=6]).await.end();
    assert_eq!(medium.salvage(NAME).await.unwrap(), batches(1..=6), "of a whole one it is all");
    medium.lose(NAME, 3..=5).await;
    for _ in 0..2 {
        assert_refused(medium.open(NAME).await.map(drop), StorageErrorKind::Corrupted);
        assert_eq!(medium.salvage(NAME).await.unwrap(), batches([1, 2, 6]));
    }
    medium.lose(NAME, 1..=2).await;
    assert_eq!(medium.salvage(NAME).await.unwrap(), batches([6]));
    medium.lose(NAME, 6..=6).await;
    assert_eq!(medium.salvage(NAME).await.unwrap(), []);
}

/// Whatever is done, and whatever fails of it: the store does what memory does.
async fn random_histories_end_as_in_memory<M: Medium>(medium: &M) {
    for seed in 0..HISTORIES {
        random_history(medium, seed).await;
        medium.delete(NAME).await.unwrap();
    }
}

const HISTORIES: u64 = 40;
const STEPS: u64 = 30;

async fn random_history<M: Medium>(medium: &M, seed: u64) {
    let mut numbers = Numbers::new(seed);
    let model = Memory::default();
    let (mut store, _) = medium.open(NAME).await.unwrap();
    let (mut expected, _) = model.open(NAME).await.unwrap();
    for step in 0..STEPS {
        let failing = if numbers.below(4) == 0 { 1 + numbers.below(2) as u32 } else { 0 };
        medium.fail(failing);
        model.fail(failing);
        let held = expected.read().await.unwrap();
        let (first, last) = (held.first().map_or(1, |batch| batch.number), expected.stored());
        let (told, foretold) = match numbers.below(10) {
            0..=4 => {
                // Seldom one that is too early or too late.
                let from = (last + 1 + numbers.below(8) / 7).saturating_sub(numbers.below(8) / 7);
                let new = numbers.batches(from);
                (store.append(&new).await, expected.append(&new).await)
            }
            // One that begins with a checkpoint is never cut back to nothing.
            5 if first == 1 || first < last => {
                let number = last.saturating_sub(numbers.below(4) / 3);
                (store.cut(number).await, expected.cut(number).await)
            }
            5..=7 => {
                let before = first + numbers.below(last.saturating_sub(first) + 2);
                (store.forget(before).await, expected.forget(before).await)
            }
            8 => {
                store.compact().await;
                (Ok(()), Ok(()))
            }
            _ => {
                store.end();
                expected.end();
                store = medium.open(NAME).await.unwrap().0;
                expected = model.open(NAME).await.unwrap().0;
                (Ok(()), Ok(()))
            }
        };
        medium.fail(0);
        model.fail(0);
        let kinds = [told, foretold].map(|result| result.map_err(|error| error.kind));
        assert_eq!(kinds[0], kinds[1], "history {seed}, step {step}");
        let held = expected.read().await.unwrap();
        // Not with `assert_eq`: some are large.
        assert!(store.read().await.unwrap() == held, "history {seed}, step {step}: what is read");
        let (reopened, kept) = medium.open(NAME).await.unwrap();
        reopened.end();
        assert!(kept == held, "history {seed}, step {step}: what is kept");
    }
}

macro_rules! contract {
    ($($clause:ident),* $(,)?) => {
        #[cfg(feature = "contract")]
        const CLAUSES: &[&str] = &[$(stringify!($clause)),*];

        #[cfg(feature = "contract")]
        async fn run<M: Medium>(clause: &str, medium: &M) {
            match clause {
                $(stringify!($clause) => $clause(medium).await,)*
                _ => panic!("there is no clause {clause}"),
            }
        }

        #[cfg(test)]
        mod memory_keeps_it {
            use super::*;
            $(#[test] fn $clause() { memory::completed(super::$clause(&Memory::default())); })*
        }
    };
}

contract! {
    what_is_appended_is_read_in_order,
    batches_of_any_size_come_back_as_they_were,
    an_append_out_of_turn_is_refused_and_changes_nothing,
    of_two_writers_the_second_is_refused_and_changes_nothing,
    only_the_last_batch_can_be_cut_and_the_next_one_takes_its_place,
    what_is_forgotten_is_not_read_and_the_numbers_go_on,
    what_is_not_stored_yet_cannot_be_forgotten,
    compaction_changes_nothing_that_is_read,
    an_append_that_fails_once_is_made_again,
    what_fails_changes_nothing_and_can_be_done_later,
    after_its_end_nothing_is_begun,
    what_is_under_way_at_the_end_is_done_or_not_and_never_tried_again,
    a_store_that_was_deleted_takes_nothing_more,
    what_can_be_read_of_a_damaged_store_is_salvaged_and_it_stays_as_it_is,
    random_histories_end_as_in_memory,
}
