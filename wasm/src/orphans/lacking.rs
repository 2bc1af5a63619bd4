//! How far the writes of an idle replica have come into the own one.

use std::collections::BTreeMap;

use bayou_core::{Knowledge, Replica, ReplicaId, Stamp};

/// The writes that the own replica lacked when a session with an idle one began.
pub(super) struct Lacking(BTreeMap<ReplicaId, Vec<Stamp>>);

impl Lacking {
    pub(super) fn of(own: &Replica, idle: &Replica) -> Self {
        let mut lacking: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for write in idle.writes_beyond(own.version_vector()) {
            lacking.entry(write.replica.clone()).or_default().push(write.stamp);
        }
        lacking.values_mut().for_each(|stamps| stamps.sort_unstable());
        Self(lacking)
    }

    pub(super) fn count(&self) -> usize {
        self.0.values().map(Vec::len).sum()
    }

    /// How many of them it still lacks.
    pub(super) fn left(&self, own: &Replica) -> usize {
        let left = |(replica, stamps): (&ReplicaId, &Vec<Stamp>)| match own.version_vector().knowledge_of(replica) {
            Knowledge::NotCreated => stamps.len(),
            Knowledge::Through(held) => stamps.len() - stamps.partition_point(|stamp| *stamp <= held),
            Knowledge::Retired => 0,
        };
        self.0.iter().map(left).sum()
    }
}
