//! **An id never names two writes** \[95 §7\]: unless a storage was copied, set back or lost, whoever holds a write of an id
//! holds the same.
//!
//! No false alarm: only what is stored counts, and ids of copied storage are known.

use std::collections::{BTreeMap, BTreeSet};

use bayou_core::{Digest, Replica, ReplicaId, WriteId};

use super::Violation;
use crate::faults::{Counters, Fault};

#[derive(Debug, Default)]
pub(crate) struct Ownership {
    chains: BTreeMap<WriteId, Digest>,
}

impl Ownership {
    pub(super) fn look(
        &mut self,
        replica: &Replica,
        tainted: &BTreeSet<ReplicaId>,
        counters: &mut Counters,
    ) -> Result<(), Violation> {
        for write in replica.tentative_writes() {
            if write.is_unknown() {
                counters.count(Fault::UnknownKind);
            }
            match self.chains.get(&write.id) {
                None => {
                    self.chains.insert(write.id.clone(), write.chain);
                }
                Some(known) if *known != write.chain && !descends(&write.id.replica, tainted) => {
                    return Err(Violation::of("one-owner", format!("{} names two writes", write.id)));
                }
                Some(_) => {}
            }
        }
        Ok(())
    }
}

/// Whether the replica, or one that it was created by, is among these: what a copy creates may bear the same id.
pub(super) fn descends(replica: &ReplicaId, from: &BTreeSet<ReplicaId>) -> bool {
    let mut replica = replica.clone();
    loop {
        if from.contains(&replica) {
            return true;
        }
        match replica.creation() {
            Some(creation) => replica = creation.replica,
            None => return false,
        }
    }
}
