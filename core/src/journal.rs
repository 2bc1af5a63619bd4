//! Persist, then speak.
//!
//! All that is to be stored leaves through here as numbered batches, and so does all that is said to peers and all
//! that claims something is saved. What is said is withheld until every batch begun before it is on stable storage:
//! a replica that forgets a write it has told of would give its id to another write, and replicas would differ for
//! ever \[95 §7\].

use std::{collections::VecDeque, mem};

use crate::{
    id::{ReplicaId, WriteId},
    limits::STORED_BATCH_BYTES_MAX,
    output::{Event, Output, Outputs, PeerId, StoredBatch},
    planted::{self, Bug},
    stamp::{Csn, Stamp},
    value::Text,
    wire::{
        Interner,
        frame::Frame,
        record::{Log, LogRecord, Record, encode_batch},
    },
    write::Write,
    write_log::Place,
};

/// What a log record costs beside the body of a write, its replica's id included, at most.
const LOG_RECORD_BYTES: usize = 64;
/// Where a batch of log records is closed.
const LOG_BYTES_TARGET: usize = STORED_BATCH_BYTES_MAX / 4;

#[derive(Default)]
pub(crate) struct Journal {
    issued: u64,
    persisted: u64,
    /// The batch that is being filled.
    records: Vec<Record>,
    interner: Interner,
    log: Vec<LogRecord>,
    log_bytes: usize,
    /// Full batches, to be handed out before the one that is being filled.
    full: Vec<StoredBatch>,
    /// What may be said once the batch of this number is stored.
    withheld: VecDeque<(u64, Output)>,
    outputs: Vec<Output>,
}

impl Journal {
    /// The journal of a store that holds the batches through this number.
    pub(crate) fn recovered(last: u64) -> Self {
        Self { issued: last, persisted: last, ..Self::default() }
    }

    pub(crate) fn record(&mut self, record: Record) {
        self.close_log();
        self.records.push(record);
    }

    pub(crate) fn record_write(&mut self, write: &Write) {
        self.make_room(write.bytes() + LOG_RECORD_BYTES);
        let write = self.interner.write(write);
        self.log.push(LogRecord::Write(write));
    }

    pub(crate) fn record_commit(&mut self, write: &WriteId, place: &Place) {
        let Place { csn, term, refused } = place.clone();
        self.make_room(LOG_RECORD_BYTES + refused.as_ref().map_or(0, Text::len));
        let id = self.interner.id(write);
        self.log.push(LogRecord::Commit(id, csn, term, refused));
    }

    /// The tentative writes of a replica after a stamp lost their place.
    pub(crate) fn record_displaced(&mut self, replica: &ReplicaId, after: Stamp) {
        self.make_room(LOG_RECORD_BYTES);
        let cut = self.interner.cut(replica, after);
        self.log.push(LogRecord::Displaced(cut));
    }

    /// The commits beyond a CSN are void.
    pub(crate) fn record_voided(&mut self, after: Csn) {
        self.make_room(LOG_RECORD_BYTES);
        self.log.push(LogRecord::Voided(after));
    }

    /// Records something in a batch of its own; the batch's number.
    pub(crate) fn record_apart(&mut self, record: Record) -> u64 {
        self.close_batch();
        self.records.push(record);
        self.close_batch();
        self.issued
    }

    /// Whether all that was put out is stored.
    pub(crate) fn is_idle(&self) -> bool {
        self.persisted == self.current()
    }

    /// The number of the batch that holds, or will hold, all that was recorded so far.
    pub(crate) fn current(&self) -> u64 {
        if self.records.is_empty() && self.log.is_empty() { self.issued } else { self.issued + 1 }
    }

    /// Says something that may be known only once everything recorded so far is stored.
    pub(crate) fn say(&mut self, output: Output) {
        self.withheld.push_back((self.current(), output));
    }

    pub(crate) fn transmit(&mut self, peer: PeerId, frame: &Frame) -> usize {
        let is_too_early = planted::is(Bug::AcknowledgeBeforePersist) && matches!(frame, Frame::Progress(_));
        let frame = frame.encode();
        let bytes = frame.len();
        let output = Output::Transmit { peer, frame };
        if is_too_early {
            self.outputs.push(output);
        } else {
            self.say(output);
        }
        bytes
    }

    /// Tells the host at once; only for what claims nothing about storage.
    pub(crate) fn tell(&mut self, event: Event) {
        self.outputs.push(Output::Event(event));
    }

    /// All batches through this number are on stable storage.
    pub(crate) fn persisted(&mut self, through: u64) {
        assert!(through <= self.issued, "the host stores only batches that it was given");
        self.persisted = self.persisted.max(through);
    }

    /// Whether all batches through this number are on stable storage.
    pub(crate) const fn has_persisted(&self, through: u64) -> bool {
        through <= self.persisted
    }

    /// Closes the batch that was being filled and hands out all that the host may do. Storage comes last, so that a
    /// host that confirms it at once does not overtake what was released before.
    pub(crate) fn drain(&mut self) -> Outputs {
        self.close_batch();
        let through = if planted::is(Bug::SpeakBeforePersist) { self.issued } else { self.persisted };
        while let Some((_, output)) = self.withheld.pop_front_if(|(number, _)| *number <= through) {
            self.outputs.push(output);
        }
        self.outputs.extend(self.full.drain(..).map(Output::Persist));
        Outputs::new(mem::take(&mut self.outputs))
    }

    /// Begins another batch where a record of this size would make the present one too large. Every beginning of a
    /// sequence of log records is a state that the log was in, so it may be cut anywhere.
    fn make_room(&mut self, bytes: usize) {
        if self.log_bytes + bytes > LOG_BYTES_TARGET {
            self.close_batch();
        }
        self.log_bytes += bytes;
    }

    fn close_batch(&mut self) {
        self.close_log();
        if !self.records.is_empty() {
            self.issued += 1;
            self.full.push(StoredBatch { number: self.issued, bytes: encode_batch(&mem::take(&mut self.records)) });
        }
    }

    fn close_log(&mut self) {
        if !self.log.is_empty() {
            let replicas = mem::take(&mut self.interner).finish();
            let entries = mem::take(&mut self.log);
            self.log_bytes = 0;
            self.records.push(Record::Log(Log { replicas, entries }));
        }
    }
}
