//! The data as of the omitted CSN: what a state transfer sends and a checkpoint stores. Nobody queries it.

use core::ops::Bound;
use std::{
    collections::BTreeMap,
    sync::{Arc, OnceLock},
};

use crate::{
    digest::{Digest, DigestBuilder},
    relation,
    value::{Key, Name, Tuple},
};

use super::{Effect, Tables, ground::Ground, index::IndexDefinition, layered::Layered, table::Table};

/// The place of a tuple in the order in which a base is read.
pub(crate) type TupleKey = (Name, Key);

/// Tuples in the order of relation and key.
#[derive(Clone, Debug, Default)]
pub(crate) struct Base {
    relations: BTreeMap<Name, Layered>,
    digest: OnceLock<Digest>,
}

impl Base {
    /// Does what an effect did.
    pub(crate) fn apply(&mut self, effect: &Effect) {
        self.digest = OnceLock::new();
        let tuples = match self.relations.get_mut(&effect.relation) {
            Some(tuples) => tuples,
            None => self.relations.entry(effect.relation.clone()).or_default(),
        };
        tuples.replace(&effect.key, effect.after.as_ref());
    }

    /// The tuples beyond a place.
    pub(crate) fn after(&self, place: Option<&TupleKey>) -> impl Iterator<Item = (&Name, &Key, &Arc<Tuple>)> {
        let first = place.map_or(Bound::Unbounded, |(relation, _)| Bound::Included(relation));
        self.relations.range::<Name, _>((first, Bound::Unbounded)).flat_map(move |(relation, tuples)| {
            let from = place.filter(|(first, _)| first == relation);
            let from = from.map_or(Bound::Unbounded, |(_, key)| Bound::Excluded(key));
            tuples.range(from, Bound::Unbounded).map(move |(key, tuple)| (relation, key, tuple))
        })
    }

    /// The same for the same data, wherever it is computed: over each tuple's relation, key, fields and last writer. Unless
    /// it is known, this takes as long as there are tuples.
    pub(crate) fn digest(&self) -> Digest {
        *self.digest.get_or_init(|| {
            let mut digest = DigestBuilder::default();
            self.after(None).for_each(|(relation, key, tuple)| add_to(&mut digest, relation, key, tuple));
            digest.finish()
        })
    }

    /// The digest, if it was computed.
    pub(crate) fn known_digest(&self) -> Option<Digest> {
        self.digest.get().copied()
    }

    /// Notes the digest, which was [computed in steps](super::Digesting).
    pub(super) fn know_digest(&self, digest: Digest) {
        self.digest.get_or_init(|| digest);
    }

    /// Takes all apart, for [`Discarded`](super::Discarded).
    pub(super) fn into_remains(self) -> impl Iterator<Item = ()> {
        self.relations.into_values().flat_map(Layered::into_remains)
    }
}

pub(super) fn add_to(digest: &mut DigestBuilder, relation: &Name, key: &Key, tuple: &Tuple) {
    digest.add(&(relation, key, &tuple.fields, &tuple.written_by));
}

/// A base that is put together from its tuples, in order.
#[derive(Debug, Default)]
pub(crate) struct BaseBuilder {
    relations: BTreeMap<Name, Ground>,
    last: Option<TupleKey>,
    indexes: usize,
    /// Where the base is to be compared with what somebody else says of it.
    digest: Option<DigestBuilder>,
}

impl BaseBuilder {
    /// One that will know the digest of its data at the end.
    pub(crate) fn with_digest() -> Self {
        Self { digest: Some(DigestBuilder::default()), ..Self::default() }
    }

    /// The place of the last tuple.
    pub(crate) const fn last(&self) -> Option<&TupleKey> {
        self.last.as_ref()
    }

    /// Takes in a tuple that stands beyond all others; whether it does.
    pub(crate) fn append(&mut self, (relation, key): TupleKey, tuple: Arc<Tuple>) -> bool {
        let is_beyond = match &self.last {
            Some((last_relation, last)) => (last_relation, last) < (&relation, &key),
            None => true,
        };
        if !is_beyond {
            return false;
        }
        if let Some(digest) = &mut self.digest {
            add_to(digest, &relation, &key, &tuple);
        }
        if relation == relation::INDEXES {
            self.define_index(&tuple);
        }
        let ground = match self.relations.get_mut(&relation) {
            Some(ground) => ground,
            None => self.relations.entry(relation.clone()).or_default(),
        };
        ground.append(key.clone(), tuple);
        self.last = Some((relation, key));
        true
    }

    fn define_index(&mut self, tuple: &Tuple) {
        let Some((relation, definition)) = IndexDefinition::read(tuple) else { return };
        let has_room = self.indexes < crate::limits::INDEXES_MAX;
        if has_room && self.relations.entry(relation).or_default().define_index(definition) {
            self.indexes += 1;
        }
    }

    /// The base, and the view that consists of its tuples.
    pub(crate) fn finish(self) -> (Base, Tables) {
        let Self { relations, indexes, digest, .. } = self;
        let mut base = Base::default();
        let mut tables = Tables { indexes, ..Tables::default() };
        for (relation, ground) in relations {
            let ground = Arc::new(ground);
            base.relations.insert(relation.clone(), Layered::on(Arc::clone(&ground)));
            tables.tables.insert(relation, Table::on(ground));
        }
        if let Some(digest) = digest {
            base.digest = digest.finish().into();
        }
        (base, tables)
    }
}
