//! The data: two views of the relations, and the means to change them and to take changes back.

mod base;
mod digesting;
mod discarded;
mod ground;
mod groups;
mod index;
mod layered;
mod names;
mod table;

use std::{collections::BTreeMap, sync::Arc};

use crate::{
    query::Query,
    relation,
    value::{Fields, Key, Name, Row, Tuple},
};

pub(crate) use self::{
    base::{Base, BaseBuilder, TupleKey},
    digesting::Digesting,
    discarded::Discarded,
};
use self::{index::IndexDefinition, names::SharedNames, table::Table};

/// Which of the two views is read. Neither contains the other: a tentative deletion hides a committed tuple.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum View {
    /// The data after the committed prefix of the log.
    Committed,
    /// The data after the whole log.
    Tentative,
}

/// One change of one tuple, which can be applied forwards and backwards.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Effect {
    pub(crate) relation: Name,
    pub(crate) key: Key,
    pub(crate) before: Option<Arc<Tuple>>,
    pub(crate) after: Option<Arc<Tuple>>,
}

/// The relations of one view.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tables {
    tables: BTreeMap<Name, Table>,
    indexes: usize,
    names: SharedNames,
}

impl Tables {
    pub(crate) fn tuple(&self, relation: &Name, key: &Key) -> Option<&Arc<Tuple>> {
        self.tables.get(relation)?.tuple(key)
    }

    /// The rows that a query finds, and at most so many of them. The query has been checked.
    pub(crate) fn query(&self, query: &Query, rows_max: usize) -> Vec<Row> {
        self.tables.get(&query.from).map_or_else(Vec::new, |table| table.query(query, rows_max))
    }

    /// The same fields, which share their names with other tuples of these names.
    pub(crate) fn sharing_names(&mut self, fields: Fields) -> Fields {
        self.names.shared(fields)
    }

    /// Sets or removes a tuple and tells what that changed.
    pub(crate) fn set(&mut self, relation: &Name, key: &Key, after: Option<Arc<Tuple>>) -> Effect {
        let before = self.replace(relation, key, after.as_ref());
        Effect { relation: relation.clone(), key: key.clone(), before, after }
    }

    /// Does again what an effect did. It must find the data that it found the first time.
    pub(crate) fn redo(&mut self, effect: &Effect) {
        let found = self.replace(&effect.relation, &effect.key, effect.after.as_ref());
        debug_assert_eq!(found, effect.before, "an effect is redone only where it was made");
    }

    /// Takes effects back, the last first.
    pub(crate) fn undo(&mut self, effects: &[Effect]) {
        for effect in effects.iter().rev() {
            let found = self.replace(&effect.relation, &effect.key, effect.before.as_ref());
            debug_assert_eq!(found, effect.after, "effects are undone in the opposite order");
        }
    }

    fn replace(&mut self, relation: &Name, key: &Key, after: Option<&Arc<Tuple>>) -> Option<Arc<Tuple>> {
        if *relation == relation::INDEXES
            && let Some(tuple) = after
        {
            self.define_index(tuple);
        }
        // Cloning the name costs nothing of note, but a search by reference comes first: the table is there but once.
        match self.tables.get_mut(relation) {
            Some(table) => table.replace(key, after),
            None => self.tables.entry(relation.clone()).or_default().replace(key, after),
        }
    }

    /// Builds the index that a tuple defines. It stays when the tuple goes, for an index changes no result; a tuple
    /// that defines none is data like any other.
    fn define_index(&mut self, tuple: &Tuple) {
        let Some((relation, definition)) = IndexDefinition::read(tuple) else { return };
        if self.indexes < crate::limits::INDEXES_MAX && self.tables.entry(relation).or_default().add_index(definition) {
            self.indexes += 1;
        }
    }

    /// Takes all apart, for [`Discarded`].
    fn into_remains(self) -> impl Iterator<Item = ()> {
        self.tables.into_values().flat_map(Table::into_remains)
    }

    /// All tuples, relation by relation.
    #[cfg(any(test, debug_assertions, feature = "sim"))]
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&Name, &Key, &Arc<Tuple>)> {
        self.tables.iter().flat_map(|(name, table)| table.iter().map(move |(key, tuple)| (name, key, tuple)))
    }
}

/// Both views. They share their tuples.
#[derive(Debug, Default)]
pub(crate) struct TupleStore {
    pub(crate) committed: Tables,
    pub(crate) tentative: Tables,
}

impl TupleStore {
    /// Both views show the same.
    pub(crate) fn showing(tables: Tables) -> Self {
        Self { committed: tables.clone(), tentative: tables }
    }

    pub(crate) const fn view(&self, view: View) -> &Tables {
        match view {
            View::Committed => &self.committed,
            View::Tentative => &self.tentative,
        }
    }
}
