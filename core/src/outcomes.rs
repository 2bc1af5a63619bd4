//! What became of truncated writes.
//!
//! These are no tuples of the data: when an outcome may be forgotten depends on what is known of its accepter, which
//! differs between replicas, whereas the data as of a CSN has one digest everywhere.

use std::collections::BTreeMap;

use crate::{
    digest::Digest,
    id::{ReplicaId, WriteId},
    limits::OWN_OUTCOMES_MAX,
    outcome::{Conflict, Outcome},
    stamp::{Csn, Stamp},
};

/// What the tuples in the way of one truncated write may take.
const FOUND_BYTES_MAX: usize = 4 * 1024;

/// What became of one truncated write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct OmittedOutcome {
    pub(crate) csn: Csn,
    /// The digest of its accepter's chain through the write.
    pub(crate) chain: Digest,
    pub(crate) outcome: Outcome,
}

/// The outcomes of truncated writes, each kept until its accepter is known to hold the commit.
#[derive(Debug, Default)]
pub(crate) struct Outcomes(BTreeMap<ReplicaId, BTreeMap<Stamp, OmittedOutcome>>);

impl Outcomes {
    pub(crate) fn add(&mut self, write: WriteId, omitted: OmittedOutcome) {
        let OmittedOutcome { csn, chain, outcome } = omitted;
        let omitted = OmittedOutcome { csn, chain, outcome: shortened(outcome) };
        self.0.entry(write.replica).or_default().insert(write.stamp, omitted);
    }

    pub(crate) fn of(&self, write: &WriteId) -> Option<&OmittedOutcome> {
        self.0.get(&write.replica)?.get(&write.stamp)
    }

    /// The outcomes of one replica's writes, beyond a CSN.
    pub(crate) fn of_replica(
        &self,
        replica: &ReplicaId,
        after: Csn,
    ) -> impl Iterator<Item = (WriteId, &OmittedOutcome)> {
        let beyond = self.0.get(replica).into_iter().flatten().filter(move |(_, omitted)| omitted.csn > after);
        beyond.map(|(stamp, omitted)| (WriteId { stamp: *stamp, replica: replica.clone() }, omitted))
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (WriteId, &OmittedOutcome)> {
        let of = |(replica, outcomes)| -> Vec<(WriteId, &OmittedOutcome)> { Self::with_ids(replica, outcomes) };
        self.0.iter().flat_map(of)
    }

    fn with_ids<'a>(
        replica: &ReplicaId,
        outcomes: &'a BTreeMap<Stamp, OmittedOutcome>,
    ) -> Vec<(WriteId, &'a OmittedOutcome)> {
        let id = |stamp: &Stamp| WriteId { stamp: *stamp, replica: replica.clone() };
        outcomes.iter().map(|(stamp, omitted)| (id(stamp), omitted)).collect()
    }

    /// The replica is known to hold all commits through this CSN.
    pub(crate) fn forget_through(&mut self, replica: &ReplicaId, csn: Csn) {
        if let Some(outcomes) = self.0.get_mut(replica) {
            outcomes.retain(|_, omitted| omitted.csn > csn);
            if outcomes.is_empty() {
                self.0.remove(replica);
            }
        }
    }

    /// Keeps the outcomes of those replicas only that may still ask for them.
    pub(crate) fn retain(&mut self, may_ask: impl Fn(&ReplicaId) -> bool) {
        self.0.retain(|replica, _| may_ask(replica));
    }

    /// Of one's own writes the last ones are kept, to be looked at.
    pub(crate) fn trim_own(&mut self, own: &ReplicaId) {
        if let Some(outcomes) = self.0.get_mut(own) {
            while outcomes.len() > OWN_OUTCOMES_MAX {
                outcomes.pop_first();
            }
        }
    }

    /// How many outcomes are kept.
    pub(crate) fn len(&self) -> usize {
        self.0.values().map(BTreeMap::len).sum()
    }
}

/// An outcome without the tuples that were in the way, if these are large.
fn shortened(mut outcome: Outcome) -> Outcome {
    let found = |conflict: &Conflict| match conflict {
        Conflict::Check { found, .. } => found.iter().map(|row| row.tuple.fields.bytes()).sum(),
        _ => 0,
    };
    let bytes: usize = outcome.attempts.iter().map(|attempt| found(&attempt.conflict)).sum();
    if bytes > FOUND_BYTES_MAX {
        for attempt in &mut outcome.attempts {
            if let Conflict::Check { found, .. } = &mut attempt.conflict {
                found.clear();
            }
        }
    }
    outcome
}
