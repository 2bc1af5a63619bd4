//! The embedded default store: one SQLite file in the data folder.
//!
//! All changes go through one writer thread, which takes every change that waits, of all databases, into one
//! transaction: one sync of the disk then serves them all. Reads have a connection of their own and do not wait for
//! the writer. WAL with `synchronous=FULL` is what makes a commit survive a loss of power; `NORMAL` does not.
//!
//! Batches that are forgotten are deleted in between, some at a time; the file does not shrink, its free pages are used
//! again.
//!
//! While the relay runs one can look inside (`sqlite3 data/bayou.sqlite`) and back it up (`.backup`).

mod schema;
mod writer;

use std::{
    sync::{Arc, Mutex, PoisonError},
    thread,
};

use bayou_core::{DatabaseId, DatabaseName, StoredBatch};
use futures_util::{FutureExt, future::BoxFuture};
use rusqlite::{Connection, OptionalExtension};
use tokio::{
    sync::{mpsc, oneshot},
    task,
};

pub use self::schema::{FORMAT_VERSION, OpenError};
use self::writer::{Change, Request, Writer};
use super::{Store, StoreError, StoredDatabase};
use crate::data_folder::DataFolder;

/// The name of the store's file in the data folder.
pub const FILE_NAME: &str = "bayou.sqlite";

/// Changes that wait for the writer before their senders wait too. A database has one append on its way at a time.
const CHANGES_WAITING_MAX: usize = 1024;

/// Keeps all databases of a relay in one SQLite file.
///
/// Dropping it waits until every change that was asked for is answered, and closes the file.
#[derive(Debug)]
pub struct SqliteStore {
    reader: Arc<Mutex<Connection>>,
    requests: Option<mpsc::Sender<Request>>,
    writer: Option<thread::JoinHandle<()>>,
    _folder: DataFolder,
}

impl SqliteStore {
    /// Opens the store of a data folder, and makes it in an empty one.
    ///
    /// # Errors
    /// When the file cannot be opened, is no store of this program, or was written by a newer version of it.
    pub fn open(folder: DataFolder) -> Result<Self, OpenError> {
        Self::open_limited(folder, None)
    }

    /// `pages_max` bounds the file, so that tests can fill it as a disk fills up.
    fn open_limited(folder: DataFolder, pages_max: Option<u32>) -> Result<Self, OpenError> {
        let path = folder.path().join(FILE_NAME);
        let mut connection = schema::connect(&path).map_err(|source| OpenError::unusable(&path, source))?;
        schema::prepare(&mut connection, &path)?;
        let reader = schema::connect(&path).map_err(|source| OpenError::unusable(&path, source))?;
        let (requests, waiting) = mpsc::channel(CHANGES_WAITING_MAX);
        let writer = Writer::new(path.clone(), connection, pages_max);
        let thread = thread::Builder::new()
            .name("store-writer".into())
            .spawn(move || writer.run(waiting))
            .map_err(|source| OpenError::Thread { source })?;
        Ok(Self {
            reader: Arc::new(Mutex::new(reader)),
            requests: Some(requests),
            writer: Some(thread),
            _folder: folder,
        })
    }

    /// Runs a query on a thread where it may block.
    fn read_with<T: Send + 'static>(
        &self,
        query: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> BoxFuture<'_, Result<T, StoreError>> {
        let reader = Arc::clone(&self.reader);
        async move {
            let answer = task::spawn_blocking(move || {
                // A connection is as good after a panic as before: SQLite's state is its own.
                query(&reader.lock().unwrap_or_else(PoisonError::into_inner))
            });
            answer.await.map_err(StoreError::failed)?.map_err(StoreError::failed)
        }
        .boxed()
    }

    /// Has the writer make a change.
    fn ask(&self, change: Change) -> BoxFuture<'_, Result<(), StoreError>> {
        async move {
            let (answer, answered) = oneshot::channel();
            let requests = self.requests.as_ref().ok_or(StoreError::Closed)?;
            requests.send(Request { change, answer }).await.map_err(|_| StoreError::Closed)?;
            answered.await.map_err(|_| StoreError::Closed)?
        }
        .boxed()
    }
}

impl Drop for SqliteStore {
    fn drop(&mut self) {
        self.requests = None;
        if let Some(writer) = self.writer.take()
            && writer.join().is_err()
        {
            tracing::error!("the store's writer thread has panicked");
        }
    }
}

impl Store for SqliteStore {
    fn databases(&self) -> BoxFuture<'_, Result<Vec<StoredDatabase>, StoreError>> {
        self.read_with(|connection| {
            let mut statement = connection.prepare_cached("SELECT name, id FROM databases ORDER BY name")?;
            let databases = statement.query_map([], |row| {
                let name: String = row.get(0)?;
                let name = DatabaseName::parse(&name).map_err(|error| damaged(0, error))?;
                Ok(StoredDatabase { name, id: DatabaseId::from_random(row.get(1)?) })
            })?;
            databases.collect()
        })
    }

    fn read(
        &self,
        name: DatabaseName,
        after: u64,
        bytes_max: usize,
    ) -> BoxFuture<'_, Result<Vec<StoredBatch>, StoreError>> {
        self.read_with(move |connection| read_batches(connection, &name, after, bytes_max))
    }

    fn append(&self, database: StoredDatabase, batches: Vec<StoredBatch>) -> BoxFuture<'_, Result<(), StoreError>> {
        self.ask(Change::Append { database, batches })
    }

    fn cut(&self, name: DatabaseName, number: u64) -> BoxFuture<'_, Result<(), StoreError>> {
        self.ask(Change::Cut { name, number })
    }

    fn forget(&self, name: DatabaseName, before: u64) -> BoxFuture<'_, Result<(), StoreError>> {
        self.ask(Change::Forget { name, before })
    }
}

fn read_batches(
    connection: &Connection,
    name: &DatabaseName,
    after: u64,
    bytes_max: usize,
) -> rusqlite::Result<Vec<StoredBatch>> {
    let found: Option<(i64, u64)> = connection
        .prepare_cached("SELECT key, first FROM databases WHERE name = ?1")?
        .query_row([name.as_str()], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    let Some((key, first)) = found else { return Ok(Vec::new()) };
    let mut statement = connection
        .prepare_cached("SELECT number, bytes FROM batches WHERE database = ?1 AND number > ?2 ORDER BY number")?;
    let mut rows = statement.query((key, after.max(first - 1)))?;
    let mut batches = Vec::new();
    let mut bytes_read = 0;
    while let Some(row) = rows.next()? {
        let batch = StoredBatch { number: row.get(0)?, bytes: row.get(1)? };
        bytes_read += batch.bytes.len();
        if bytes_read > bytes_max && !batches.is_empty() {
            break;
        }
        batches.push(batch);
    }
    Ok(batches)
}

/// What a column holds is not what this program writes there.
fn damaged(column: usize, error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(column, rusqlite::types::Type::Text, error.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn batch(number: u64, bytes_len: usize) -> StoredBatch {
        StoredBatch { number, bytes: vec![number as u8; bytes_len] }
    }

    fn database(name: &str) -> StoredDatabase {
        StoredDatabase { name: DatabaseName::parse(name).unwrap(), id: DatabaseId::from_random([7; 16]) }
    }

    #[tokio::test]
    async fn a_full_disk_fails_the_append_whole_and_the_store_goes_on() {
        let folder = tempfile::tempdir().unwrap();
        let store = SqliteStore::open_limited(DataFolder::open(folder.path()).unwrap(), Some(64)).unwrap();
        let demo = database("demo");
        store.append(demo.clone(), vec![batch(1, 100)]).await.unwrap();

        let failure = store.append(demo.clone(), vec![batch(2, 100), batch(3, 4 * 1024 * 1024)]).await.unwrap_err();
        assert!(failure.to_string().contains("full"), "{failure}");
        assert_eq!(store.read(demo.name.clone(), 0, usize::MAX).await.unwrap(), [batch(1, 100)]);

        store.append(demo.clone(), vec![batch(2, 50)]).await.unwrap();
        assert_eq!(store.read(demo.name, 0, usize::MAX).await.unwrap(), [batch(1, 100), batch(2, 50)]);
    }

    #[tokio::test]
    async fn appends_that_wait_together_share_one_transaction_and_fail_alone() {
        let folder = tempfile::tempdir().unwrap();
        let store = SqliteStore::open(DataFolder::open(folder.path()).unwrap()).unwrap();
        let names: Vec<_> = (0..20).map(|index| database(&format!("db-{index}"))).collect();
        // Database 7 asks out of turn; the group it shares with the others must not suffer.
        let appends = names.iter().enumerate().map(|(index, database)| {
            let first = if index == 7 { 5 } else { 1 };
            store.append(database.clone(), vec![batch(first, 10), batch(first + 1, 10)])
        });
        let answers = futures_util::future::join_all(appends).await;
        for (index, answer) in answers.into_iter().enumerate() {
            match answer {
                Ok(()) => assert_ne!(index, 7),
                Err(StoreError::Fenced { expected: 1, found: 5, .. }) => assert_eq!(index, 7),
                Err(other) => panic!("{other}"),
            }
        }
        let stored: Vec<_> = names.into_iter().enumerate().filter(|(index, _)| *index != 7).collect();
        assert_eq!(store.databases().await.unwrap().len(), stored.len());
    }

    #[test]
    fn a_file_of_a_newer_version_is_refused_with_a_sentence() {
        let folder = tempfile::tempdir().unwrap();
        drop(SqliteStore::open(DataFolder::open(folder.path()).unwrap()).unwrap());
        let file = folder.path().join(FILE_NAME);
        let connection = Connection::open(&file).unwrap();
        connection.execute("UPDATE format SET version = ?1", [FORMAT_VERSION + 1]).unwrap();
        drop(connection);
        let refusal = SqliteStore::open(DataFolder::open(folder.path()).unwrap()).unwrap_err();
        assert!(matches!(refusal, OpenError::Newer { .. }), "{refusal}");
        assert!(refusal.to_string().contains("newer"), "{refusal}");
    }

    #[test]
    fn a_file_of_another_program_is_refused_and_left_as_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join(FILE_NAME);
        let connection = Connection::open(&file).unwrap();
        connection.execute_batch("CREATE TABLE recipes (name TEXT)").unwrap();
        drop(connection);
        let refusal = SqliteStore::open(DataFolder::open(folder.path()).unwrap()).unwrap_err();
        assert!(matches!(refusal, OpenError::Foreign { .. }), "{refusal}");

        std::fs::write(&file, "this is no database, but a text that is long enough to be looked at").unwrap();
        let refusal = SqliteStore::open(DataFolder::open(folder.path()).unwrap()).unwrap_err();
        assert!(matches!(refusal, OpenError::Foreign { .. }), "{refusal}");
    }
}
