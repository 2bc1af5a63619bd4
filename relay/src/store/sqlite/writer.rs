//! The one thread that writes: group commit.

use std::path::PathBuf;

use bayou_core::{DatabaseId, StoredBatch};
use rusqlite::{Connection, OptionalExtension, Transaction, TransactionBehavior};
use tokio::sync::{mpsc, oneshot};

use super::schema;
use crate::store::{StoreError, StoredDatabase, check_append};

/// Where a group is closed though more appends wait: the first in it should not wait for a long transaction.
const GROUP_BYTES_TARGET: usize = 8 * 1024 * 1024;

/// One append that waits for the writer.
#[derive(Debug)]
pub(super) struct Append {
    pub(super) database: StoredDatabase,
    pub(super) batches: Vec<StoredBatch>,
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

    /// Serves until all senders are gone and every append is answered.
    pub(super) fn run(mut self, mut waiting: mpsc::Receiver<Append>) {
        while let Some(first) = waiting.blocking_recv() {
            let group = take_group(first, &mut waiting);
            match self.write(&group) {
                Ok(results) => {
                    for (append, result) in group.into_iter().zip(results) {
                        // Who asked may have gone meanwhile; the batches are stored all the same.
                        let _ = append.answer.send(result);
                    }
                }
                Err(error) => {
                    self.connection = None;
                    tracing::error!(%error, appends = group.len(), "the store could not write");
                    let error = StoreError::failed(error);
                    for append in group {
                        let _ = append.answer.send(Err(error.clone()));
                    }
                }
            }
        }
    }

    /// Writes a group in one transaction. The outer error is that of the whole group, the inner ones are those of
    /// single appends, which leave the others as they are.
    fn write(&mut self, group: &[Append]) -> rusqlite::Result<Vec<Result<(), StoreError>>> {
        let connection = match &mut self.connection {
            Some(connection) => connection,
            none => none.insert(schema::connect(&self.path)?),
        };
        if let Some(pages_max) = self.pages_max {
            connection.pragma_update(None, "max_page_count", pages_max)?;
        }
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let results = group.iter().map(|append| insert(&transaction, append)).collect::<rusqlite::Result<_>>()?;
        transaction.commit()?;
        Ok(results)
    }
}

fn take_group(first: Append, waiting: &mut mpsc::Receiver<Append>) -> Vec<Append> {
    let bytes_of = |append: &Append| append.batches.iter().map(|batch| batch.bytes.len()).sum::<usize>();
    let mut bytes = bytes_of(&first);
    let mut group = vec![first];
    while bytes < GROUP_BYTES_TARGET
        && let Ok(append) = waiting.try_recv()
    {
        bytes += bytes_of(&append);
        group.push(append);
    }
    group
}

fn insert(transaction: &Transaction<'_>, append: &Append) -> rusqlite::Result<Result<(), StoreError>> {
    let Append { database, batches, .. } = append;
    let found: Option<(i64, [u8; 16])> = transaction
        .prepare_cached("SELECT key, id FROM databases WHERE name = ?1")?
        .query_row([database.name.as_str()], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    let (stored, last) = match found {
        Some((key, id)) => (DatabaseId::from_random(id), last_number(transaction, key)?),
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

fn last_number(transaction: &Transaction<'_>, key: i64) -> rusqlite::Result<u64> {
    transaction
        .prepare_cached("SELECT coalesce(max(number), 0) FROM batches WHERE database = ?1")?
        .query_row([key], |row| row.get(0))
}
