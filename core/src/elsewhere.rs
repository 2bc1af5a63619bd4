//! What is known to be on stable storage outside this browser.

use std::collections::BTreeMap;

use crate::{
    id::{ReplicaId, WriteId},
    stamp::Stamp,
    vector::VersionVector,
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

    pub(crate) fn note_all(&mut self, vector: &VersionVector) {
        for (replica, entry) in vector.iter() {
            self.note(replica, entry.stamp);
        }
    }
}
