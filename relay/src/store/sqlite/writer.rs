//! The one thread that writes: group commit.

use std::path::PathBuf;

use bayou_core::{DatabaseId, DatabaseName, StoredBatch};
use rusqlite::{Connection, OptionalExtension, Transaction, TransactionBehavior};
use tokio::sync::{
    mpsc::{self, error::TryRecvError},
    oneshot,
};

use super::schema;
use crate::store::{StoreError, StoredDatabase, check_append, check_cut};

/// Where a group is closed though more requests wait: the first in it should not wait for a long transaction.
const GROUP_BYTES_TARGET: usize = 8 * 1024 * 1024;

/// How many forgotten batches are deleted at a time, so that a request that comes meanwhile does not wait for long.
const SWEPT_MAX: usize = 256;

/// What is to be changed.
#[derive(Debug)]
pub(super) enum Change {
    /// As in [`Store::append`](crate::Store::append).
    Append { database: StoredDatabase, batches: Vec<StoredBatch> },
    /// As in [`Store::cut`](crate::Store::cut).
    Cut { name: DatabaseName, number: u64 },
    /// As in [`Store::forget`](crate::Store::forget).
    Forget { name: DatabaseName, before: u64 },
}

/// One change that waits for the writer.
#[derive(Debug)]
pub(super) struct Request {
    pub(super) change: Change,
    pub(super) answer: oneshot::Sender<Result<(), StoreError>>,
}

/// What the writer's thread owns.
pub(super) struct Writer {
    path: PathBuf,
    /// `None` after a failure: a connection that has failed is not trusted again, the next group opens another.
    connection: Option<Connection>,
    pages_max: Option<u32>,
    /// There may be batches that are forgotten and not deleted.
    may_sweep: bool,
}

impl Writer {
    pub(super) fn new(path: PathBuf, connection: Connection, pages_max: Option<u32>) -> Self {
        Self { path, connection: Some(connection), pages_max, may_sweep: true }
    }

    /// Serves until all senders are gone and every request is answered.
    pub(super) fn run(mut self, mut waiting: mpsc::Receiver<Request>) {
        while let Some(first) = self.next(&mut waiting) {
            let group = take_group(first, &mut waiting);
            match self.write(&group) {
                Ok(results) => {
                    self.may_sweep |= group.iter().any(|request| matches!(request.change, Change::Forget { .. }));
                    for (request, result) in group.into_iter().zip(results) {
                        // Who asked may have gone meanwhile; the change is made all the same.
                        let _ = request.answer.send(result);
                    }
                }
                Err(error) => {
                    self.connection = None;
                    tracing::error!(%error, requests = group.len(), "the store could not write");
                    let error = StoreError::failed(error);
                    for request in group {
                        let _ = request.answer.send(Err(error.clone()));
                    }
                }
            }
        }
    }

    /// The next request; while there is none, what is forgotten is deleted.
    fn next(&mut self, waiting: &mut mpsc::Receiver<Request>) -> Option<Request> {
        while self.may_sweep {
            match waiting.try_recv() {
                Ok(request) => return Some(request),
                Err(TryRecvError::Disconnected) => return None,
                Err(TryRecvError::Empty) => {}
            }
            self.may_sweep = self.sweep().unwrap_or_else(|error| {
                self.connection = None;
                // It costs room and nothing else, and is tried again with what is forgotten next.
                tracing::warn!(%error, "batches that are not needed any more could not be deleted");
                false
            });
        }
        waiting.blocking_recv()
    }

    /// Deletes some of what is forgotten; whether there may be more.
    fn sweep(&mut self) -> rusqlite::Result<bool> {
        let transaction = self.begin()?;
        let swept = sweep(&transaction)?;
        transaction.commit()?;
        Ok(swept == SWEPT_MAX)
    }

    fn begin(&mut self) -> rusqlite::Result<Transaction<'_>> {
        let connection = match &mut self.connection {
            Some(connection) => connection,
            none => none.insert(schema::connect(&self.path)?),
        };
        if let Some(pages_max) = self.pages_max {
            connection.pragma_update(None, "max_page_count", pages_max)?;
        }
        connection.transaction_with_behavior(TransactionBehavior::Immediate)
    }

    /// Writes a group in one transaction. The outer error is that of the whole group, the inner ones are those of
    /// single requests, which leave the others as they are.
    fn write(&mut self, group: &[Request]) -> rusqlite::Result<Vec<Result<(), StoreError>>> {
        let transaction = self.begin()?;
        let make = |request: &Request| make(&transaction, &request.change);
        let results = group.iter().map(make).collect::<rusqlite::Result<_>>()?;
        transaction.commit()?;
        Ok(results)
    }
}

fn take_group(first: Request, waiting: &mut mpsc::Receiver<Request>) -> Vec<Request> {
    let mut bytes = first.change.bytes();
    let mut group = vec![first];
    while bytes < GROUP_BYTES_TARGET
        && let Ok(request) = waiting.try_recv()
    {
        bytes += request.change.bytes();
        group.push(request);
    }
    group
}

impl Change {
    fn bytes(&self) -> usize {
        match self {
            Self::Append { batches, .. } => batches.iter().map(|batch| batch.bytes.len()).sum(),
            Self::Cut { .. } | Self::Forget { .. } => 0,
        }
    }
}

fn make(transaction: &Transaction<'_>, change: &Change) -> rusqlite::Result<Result<(), StoreError>> {
    match change {
        Change::Append { database, batches } => append(transaction, database, batches),
        Change::Cut { name, number } => cut(transaction, name, *number),
        Change::Forget { name, before } => forget(transaction, name, *before).map(Ok),
    }
}

fn append(
    transaction: &Transaction<'_>,
    database: &StoredDatabase,
    batches: &[StoredBatch],
) -> rusqlite::Result<Result<(), StoreError>> {
    let found = find(transaction, &database.name)?;
    let (stored, last) = match &found {
        Some(found) => (found.id, found.last(transaction)?),
        None => (database.id, 0),
    };
    if let Err(refusal) = check_append(database, stored, last, batches) {
        return Ok(Err(refusal));
    }
    let key = match found {
        Some(found) => found.key,
        None => transaction
            .prepare_cached("INSERT INTO databases (name, id) VALUES (?1, ?2)")?
            .insert((database.name.as_str(), database.id.as_bytes()))?,
    };
    let mut statement =
        transaction.prepare_cached("INSERT INTO batches (database, number, bytes) VALUES (?1, ?2, ?3)")?;
    for batch in batches {
        statement.execute((key, batch.number, &batch.bytes))?;
    }
    Ok(Ok(()))
}

fn cut(transaction: &Transaction<'_>, name: &DatabaseName, number: u64) -> rusqlite::Result<Result<(), StoreError>> {
    let found = find(transaction, name)?;
    let last = found.as_ref().map_or(Ok(0), |found| found.last(transaction))?;
    let kept = found.as_ref().map(|found| found.first..=last).filter(|kept| !kept.is_empty()).map(|_| last);
    if let Err(refusal) = check_cut(name, last, kept, number) {
        return Ok(Err(refusal));
    }
    transaction
        .prepare_cached("DELETE FROM batches WHERE database = ?1 AND number = ?2")?
        .execute((found.map(|found| found.key), number))?;
    Ok(Ok(()))
}

fn forget(transaction: &Transaction<'_>, name: &DatabaseName, before: u64) -> rusqlite::Result<()> {
    let Some(found) = find(transaction, name)? else { return Ok(()) };
    let before = before.min(found.last(transaction)? + 1);
    transaction
        .prepare_cached("UPDATE databases SET first = max(first, ?2) WHERE key = ?1")?
        .execute((found.key, before))?;
    Ok(())
}

/// Deletes some of the batches that are forgotten; tells how many.
fn sweep(transaction: &Transaction<'_>) -> rusqlite::Result<usize> {
    transaction
        .prepare_cached(
            "DELETE FROM batches WHERE rowid IN (
                SELECT batches.rowid FROM databases JOIN batches ON batches.database = databases.key
                WHERE batches.number < databases.first LIMIT ?1
            )",
        )?
        .execute([SWEPT_MAX])
}

/// A database as the store knows it.
struct Found {
    key: i64,
    id: DatabaseId,
    /// The number of its first batch that is not forgotten.
    first: u64,
}

impl Found {
    /// The number of its last batch.
    fn last(&self, transaction: &Transaction<'_>) -> rusqlite::Result<u64> {
        let stored: u64 = transaction
            .prepare_cached("SELECT coalesce(max(number), 0) FROM batches WHERE database = ?1")?
            .query_row([self.key], |row| row.get(0))?;
        Ok(stored.max(self.first - 1))
    }
}

fn find(transaction: &Transaction<'_>, name: &DatabaseName) -> rusqlite::Result<Option<Found>> {
    transaction
        .prepare_cached("SELECT key, id, first FROM databases WHERE name = ?1")?
        .query_row([name.as_str()], |row| {
            Ok(Found { key: row.get(0)?, id: DatabaseId::from_random(row.get(1)?), first: row.get(2)? })
        })
        .optional()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn batches(numbers: std::ops::RangeInclusive<u64>) -> Vec<StoredBatch> {
        numbers.map(|number| StoredBatch { number, bytes: vec![0; 10] }).collect()
    }

    fn count(writer: &Writer) -> usize {
        let connection = writer.connection.as_ref().unwrap();
        connection.query_row("SELECT count(*) FROM batches", [], |row| row.get(0)).unwrap()
    }

    #[test]
    fn what_is_forgotten_is_deleted_little_by_little_and_what_waits_goes_first() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("store");
        let mut connection = schema::connect(&path).unwrap();
        schema::prepare(&mut connection, &path).unwrap();
        let mut writer = Writer::new(path, connection, None);
        let (sender, mut waiting) = mpsc::channel(2);
        let make = |writer: &mut Writer, change| {
            let (answer, _) = oneshot::channel();
            writer.write(&[Request { change, answer }]).unwrap().pop().unwrap().unwrap();
        };
        let name = DatabaseName::parse("demo").unwrap();
        let database = StoredDatabase { name: name.clone(), id: DatabaseId::from_random([7; 16]) };
        make(&mut writer, Change::Append { database: database.clone(), batches: batches(1..=600) });
        make(&mut writer, Change::Forget { name: name.clone(), before: 600 });
        assert_eq!(count(&writer), 600);

        let (answer, _) = oneshot::channel();
        sender.try_send(Request { change: Change::Cut { name, number: 1 }, answer }).unwrap();
        assert!(writer.next(&mut waiting).is_some());
        assert_eq!(count(&writer), 600, "what waits goes first");
        assert!(writer.sweep().unwrap());
        assert_eq!(count(&writer), 600 - SWEPT_MAX);

        drop(sender);
        assert!(writer.next(&mut waiting).is_none(), "a shutdown does not wait for it");
        while writer.sweep().unwrap() {}
        assert_eq!(count(&writer), 1);
        make(&mut writer, Change::Append { database, batches: batches(601..=602) });
    }
}
