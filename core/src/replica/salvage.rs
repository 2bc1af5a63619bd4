//! What can be read of a store that is damaged in its middle.
//!
//! Whatever is inserted has to fit what is there, so that nothing false can come of what is missing: a write follows its
//! accepter's chain of digests, a commit the last one. What a missing batch said otherwise, that commits were void or that
//! writes had lost their place, the replicas that import it know better, as they do with a peer that has not heard of it.

use crate::{
    id::DatabaseId,
    journal::Journal,
    output::StoredBatch,
    wire::record::{Log, Record, decode_batch},
};

use super::{Options, RecoverError, Replica, recover::Recovering};

/// A replica without an id, and what is wrong with its store.
pub(super) struct Salvaged {
    pub(super) replica: Replica,
    pub(super) database: DatabaseId,
    pub(super) faults: Vec<RecoverError>,
    pub(super) left_out: usize,
}

/// From the last checkpoint that is whole, if there is one: it holds all that came before it. Otherwise from the
/// beginning.
pub(super) fn salvage(batches: &[StoredBatch]) -> Result<Salvaged, RecoverError> {
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

fn salvage_from(batches: &[StoredBatch]) -> Result<Salvaged, RecoverError> {
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
    Ok(Salvaged { replica, database, faults: Vec::new(), left_out })
}
