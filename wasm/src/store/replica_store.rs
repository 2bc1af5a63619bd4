//! One replica's batches on stable storage.

use std::{
    cell::{Cell, RefCell},
    fmt,
    rc::Rc,
    slice,
};

use bayou_core::StoredBatch;
use js_sys::{Array, Uint8Array};
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{IdbKeyRange, IdbObjectStore};

use super::{
    connection::{self, Connection, End, Layout},
    error::{StorageError, StorageErrorKind},
    reading::{Next, Reading, RecordsFrom},
    record::{self, Unreadable},
    segments,
};
use crate::{platform, wait::Sleep};

const LAYOUT: Layout = Layout { store: "batches", key_path: None, index: None };

/// How often a store that was open before is opened again, and the wait in between.
const REOPENINGS_MAX: u32 = 5;
const REOPENING_WAIT_MS: u32 = 200;

/// So many small records make it worth while to join them.
const LOOSE_RECORDS_MAX: usize = 256;

/// The random name of one store. It is never used again once the store is gone.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct StoreId(String);

impl StoreId {
    pub(crate) fn random() -> Self {
        let mut bytes = [0; 16];
        platform::fill_random(&mut bytes);
        // Thirty-two hexadecimal digits, as every 128-bit id here is written.
        Self(bayou_core::DatabaseId::from_random(bytes).to_string())
    }

    /// The id in this text, if it has the form of one.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let is_hex = text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        (is_hex && text.len() == 32).then(|| Self(text.to_owned()))
    }

    /// The name of its IndexedDB database, and of the Web Lock that owns it.
    pub(crate) fn full_name(&self, database: &str) -> String {
        ["bayou", database, &self.0].join("/")
    }
}

impl fmt::Display for StoreId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The store of one replica. Whoever opens it holds its lock, so that there is never a second writer.
pub(crate) struct ReplicaStore {
    name: String,
    connection: RefCell<Option<Rc<Connection>>>,
    /// The number of the last batch known to be stored.
    stored: Cell<u64>,
    loose: Cell<Loose>,
    ends: Rc<Ends>,
    /// The store is left to others.
    has_ended: Cell<bool>,
}

type Tell = Box<dyn Fn(End)>;

/// Who is to be told how the connection ended.
#[derive(Default)]
pub(super) struct Ends {
    last: Cell<Option<End>>,
    tell: RefCell<Option<Tell>>,
}

impl Ends {
    fn end(&self, end: End) {
        self.last.set(Some(end));
        if let Some(tell) = &*self.tell.borrow() {
            tell(end);
        }
    }
}

/// The small records after the last full segment.
#[derive(Clone, Copy)]
pub(super) struct Loose {
    /// Key of the first.
    pub(super) from: u64,
    pub(super) count: usize,
}

impl ReplicaStore {
    /// The store, once all that it holds has been read.
    pub(super) fn all_read(
        name: String,
        connection: Rc<Connection>,
        ends: Rc<Ends>,
        stored: u64,
        loose: Loose,
    ) -> Self {
        let (connection, stored, loose) = (RefCell::new(Some(connection)), Cell::new(stored), Cell::new(loose));
        Self { name, connection, stored, loose, ends, has_ended: Cell::default() }
    }

    /// Opens the store, making it if it does not exist, and reads what it holds.
    pub(crate) async fn open(name: String) -> Result<(Self, Vec<StoredBatch>), StorageError> {
        let mut all = Vec::new();
        let mut reading = Reading::begin(name).await?;
        loop {
            match reading.next().await? {
                Next::Batches(batches, rest) => {
                    all.extend(batches);
                    reading = rest;
                }
                Next::All(store) => return Ok((store, all)),
            }
        }
    }

    /// Reads what can be read of a store that [cannot be opened](Self::open), or holds no replica: the batches in which
    /// nothing but their own bytes may be wrong. Nothing is changed.
    pub(crate) async fn salvage(name: &str) -> Result<Vec<StoredBatch>, StorageError> {
        let connection = connect(name, &Rc::default()).await?;
        let keys = connection.read(&IdbObjectStore::get_all_keys).await?.to_vec();
        let mut batches = Vec::new();
        for key in &keys {
            // One by one: what cannot be read of one, for whatever reason, is not to hide the others.
            let Some(number) = number(key) else { continue };
            let read = connection.read(&|store| store.get_all_with_key(key)).await;
            let Ok(records) = read.and_then(|values| bytes_of(&values)) else { continue };
            for record in &records {
                record::salvage(number, record, &mut batches).map_err(unreadable)?;
            }
        }
        Ok(batches)
    }

    /// Reads all that is stored.
    pub(crate) async fn read(&self) -> Result<Vec<StoredBatch>, StorageError> {
        batches_of(&records_from(&*self.connection().await?, 0).await?)
    }

    /// Appends consecutive batches in one transaction; they are on the disk when this returns. Any but the next ones are
    /// refused.
    ///
    /// If the browser closes the connection meanwhile, it is tried once more on a new one.
    pub(crate) async fn append(&self, batches: &[StoredBatch]) -> Result<(), StorageError> {
        let Some(last) = batches.last() else { return Ok(()) };
        let stored = self.stored.get();
        if (stored + 1..).zip(batches).any(|(number, batch)| batch.number != number) {
            return Err(fenced());
        }
        match self.try_append(batches).await {
            Err(error) if error.may_reopen() => {
                self.close();
                // A transaction whose connection is lost may have been completed all the same, and one that fails may have
                // met what somebody else has stored: only the store can tell.
                let held = self.read().await?;
                if held.last().map_or(0, |batch| batch.number) < stored {
                    return Err(lost());
                }
                let beyond = &held[held.partition_point(|batch| batch.number <= stored)..];
                if beyond.is_empty() {
                    self.try_append(batches).await?;
                } else if beyond != batches {
                    return Err(fenced());
                }
            }
            result => result?,
        }
        self.stored.set(last.number);
        let Loose { from, count } = self.loose.get();
        self.loose.set(Loose { from, count: count + 1 });
        Ok(())
    }

    async fn try_append(&self, batches: &[StoredBatch]) -> Result<(), StorageError> {
        let (key, record) = (key(record::first_number(batches)), to_js(&record::encode(batches)));
        let connection = self.connection().await?;
        // `add`, not `put`: it fails rather than write over what is there.
        connection.write(&|store| store.add_with_key(&record, &key)).await
    }

    /// Deletes the last batch, which cannot be read and bears this number: the next one takes its place. Any other is
    /// refused.
    ///
    /// No [`append`](Self::append) may run meanwhile.
    pub(crate) async fn cut(&self, number: u64) -> Result<(), StorageError> {
        if number == 0 || number != self.stored.get() {
            return Err(fenced());
        }
        let connection = self.connection().await?;
        let records = records_from(&connection, 0).await?;
        let mut batches = batches_of(records.last().map(slice::from_ref).unwrap_or_default())?;
        let key = key(record::first_number(&batches));
        batches.pop();
        let rest = (!batches.is_empty()).then(|| to_js(&record::encode(&batches)));
        let replace = |store: &IdbObjectStore| match &rest {
            Some(rest) => store.put_with_key(rest, &key),
            None => store.delete(&key),
        };
        connection.write(&replace).await?;
        self.stored.set(number - 1);
        let records = records_from(&connection, self.loose.get().from).await?;
        self.loose.set(loose_of(&records, number - 1)?);
        Ok(())
    }

    /// Deletes the batches with lower numbers than this, all or none of them. The last one stays: a number that is not stored
    /// yet is refused.
    ///
    /// No [`append`](Self::append) may run meanwhile.
    pub(crate) async fn forget(&self, before: u64) -> Result<(), StorageError> {
        if before > self.stored.get() {
            return Err(fenced());
        }
        let connection = self.connection().await?;
        let forgotten = upper_bound(before)?;
        let keys = connection.read(&|store| store.get_all_keys_with_key(&forgotten)).await?;
        let Some(last) = keys.iter().last() else { return Ok(()) };
        // The last one may hold batches that are needed, too: they become a record of their own.
        let records = connection.read(&|store| store.get_all_with_key(&last)).await?;
        let mut batches = batches_of(&bytes_of(&records)?)?;
        batches.retain(|batch| batch.number >= before);
        let rest = (!batches.is_empty()).then(|| to_js(&record::encode(&batches)));
        let replace = |store: &IdbObjectStore| {
            let request = store.delete(&forgotten)?;
            rest.as_ref().map_or(Ok(request), |rest| store.add_with_key(rest, &key(before)))
        };
        connection.write(&replace).await?;
        let Loose { from, .. } = self.loose.get();
        let records = records_from(&connection, from.max(before)).await?;
        self.loose.set(loose_of(&records, self.stored.get())?);
        Ok(())
    }

    /// Whether so many small records have gathered that [`compact`](Self::compact) is due.
    pub(crate) fn wants_compaction(&self) -> bool {
        self.loose.get().count >= LOOSE_RECORDS_MAX
    }

    /// Joins small records into segments, if that is possible: nothing depends on it. Without the room for it, for
    /// example, there may still be room for the next batch.
    ///
    /// No [`append`](Self::append) may run meanwhile.
    pub(crate) async fn compact(&self) {
        if self.try_compact().await.is_err() {
            // Not again before as many more have gathered.
            self.loose.set(Loose { count: 0, ..self.loose.get() });
        }
    }

    /// One transaction: it happens wholly or not at all.
    async fn try_compact(&self) -> Result<(), StorageError> {
        let connection = self.connection().await?;
        let records = records_from(&connection, self.loose.get().from).await?;
        let sizes: Vec<usize> = records.iter().map(Vec::len).collect();
        let mut joined = Vec::new();
        for run in segments::plan(&sizes) {
            let batches = batches_of(&records[run])?;
            let (first, last) = (record::first_number(&batches), batches.last().map_or(0, |batch| batch.number));
            let replaced =
                IdbKeyRange::bound(&key(first), &key(last)).map_err(|error| StorageError::from_js(&error))?;
            joined.push((replaced, key(first), to_js(&record::encode(&batches))));
        }
        let replace = |store: &IdbObjectStore| {
            // There is always a run: the small records at the end are joined at least with each other.
            let mut request = store.count()?;
            for (replaced, key, record) in &joined {
                store.delete(replaced)?;
                request = store.add_with_key(record, key)?;
            }
            Ok(request)
        };
        connection.write(&replace).await?;
        let records = records_from(&connection, self.loose.get().from).await?;
        self.loose.set(loose_of(&records, self.stored.get())?);
        Ok(())
    }

    /// Closes the connection; the next operation opens it again.
    fn close(&self) {
        self.connection.replace(None);
    }

    /// Leaves the store to whoever gets its lock next: nothing is begun here any more, not even by what is under way.
    pub(crate) fn end(&self) {
        self.has_ended.set(true);
        if let Some(connection) = self.connection.take() {
            connection.close();
        }
    }

    /// Has `tell` called when the connection ends by no doing of this page; at once, if it has.
    pub(crate) fn on_end(&self, tell: impl Fn(End) + 'static) {
        if let Some(end) = self.ends.last.take() {
            tell(end);
        }
        self.ends.tell.replace(Some(Box::new(tell)));
    }

    /// Opens the connection again if the browser has closed it.
    pub(crate) async fn reconnect(&self) -> Result<(), StorageError> {
        self.connection().await.map(drop)
    }

    /// Deletes the store with this name and all in it. Nobody may hold it open.
    pub(crate) async fn delete(name: &str) -> Result<(), StorageError> {
        connection::delete(name).await
    }

    async fn reopen(&self) -> Result<Connection, StorageError> {
        let mut attempts = 1;
        loop {
            match connect(&self.name, &self.ends).await {
                // A browser that is about to clear a site's data opens nothing for a moment.
                Err(error) if error.kind == StorageErrorKind::Unavailable && attempts < REOPENINGS_MAX => {
                    attempts += 1;
                    Sleep::new(REOPENING_WAIT_MS).await;
                }
                opened => return opened,
            }
        }
    }

    async fn connection(&self) -> Result<Rc<Connection>, StorageError> {
        let open = self.connection.borrow().clone().filter(|connection| !connection.is_closed());
        if let Some(connection) = open {
            return Ok(connection);
        }
        if self.has_ended.get() {
            return Err(ended());
        }
        let connection = Rc::new(self.reopen().await?);
        if connection.is_new && self.stored.get() > 0 {
            drop(connection);
            // What was opened in its place holds nothing, and nobody would look for it.
            let _ = connection::delete(&self.name).await;
            return Err(lost());
        }
        // It may have been left meanwhile.
        if self.has_ended.get() {
            return Err(ended());
        }
        self.connection.replace(Some(Rc::clone(&connection)));
        Ok(connection)
    }
}

pub(super) async fn connect(name: &str, ends: &Rc<Ends>) -> Result<Connection, StorageError> {
    let ends = Rc::clone(ends);
    Connection::open(name, &LAYOUT, move |end| ends.end(end)).await
}

async fn records_from(connection: &Connection, from: u64) -> Result<Vec<Vec<u8>>, StorageError> {
    let mut reading = RecordsFrom::new(connection, from).await?;
    let mut all = Vec::new();
    loop {
        let records = reading.next(connection).await?;
        if records.is_empty() {
            return Ok(all);
        }
        all.extend(records);
    }
}

/// All keys below this one.
fn upper_bound(before: u64) -> Result<IdbKeyRange, StorageError> {
    IdbKeyRange::upper_bound_with_open(&key(before), true).map_err(|error| StorageError::from_js(&error))
}

pub(super) fn bytes_of(records: &Array) -> Result<Vec<Vec<u8>>, StorageError> {
    let bytes = |record: JsValue| record.dyn_ref::<Uint8Array>().map(Uint8Array::to_vec);
    records.iter().map(|record| bytes(record).ok_or_else(corrupted)).collect()
}

/// The batches of adjacent records.
fn batches_of(records: &[Vec<u8>]) -> Result<Vec<StoredBatch>, StorageError> {
    let mut batches = Vec::new();
    records.iter().try_for_each(|record| record::decode(record, &mut batches)).map_err(unreadable)?;
    Ok(batches)
}

fn loose_of(records: &[Vec<u8>], stored: u64) -> Result<Loose, StorageError> {
    let sizes: Vec<usize> = records.iter().map(Vec::len).collect();
    let count = segments::loose_count(&sizes);
    let batches = batches_of(&records[records.len() - count..])?;
    Ok(Loose { from: batches.first().map_or(stored + 1, |batch| batch.number), count })
}

fn to_js(record: &[u8]) -> JsValue {
    Uint8Array::from(record).into()
}

/// Batch numbers are far below 2^53: at a thousand a second it takes 285,000 years to get there.
#[expect(clippy::cast_precision_loss, reason = "see above")]
pub(super) fn key(number: u64) -> JsValue {
    JsValue::from_f64(number as f64)
}

/// The number that a key stands for.
fn number(key: &JsValue) -> Option<u64> {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a whole number from 1 to 2^53")]
    let number = |key: f64| key as u64;
    key.as_f64().filter(|key| key.fract() == 0.0 && (1.0..=9_007_199_254_740_992.0).contains(key)).map(number)
}

pub(super) fn corrupted() -> StorageError {
    StorageError::new(StorageErrorKind::Corrupted, "a record does not read back, or one is missing")
}

pub(super) fn unreadable(record: Unreadable) -> StorageError {
    match record {
        Unreadable::Damaged => corrupted(),
        Unreadable::Newer => StorageError::new(StorageErrorKind::Newer, "a record has a newer format"),
    }
}

fn fenced() -> StorageError {
    StorageError::new(StorageErrorKind::Fenced, "a batch is not the next one, or not the last")
}

fn ended() -> StorageError {
    StorageError::new(StorageErrorKind::Closed, "this page has left the store to others")
}

fn lost() -> StorageError {
    StorageError::new(StorageErrorKind::Lost, "what was stored before is not there any longer")
}
