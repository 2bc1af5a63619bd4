//! What holds of every log at every moment.

use std::collections::BTreeMap;

use crate::{id::ReplicaId, stamp::Stamp, vector::Knowledge};

use super::WriteLog;

impl WriteLog {
    pub(crate) fn assert_invariants(&self) {
        assert_eq!(self.positions.len(), self.committed.len(), "every committed write has one position");
        let mut last: BTreeMap<ReplicaId, Stamp> = BTreeMap::new();
        for (replica, entry) in self.omitted.vector.iter() {
            last.insert(replica.clone(), entry.stamp);
        }
        let in_order = self.committed.iter().map(|entry| &entry.write).chain(self.tentative.values());
        for write in in_order {
            let before = last.insert(write.id.replica.clone(), write.id.stamp);
            assert!(before < Some(write.id.stamp), "{}: the log keeps each replica's accept order", write.id);
            assert!(self.vector.covers(&write.id), "{}: the vector covers what is held", write.id);
            if write.retires() && write.id.replica.creation().is_some() {
                let knowledge = self.vector.knowledge_of(&write.id.replica);
                assert_eq!(knowledge, Knowledge::Retired, "{}: nothing is expected of who retired", write.id);
            }
        }
        for (replica, entry) in self.vector.iter() {
            // A replica that has accepted nothing is covered by its creation; the first one by nothing.
            let known = last.get(replica).copied().or_else(|| replica.creation().map(|creation| creation.stamp));
            assert_eq!(known.unwrap_or(Stamp::ZERO), entry.stamp, "{replica}: the vector covers no more than is held");
        }
        assert!(self.vector.dominates(&self.omitted.vector), "what was omitted is known");
        let terms = self.committed.windows(2).all(|pair| pair[0].term <= pair[1].term);
        assert!(terms, "terms rise along the committed prefix");
        assert!(self.committed.last().is_none_or(|last| last.term <= self.term()), "no commit is of a term to come");
    }
}
