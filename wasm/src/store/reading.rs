//! Reading a replica's store from its beginning to its end, a few records at a time.

use std::rc::Rc;

use bayou_core::StoredBatch;
use wasm_bindgen::JsValue;
use web_sys::IdbKeyRange;

use super::{
    connection::Connection,
    error::StorageError,
    record,
    replica_store::{Ends, Loose, ReplicaStore, bytes_of, connect, corrupted, key, unreadable},
    segments,
};

/// So many records are read at once, some two mebibytes: what the browser makes of them it makes on the page's thread.
const RECORDS_PER_READ: usize = 8;

/// A store that is being read. Only when it has been read to its end is it there to be written to.
pub(crate) struct Reading {
    name: String,
    connection: Rc<Connection>,
    ends: Rc<Ends>,
    records: RecordsFrom,
    /// Sizes of the records, in bytes, and the numbers of their first batches.
    sizes: Vec<usize>,
    firsts: Vec<u64>,
    /// The number of the last batch.
    last: u64,
}

/// What comes next of a store that is being read.
pub(crate) enum Next {
    /// Consecutive batches, some mebibytes of them, and the rest of the store.
    Batches(Vec<StoredBatch>, Reading),
    /// The store, of which all has been read.
    All(ReplicaStore),
}

impl Reading {
    /// Opens the store, making it if it does not exist.
    pub(crate) async fn begin(name: String) -> Result<Self, StorageError> {
        let ends = Rc::<Ends>::default();
        let connection = Rc::new(connect(&name, &ends).await?);
        let records = RecordsFrom::new(&connection, 0).await?;
        Ok(Self { name, connection, ends, records, sizes: Vec::new(), firsts: Vec::new(), last: 0 })
    }

    /// Which part of it has been read: from 0 to 1.
    #[expect(clippy::cast_precision_loss, reason = "a store has fewer than 2^53 records")]
    pub(crate) fn part(&self) -> f64 {
        self.sizes.len() as f64 / self.records.keys.len().max(1) as f64
    }

    /// Reads on.
    pub(crate) async fn next(mut self) -> Result<Next, StorageError> {
        let records = self.records.next(&self.connection).await?;
        if records.is_empty() {
            return Ok(Next::All(self.into_store()));
        }
        let mut batches = Vec::new();
        for record in records {
            let first = batches.len();
            record::decode(&record, &mut batches).map_err(unreadable)?;
            self.sizes.push(record.len());
            self.firsts.push(batches[first].number);
        }
        if self.last != 0 && record::first_number(&batches) != self.last + 1 {
            return Err(corrupted());
        }
        self.last = batches.last().map_or(self.last, |batch| batch.number);
        Ok(Next::Batches(batches, self))
    }

    fn into_store(self) -> ReplicaStore {
        let Self { name, connection, ends, sizes, firsts, last, .. } = self;
        let count = segments::loose_count(&sizes);
        let loose = Loose { from: firsts.get(firsts.len() - count).copied().unwrap_or(last + 1), count };
        ReplicaStore::all_read(name, connection, ends, last, loose)
    }
}

/// The records with a key or a greater one, in order, a few at a time.
pub(super) struct RecordsFrom {
    keys: Vec<JsValue>,
    read: usize,
}

impl RecordsFrom {
    pub(super) async fn new(connection: &Connection, from: u64) -> Result<Self, StorageError> {
        let range = IdbKeyRange::lower_bound(&key(from)).map_err(|error| StorageError::from_js(&error))?;
        let keys = connection.read(&|store| store.get_all_keys_with_key(&range)).await?.to_vec();
        Ok(Self { keys, read: 0 })
    }

    /// The next ones; none after the last.
    pub(super) async fn next(&mut self, connection: &Connection) -> Result<Vec<Vec<u8>>, StorageError> {
        let keys = self.keys[self.read..].chunks(RECORDS_PER_READ).next().unwrap_or_default();
        let (Some(first), Some(last)) = (keys.first(), keys.last()) else { return Ok(Vec::new()) };
        let range = IdbKeyRange::bound(first, last).map_err(|error| StorageError::from_js(&error))?;
        self.read += keys.len();
        bytes_of(&connection.read(&|store| store.get_all_with_key(&range)).await?)
    }
}
