//! Reading the data as of an omitted CSN out in parts, for a peer or for storage, while it moves on with the log.

use std::sync::Arc;

use crate::{
    id::WriteId,
    outcomes::OmittedOutcome,
    tuple_store::{Base, TupleKey},
    wire::{
        Interner,
        snapshot::{self, Outcomes, Tuples, WireOutcome},
    },
};

/// What a tuple costs beside its key and fields, as an estimate for closing a part.
const TUPLE_OVERHEAD_BYTES: usize = 24;

/// Tuples, then outcomes.
#[derive(Debug)]
pub(crate) struct SnapshotReader {
    base: Arc<Base>,
    after: Option<TupleKey>,
    tuples_read: bool,
    /// The last first.
    outcomes: Vec<(WriteId, OmittedOutcome)>,
}

/// A part of a snapshot.
pub(crate) enum Part {
    Tuples(Tuples),
    Outcomes(Outcomes),
}

impl SnapshotReader {
    /// Reads all tuples, then these outcomes.
    pub(crate) fn new(base: Arc<Base>, mut outcomes: Vec<(WriteId, OmittedOutcome)>) -> Self {
        outcomes.reverse();
        Self { base, after: None, tuples_read: false, outcomes }
    }

    /// Leaves out the tuples through this place.
    pub(crate) fn begin_after(&mut self, place: TupleKey) {
        self.after = Some(place);
    }

    pub(crate) fn base(&self) -> &Base {
        &self.base
    }

    /// The last tuple read.
    pub(crate) const fn after(&self) -> Option<&TupleKey> {
        self.after.as_ref()
    }

    /// The next part of so many bytes, or of one element that has more; `None` after the last one.
    pub(crate) fn next_part(&mut self, bytes_target: usize) -> Option<Part> {
        if !self.tuples_read {
            Some(Part::Tuples(self.next_tuples(bytes_target)))
        } else if !self.outcomes.is_empty() {
            Some(Part::Outcomes(self.next_outcomes(bytes_target)))
        } else {
            None
        }
    }

    fn next_tuples(&mut self, bytes_target: usize) -> Tuples {
        let mut interner = Interner::default();
        let (mut tuples, mut bytes, mut last) = (Vec::new(), 0, None);
        let mut rest = self.base.after(self.after.as_ref());
        self.tuples_read = loop {
            let Some((relation, key, tuple)) = rest.next() else { break true };
            let more = relation.as_str().len() + key.as_str().len() + tuple.fields.bytes() + TUPLE_OVERHEAD_BYTES;
            if bytes > 0 && bytes + more > bytes_target {
                break false;
            }
            bytes += more;
            tuples.push(snapshot::tuple(&mut interner, relation, key, tuple));
            last = Some((relation, key));
        };
        let last = last.map(|(relation, key)| (relation.clone(), key.clone()));
        drop(rest);
        if last.is_some() {
            self.after = last;
        }
        Tuples { replicas: interner.finish(), tuples }
    }

    fn next_outcomes(&mut self, bytes_target: usize) -> Outcomes {
        let mut interner = Interner::default();
        let (mut outcomes, mut bytes) = (Vec::new(), 0);
        while bytes < bytes_target
            && let Some((write, omitted)) = self.outcomes.pop()
        {
            let wire = WireOutcome::new(&mut interner, &write, &omitted);
            if bytes > 0 && bytes + wire.bytes() > bytes_target {
                self.outcomes.push((write, omitted));
                break;
            }
            bytes += wire.bytes();
            outcomes.push(wire);
        }
        Outcomes { replicas: interner.finish(), outcomes }
    }
}
