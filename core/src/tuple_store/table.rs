//! One relation of one view: its tuples by key, with their indexes.

use core::{cmp::Ordering, ops::Bound};
use std::sync::Arc;

use crate::{
    query::{Comparison, Order, Predicate, Query},
    sort::sort_by,
    value::{Key, Row, Tuple},
};

use super::{
    ground::Ground,
    index::{Index, IndexDefinition},
    layered::{Layered, Replaced},
};

#[derive(Clone, Debug, Default)]
pub(super) struct Table {
    tuples: Layered,
    indexes: Vec<Index>,
}

impl Table {
    /// The tuples of a ground, with its indexes.
    pub(super) fn on(ground: Arc<Ground>) -> Self {
        let indexes = ground.indexes().iter().map(|index| Index::on(Arc::clone(index))).collect();
        Self { tuples: Layered::on(ground), indexes }
    }

    /// Takes all apart.
    pub(super) fn into_remains(self) -> impl Iterator<Item = ()> {
        self.tuples.into_remains().chain(self.indexes.into_iter().flat_map(Index::into_remains))
    }

    pub(super) fn tuple(&self, key: &Key) -> Option<&Arc<Tuple>> {
        self.tuples.get(key)
    }

    pub(super) fn replace(&mut self, key: &Key, after: Option<&Arc<Tuple>>) -> Option<Arc<Tuple>> {
        let Replaced { before, is_ground } = self.tuples.replace(key, after);
        // What the ground has is in its indexes.
        let after = after.filter(|_| !is_ground);
        for index in &mut self.indexes {
            if let Some(tuple) = after {
                index.add(key, tuple);
            }
            if let Some(tuple) = &before {
                // A place that the new tuple also has was taken above and must stay.
                index.remove(key, tuple, after.map(AsRef::as_ref));
            }
        }
        before
    }

    /// Adds an index over the tuples that are there; says whether it is a further one.
    pub(super) fn add_index(&mut self, definition: IndexDefinition) -> bool {
        if self.indexes.iter().any(|index| *index.definition() == definition) {
            return false;
        }
        let mut index = Index::on(self.tuples.ground().index(definition));
        self.tuples.changed().for_each(|(key, tuple)| index.add(key, tuple));
        self.indexes.push(index);
        true
    }

    /// The rows that a query finds, and at most so many of them.
    pub(super) fn query(&self, query: &Query, rows_max: usize) -> Vec<Row> {
        let rows_max = query.limit.map_or(rows_max, |limit| rows_max.min(limit as usize));
        if let Some(key) = the_key(&query.filter) {
            let found = self.tuples.get(key).filter(|tuple| query.filter.holds(key, tuple));
            return found.map(|tuple| row((key, tuple))).into_iter().take(rows_max).collect();
        }
        let mut rows = match self.indexes.iter().find_map(|index| index.candidates(&self.tuples, &query.filter)) {
            Some(candidates) => candidates.filter(|(key, tuple)| query.filter.holds(key, tuple)).map(row).collect(),
            None => {
                // Only where the search runs in the asked order may it end early.
                let found_max = if query.order.is_empty() { rows_max } else { usize::MAX };
                self.scan(&query.filter, found_max)
            }
        };
        sort_by(&mut rows, |left, right| compare(&query.order, left, right));
        rows.truncate(rows_max);
        rows
    }

    #[cfg(any(test, debug_assertions, feature = "sim"))]
    pub(super) fn iter(&self) -> impl Iterator<Item = (&Key, &Arc<Tuple>)> {
        self.tuples.iter()
    }

    fn scan(&self, filter: &Predicate, rows_max: usize) -> Vec<Row> {
        let (from, to) = key_bounds(filter);
        if matches!((from, to), (Bound::Included(from), Bound::Included(to)) if from > to) {
            return Vec::new();
        }
        let found = self.tuples.range(from, to).filter(|(key, tuple)| filter.holds(key, tuple));
        found.map(row).take(rows_max).collect()
    }
}

fn row((key, tuple): (&Key, &Arc<Tuple>)) -> Row {
    Row { key: key.clone(), tuple: Arc::clone(tuple) }
}

/// The one key that can satisfy the predicate, where it says so at its top level.
fn the_key(filter: &Predicate) -> Option<&Key> {
    conjuncts(filter).iter().find_map(|part| match part {
        Predicate::Key(Comparison::Equal, key) => Some(key),
        _ => None,
    })
}

/// The keys between which all that satisfies the predicate lies, where it says so at its top level.
fn key_bounds(filter: &Predicate) -> (Bound<&Key>, Bound<&Key>) {
    let mut from = Bound::Unbounded;
    let mut to = Bound::Unbounded;
    for part in conjuncts(filter) {
        let Predicate::Key(comparison, key) = part else { continue };
        if matches!(comparison, Comparison::Equal | Comparison::Greater | Comparison::GreaterOrEqual) {
            from = match from {
                Bound::Included(other) if other >= key => from,
                _ => Bound::Included(key),
            };
        }
        if matches!(comparison, Comparison::Equal | Comparison::Less | Comparison::LessOrEqual) {
            to = match to {
                Bound::Included(other) if other <= key => to,
                _ => Bound::Included(key),
            };
        }
    }
    (from, to)
}

/// The predicates that must all hold.
pub(super) fn conjuncts(filter: &Predicate) -> &[Predicate] {
    match filter {
        Predicate::And(parts) => parts,
        single => core::slice::from_ref(single),
    }
}

fn compare(order: &[Order], left: &Row, right: &Row) -> Ordering {
    let by_field = |order: &Order| {
        let fields = left.value(order.field.as_str()).cmp(right.value(order.field.as_str()));
        if order.descending { fields.reverse() } else { fields }
    };
    order.iter().map(by_field).find(|order| order.is_ne()).unwrap_or_else(|| left.key.cmp(&right.key))
}
