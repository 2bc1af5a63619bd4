//! State transfer: to a peer that lacks commits which are truncated here, the data as of the omitted CSN \[97 §3.3\].

use std::sync::Arc;

use crate::{
    id::WriteId,
    outcomes::OmittedOutcome,
    snapshot::{Part, SnapshotReader},
    tuple_store::{Base, TupleKey},
    wire::snapshot::{Outcomes, SnapshotPart, Tuples, WireOmitted},
    write_log::{Omitted, Reigns},
};

/// One state transfer under way to a peer.
#[derive(Debug)]
pub(crate) struct Transfer {
    reader: SnapshotReader,
    pub(super) omitted: Omitted,
    reigns: Reigns,
}

impl Transfer {
    /// A transfer from the beginning, or from where an earlier one of the same data was interrupted; with the outcomes of
    /// the receiver's own writes.
    pub(super) fn new(
        base: Arc<Base>,
        omitted: Omitted,
        reigns: Reigns,
        after: Option<TupleKey>,
        outcomes: Vec<(WriteId, OmittedOutcome)>,
    ) -> Self {
        Self { reader: SnapshotReader::new(base, after, outcomes), omitted, reigns }
    }

    /// The next part; the last one has an end.
    pub(super) fn next_part(&mut self, bytes_target: usize) -> SnapshotPart {
        let (csn, digest, after) = (self.omitted.csn, self.reader.base().digest(), self.reader.after().cloned());
        let (tuples, outcomes, end) = match self.reader.next_part(bytes_target) {
            Some(Part::Tuples(tuples)) => (tuples, Outcomes::default(), None),
            Some(Part::Outcomes(outcomes)) => (Tuples::default(), outcomes, None),
            None => {
                let end = WireOmitted::new(&self.omitted, &self.reigns);
                (Tuples::default(), Outcomes::default(), Some(Box::new(end)))
            }
        };
        SnapshotPart { csn, digest, after, tuples, outcomes, end }
    }
}
