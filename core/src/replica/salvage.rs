//! What can be read of a store that is damaged: made a copy of, and taken over by another replica.
//!
//! Whatever is inserted has to fit what is there, so that nothing false can come of what is missing: a write follows its
//! accepter's chain of digests, a commit the last one. What a missing batch said otherwise, that commits were void or that
//! writes had lost their place, the replicas that import it know better, as they do with a peer that has not heard of it.

use std::collections::{BTreeMap, BTreeSet};

use thiserror::Error;

use crate::{
    id::DatabaseId,
    journal::Journal,
    output::{Event, Outputs, StoredBatch},
    stamp::Csn,
    wire::record::{Log, LogRecord, Record, decode_batch},
};

use super::{
    Options, RecoverError, Replica,
    receive::{FileSender, Sender},
    recover::Recovering,
};

/// What a replica has taken over from a damaged store.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Salvaged {
    /// How many writes were new here.
    pub writes: usize,
    /// How many writes could be read and are not held here: they do not continue what is held of their replica. Where what
    /// is missing in between comes from a peer, they can be taken over after that.
    pub left_out: usize,
}

/// Why nothing is taken over from a damaged store. Nothing has changed.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum SalvageError {
    /// This replica has not been created yet.
    #[error("this replica is still being created")]
    NotCreated,
    /// The store is of another database.
    #[error("the store is of database {theirs}, and this is {ours}")]
    OtherDatabase {
        /// Its id here.
        ours: DatabaseId,
        /// Its id in the store.
        theirs: DatabaseId,
    },
}

impl Replica {
    /// Takes over what can be read of the store of another replica of this database that
    /// [cannot be recovered](Self::recover), wherever it is damaged: each write in it that continues what is held here of
    /// its accepter, as it would from a peer. So what the damage has taken away may come from others, before or after, and
    /// what follows it is not lost. The writes keep their ids; the id of the store's replica stays without an owner.
    ///
    /// Commits and data are left to the primary, whose they are: what is committed is held by it, and a store has what it
    /// alone holds in its log. What was displaced in the store is taken like the rest, as from a peer that has not heard of
    /// it.
    ///
    /// That the store is of this database the host knows, for the batch that says so may be the damaged one.
    ///
    /// # Errors
    /// When this replica has not been created, or a batch says that the store is of another database.
    pub fn salvage(
        &mut self,
        batches: impl IntoIterator<Item = StoredBatch>,
    ) -> Result<(Salvaged, Outputs), SalvageError> {
        let ours = self.database().ok_or(SalvageError::NotCreated)?;
        let mut logs = Vec::new();
        for record in batches.into_iter().filter_map(|batch| decode_batch(&batch.bytes).ok()).flatten() {
            let theirs = match record {
                Record::Identity(identity) => identity.database,
                Record::Checkpoint(head) => head.identity.database,
                Record::Log(log) | Record::CheckpointLog(log) => {
                    logs.push(log);
                    continue;
                }
                _ => continue,
            };
            if theirs != ours {
                return Err(SalvageError::OtherDatabase { ours, theirs });
            }
        }
        // As from a file: nobody can be asked to begin anew.
        let file = FileSender { forked: BTreeSet::new(), declined: false, stands: Csn::ZERO, writes: 0, commits: 0 };
        let mut sender = Sender::File(file);
        let mut read = BTreeMap::new();
        for Log { replicas, entries } in logs {
            for entry in entries {
                let LogRecord::Write(wire) = entry else { continue };
                let Ok((write, kind)) = replicas.write(wire) else { continue };
                // What does not fit is left out.
                let _ = self.take_tentative(&mut sender, &write, &kind);
                read.insert(write.id.clone(), write.chain);
            }
        }
        self.note_ready();
        self.journal.tell(Event::Changed);
        let is_held = |(id, chain): &(_, _)| self.log.vector().covers(id) && self.check_same_write(id, *chain).is_ok();
        let left_out = read.into_iter().filter(|write| !is_held(write)).count();
        let writes = match sender {
            Sender::File(file) => file.writes,
            Sender::Peer(_) => 0,
        };
        Ok((Salvaged { writes, left_out }, self.finish()))
    }
}

/// A replica without an id, and what is wrong with its store.
pub(super) struct Readable {
    pub(super) replica: Replica,
    pub(super) database: DatabaseId,
    pub(super) faults: Vec<RecoverError>,
    pub(super) left_out: usize,
}

/// From the last checkpoint that is whole, if there is one: it holds all that came before it. Otherwise from the
/// beginning.
pub(super) fn salvage(batches: &[StoredBatch]) -> Result<Readable, RecoverError> {
    let begins = |batch: &StoredBatch| {
        let records = decode_batch(&batch.bytes);
        records.is_ok_and(|records| matches!(records.first(), Some(Record::Checkpoint(_))))
    };
    let checkpoints = (1..batches.len()).rev().filter(|at| begins(&batches[*at]));
    let mut from_checkpoints = checkpoints.filter_map(|at| salvage_from(&batches[at..]).ok());
    let mut found = match from_checkpoints.next() {
        Some(found) => found,
        None => salvage_from(batches)?,
    };
    found.faults = faults(batches);
    Ok(found)
}

fn faults(batches: &[StoredBatch]) -> Vec<RecoverError> {
    let mut faults = Vec::new();
    let mut expected = batches.first().map_or(0, |first| first.number);
    for StoredBatch { number, bytes } in batches {
        if *number != expected {
            faults.push(RecoverError::Missing { expected, found: *number });
        }
        faults.extend(decode_batch(bytes).err().map(|error| RecoverError::Decode { number: *number, error }));
        expected = number.saturating_add(1);
    }
    faults
}

fn salvage_from(batches: &[StoredBatch]) -> Result<Readable, RecoverError> {
    let mut recovering = Recovering::new(Options::default());
    let mut left_out = 0;
    let mut expected = batches.first().ok_or(RecoverError::Empty)?.number;
    for StoredBatch { number, bytes } in batches {
        let (number, follows) = (*number, *number == expected);
        let records = match decode_batch(bytes) {
            Ok(records) if follows || recovering.replica().is_some() => records,
            Ok(_) => return Err(RecoverError::Missing { expected, found: number }),
            Err(_) if recovering.replica().is_some() => Vec::new(),
            // What a replica begins with cannot be done without.
            Err(error) => return Err(RecoverError::Decode { number, error }),
        };
        expected = number.saturating_add(1);
        recovering.wait(number, records);
        while let Some((number, record)) = recovering.next_waiting() {
            match (record, recovering.replica()) {
                (Record::Log(Log { replicas, entries }), Some(replica)) => {
                    let fits = |entry| replica.replay_log(number, &replicas, entry).is_ok();
                    left_out += entries.into_iter().map(fits).filter(|fits| !fits).count();
                }
                (record, Some(_)) => left_out += usize::from(recovering.apply(number, record).is_err()),
                (record, None) => recovering.apply(number, record)?,
            }
        }
    }
    let number = expected.saturating_sub(1);
    let mut replica = recovering.into_replica().ok_or(RecoverError::CheckpointCut { number })?;
    let database = replica.identity.take().ok_or(RecoverError::Identity { number })?.database;
    replica.primary = None;
    replica.former.clear();
    replica.lost.clear();
    replica.journal = Journal::default();
    replica.schedule.follow(&mut replica.log, &mut replica.store);
    Ok(Readable { replica, database, faults: Vec::new(), left_out })
}
