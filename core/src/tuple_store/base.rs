//! The data as of the omitted CSN, without indexes: what a state transfer sends and a checkpoint stores.

use core::ops::Bound;
use std::{
    collections::BTreeMap,
    sync::{Arc, OnceLock},
};

use crate::{
    digest::{Digest, DigestBuilder},
    value::{Key, Name, Tuple},
};

use super::{Effect, Tables};

/// The place of a tuple in the order in which a base is read.
pub(crate) type TupleKey = (Name, Key);

/// Tuples in the order of relation and key.
#[derive(Clone, Debug, Default)]
pub(crate) struct Base {
    tuples: BTreeMap<TupleKey, Arc<Tuple>>,
    digest: OnceLock<Digest>,
}

impl Base {
    /// Does what an effect did.
    pub(crate) fn apply(&mut self, effect: &Effect) {
        self.digest = OnceLock::new();
        let key = (effect.relation.clone(), effect.key.clone());
        match &effect.after {
            Some(tuple) => self.tuples.insert(key, Arc::clone(tuple)),
            None => self.tuples.remove(&key),
        };
    }

    pub(crate) fn insert(&mut self, key: TupleKey, tuple: Arc<Tuple>) {
        self.digest = OnceLock::new();
        self.tuples.insert(key, tuple);
    }

    /// The tuples beyond a place.
    pub(crate) fn after(&self, key: Option<&TupleKey>) -> impl Iterator<Item = (&TupleKey, &Arc<Tuple>)> {
        let from = key.map_or(Bound::Unbounded, Bound::Excluded);
        self.tuples.range::<TupleKey, _>((from, Bound::Unbounded))
    }

    pub(crate) fn last(&self) -> Option<&TupleKey> {
        self.tuples.last_key_value().map(|(key, _)| key)
    }

    /// The same for the same data, wherever it is computed: over each tuple's relation, key, fields and last writer.
    pub(crate) fn digest(&self) -> Digest {
        *self.digest.get_or_init(|| {
            let mut digest = DigestBuilder::default();
            let mut bytes = Vec::new();
            for ((relation, key), tuple) in &self.tuples {
                let tuple = (relation, key, &tuple.fields, &tuple.written_by);
                bytes.clear();
                // Serialising plain data into a growing vector has no way to fail.
                bytes = postcard::to_extend(&tuple, bytes).expect("a tuple can be encoded");
                digest.add(&bytes);
            }
            digest.finish()
        })
    }

    /// The view that consists of these tuples.
    pub(crate) fn tables(&self) -> Tables {
        let mut tables = Tables::default();
        for ((relation, key), tuple) in &self.tuples {
            tables.set(relation, key, Some(Arc::clone(tuple)));
        }
        tables
    }
}
