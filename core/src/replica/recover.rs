//! Recovery: a replica from what its host has stored \[95 §7\].

use std::{collections::VecDeque, sync::Arc};

use thiserror::Error;

use crate::{
    commit::Primary,
    id::ReplicaId,
    journal::Journal,
    outcomes::OmittedOutcome,
    output::{DisconnectReason, StoredBatch},
    planted::{self, Bug},
    schedule::Schedule,
    tuple_store::{BaseBuilder, TupleStore},
    vector::Knowledge,
    wire::{
        DecodeError, IdTable,
        record::{self, Checkpoint, Log, LogRecord, Record, decode_batch},
        snapshot::read_reigns,
    },
    write_log::{LogError, Place, WriteLog},
};

use super::{Identity, Options, Replica};

/// Why no replica can be recovered. What is stored is as it was.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum RecoverError {
    /// Nothing is stored: the replica never got its id.
    #[error("nothing is stored")]
    Empty,
    /// A batch is missing.
    #[error("stored batch {expected} is missing, {found} was found in its place")]
    Missing {
        /// The number that should follow.
        expected: u64,
        /// The number that follows.
        found: u64,
    },
    /// A batch cannot be read.
    #[error("stored batch {number} cannot be read: {error}")]
    Decode {
        /// Its number.
        number: u64,
        /// Why.
        error: DecodeError,
    },
    /// A batch contradicts those before it.
    #[error("stored batch {number} contradicts those before it: {error}")]
    Log {
        /// Its number.
        number: u64,
        /// How.
        error: LogError,
    },
    /// A batch makes commits void that nothing here could make void.
    #[error("stored batch {number} does not fit the state transfer before it: {error}")]
    Snapshot {
        /// Its number.
        number: u64,
        /// How.
        error: DisconnectReason,
    },
    /// A batch that is not the first begins a store, or the first does not.
    #[error("stored batch {number} does not say where it belongs")]
    Identity {
        /// Its number.
        number: u64,
    },
    /// The store begins with a checkpoint that does not end.
    #[error("the store begins with a checkpoint that has no end; stored batch {number} is the last one")]
    CheckpointCut {
        /// The last number.
        number: u64,
    },
}

/// A replica recovered from its storage.
#[derive(Debug)]
pub struct Recovery {
    /// The replica.
    pub replica: Replica,
    /// The number of the last batch, if that could not be read: it was being stored when the host stopped, and nothing of
    /// it was ever told. The next batch bears its number and replaces it.
    pub torn: Option<u64>,
}

impl Replica {
    /// The replica whose batches these are, in the order of their numbers, from the first one or from one that begins a
    /// checkpoint.
    ///
    /// # Errors
    /// When there are none, one is missing, damaged or of another format, or they contradict each other. Only the last
    /// one may be damaged.
    pub fn recover(options: Options, batches: impl IntoIterator<Item = StoredBatch>) -> Result<Recovery, RecoverError> {
        let mut recovering = Recovering::new(options);
        for batch in batches {
            recovering.take(batch)?;
            while recovering.step()? {}
        }
        recovering.finish()
    }

    /// What follows from all that was stored.
    fn resume(&mut self, last: u64) {
        let own = self.id().expect("a store says whose it is").clone();
        if let Some(end) = self.log.end_of_chain(&own) {
            self.clock.pass(end.stamp);
        }
        self.ready = !self.id_lost && self.log.vector().knowledge_of(&own) != Knowledge::NotCreated;
        let named = self.ready && self.is_named();
        let term = self.log.term();
        self.primary = self.primary.take().filter(|primary| named || primary.taking_over);
        if named {
            self.primary.get_or_insert(Primary::new(term)).term = term;
        }
        if planted::is(Bug::StampReuseAfterRestart) {
            self.clock = crate::clock::Clock::default();
        }
        // What replaying said was said before.
        self.journal = Journal::recovered(last);
        self.resync = false;
        self.schedule.follow(&mut self.log, &mut self.store);
        // Commits that a crash cut off are given out with the next call: the host may have rules to set first.
        self.commits_due = true;
        #[cfg(debug_assertions)]
        self.assert_invariants();
    }

    fn replay(&mut self, number: u64, record: Record) -> Result<(), RecoverError> {
        let unreadable = |error| RecoverError::Decode { number, error };
        match record {
            Record::Identity(record::Identity { database, replica, .. }) => {
                if self.database() != Some(database) {
                    return Err(RecoverError::Identity { number });
                }
                self.former.extend(self.identity.take().map(|identity| identity.replica));
                self.identity = Some(Identity { database, replica });
                self.id_lost = false;
            }
            Record::Log(Log { replicas, entries }) => {
                entries.into_iter().try_for_each(|entry| self.replay_log(number, &replicas, entry))?;
            }
            Record::Elsewhere(vector) => {
                let vector = vector.into_vector().map_err(unreadable)?;
                self.elsewhere.note_all(&vector);
            }
            Record::Paused(paused) => {
                let term = self.log.term();
                let primary = self.primary.get_or_insert(Primary::new(term));
                primary.paused = paused && !planted::is(Bug::PauseForgotten);
                primary.taking_over &= paused;
            }
            Record::Snapshot(part) => {
                // What did not fit was left out when it came, and is left out again.
                let leads_further = part.csn > self.log.csn();
                if let Some(Ok(Some(snapshot))) = leads_further.then(|| self.incoming.take(part)) {
                    drop(self.install(snapshot));
                }
            }
            Record::TakingOver => {
                let term = self.log.term();
                self.primary = Some(Primary { term, paused: true, taking_over: true });
            }
            Record::IdLost => self.id_lost = true,
            Record::Reigns(reigns) => self.log.adopt(read_reigns(reigns).map_err(unreadable)?),
            // All that they say is held already.
            Record::Checkpoint(_)
            | Record::CheckpointTuples(_)
            | Record::CheckpointOutcomes(_)
            | Record::CheckpointLog(_)
            | Record::CheckpointEnd => {}
        }
        Ok(())
    }

    pub(super) fn replay_log(&mut self, number: u64, replicas: &IdTable, entry: LogRecord) -> Result<(), RecoverError> {
        let unreadable = |error| RecoverError::Decode { number, error };
        let contradiction = |error| RecoverError::Log { number, error };
        match entry {
            LogRecord::Write(wire) => {
                let (write, kind) = replicas.write(wire).map_err(unreadable)?;
                if self.log.insert(Arc::clone(&write)).map_err(contradiction)? {
                    self.execute_last(&write.id, &kind);
                }
                self.note_stamp(&write.id);
            }
            LogRecord::Commit(id, csn, term, refused) => {
                let id = replicas.id(id).map_err(unreadable)?;
                self.log.commit(&id, &Place { csn, term, refused }).map_err(contradiction)?;
            }
            LogRecord::Displaced(cut) => {
                let (replica, after) = replicas.cut(cut).map_err(unreadable)?;
                let displaced = self.log.displace(&replica, after);
                self.lost.extend(displaced);
            }
            LogRecord::Voided(after) => {
                if after < self.log.omitted().csn || after > self.log.csn() {
                    return Err(RecoverError::Snapshot {
                        number,
                        error: DisconnectReason::CommittedOrdersDiffer(after),
                    });
                }
                self.log.void_after(after);
            }
        }
        Ok(())
    }
}

/// Entries of the log that are replayed in one step.
const ENTRIES_PER_STEP: usize = 128;

/// A replica that is being recovered step by step, for a host that has other things to do in between.
///
/// [`Replica::recover`] does the same at once.
#[derive(Debug)]
pub struct Recovering {
    options: Options,
    replica: Option<Replica>,
    /// The checkpoint that the store begins with, while its end has not been read.
    checkpoint: Option<PartialCheckpoint>,
    /// The number of the last batch that could be read.
    last: Option<u64>,
    /// The batch after it, if that could not be read, and why.
    torn: Option<(u64, DecodeError)>,
    /// What was read and is not replayed yet.
    waiting: VecDeque<(u64, Record)>,
}

#[derive(Debug)]
struct PartialCheckpoint {
    head: Checkpoint,
    base: BaseBuilder,
    outcomes: Vec<(crate::id::WriteId, OmittedOutcome)>,
    log: Vec<(u64, Log)>,
    /// What was recorded while the checkpoint was being written: it comes after the state that the checkpoint holds.
    later: Vec<(u64, Record)>,
}

impl Recovering {
    /// Begins a recovery.
    #[must_use]
    pub const fn new(options: Options) -> Self {
        let waiting = VecDeque::new();
        Self { options, replica: None, checkpoint: None, last: None, torn: None, waiting }
    }

    /// Reads the next batch. What follows from it is done in [steps](Self::step).
    ///
    /// # Errors
    /// When a batch before this one is missing, or it or the one before it is damaged or of another format.
    pub fn take(&mut self, StoredBatch { number, bytes }: StoredBatch) -> Result<(), RecoverError> {
        if let Some((number, error)) = &self.torn {
            return Err(RecoverError::Decode { number: *number, error: error.clone() });
        }
        let expected = self.last.map_or(number, |last| last + 1);
        if number != expected {
            return Err(RecoverError::Missing { expected, found: number });
        }
        match decode_batch(&bytes) {
            Ok(records) => {
                let begins = matches!(records.first(), Some(Record::Checkpoint(_)));
                if self.last.is_none() && number != 1 && !begins {
                    return Err(RecoverError::Missing { expected: 1, found: number });
                }
                self.last = Some(number);
                self.wait(number, records);
            }
            // Without its checksum it was not stored whole; what a version wrote, or what is too large, was.
            Err(error @ (DecodeError::Checksum | DecodeError::Malformed)) => self.torn = Some((number, error)),
            Err(error) => return Err(RecoverError::Decode { number, error }),
        }
        Ok(())
    }

    /// Does a small part of what is to be done before the next batch is read; `false` if that was all.
    ///
    /// # Errors
    /// When a batch contradicts those before it.
    pub fn step(&mut self) -> Result<bool, RecoverError> {
        match (self.next_waiting(), &mut self.replica) {
            (None, _) => {}
            (Some((number, Record::Log(Log { replicas, mut entries }))), Some(replica)) => {
                let rest = entries.split_off(entries.len().min(ENTRIES_PER_STEP));
                entries.into_iter().try_for_each(|entry| replica.replay_log(number, &replicas, entry))?;
                if !rest.is_empty() {
                    self.waiting.push_front((number, Record::Log(Log { replicas, entries: rest })));
                }
            }
            (Some((number, record)), _) => self.apply(number, record)?,
        }
        Ok(!self.waiting.is_empty())
    }

    /// The replica, after the last batch.
    ///
    /// # Errors
    /// When there was none, or they end in the midst of the checkpoint that they begin with.
    pub fn finish(mut self) -> Result<Recovery, RecoverError> {
        while self.step()? {}
        let Some(last) = self.last else { return Err(RecoverError::Empty) };
        let Some(mut replica) = self.replica else { return Err(RecoverError::CheckpointCut { number: last }) };
        replica.resume(last);
        Ok(Recovery { replica, torn: self.torn.map(|(number, _)| number) })
    }

    /// The replica so far, once it has a beginning.
    pub(super) const fn replica(&mut self) -> Option<&mut Replica> {
        self.replica.as_mut()
    }

    pub(super) fn wait(&mut self, number: u64, records: Vec<Record>) {
        self.waiting.extend(records.into_iter().map(|record| (number, record)));
    }

    pub(super) fn next_waiting(&mut self) -> Option<(u64, Record)> {
        self.waiting.pop_front()
    }

    pub(super) fn into_replica(self) -> Option<Replica> {
        self.replica
    }

    pub(super) fn apply(&mut self, number: u64, record: Record) -> Result<(), RecoverError> {
        let unreadable = |error| RecoverError::Decode { number, error };
        if let Some(replica) = &mut self.replica {
            return replica.replay(number, record);
        }
        match (record, &mut self.checkpoint) {
            (Record::Identity(identity), None) => self.replica = Some(self.begin(identity)),
            (Record::Checkpoint(head), None) => {
                let (outcomes, log, later) = (Vec::new(), Vec::new(), Vec::new());
                let base = BaseBuilder::default();
                self.checkpoint = Some(PartialCheckpoint { head: *head, base, outcomes, log, later });
            }
            (_, None) | (Record::Checkpoint(_), Some(_)) => return Err(RecoverError::Identity { number }),
            (Record::CheckpointTuples(tuples), Some(checkpoint)) => {
                for (key, tuple) in tuples.into_tuples().map_err(unreadable)? {
                    if !checkpoint.base.append(key, tuple) {
                        return Err(unreadable(DecodeError::OutOfBounds));
                    }
                }
            }
            (Record::CheckpointOutcomes(outcomes), Some(checkpoint)) => {
                checkpoint.outcomes.extend(outcomes.into_outcomes().map_err(unreadable)?);
            }
            (Record::CheckpointLog(log), Some(checkpoint)) => checkpoint.log.push((number, log)),
            (Record::CheckpointEnd, checkpoint) => {
                if let Some(checkpoint) = checkpoint.take() {
                    self.complete(number, checkpoint)?;
                }
            }
            (record, Some(checkpoint)) => checkpoint.later.push((number, record)),
        }
        Ok(())
    }

    fn begin(&self, identity: record::Identity) -> Replica {
        let record::Identity { database, name, replica } = identity;
        let is_first = replica == ReplicaId::first();
        let log = if is_first { WriteLog::of_new_database() } else { WriteLog::default() };
        let mut blank = Replica::blank(self.options, name, log);
        blank.identity = Some(Identity { database, replica });
        blank
    }

    /// The replica as of the checkpoint; what else it holds is replayed next.
    fn complete(&mut self, number: u64, checkpoint: PartialCheckpoint) -> Result<(), RecoverError> {
        let unreadable = |error| RecoverError::Decode { number, error };
        let PartialCheckpoint { head, base, outcomes, log, later } = checkpoint;
        let (omitted, reigns) = head.omitted.into_parts().map_err(unreadable)?;
        let mut replica = self.begin(head.identity);
        for (_, entry) in omitted.vector.iter() {
            replica.clock.observe(entry.stamp);
        }
        let (base, tables) = base.finish();
        replica.store = TupleStore::showing(tables);
        replica.schedule = Schedule::on(base, omitted.csn);
        replica.log = WriteLog::behind(omitted, reigns);
        replica.elsewhere.note_all(&head.elsewhere.into_vector().map_err(unreadable)?);
        replica.id_lost = head.id_lost;
        replica.former = head.former.into_iter().collect();
        replica.outcomes_after = head.outcomes_after;
        let term = replica.log.term();
        let (paused, taking_over) = (head.paused, head.taking_over);
        replica.primary = (paused || taking_over).then_some(Primary { term, paused, taking_over });
        for (write, outcome) in outcomes {
            replica.outcomes.add(write, outcome);
        }
        self.replica = Some(replica);
        let log = log.into_iter().map(|(number, log)| (number, Record::Log(log)));
        let after = core::mem::take(&mut self.waiting);
        self.waiting = log.chain(later).chain(after).collect();
        Ok(())
    }
}
