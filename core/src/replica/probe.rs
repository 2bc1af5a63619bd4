//! What the simulator sees of a replica beyond the public API, and what it makes it do.

use crate::{
    anti_entropy::Peer,
    digest::Digest,
    draft::Draft,
    id::WriteId,
    output::Outputs,
    stamp::{Csn, Stamp, Term},
    tuple_store::View,
    value::{Key, Name, Tuple},
    vector::VersionVector,
    write::{Body, Write},
};

use super::Replica;

/// A write of the committed prefix as it is held.
#[derive(Clone, Copy, Debug)]
pub struct CommittedEntry<'a> {
    /// Its place.
    pub csn: Csn,
    /// The term in which it got it.
    pub term: Term,
    /// The write.
    pub write: &'a Write,
    /// Why the primary refused it, if it did.
    pub refused: Option<&'a str>,
    /// The digest of the committed order through it.
    pub prefix: Digest,
}

/// What a replica keeps in memory beside log and data.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Kept {
    /// Arrivals that some session has not followed.
    pub arrivals: usize,
    /// The most unacknowledged bytes of batches on one link.
    pub in_flight_bytes_max: usize,
    /// Outcomes of truncated writes.
    pub outcomes: usize,
    /// State transfers that have begun to arrive.
    pub incoming: usize,
    /// Writes that are not stored yet.
    pub unsaved: usize,
    /// Writes that wait to be offered again.
    pub lost: usize,
}

impl Replica {
    /// The committed writes that are held beyond a CSN.
    pub fn committed_entries(&self, after: Csn) -> impl Iterator<Item = CommittedEntry<'_>> {
        let entries = self.log.committed_after(after);
        let first = self.log.csn().get() + 1 - entries.len() as u64;
        (first..).zip(entries).map(|(csn, entry)| CommittedEntry {
            csn: Csn::new(csn).expect("a CSN of the log"),
            term: entry.term,
            write: &entry.write,
            refused: entry.refused.as_deref(),
            prefix: entry.prefix,
        })
    }

    /// The tentative writes in log order.
    pub fn tentative_writes(&self) -> impl Iterator<Item = &Write> {
        self.log.tentative().values().map(AsRef::as_ref)
    }

    /// What was truncated: OSN, omitted vector, and the digest of the committed order there.
    #[must_use]
    pub fn omitted(&self) -> (Csn, &VersionVector, Digest) {
        let omitted = self.log.omitted();
        (omitted.csn, &omitted.vector, omitted.prefix)
    }

    /// The last commit that the committed view shows.
    #[must_use]
    pub fn shown_csn(&self) -> Csn {
        self.schedule.csn()
    }

    /// The digest of the committed order through this CSN, if it is held.
    #[must_use]
    pub fn prefix_through(&self, csn: Csn) -> Option<Digest> {
        self.log.prefix(csn)
    }

    /// All tuples of a view.
    pub fn tuples(&self, view: View) -> impl Iterator<Item = (&Name, &Key, &Tuple)> {
        self.store.view(view).iter().map(|(relation, key, tuple)| (relation, key, tuple.as_ref()))
    }

    /// Whether the data is still to follow the log, because a peer is catching up.
    #[must_use]
    pub const fn is_replay_due(&self) -> bool {
        self.replay_due().is_some()
    }

    /// After which CSN the outcomes of other replicas' truncated writes are all known.
    #[must_use]
    pub const fn outcomes_known_after(&self) -> Csn {
        self.outcomes_after
    }

    /// What is kept beside log and data.
    #[must_use]
    pub fn kept(&self) -> Kept {
        Kept {
            arrivals: self.arrivals.len(),
            in_flight_bytes_max: self.peers.values().map(Peer::in_flight_bytes).max().unwrap_or(0),
            outcomes: self.outcomes.len(),
            incoming: self.incoming.len(),
            unsaved: self.unsaved.len(),
            lost: self.lost.len(),
        }
    }

    /// The logical clock.
    #[must_use]
    pub fn clock(&self) -> Stamp {
        self.clock.stamp()
    }

    /// Whether the id was found to be another replica's, too.
    #[must_use]
    pub fn has_lost_id(&self) -> bool {
        self.id_lost
    }

    /// Moves the clock, as a hostile or broken replica would.
    pub fn leap_clock(&mut self, to: Stamp) {
        self.clock.pass(to);
    }

    /// Accepts an update as a program does that is one version newer.
    pub fn submit_newer(&mut self, draft: &Draft) -> Option<(WriteId, Outputs)> {
        if !self.ready || self.has_retired() {
            return None;
        }
        let body = Body::of_newer_update(draft).ok()?;
        let id = self.accept(body).ok()?;
        Some((id, self.finish()))
    }
}
