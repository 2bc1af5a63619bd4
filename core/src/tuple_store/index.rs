//! Ordered secondary indexes.
//!
//! An entry is the values of the compared fields, then the start of the interval if the index has one, then the key.
//! An interval query reads the entries whose start lies between the asked start, less the longest interval that was
//! ever in the index, and the asked end. The longest interval never shrinks, which keeps it right when changes are
//! taken back.

use core::ops::Bound;
use std::collections::BTreeSet;

use crate::{
    query::{Comparison, Predicate},
    value::{Key, Name, Tuple, Value},
};

use super::table::conjuncts;

/// What an index orders.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct IndexDefinition {
    /// The fields that are compared for equality.
    by: Vec<Name>,
    /// The fields of an interval: start and end.
    interval: Option<(Name, Name)>,
}

impl IndexDefinition {
    /// The relation and index that a tuple of [`crate::relation::INDEXES`] defines, if it does.
    pub(super) fn read(tuple: &Tuple) -> Option<(Name, Self)> {
        let name = |value: &Value| Name::try_from(value.as_text()?.clone()).ok();
        let fields = &tuple.fields;
        let by = match fields.value("by") {
            Value::Null => Vec::new(),
            Value::List(list) => list.iter().map(name).collect::<Option<_>>()?,
            _ => return None,
        };
        let interval = match (fields.value("start"), fields.value("end")) {
            (Value::Null, Value::Null) => None,
            (start, end) => Some((name(start)?, name(end)?)),
        };
        let useful = !by.is_empty() || interval.is_some();
        useful.then_some(()).and_then(|()| Some((name(fields.value("relation"))?, Self { by, interval })))
    }
}

type Entry = (Vec<Value>, Key);

#[derive(Clone, Debug)]
pub(super) struct Index {
    pub(super) definition: IndexDefinition,
    entries: BTreeSet<Entry>,
    longest: u64,
}

impl Index {
    pub(super) const fn new(definition: IndexDefinition) -> Self {
        Self { definition, entries: BTreeSet::new(), longest: 0 }
    }

    pub(super) fn add(&mut self, key: &Key, tuple: &Tuple) {
        if let Some((start, end)) = &self.definition.interval {
            let bound = |name: &Name| tuple.fields.value(name.as_str()).as_int();
            // Without two integers it overlaps nothing, so no query misses it.
            let (Some(start), Some(end)) = (bound(start), bound(end)) else { return };
            if start < end {
                self.longest = self.longest.max(end.abs_diff(start));
            }
        }
        self.entries.insert((self.values(tuple), key.clone()));
    }

    pub(super) fn remove(&mut self, key: &Key, tuple: &Tuple, replaced_by: Option<&Tuple>) {
        let values = self.values(tuple);
        if replaced_by.is_none_or(|tuple| self.values(tuple) != values) {
            self.entries.remove(&(values, key.clone()));
        }
    }

    /// A superset of the keys that satisfy the predicate, if this index can tell.
    pub(super) fn candidates(&self, filter: &Predicate) -> Option<Vec<Key>> {
        let conjuncts = conjuncts(filter);
        let equal = |name: &Name| {
            conjuncts.iter().find_map(|part| match part {
                Predicate::Field(field, Comparison::Equal, value) if field == name => Some(value.clone()),
                _ => None,
            })
        };
        let prefix: Vec<Value> = self.definition.by.iter().map(equal).collect::<Option<_>>()?;
        let Some((start_name, end_name)) = &self.definition.interval else {
            return Some(self.between(&prefix, None, None));
        };
        let (start, end) = conjuncts.iter().find_map(|part| match part {
            Predicate::Overlaps { start_field, end_field, start, end }
                if start_field == start_name && end_field == end_name =>
            {
                Some((*start, *end))
            }
            _ => None,
        })?;
        Some(self.between(&prefix, start.checked_sub_unsigned(self.longest), Some(end)))
    }

    /// The keys whose values begin with `prefix` and continue with an integer in `from..to`.
    fn between(&self, prefix: &[Value], from: Option<i64>, to: Option<i64>) -> Vec<Key> {
        let mut lower = prefix.to_vec();
        lower.extend(from.map(Value::Int));
        let from = Bound::Included((lower, Key::BEFORE_ALL));
        let within = self.entries.range((from, Bound::Unbounded)).take_while(|(values, _)| {
            values.starts_with(prefix)
                && to.is_none_or(|to| values.get(prefix.len()).is_some_and(|start| *start < Value::Int(to)))
        });
        within.map(|(_, key)| key.clone()).collect()
    }

    fn values(&self, tuple: &Tuple) -> Vec<Value> {
        let start = self.definition.interval.as_ref().map(|(start, _)| start);
        self.definition.by.iter().chain(start).map(|name| tuple.fields.value(name.as_str()).clone()).collect()
    }
}
