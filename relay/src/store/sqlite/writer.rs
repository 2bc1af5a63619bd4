//! The one thread that writes: group commit.

use std::path::PathBuf;

use bayou_core::{DatabaseId, DatabaseName, StoredBatch};
use rusqlite::{Connection, OptionalExtension, Transaction, TransactionBehavior};
use tokio::sync::{mpsc, oneshot};

use super::schema;
use crate::store::{StoreError, StoredDatabase, check_append, check_cut};

/// Where a group is closed though more requests wait: the first in it should not wait for a long transaction.
const GROUP_BYTES_TARGET: usize = 8 * 1024 * 1024;

/// What is to be changed.
#[derive(Debug)]
pub(super) enum Change {
    /// As in [`Store::append`](crate::Store::append).
    Append { database: StoredDatabase, batches: Vec<StoredBatch> },
    /// As in [`Store::cut`](crate::Store::cut).
    Cut { name: DatabaseName, number: u64 },
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
}

impl Writer {
    pub(super) fn new(path: PathBuf, connection: Connection, pages_max: Option<u32>) -> Self {
        Self { path, connection: Some(connection), pages_max }
    }

    /// Serves until all senders are gone and every request is answered.
    pub(super) fn run(mut self, mut waiting: mpsc::Receiver<Request>) {
        while let Some(first) = waiting.blocking_recv() {
            let group = take_group(first, &mut waiting);
            match self.write(&group) {
                Ok(results) => {
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

    /// Writes a group in one transaction. The outer error is that of the whole group, the inner ones are those of
    /// single requests, which leave the others as they are.
    fn write(&mut self, group: &[Request]) -> rusqlite::Result<Vec<Result<(), StoreError>>> {
        let connection = match &mut self.connection {
            Some(connection) => connection,
            none => none.insert(schema::connect(&self.path)?),
        };
        if let Some(pages_max) = self.pages_max {
            connection.pragma_update(None, "max_page_count", pages_max)?;
        }
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
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
            Self::Cut { .. } => 0,
        }
    }
}

fn make(transaction: &Transaction<'_>, change: &Change) -> rusqlite::Result<Result<(), StoreError>> {
    match change {
        Change::Append { database, batches } => append(transaction, database, batches),
        Change::Cut { name, number } => cut(transaction, name, *number),
    }
}

fn append(
    transaction: &Transaction<'_>,
    database: &StoredDatabase,
    batches: &[StoredBatch],
) -> rusqlite::Result<Result<(), StoreError>> {
    let found = find(transaction, &database.name)?;
    let (stored, last) = match found {
        Some((key, id)) => (id, last_number(transaction, key)?),
        None => (database.id, 0),
    };
    if let Err(refusal) = check_append(database, stored, last, batches) {
        return Ok(Err(refusal));
    }
    let key = match found {
        Some((key, _)) => key,
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
    let key = find(transaction, name)?.map(|(key, _)| key);
    let last = key.map_or(Ok(0), |key| last_number(transaction, key))?;
    if let Err(refusal) = check_cut(name, last, number) {
        return Ok(Err(refusal));
    }
    transaction.prepare_cached("DELETE FROM batches WHERE database = ?1 AND number = ?2")?.execute((key, number))?;
    Ok(Ok(()))
}

/// The key and the id of a database.
fn find(transaction: &Transaction<'_>, name: &DatabaseName) -> rusqlite::Result<Option<(i64, DatabaseId)>> {
    transaction
        .prepare_cached("SELECT key, id FROM databases WHERE name = ?1")?
        .query_row([name.as_str()], |row| Ok((row.get(0)?, DatabaseId::from_random(row.get(1)?))))
        .optional()
}

fn last_number(transaction: &Transaction<'_>, key: i64) -> rusqlite::Result<u64> {
    transaction
        .prepare_cached("SELECT coalesce(max(number), 0) FROM batches WHERE database = ?1")?
        .query_row([key], |row| row.get(0))
}
