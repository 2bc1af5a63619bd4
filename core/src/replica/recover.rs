//! Recovery: a replica from what its host has stored.

use std::sync::Arc;

use thiserror::Error;

use crate::{
    commit::Primary,
    id::ReplicaId,
    journal::Journal,
    output::StoredBatch,
    wire::{
        DecodeError, IdTable,
        record::{LogRecord, Record, decode_batch},
    },
    write_log::{LogError, WriteLog},
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
    /// A batch that is not the first begins a store, or the first does not.
    #[error("stored batch {number} does not say where it belongs")]
    Identity {
        /// Its number.
        number: u64,
    },
}

impl Replica {
    /// The replica whose batches these are, in the order of their numbers.
    ///
    /// # Errors
    /// When there are none, one is missing, damaged or of another format, or they contradict each other.
    pub fn recover(options: Options, batches: impl IntoIterator<Item = StoredBatch>) -> Result<Self, RecoverError> {
        let mut recovered: Option<Self> = None;
        let mut last = 0;
        for StoredBatch { number, bytes } in batches {
            if number != last + 1 {
                return Err(RecoverError::Missing { expected: last + 1, found: number });
            }
            last = number;
            let records = decode_batch(&bytes).map_err(|error| RecoverError::Decode { number, error })?;
            for record in records {
                match (record, &mut recovered) {
                    (Record::Identity { database, name, replica, primary }, None) => {
                        let is_first = replica == ReplicaId::first();
                        let log = if is_first { WriteLog::of_new_database() } else { WriteLog::default() };
                        let mut blank = Self::blank(options, name, log);
                        blank.identity = Some(Identity { database, replica });
                        blank.primary = primary.map(|term| Primary { term, paused: false });
                        recovered = Some(blank);
                    }
                    (Record::Identity { .. }, Some(_)) | (_, None) => return Err(RecoverError::Identity { number }),
                    (record, Some(replica)) => replica.replay(number, record)?,
                }
            }
        }
        let mut replica = recovered.ok_or(RecoverError::Empty)?;
        replica.journal = Journal::recovered(last);
        replica.commit_left_over();
        replica.schedule.follow(&mut replica.log, &mut replica.store);
        let own = replica.id().and_then(|own| replica.log.end_of_chain(own));
        if let Some(own) = own {
            replica.clock.pass(own.stamp);
            replica.ready = true;
        }
        #[cfg(debug_assertions)]
        replica.assert_invariants();
        Ok(replica)
    }

    /// A crash may have come between the batch with a write and the batch with its commit. The commits are recorded with
    /// what the next call records.
    fn commit_left_over(&mut self) {
        if let Some(primary) = self.primary.as_ref().filter(|primary| !primary.paused) {
            primary
                .commit_waiting(&mut self.log, &mut self.journal)
                .expect("what stands in the tentative log can be committed");
        }
    }

    fn replay(&mut self, number: u64, record: Record) -> Result<(), RecoverError> {
        let unreadable = |error| RecoverError::Decode { number, error };
        match record {
            Record::Log { replicas, entries } => {
                entries.into_iter().try_for_each(|entry| self.replay_log(number, &replicas, entry))
            }
            Record::Elsewhere(vector) => {
                let vector = vector.into_vector().map_err(unreadable)?;
                self.elsewhere.note_all(&vector);
                Ok(())
            }
            Record::Paused(paused) => {
                if let Some(primary) = &mut self.primary {
                    primary.paused = paused;
                }
                Ok(())
            }
            Record::Identity { .. } => Err(RecoverError::Identity { number }),
        }
    }

    fn replay_log(&mut self, number: u64, replicas: &IdTable, entry: LogRecord) -> Result<(), RecoverError> {
        let unreadable = |error| RecoverError::Decode { number, error };
        let contradiction = |error| RecoverError::Log { number, error };
        match entry {
            LogRecord::Write(wire) => {
                let write = replicas.write(wire).map_err(unreadable)?;
                let stamp = write.id.stamp;
                let own = self.id() == Some(&write.id.replica);
                self.log.insert(Arc::clone(&write)).map_err(contradiction)?;
                if own { self.clock.pass(stamp) } else { self.clock.observe(stamp) }
            }
            LogRecord::Commit(id, csn, term) => {
                let id = replicas.id(id).map_err(unreadable)?;
                self.log.commit(&id, csn, term).map_err(contradiction)?;
            }
        }
        Ok(())
    }
}
