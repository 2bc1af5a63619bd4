//! What is known to be on stable storage outside this browser.

use std::collections::BTreeMap;

use crate::{
    digest::Digest,
    id::{ReplicaId, WriteId},
    sort::distinct,
    stamp::Stamp,
    vector::VersionVector,
    wire::WireVector,
    write_log::WriteLog,
};

/// For each replica, through which stamp its writes are known to be stored elsewhere.
///
/// This is no version vector: it is put together from parts of several peers' vectors, so that an absent entry means
/// that nothing was heard, and never that the replica has retired.
#[derive(Debug, Default)]
pub(crate) struct Elsewhere(BTreeMap<ReplicaId, Stamp>);

impl Elsewhere {
    pub(crate) fn covers(&self, write: &WriteId) -> bool {
        self.0.get(&write.replica).is_some_and(|through| write.stamp <= *through)
    }

    /// Takes note of a write, and so of all that its accepter wrote before it. Says whether that is news.
    pub(crate) fn note(&mut self, replica: &ReplicaId, stamp: Stamp) -> bool {
        match self.0.get_mut(replica) {
            Some(through) if *through >= stamp => false,
            Some(through) => {
                *through = stamp;
                true
            }
            None => {
                self.0.insert(replica.clone(), stamp);
                true
            }
        }
    }

    /// What is to be stored: what is known of the writes that are still tentative.
    pub(crate) fn to_wire(&self, log: &WriteLog) -> WireVector {
        let accepters = distinct(log.tentative().keys().map(|id| &id.replica));
        let known = accepters.into_iter().filter_map(|id| Some((id.clone(), *self.0.get(id)?, Digest::EMPTY)));
        known.collect()
    }

    /// All that a replica ever wrote is elsewhere, where its retirement is known.
    pub(crate) fn note_retired(&mut self, replica: &ReplicaId) {
        self.note(replica, Stamp::LAST);
    }

    pub(crate) fn note_all(&mut self, vector: &VersionVector) {
        for (replica, entry) in vector.iter() {
            self.note(replica, entry.stamp);
        }
    }
}
