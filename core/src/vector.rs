//! Version vectors: which writes a replica holds.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::{
    digest::Digest,
    id::{ReplicaId, WriteId},
    planted::{self, Bug},
    stamp::Stamp,
};

/// The last write of one replica that a vector covers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct VectorEntry {
    /// Its accept stamp.
    pub stamp: Stamp,
    /// The digest of that replica's chain of writes up to it.
    pub chain: Digest,
}

/// What a vector says of one replica.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Knowledge {
    /// The replica's creation is not known here (the papers' -infinity).
    NotCreated,
    /// All its writes up to this stamp are known.
    Through(Stamp),
    /// It was created and retired; all its writes are known (the papers' +infinity).
    Retired,
}

/// For each known replica the last of its writes that is held \[97 §3.1\].
///
/// The prefix property makes one stamp a replica enough: who holds a write of a replica holds, or has applied and
/// omitted, all that replica's earlier ones. The first replica of a database has an entry from the start, so that
/// the empty vector, of one that knows nothing, claims nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct VersionVector {
    entries: BTreeMap<ReplicaId, VectorEntry>,
}

impl VersionVector {
    /// The vector of the replica that begins a database.
    #[must_use]
    pub fn of_new_database() -> Self {
        let mut vector = Self::default();
        vector.set(ReplicaId::first(), VectorEntry { stamp: Stamp::ZERO, chain: Digest::EMPTY });
        vector
    }

    /// What is known of a replica. Every comparison of vectors goes through this one question, which decides what an
    /// absent entry means (`CompleteV` \[97 §4.3\]): absent (T, C) was created and retired if C's writes are known
    /// through T, and has not been heard of otherwise.
    #[must_use]
    pub fn knowledge_of(&self, replica: &ReplicaId) -> Knowledge {
        if let Some(entry) = self.entries.get(replica) {
            return Knowledge::Through(entry.stamp);
        }
        match replica.creation() {
            Some(creation) if self.covers(&creation) && !planted::is(Bug::PlainVectors) => Knowledge::Retired,
            _ => Knowledge::NotCreated,
        }
    }

    /// Whether this vector's holder knows the write.
    #[must_use]
    pub fn covers(&self, write: &WriteId) -> bool {
        match self.knowledge_of(&write.replica) {
            Knowledge::NotCreated => false,
            Knowledge::Through(stamp) => write.stamp <= stamp,
            Knowledge::Retired => true,
        }
    }

    /// Whether this vector covers all that `other` covers.
    #[must_use]
    pub fn dominates(&self, other: &Self) -> bool {
        // What `other` has retired is absent there and may be present here as `Through`: it is asked for on both sides.
        self.entries.keys().chain(other.entries.keys()).all(|id| self.knowledge_of(id) >= other.knowledge_of(id))
    }

    /// The entry of a replica, if it has one.
    #[must_use]
    pub fn entry(&self, replica: &ReplicaId) -> Option<&VectorEntry> {
        self.entries.get(replica)
    }

    /// The entries in the order of the ids.
    pub fn iter(&self) -> impl Iterator<Item = (&ReplicaId, &VectorEntry)> {
        self.entries.iter()
    }

    /// How many replicas have an entry.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether nothing is known, not even the database's first replica.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The least vector that covers what either covers: the greater knowledge of each id that one of the two has an
    /// entry for. What one of them knows to be retired has no entry in the result, which covers its creation.
    #[must_use]
    pub fn merged(&self, other: &Self) -> Self {
        let mut merged = Self::default();
        for id in self.entries.keys().chain(other.entries.keys()) {
            let (ours, theirs) = (self.knowledge_of(id), other.knowledge_of(id));
            let greater = if ours >= theirs { self } else { other };
            if let (Knowledge::Through(_), Some(entry)) = (ours.max(theirs), greater.entry(id)) {
                merged.set(id.clone(), *entry);
            }
        }
        merged
    }

    pub(crate) fn set(&mut self, replica: ReplicaId, entry: VectorEntry) {
        self.entries.insert(replica, entry);
    }

    /// Takes the entry away: the replica retired, or its creation lost its place.
    pub(crate) fn remove(&mut self, replica: &ReplicaId) {
        self.entries.remove(replica);
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::{collection::vec, prelude::*, sample::Index};

    use super::*;
    use crate::wire::tests::cases;

    fn vector(entries: &[(&str, u64)]) -> VersionVector {
        let mut vector = VersionVector::default();
        for (replica, stamp) in entries {
            let entry = VectorEntry { stamp: Stamp::new(*stamp).unwrap(), chain: Digest::EMPTY };
            vector.set(replica.parse().unwrap(), entry);
        }
        vector
    }

    #[test]
    fn an_absent_entry_is_retired_only_if_its_creation_is_covered() {
        let known = vector(&[("0", 7)]);
        assert_eq!(known.knowledge_of(&"0.5".parse().unwrap()), Knowledge::Retired);
        assert_eq!(known.knowledge_of(&"0.9".parse().unwrap()), Knowledge::NotCreated);
        assert_eq!(known.knowledge_of(&"0.5.6".parse().unwrap()), Knowledge::Retired);
        assert_eq!(known.knowledge_of(&"0.9.12".parse().unwrap()), Knowledge::NotCreated);
    }

    #[test]
    fn the_empty_vector_claims_nothing() {
        let empty = VersionVector::default();
        assert_eq!(empty.knowledge_of(&ReplicaId::first()), Knowledge::NotCreated);
        assert!(!empty.covers(&"1@0.5".parse().unwrap()));
        assert!(!empty.dominates(&VersionVector::of_new_database()));
    }

    #[test]
    fn merging_takes_the_greater_knowledge_of_each_id() {
        let knows_retirement = vector(&[("0", 9)]);
        let older = vector(&[("0", 6), ("0.5", 8)]);
        let newer_creation = vector(&[("0", 12), ("0.12", 14), ("0.5", 8)]);
        assert_eq!(knows_retirement.merged(&older), vector(&[("0", 9)]));
        assert_eq!(older.merged(&knows_retirement), vector(&[("0", 9)]));
        assert_eq!(knows_retirement.merged(&newer_creation), vector(&[("0", 12), ("0.12", 14)]));
        assert_eq!(older.merged(&VersionVector::default()), older);
    }

    /// What a replica writes: it creates another, or retires, or does something else.
    #[derive(Clone, Copy, Debug, PartialEq)]
    enum Deed {
        Other,
        Create,
        Retire,
    }

    /// All writes of a database, in an order in which they could be accepted.
    fn history(deeds: &[(Index, Deed)]) -> Vec<(WriteId, Deed)> {
        let mut alive = vec![ReplicaId::first()];
        let mut writes = Vec::new();
        for (number, (author, deed)) in (1..).zip(deeds) {
            let author = author.index(alive.len());
            let deed = if author == 0 && *deed == Deed::Retire { Deed::Other } else { *deed };
            let id = WriteId { stamp: Stamp::new(number).unwrap(), replica: alive[author].clone() };
            match deed {
                Deed::Other => {}
                Deed::Create => alive.extend(ReplicaId::created_by(&id)),
                Deed::Retire => drop(alive.remove(author)),
            }
            writes.push((id, deed));
        }
        writes
    }

    /// What somebody may hold: of each replica the first few writes, or none where its creation is not held.
    fn held(history: &[(WriteId, Deed)], missing: &[Index]) -> BTreeSet<WriteId> {
        let mut held: BTreeSet<WriteId> = history.iter().map(|(id, _)| id.clone()).collect();
        for missing in missing {
            held.remove(&history[missing.index(history.len())].0);
        }
        let mut closed = BTreeSet::new();
        let mut cut = BTreeSet::new();
        for (id, _) in history {
            let created = id.replica.creation().is_none_or(|creation| closed.contains(&creation));
            if held.contains(id) && created && !cut.contains(&id.replica) {
                closed.insert(id.clone());
            } else {
                cut.insert(id.replica.clone());
            }
        }
        closed
    }

    fn vector_of(history: &[(WriteId, Deed)], held: &BTreeSet<WriteId>) -> VersionVector {
        let mut vector = VersionVector::of_new_database();
        for (id, deed) in history.iter().filter(|(id, _)| held.contains(id)) {
            let chain = Digest::EMPTY.chained(&[id.to_string().as_bytes()]);
            let entry = VectorEntry { stamp: id.stamp, chain };
            match deed {
                Deed::Retire => vector.remove(&id.replica),
                Deed::Other | Deed::Create => vector.set(id.replica.clone(), entry),
            }
            if *deed == Deed::Create {
                vector.set(ReplicaId::created_by(id).unwrap(), entry);
            }
        }
        vector
    }

    fn deeds() -> impl Strategy<Value = Vec<(Index, Deed)>> {
        let deed = prop_oneof![3 => Just(Deed::Other), 3 => Just(Deed::Create), 2 => Just(Deed::Retire)];
        vec((any::<Index>(), deed), 1..20)
    }

    proptest! {
        #![proptest_config(cases(500))]

        #[test]
        fn vectors_of_sets_of_writes_compare_and_merge_as_the_sets_do(
            deeds in deeds(), missing in (vec(any::<Index>(), 0..4), vec(any::<Index>(), 0..4))
        ) {
            let history = history(&deeds);
            let (left, right) = (held(&history, &missing.0), held(&history, &missing.1));
            let vectors = (vector_of(&history, &left), vector_of(&history, &right));
            prop_assert_eq!(vectors.0.dominates(&vectors.1), left.is_superset(&right));
            for (id, _) in &history {
                prop_assert_eq!(vectors.0.covers(id), left.contains(id));
            }
            let both = left.union(&right).cloned().collect();
            prop_assert_eq!(vectors.0.merged(&vectors.1), vector_of(&history, &both));
        }
    }

    #[test]
    fn dominance_asks_for_the_ids_of_both_sides() {
        let holds_retired = vector(&[("0", 9)]);
        let not_yet = vector(&[("0", 9), ("0.5", 8)]);
        assert!(holds_retired.dominates(&not_yet));
        assert!(!not_yet.dominates(&holds_retired));
        assert!(vector(&[("0", 9), ("0.5", 8)]).dominates(&vector(&[("0", 5), ("0.5", 8)])));
        assert!(!vector(&[("0", 9)]).dominates(&vector(&[("0", 9), ("0.12", 13)])));
    }
}
