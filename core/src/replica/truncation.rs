//! Truncation of the log, and checkpoints of what is stored \[97 §3.3, 95 §7\].

use std::sync::Arc;

use crate::{
    limits::CHECKPOINT_BYTES_TARGET,
    outcomes::OmittedOutcome,
    output::{Output, Outputs},
    planted::{self, Bug},
    snapshot::{Part, SnapshotReader},
    stamp::Csn,
    value::Text,
    wire::{
        Interner,
        record::{self, Checkpoint, Log, LogRecord, Record},
        snapshot::WireOmitted,
    },
    write::Write,
    write_log::{CommittedWrite, Place},
};

use super::Replica;

/// What an entry of the log costs beside the write's body, as an estimate for closing a part.
const ENTRY_OVERHEAD_BYTES: usize = 64;

/// How much of a replica's log can be truncated, and what that would save.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LogSize {
    /// Committed writes in the log.
    pub committed: usize,
    /// Bytes of their bodies.
    pub committed_bytes: usize,
    /// Tentative writes in the log.
    pub tentative: usize,
    /// Bytes of their bodies.
    pub tentative_bytes: usize,
    /// Outcomes that are kept of truncated writes.
    pub outcomes: usize,
}

/// A checkpoint that is being put out: the state at its beginning.
#[derive(Debug)]
pub(super) struct CheckpointWriter {
    /// The number of the batch that begins it.
    number: u64,
    /// The number of the batch with its last part so far.
    last_part: u64,
    data: SnapshotReader,
    /// The last first.
    log: Vec<(Arc<Write>, Option<Place>)>,
}

impl Replica {
    /// How large the log is.
    #[must_use]
    pub fn log_size(&self) -> LogSize {
        let committed = self.log.committed_after(Csn::ZERO);
        LogSize {
            committed: committed.len(),
            committed_bytes: committed.iter().map(|entry| entry.write.bytes()).sum(),
            tentative: self.log.tentative().len(),
            tentative_bytes: self.log.tentative().values().map(|write| write.bytes()).sum(),
            outcomes: self.outcomes.len(),
        }
    }

    /// The last commit that was truncated: the paper's OSN.
    #[must_use]
    pub fn omitted_csn(&self) -> Csn {
        self.log.omitted().csn
    }

    /// Drops the committed writes through a CSN from the log, as far as they are executed. Their data and, where their
    /// accepters may not know them yet, their outcomes stay. How much to keep is the host's to decide: a peer that lacks
    /// what is dropped gets the data instead of the writes.
    ///
    /// What is stored shrinks with the next [`checkpoint`](Self::checkpoint).
    pub fn truncate(&mut self, through: Csn) -> Outputs {
        self.truncate_executed(through.min(self.schedule.csn()));
        self.finish()
    }

    pub(super) fn truncate_executed(&mut self, through: Csn) {
        let truncated = self.log.truncate(through);
        let outcomes = self.schedule.truncate(through);
        let first = self.log.omitted().csn.get() + 1 - truncated.len() as u64;
        for ((csn, entry), outcome) in (first..).zip(truncated).zip(outcomes) {
            let csn = Csn::new(csn).expect("a CSN of the log");
            let id = entry.write.id.clone();
            let known = self.known_csns.get(&id.replica);
            let own = self.id() == Some(&id.replica);
            let is_forgotten = planted::is(Bug::OutcomeLostInTruncation);
            if !is_forgotten && (own || (self.options.keeps_outcomes && known.is_none_or(|known| *known < csn))) {
                self.outcomes.add(id, OmittedOutcome { csn, chain: entry.write.chain, outcome });
            }
        }
        self.trim_outcomes();
    }

    /// Outcomes are of no use to who has retired, and of one's own not all are kept.
    pub(super) fn trim_outcomes(&mut self) {
        let committed = &self.log.omitted().vector;
        self.known_csns.retain(|replica, _| self.log.vector().entry(replica).is_some());
        self.outcomes.retain(|replica| committed.entry(replica).is_some() || replica.creation().is_none());
        if let Some(own) = self.identity.as_ref().map(|identity| &identity.replica) {
            self.outcomes.trim_own(own);
        }
    }

    /// Writes the whole state to storage anew, in batches between those of ordinary work, each after the one before it
    /// is stored. When the last one is, [`Output::Forget`] tells that all batches before it may be deleted.
    ///
    /// While one is under way, while writes that lost their place wait to be offered again, and while a state transfer
    /// arrives, whose parts it would not hold, this does nothing.
    pub fn checkpoint(&mut self) -> Outputs {
        self.incoming.forget_through(self.log.csn());
        let holds_all = self.lost.is_empty() && self.incoming.is_empty();
        if let (None, true, Some(identity)) = (&self.checkpoint, holds_all, &self.identity) {
            let identity = record::Identity {
                database: identity.database,
                name: self.name.clone(),
                replica: identity.replica.clone(),
            };
            let head = Checkpoint {
                identity,
                omitted: WireOmitted::new(self.log.omitted(), self.log.reigns()),
                elsewhere: self.elsewhere.to_wire(&self.log),
                paused: self.primary.as_ref().is_some_and(|primary| primary.paused),
                taking_over: self.primary.as_ref().is_some_and(|primary| primary.taking_over),
                id_lost: self.id_lost,
                former: self.former.iter().cloned().collect(),
                outcomes_after: self.outcomes_after,
            };
            let number = self.journal.record_apart(Record::Checkpoint(Box::new(head)));
            if planted::is(Bug::ForgottenBeforeCheckpoint) {
                self.journal.say(Output::Forget { before: number });
            }
            let committed = self.log.committed_after(Csn::ZERO).iter();
            let csns = (self.log.omitted().csn.get() + 1..).map(|csn| Csn::new(csn).expect("a CSN of the log"));
            let place = |(csn, entry): (Csn, &CommittedWrite)| {
                let place = Place { csn, term: entry.term, refused: entry.refused.clone() };
                (Arc::clone(&entry.write), Some(place))
            };
            let tentative = self.log.tentative().values().map(|write| (Arc::clone(write), None));
            let mut log: Vec<_> = csns.zip(committed).map(place).chain(tentative).collect();
            log.reverse();
            let outcomes = self.outcomes.iter().map(|(write, omitted)| (write, omitted.clone())).collect();
            let data = SnapshotReader::new(Arc::clone(self.schedule.base()), outcomes);
            self.checkpoint = Some(CheckpointWriter { number, last_part: number, data, log });
        }
        self.finish()
    }

    /// Puts out the next part of the checkpoint, once the one before it is stored. What else waits for storage does not
    /// hold it up, or a replica that is never idle would never come to an end of it.
    pub(super) fn continue_checkpoint(&mut self) {
        let Some(writer) = &mut self.checkpoint else { return };
        if !self.journal.has_persisted(writer.last_part) {
            return;
        }
        if let Some(record) = writer.next_part() {
            writer.last_part = self.journal.record_apart(record);
        } else {
            let before = writer.number;
            self.checkpoint = None;
            self.journal.record_apart(Record::CheckpointEnd);
            self.journal.say(Output::Forget { before });
        }
    }
}

impl CheckpointWriter {
    fn next_part(&mut self) -> Option<Record> {
        match self.data.next_part(CHECKPOINT_BYTES_TARGET) {
            Some(Part::Tuples(tuples)) => Some(Record::CheckpointTuples(tuples)),
            Some(Part::Outcomes(outcomes)) => Some(Record::CheckpointOutcomes(outcomes)),
            None => (!self.log.is_empty()).then(|| Record::CheckpointLog(self.next_log())),
        }
    }

    fn next_log(&mut self) -> Log {
        let mut interner = Interner::default();
        let (mut entries, mut bytes) = (Vec::new(), 0);
        while bytes < CHECKPOINT_BYTES_TARGET
            && let Some((write, place)) = self.log.pop()
        {
            bytes += write.bytes() + ENTRY_OVERHEAD_BYTES;
            entries.push(LogRecord::Write(interner.write(&write)));
            if let Some(Place { csn, term, refused }) = place {
                bytes += refused.as_ref().map_or(0, Text::len);
                entries.push(LogRecord::Commit(interner.id(&write.id), csn, term, refused));
            }
        }
        Log { replicas: interner.finish(), entries }
    }
}
