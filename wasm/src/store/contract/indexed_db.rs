//! The contract in a browser, and what IndexedDB alone can do to a store.
//!
//! The page that runs it offers `hasDatabase(name)`, `abortWrites(count)` and `putRecord(name, key, record)`.

use std::{fmt::Write, ops::RangeInclusive};

use bayou_core::StoredBatch;
use js_sys::{Promise, Uint8Array};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;

use super::{CLAUSES, Medium, NAME, Store, assert_holds, assert_refused, batches, holding};
use crate::store::{ReplicaStore, StorageError, StorageErrorKind, record};

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(js_name = hasDatabase)]
    fn has_database(name: &str) -> Promise;
    #[wasm_bindgen(js_name = abortWrites)]
    fn abort_writes(count: u32);
    /// Puts a value under a key, or deletes what is there if it is `undefined`.
    #[wasm_bindgen(js_name = putRecord)]
    fn put_record(name: &str, key: f64, record: &JsValue) -> Promise;
}

struct IndexedDb;

impl Medium for IndexedDb {
    type Store = ReplicaStore;

    async fn open(&self, name: &str) -> Result<(ReplicaStore, Vec<StoredBatch>), StorageError> {
        ReplicaStore::open(name.to_owned()).await
    }

    async fn delete(&self, name: &str) -> Result<(), StorageError> {
        ReplicaStore::delete(name).await
    }

    async fn has(&self, name: &str) -> bool {
        JsFuture::from(has_database(name)).await.unwrap().is_truthy()
    }

    async fn salvage(&self, name: &str) -> Result<Vec<StoredBatch>, StorageError> {
        ReplicaStore::salvage(name).await
    }

    async fn lose(&self, _: &str, batches: RangeInclusive<u64>) {
        put(*batches.start(), &JsValue::UNDEFINED).await;
    }

    fn fail(&self, transactions: u32) {
        abort_writes(transactions);
    }
}

impl Store for ReplicaStore {
    async fn read(&self) -> Result<Vec<StoredBatch>, StorageError> {
        self.read().await
    }

    async fn append(&self, batches: &[StoredBatch]) -> Result<(), StorageError> {
        self.append(batches).await
    }

    async fn cut(&self, number: u64) -> Result<(), StorageError> {
        self.cut(number).await
    }

    async fn forget(&self, before: u64) -> Result<(), StorageError> {
        self.forget(before).await
    }

    async fn compact(&self) {
        self.compact().await;
    }

    fn end(&self) {
        self.end();
    }
}

const MANY_SMALL_RECORDS: &str = "many_small_records_are_joined";
const UNREADABLE: &str = "what_does_not_read_back_is_refused_and_left_as_it_is";

async fn many_small_records_are_joined() {
    let store = holding(&IndexedDb, &[]).await;
    let mut count = 0;
    while !store.wants_compaction() {
        count += 1;
        store.append(&batches([count])).await.unwrap();
        assert!(count < 1_000, "they are never joined");
    }
    store.compact().await;
    assert!(!store.wants_compaction());
    assert_holds(&IndexedDb, &store, &batches(1..=count)).await;
    // What is stored last is not waited for, if there is no room to join it.
    while !store.wants_compaction() {
        count += 1;
        store.append(&batches([count])).await.unwrap();
    }
    abort_writes(1);
    store.compact().await;
    assert!(!store.wants_compaction(), "it is tried again only later");
    assert_holds(&IndexedDb, &store, &batches(1..=count)).await;
}

async fn what_does_not_read_back_is_refused_and_left_as_it_is() {
    let records = [1..=2, 3..=4, 5..=5];
    holding(&IndexedDb, &records).await.end();
    let all = batches(1..=5);
    for numbers in records {
        let key = *numbers.start();
        let whole = record::encode(&batches(numbers.clone()));
        let mut newer = whole.clone();
        newer[0] += 1;
        let mut older = whole.clone();
        older[0] = 0;
        let cut = &whole[..whole.len() - 1];
        let bytes = |record: &[u8]| JsValue::from(Uint8Array::from(record));
        // What hides nothing else, and of the record that is cut all but its last batch.
        let others: Vec<StoredBatch> = all.iter().filter(|batch| !numbers.contains(&batch.number)).cloned().collect();
        let but_last: Vec<StoredBatch> = all.iter().filter(|batch| batch.number != *numbers.end()).cloned().collect();
        let damages = [
            (bytes(&newer), Err(StorageErrorKind::Newer)),
            (bytes(&older), Ok(&others)),
            (bytes(cut), Ok(&but_last)),
            (bytes(&[]), Ok(&others)),
            (JsValue::from_str("no bytes"), Ok(&others)),
        ];
        for (damaged, salvaged) in damages {
            put(key, &damaged).await;
            for _ in 0..2 {
                let kind = salvaged.err().unwrap_or(StorageErrorKind::Corrupted);
                assert_refused(IndexedDb.open(NAME).await.map(drop), kind);
                let read = IndexedDb.salvage(NAME).await.map_err(|error| error.kind);
                assert_eq!(read.as_ref(), salvaged.as_ref().map(|batches| *batches));
            }
            put(key, &bytes(&whole)).await;
            let (store, held) = IndexedDb.open(NAME).await.unwrap();
            assert_eq!(held, all);
            store.end();
        }
    }
}

async fn put(key: u64, value: &JsValue) {
    JsFuture::from(put_record(NAME, key as f64, value)).await.unwrap();
}

/// The names of the clauses, in words.
#[wasm_bindgen(js_name = storeClauses)]
#[must_use]
pub fn store_clauses() -> Vec<String> {
    CLAUSES.iter().chain(&[MANY_SMALL_RECORDS, UNREADABLE]).map(|clause| (*clause).to_owned()).collect()
}

/// Runs a clause on IndexedDB, in a browser that has no store of the contract yet and is left with none. If the clause does
/// not hold this throws outside the promise, which stays as it is; `onPanic` is told why.
#[wasm_bindgen(js_name = runStoreClause)]
pub async fn run_store_clause(clause: String, on_panic: js_sys::Function) {
    std::panic::set_hook(Box::new(move |info| {
        let mut message = String::new();
        let _ = write!(message, "{info}");
        let _ = on_panic.call1(&JsValue::UNDEFINED, &message.into());
    }));
    match clause.as_str() {
        MANY_SMALL_RECORDS => many_small_records_are_joined().await,
        UNREADABLE => what_does_not_read_back_is_refused_and_left_as_it_is().await,
        clause => super::run(clause, &IndexedDb).await,
    }
    ReplicaStore::delete(NAME).await.unwrap();
}
