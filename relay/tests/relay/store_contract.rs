//! What every store owes the relay, for every store.

use bayou_core::{DatabaseId, StoredBatch};
use bayou_relay::{DataFolder, MemoryStore, SqliteStore, Store, StoreError, StoredDatabase};

use crate::support::name;

fn database(text: &str) -> StoredDatabase {
    StoredDatabase { name: name(text), id: DatabaseId::from_random([text.len() as u8; 16]) }
}

fn batch(number: u64) -> StoredBatch {
    StoredBatch { number, bytes: format!("content of batch {number}").into_bytes() }
}

fn batches(numbers: impl IntoIterator<Item = u64>) -> Vec<StoredBatch> {
    numbers.into_iter().map(batch).collect()
}

async fn read_all(store: &dyn Store, database: &StoredDatabase) -> Vec<StoredBatch> {
    store.read(database.name.clone(), 0, usize::MAX).await.unwrap()
}

async fn batches_are_read_in_order_by_database(store: &dyn Store) {
    let (one, other) = (database("one"), database("other"));
    assert!(store.databases().await.unwrap().is_empty());
    assert!(read_all(store, &one).await.is_empty());

    store.append(other.clone(), batches(1..=2)).await.unwrap();
    store.append(one.clone(), batches(1..=1)).await.unwrap();
    store.append(one.clone(), batches(2..=12)).await.unwrap();
    assert_eq!(read_all(store, &one).await, batches(1..=12));
    assert_eq!(read_all(store, &other).await, batches(1..=2));
    assert_eq!(store.databases().await.unwrap(), [one, other]);
}

async fn a_read_begins_after_a_number_and_stops_at_a_size(store: &dyn Store) {
    let one = database("one");
    store.append(one.clone(), batches(1..=9)).await.unwrap();
    let read = |after, bytes_max| store.read(one.name.clone(), after, bytes_max);
    let size = batch(1).bytes.len();
    assert_eq!(read(0, 0).await.unwrap(), batches(1..=1), "at least one");
    assert_eq!(read(3, 2 * size).await.unwrap(), batches(4..=5));
    assert_eq!(read(3, 3 * size - 1).await.unwrap(), batches(4..=5));
    assert_eq!(read(8, usize::MAX).await.unwrap(), batches(9..=9));
    assert!(read(9, usize::MAX).await.unwrap().is_empty());
}

async fn an_append_out_of_turn_is_fenced_and_changes_nothing(store: &dyn Store) {
    let one = database("one");
    let assert_fenced =
        async |numbers: Vec<u64>, next: u64| match store.append(one.clone(), batches(numbers.clone())).await {
            Err(StoreError::Fenced { expected, .. }) => assert_eq!(expected, next, "{numbers:?}"),
            other => panic!("{numbers:?}: {other:?}"),
        };
    assert_fenced(vec![2], 1).await;
    assert!(store.databases().await.unwrap().is_empty(), "a refused append makes no database");
    store.append(one.clone(), batches(1..=3)).await.unwrap();
    assert_fenced(vec![3], 4).await;
    assert_fenced(vec![5], 4).await;
    assert_fenced(vec![4, 6], 5).await;
    assert_fenced(vec![1, 2, 3, 4], 4).await;
    assert_eq!(read_all(store, &one).await, batches(1..=3));
    store.append(one.clone(), batches(4..=4)).await.unwrap();
}

async fn another_database_of_the_same_name_is_refused(store: &dyn Store) {
    let one = database("one");
    store.append(one.clone(), batches(1..=1)).await.unwrap();
    let impostor = StoredDatabase { id: DatabaseId::from_random([9; 16]), ..one.clone() };
    match store.append(impostor, batches(2..=2)).await {
        Err(StoreError::OtherDatabase { stored, .. }) => assert_eq!(stored, one.id),
        other => panic!("{other:?}"),
    }
    assert_eq!(read_all(store, &one).await, batches(1..=1));
}

async fn only_the_last_batch_can_be_cut_and_the_next_one_takes_its_place(store: &dyn Store) {
    let one = database("one");
    store.append(one.clone(), batches(1..=3)).await.unwrap();
    for number in [0, 2, 4] {
        match store.cut(one.name.clone(), number).await {
            Err(StoreError::Fenced { expected: 4, found, .. }) => assert_eq!(found, number),
            other => panic!("{number}: {other:?}"),
        }
    }
    assert!(store.cut(name("none"), 1).await.is_err());
    assert_eq!(read_all(store, &one).await, batches(1..=3));

    store.cut(one.name.clone(), 3).await.unwrap();
    assert_eq!(read_all(store, &one).await, batches(1..=2));
    let replacement = StoredBatch { number: 3, bytes: b"something else".to_vec() };
    store.append(one.clone(), vec![replacement.clone()]).await.unwrap();
    assert_eq!(store.read(one.name, 2, usize::MAX).await.unwrap(), [replacement]);
}

async fn what_is_forgotten_is_not_read_and_the_numbers_go_on(store: &dyn Store) {
    let (one, other) = (database("one"), database("other"));
    store.append(one.clone(), batches(1..=600)).await.unwrap();
    store.append(other.clone(), batches(1..=3)).await.unwrap();

    store.forget(one.name.clone(), 590).await.unwrap();
    assert_eq!(read_all(store, &one).await, batches(590..=600));
    assert_eq!(store.read(one.name.clone(), 3, 0).await.unwrap(), batches([590]));
    assert_eq!(store.read(one.name.clone(), 595, usize::MAX).await.unwrap(), batches(596..=600));
    assert_eq!(read_all(store, &other).await, batches(1..=3), "another database is left as it is");

    store.forget(one.name.clone(), 500).await.unwrap();
    assert_eq!(read_all(store, &one).await, batches(590..=600), "what is forgotten stays so");
    store.append(one.clone(), batches([601])).await.unwrap();
    match store.append(one.clone(), batches([1])).await {
        Err(StoreError::Fenced { expected: 602, .. }) => {}
        other => panic!("the fence stays: {other:?}"),
    }
    assert_eq!(read_all(store, &one).await, batches(590..=601));
    assert_eq!(store.databases().await.unwrap(), [one, other]);
}

async fn what_is_not_stored_yet_cannot_be_forgotten(store: &dyn Store) {
    let one = database("one");
    store.forget(one.name.clone(), 7).await.unwrap();
    assert!(store.databases().await.unwrap().is_empty());
    store.append(one.clone(), batches(1..=3)).await.unwrap();
    store.forget(one.name.clone(), 100).await.unwrap();
    assert!(read_all(store, &one).await.is_empty());
    assert!(store.cut(one.name.clone(), 3).await.is_err(), "what is forgotten is not the last batch any more");
    store.append(one.clone(), batches(4..=5)).await.unwrap();
    assert_eq!(read_all(store, &one).await, batches(4..=5));
}

macro_rules! contract {
    ($($clause:ident),* $(,)?) => {
        mod memory {
            use super::*;
            $(#[tokio::test] async fn $clause() { super::$clause(&MemoryStore::new()).await; })*
        }
        mod sqlite {
            use super::*;
            $(#[tokio::test] async fn $clause() {
                let folder = tempfile::tempdir().unwrap();
                super::$clause(&SqliteStore::open(DataFolder::open(folder.path()).unwrap()).unwrap()).await;
            })*
        }
    };
}

contract! {
    batches_are_read_in_order_by_database,
    a_read_begins_after_a_number_and_stops_at_a_size,
    an_append_out_of_turn_is_fenced_and_changes_nothing,
    another_database_of_the_same_name_is_refused,
    only_the_last_batch_can_be_cut_and_the_next_one_takes_its_place,
    what_is_forgotten_is_not_read_and_the_numbers_go_on,
    what_is_not_stored_yet_cannot_be_forgotten,
}

#[tokio::test]
async fn what_a_file_holds_is_there_when_it_is_opened_again() {
    let folder = tempfile::tempdir().unwrap();
    let one = database("one");
    for number in 1..=3 {
        let store = SqliteStore::open(DataFolder::open(folder.path()).unwrap()).unwrap();
        store.append(one.clone(), batches([number])).await.unwrap();
    }
    let store = SqliteStore::open(DataFolder::open(folder.path()).unwrap()).unwrap();
    assert_eq!(read_all(&store, &one).await, batches(1..=3));
    store.forget(one.name.clone(), 3).await.unwrap();
    drop(store);
    let store = SqliteStore::open(DataFolder::open(folder.path()).unwrap()).unwrap();
    assert_eq!(read_all(&store, &one).await, batches(3..=3));
    store.append(one.clone(), batches([4])).await.unwrap();
}
