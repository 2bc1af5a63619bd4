//! The sending side of a session.

use core::ops::Bound;
use std::sync::Arc;

use crate::{
    id::WriteId,
    limits::IN_FLIGHT_BYTES_MAX,
    outcomes::{OmittedOutcome, Outcomes},
    planted::{self, Bug},
    sort::distinct,
    stamp::{Csn, Stamp, Term},
    tuple_store::Base,
    value::Text,
    vector::VersionVector,
    wire::{
        Interner,
        frame::{Batch, Commit},
        snapshot::SnapshotPart,
    },
    write::Write,
    write_log::WriteLog,
};

use super::{Arrivals, Cursor, Peer, transfer::Transfer};

/// What a write costs in a batch beside its body, as an estimate for closing the batch.
const WRITE_OVERHEAD_BYTES: usize = 32;

/// What is offered to all peers.
pub(crate) struct Source<'a> {
    pub(crate) log: &'a WriteLog,
    pub(crate) arrivals: &'a Arrivals,
    pub(crate) base: &'a Arc<Base>,
    pub(crate) outcomes: &'a Outcomes,
    /// The size, in bytes, at which a message is closed.
    pub(crate) bytes_target: usize,
    /// Nobody knows who will read this: the outcomes of everybody's writes go with the data.
    pub(crate) for_any_reader: bool,
}

/// The next message of what a peer lacks.
pub(crate) enum Offer {
    Batch(Batch),
    Part(SnapshotPart),
}

impl Peer {
    /// The next message of what the peer lacks, if there is something and it may be sent yet.
    pub(crate) fn offer(&mut self, source: &Source<'_>) -> Option<Offer> {
        if !self.open || self.in_flight_bytes >= IN_FLIGHT_BYTES_MAX {
            return None;
        }
        let log = source.log;
        if !self.declines && (self.transfer.is_some() || self.sent_csn < log.omitted().csn) {
            return self.offer_part(source).map(Offer::Part);
        }
        let mut filling = Filling::new(self.sent_csn, source.bytes_target);
        if !self.declines {
            self.offer_commits(log, &mut filling);
        }
        if self.declines || self.sent_csn >= log.csn() {
            self.offer_tentative(log, source.arrivals, &mut filling);
        }
        filling.finish().map(Offer::Batch)
    }

    /// The peer lacks commits that are omitted here \[97 §3.3\]. `None`: it has to wait until the digest of the data is known.
    fn offer_part(&mut self, source: &Source<'_>) -> Option<SnapshotPart> {
        let Source { log, base, outcomes, .. } = source;
        let (replica, csn, interrupted) = (&self.replica, self.sent_csn, &mut self.interrupted);
        let transfer = self.transfer.get_or_insert_with(|| {
            let omitted = log.omitted();
            let owned = |(write, outcome): (WriteId, &OmittedOutcome)| (write, outcome.clone());
            let outcomes = if source.for_any_reader {
                outcomes.iter().filter(|(_, omitted)| omitted.csn > csn).map(owned).collect()
            } else {
                replica.iter().flat_map(|replica| outcomes.of_replica(replica, csn)).map(owned).collect()
            };
            Transfer::new(Arc::clone(base), omitted.clone(), log.reigns().clone(), interrupted.take(), outcomes)
        });
        let part = transfer.next_part(source.bytes_target)?;
        if part.end.is_some() {
            self.sent = self.sent.merged(&transfer.omitted.vector);
            self.sent_csn = transfer.omitted.csn;
            self.transfer = None;
        }
        Some(part)
    }

    /// Whether the peer gets nothing until the digest of the data is known.
    pub(crate) fn awaits_digest(&self) -> bool {
        self.transfer.as_ref().is_some_and(Transfer::awaits_digest)
    }

    /// Computes some more of the digest that it awaits.
    pub(crate) fn continue_digest(&mut self) {
        if let Some(transfer) = &mut self.transfer {
            transfer.continue_digest();
        }
    }

    /// What the peer will hold once all that was offered has arrived, a state transfer under way aside.
    pub(crate) const fn offered(&self) -> (Csn, &VersionVector) {
        (self.sent_csn, &self.sent)
    }

    /// The peer takes no commits in this session.
    pub(crate) fn decline_commits(&mut self) {
        self.declines = true;
        self.transfer = None;
    }

    /// Notes that a batch of this size went out.
    pub(crate) fn batch_sent(&mut self, bytes: usize) {
        self.in_flight.push_back(bytes);
        self.in_flight_bytes += bytes;
    }

    /// Whether the peer is to be told, once, that it has been sent everything.
    pub(crate) fn take_caught_up(&mut self, log: &WriteLog) -> bool {
        let all_sent = self.declines || self.sent_csn >= log.csn();
        let done = self.open && all_sent && matches!(self.cursor, Cursor::Live { .. });
        done && !core::mem::replace(&mut self.told_caught_up, true)
    }

    /// Notes that the peer holds a write, for it came from there.
    pub(crate) fn peer_holds(&mut self, write: &Write) {
        write.extend(&mut self.sent);
    }

    /// Notes that the peer holds the committed prefix through this CSN, for the commit came from there.
    pub(crate) fn peer_holds_commit(&mut self, csn: Csn) {
        self.sent_csn = self.sent_csn.max(csn);
    }

    /// The first arrival that this session may still have to send.
    pub(crate) const fn needs_arrivals_from(&self) -> u64 {
        match self.cursor {
            Cursor::CatchUp { arrivals_from, .. } => arrivals_from,
            Cursor::Live { next } => next,
        }
    }

    fn offer_commits(&mut self, log: &WriteLog, filling: &mut Filling) {
        for entry in log.committed_after(self.sent_csn) {
            let same = !self.forked.contains(&entry.write.id.replica);
            let held = same && self.sent.covers(&entry.write.id);
            if !filling.has_room_for(if held { 0 } else { entry.write.bytes() }) {
                return;
            }
            let commit = if held {
                Commit::Notification(filling.interner.id(&entry.write.id), entry.write.chain)
            } else {
                entry.write.extend(&mut self.sent);
                filling.bytes += entry.write.bytes();
                Commit::Whole(filling.interner.write(&entry.write))
            };
            filling.bytes += WRITE_OVERHEAD_BYTES;
            filling.bytes += entry.refused.as_ref().map_or(0, Text::len);
            filling.commits.push((entry.term, commit, entry.refused.clone()));
            self.sent_csn = self.sent_csn.next();
        }
    }

    fn offer_tentative(&mut self, log: &WriteLog, arrivals: &Arrivals, filling: &mut Filling) {
        if let Cursor::CatchUp { after, arrivals_from } = &mut self.cursor {
            let from = after.clone().map_or(Bound::Unbounded, Bound::Excluded);
            let inserted = distinct(arrivals.since(*arrivals_from));
            for (id, write) in log.tentative().range::<WriteId, _>((from, Bound::Unbounded)) {
                if !filling.has_room_for(write.bytes()) {
                    return;
                }
                // A write that was inserted while the scan ran may stand behind the scan, and before it one that was
                // written with knowledge of the first. If the session ended in between, the receiver would hold the
                // answer without its question: both wait for the arrivals.
                let forked = self.forked.contains(&id.replica);
                if continues(&self.sent, write) && inserted.binary_search(&id).is_err() && !forked {
                    filling.push(write, &mut self.sent);
                }
                *after = Some(id.clone());
            }
            if planted::is(Bug::LiveCursorInLogOrder) {
                return;
            }
            self.cursor = Cursor::Live { next: *arrivals_from };
        }
        if let Cursor::Live { next } = &mut self.cursor {
            while let Some(id) = arrivals.at(*next) {
                if let Some(write) = log.tentative().get(id)
                    && continues(&self.sent, write)
                    && !self.forked.contains(&id.replica)
                {
                    if !filling.has_room_for(write.bytes()) {
                        return;
                    }
                    filling.push(write, &mut self.sent);
                }
                *next += 1;
            }
        }
    }
}

/// Whether the write is the next one of its replica that a holder of this vector lacks.
fn continues(vector: &VersionVector, write: &Write) -> bool {
    let end = match vector.entry(&write.id.replica) {
        Some(entry) => entry.stamp,
        // The database's first replica has no creation that would have given it an entry.
        None if write.id.replica.creation().is_none() => Stamp::ZERO,
        None => return false,
    };
    write.previous == end
}

struct Filling {
    bytes_target: usize,
    interner: Interner,
    after: Csn,
    commits: Vec<(Term, Commit, Option<Text>)>,
    tentative: Vec<crate::wire::WireWrite>,
    bytes: usize,
}

impl Filling {
    fn new(after: Csn, bytes_target: usize) -> Self {
        let (commits, tentative) = (Vec::new(), Vec::new());
        Self { bytes_target, interner: Interner::default(), after, commits, tentative, bytes: 0 }
    }

    /// Whether another write may go in. The first one always may.
    const fn has_room_for(&self, bytes: usize) -> bool {
        self.bytes == 0 || self.bytes + bytes + WRITE_OVERHEAD_BYTES <= self.bytes_target
    }

    fn push(&mut self, write: &Write, sent: &mut VersionVector) {
        write.extend(sent);
        self.bytes += write.bytes() + WRITE_OVERHEAD_BYTES;
        self.tentative.push(self.interner.write(write));
    }

    fn finish(self) -> Option<Batch> {
        let Self { interner, after, commits, tentative, .. } = self;
        let empty = commits.is_empty() && tentative.is_empty();
        (!empty).then(|| Batch { replicas: interner.finish(), after, commits, tentative })
    }
}
