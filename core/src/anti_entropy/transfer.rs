//! State transfer: to a peer that lacks commits which are truncated here, the data as of the omitted CSN \[97 §3.3\].

use std::sync::Arc;

use crate::{
    digest::Digest,
    id::WriteId,
    limits::TUPLES_AT_ONCE,
    outcomes::OmittedOutcome,
    snapshot::{Part, SnapshotReader},
    stamp::Csn,
    tuple_store::{Base, Digesting, TupleKey},
    wire::snapshot::{Outcomes, SnapshotPart, Tuples, WireOmitted},
    write_log::{Omitted, Reigns},
};

/// One state transfer under way to a peer.
#[derive(Debug)]
pub(crate) struct Transfer {
    reader: SnapshotReader,
    /// Nothing is sent before the digest is known: every part names it.
    digesting: Digesting,
    awaits_digest: bool,
    /// Where the peer says that its last transfer was interrupted, and of which data that was.
    interrupted: Option<(Csn, Digest, TupleKey)>,
    pub(super) omitted: Omitted,
    reigns: Reigns,
}

impl Transfer {
    /// A transfer from the beginning, or where an earlier one of the same data was interrupted, from there; with the outcomes
    /// of the receiver's own writes.
    pub(super) fn new(
        base: Arc<Base>,
        omitted: Omitted,
        reigns: Reigns,
        interrupted: Option<(Csn, Digest, TupleKey)>,
        outcomes: Vec<(WriteId, OmittedOutcome)>,
    ) -> Self {
        let mut digesting = Digesting::of(Arc::clone(&base));
        digesting.step(TUPLES_AT_ONCE);
        let reader = SnapshotReader::new(base, outcomes);
        Self { reader, digesting, awaits_digest: false, interrupted, omitted, reigns }
    }

    /// Whether its next part waits for the digest of its data.
    pub(super) const fn awaits_digest(&self) -> bool {
        self.awaits_digest
    }

    /// Computes some more of the digest.
    pub(super) fn continue_digest(&mut self) {
        self.digesting.step(TUPLES_AT_ONCE);
    }

    /// The next part, once the digest is known; the last one has an end.
    pub(super) fn next_part(&mut self, bytes_target: usize) -> Option<SnapshotPart> {
        let digest = self.reader.base().known_digest();
        self.awaits_digest = digest.is_none();
        let (csn, digest) = (self.omitted.csn, digest?);
        if let Some((_, _, place)) = self.interrupted.take().filter(|(of, data, _)| (*of, *data) == (csn, digest)) {
            self.reader.begin_after(place);
        }
        let after = self.reader.after().cloned();
        let (tuples, outcomes, end) = match self.reader.next_part(bytes_target) {
            Some(Part::Tuples(tuples)) => (tuples, Outcomes::default(), None),
            Some(Part::Outcomes(outcomes)) => (Tuples::default(), outcomes, None),
            None => {
                let end = WireOmitted::new(&self.omitted, &self.reigns);
                (Tuples::default(), Outcomes::default(), Some(Box::new(end)))
            }
        };
        Some(SnapshotPart { csn, digest, after, tuples, outcomes, end })
    }
}
