//! State transfers under way to this replica: parts are kept until the data is complete, whoever sends them.

use std::collections::BTreeMap;

use crate::{
    digest::Digest,
    id::WriteId,
    limits::{SNAPSHOT_BYTES_MAX, SNAPSHOTS_MAX},
    outcomes::OmittedOutcome,
    output::DisconnectReason,
    stamp::Csn,
    tuple_store::{Base, BaseBuilder, Tables, TupleKey},
    wire::{file::DataPlace, snapshot::SnapshotPart},
    write_log::{Omitted, Reigns},
};

/// All that a state transfer brought.
#[derive(Debug)]
pub(crate) struct Snapshot {
    pub(crate) base: Base,
    /// The view that consists of the base's tuples.
    pub(crate) tables: Tables,
    pub(crate) omitted: Omitted,
    pub(crate) reigns: Reigns,
    pub(crate) outcomes: Vec<(WriteId, OmittedOutcome)>,
}

#[derive(Debug)]
struct Incoming {
    base: BaseBuilder,
    tuples: usize,
    bytes: usize,
    outcomes: BTreeMap<WriteId, OmittedOutcome>,
}

impl Incoming {
    fn new() -> Self {
        Self { base: BaseBuilder::with_digest(), tuples: 0, bytes: 0, outcomes: BTreeMap::new() }
    }
}

/// Transfers by what they are of: the same data may come from several peers, and be continued by another one. They are
/// in order, and few.
#[derive(Debug, Default)]
pub(crate) struct IncomingSnapshots(Vec<((Csn, Digest), Incoming)>);

impl IncomingSnapshots {
    /// Where the one that leads furthest stands.
    pub(crate) fn cursor(&self) -> Option<(Csn, Digest, TupleKey)> {
        let ((csn, digest), incoming) = self.0.last()?;
        Some((*csn, *digest, incoming.base.last()?.clone()))
    }

    /// Whether all that comes before this place has been received.
    pub(crate) fn reaches(&self, place: &DataPlace) -> bool {
        let incoming = self.place(&(place.csn, place.digest)).ok().map(|at| &self.0[at].1);
        incoming.is_some_and(|incoming| {
            place.after.as_ref() <= incoming.base.last() && place.outcomes <= incoming.outcomes.len() as u64
        })
    }

    /// Takes a part; the snapshot, if it is complete.
    pub(crate) fn take(&mut self, part: SnapshotPart) -> Result<Option<Snapshot>, DisconnectReason> {
        let SnapshotPart { csn, digest, after, tuples, outcomes, end } = part;
        let name = (csn, digest);
        if self.place(&name).is_err() && self.0.len() >= SNAPSHOTS_MAX {
            // The one that leads least far is the least use.
            self.0.remove(0);
        }
        let at = self.place(&name).unwrap_or_else(|at| {
            self.0.insert(at, (name, Incoming::new()));
            at
        });
        let incoming = &mut self.0[at].1;
        if after.as_ref() > incoming.base.last() {
            // What it continues was given up here since this side said how far it was.
            return Err(DisconnectReason::Resync);
        }
        incoming.bytes += outcomes.bytes();
        for (key, tuple) in tuples.into_tuples()? {
            // A part may have come from another peer, too.
            if Some(&key) > incoming.base.last() {
                incoming.bytes += key.0.as_str().len() + key.1.as_str().len() + tuple.fields.bytes();
                incoming.tuples += 1;
                incoming.base.append(key, tuple);
            }
        }
        if incoming.bytes > SNAPSHOT_BYTES_MAX {
            self.0.remove(at);
            return Err(DisconnectReason::SnapshotTooLarge);
        }
        incoming.outcomes.extend(outcomes.into_outcomes()?);
        let Some(end) = end else { return Ok(None) };
        let (omitted, reigns) = end.into_parts()?;
        let (_, Incoming { base, outcomes, .. }) = self.0.remove(at);
        let (base, tables) = base.finish();
        if omitted.csn != csn || base.digest() != digest {
            return Err(DisconnectReason::SnapshotDigest);
        }
        Ok(Some(Snapshot { base, tables, omitted, reigns, outcomes: outcomes.into_iter().collect() }))
    }

    /// How many tuples have arrived of the one that leads furthest.
    pub(crate) fn arrived(&self) -> usize {
        self.0.last().map_or(0, |(_, incoming)| incoming.tuples)
    }

    /// How many have begun to arrive.
    #[cfg(feature = "sim")]
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Forgets what leads no further than this.
    pub(crate) fn forget_through(&mut self, csn: Csn) {
        self.0.retain(|((incoming, _), _)| *incoming > csn);
    }

    /// Where one is, or would be inserted.
    fn place(&self, name: &(Csn, Digest)) -> Result<usize, usize> {
        self.0.binary_search_by(|(other, _)| other.cmp(name))
    }
}
