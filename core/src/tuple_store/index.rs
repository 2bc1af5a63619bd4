//! Ordered secondary indexes.
//!
//! Tuples with the same values in the compared fields are a group. An entry is the number of its group, then the start of
//! the interval if the index has one, then the key: small and compared without a look elsewhere. An interval query reads
//! the entries of one group whose start lies between the asked start, less the longest interval that was ever in the
//! group, and the asked end. The longest interval never shrinks, which keeps it right when changes are taken back.
//!
//! These are the entries of what changed over a ground, which has its own (`ground.rs`).

use core::slice;
use std::{borrow::Cow, collections::BTreeMap, sync::Arc};

use crate::{
    query::{Comparison, Predicate},
    value::{Fields, Key, Name, Tuple, Value},
};

use super::{ground::GroundIndex, groups::Groups, layered::Layered, table::conjuncts};

/// What an index orders.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct IndexDefinition {
    /// The fields that are compared for equality.
    by: Vec<Name>,
    /// The fields of an interval: start and end.
    interval: Option<(Name, Name)>,
}

impl IndexDefinition {
    pub(super) const fn has_interval(&self) -> bool {
        self.interval.is_some()
    }

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

/// The tuples with the same values in the compared fields.
#[derive(Clone, Debug)]
struct Group {
    /// Its number, which no other group has had.
    number: u64,
    entries: usize,
    /// The length of the longest interval that was ever in it.
    longest: u64,
}

/// The group's number, the start of the interval (0 where the index has none), and the key.
type Place = (u64, i64, Key);

#[derive(Clone, Debug)]
pub(super) struct Index {
    ground: Arc<GroundIndex>,
    groups: Groups<Group>,
    groups_ever: u64,
    entries: BTreeMap<Place, Arc<Tuple>>,
    layout: Layout,
}

impl Index {
    /// The index of a ground over which nothing has changed yet.
    pub(super) fn on(ground: Arc<GroundIndex>) -> Self {
        let layout = Layout::of(ground.definition(), Arc::default());
        Self { ground, groups: Groups::default(), groups_ever: 0, entries: BTreeMap::new(), layout }
    }

    /// Takes all apart.
    pub(super) fn into_remains(self) -> impl Iterator<Item = ()> {
        self.entries.into_iter().map(drop)
    }

    pub(super) fn definition(&self) -> &IndexDefinition {
        self.ground.definition()
    }

    pub(super) fn add(&mut self, key: &Key, tuple: &Arc<Tuple>) {
        self.layout.follow(self.ground.definition(), &tuple.fields);
        // Without two integers it overlaps nothing, so no query misses it.
        let Some((start, length)) = self.layout.interval(&tuple.fields) else { return };
        let ever = &mut self.groups_ever;
        let group = self.groups.of_or_make(self.layout.values(&tuple.fields), || {
            *ever += 1;
            Group { number: *ever, entries: 0, longest: 0 }
        });
        group.longest = group.longest.max(length);
        if self.entries.insert((group.number, start, key.clone()), Arc::clone(tuple)).is_none() {
            group.entries += 1;
        }
    }

    pub(super) fn remove(&mut self, key: &Key, tuple: &Tuple, replaced_by: Option<&Tuple>) {
        self.layout.follow(self.ground.definition(), &tuple.fields);
        let Some((start, _)) = self.layout.interval(&tuple.fields) else { return };
        let values = self.layout.values(&tuple.fields);
        let stays = |by: &Tuple| {
            let layout = if Arc::ptr_eq(by.fields.names(), &self.layout.names) {
                Cow::Borrowed(&self.layout)
            } else {
                Cow::Owned(Layout::of(self.ground.definition(), Arc::clone(by.fields.names())))
            };
            let other_start = layout.interval(&by.fields).map(|(start, _)| start);
            other_start == Some(start) && layout.values(&by.fields) == values
        };
        if replaced_by.is_some_and(stays) {
            return;
        }
        let Some(group) = self.groups.of_mut(&values) else { return };
        if self.entries.remove(&(group.number, start, key.clone())).is_some() {
            group.entries -= 1;
        }
        if group.entries == 0 {
            self.groups.remove(&values);
        }
    }

    /// A superset of the tuples that satisfy the predicate, if this index can tell.
    pub(super) fn candidates<'a>(
        &'a self,
        tuples: &'a Layered,
        filter: &Predicate,
    ) -> Option<impl Iterator<Item = (&'a Key, &'a Arc<Tuple>)> + use<'a>> {
        let IndexDefinition { by, interval } = self.ground.definition();
        let conjuncts = conjuncts(filter);
        let equal = |name: &Name| {
            conjuncts.iter().find_map(|part| match part {
                Predicate::Field(field, Comparison::Equal, value) if field == name => Some(value),
                _ => None,
            })
        };
        let values: Cow<'_, [Value]> = match by.as_slice() {
            [] => Cow::Borrowed(&[]),
            [name] => Cow::Borrowed(slice::from_ref(equal(name)?)),
            names => Cow::Owned(names.iter().map(|name| equal(name).cloned()).collect::<Option<_>>()?),
        };
        let asked = match interval {
            None => None,
            Some((start_name, end_name)) => Some(conjuncts.iter().find_map(|part| match part {
                Predicate::Overlaps { start_field, end_field, start, end }
                    if start_field == start_name && end_field == end_name =>
                {
                    Some((*start, *end))
                }
                _ => None,
            })?),
        };
        // An interval without a point overlaps nothing.
        let has_point = asked.is_none_or(|(start, end)| start < end);
        let values = Some(values).filter(|_| has_point);
        let ground = values.as_deref().map(|values| {
            let places = self.ground.candidates(values, asked);
            places.map(|place| tuples.ground().at(place)).filter(|(key, _)| !tuples.is_changed(key))
        });
        let changed = values.as_deref().and_then(|values| self.groups.of(values)).map(|group| {
            let (start, end) = asked.unwrap_or((0, 1));
            let from = start.saturating_sub_unsigned(group.longest);
            let place = |start| (group.number, start, Key::BEFORE_ALL);
            self.entries.range(place(from)..place(end)).map(|((_, _, key), tuple)| (key, tuple))
        });
        Some(ground.into_iter().flatten().chain(changed.into_iter().flatten()))
    }
}

/// Where the fields of an index stand among fields of certain names. Tuples in a row mostly have the same.
#[derive(Clone, Debug)]
pub(super) struct Layout {
    names: Arc<[Name]>,
    by: Vec<Option<usize>>,
    /// `None` within: there is no such field, so that no tuple with these names has an interval.
    interval: Option<Option<(usize, usize)>>,
}

impl Layout {
    pub(super) fn of(definition: &IndexDefinition, names: Arc<[Name]>) -> Self {
        let position = |name: &Name| names.iter().position(|other| other == name);
        let by = definition.by.iter().map(position).collect();
        let interval = definition.interval.as_ref().map(|(start, end)| position(start).zip(position(end)));
        Self { by, interval, names }
    }

    /// Becomes the layout of these fields.
    pub(super) fn follow(&mut self, definition: &IndexDefinition, fields: &Fields) {
        if !Arc::ptr_eq(&self.names, fields.names()) {
            *self = Self::of(definition, Arc::clone(fields.names()));
        }
    }

    /// The values of the compared fields.
    pub(super) fn values<'a>(&self, fields: &'a Fields) -> Cow<'a, [Value]> {
        const NULL: &Value = &Value::Null;
        let value = |position: &Option<usize>| position.map_or(NULL, |position| fields.at(position));
        match self.by.as_slice() {
            [] => Cow::Borrowed(&[]),
            [position] => Cow::Borrowed(slice::from_ref(value(position))),
            positions => Cow::Owned(positions.iter().map(|position| value(position).clone()).collect()),
        }
    }

    /// Start and length of the interval, 0 and 0 where the index has none; `None` if the tuple does not have one.
    pub(super) fn interval(&self, fields: &Fields) -> Option<(i64, u64)> {
        let Some(positions) = self.interval else { return Some((0, 0)) };
        let (start, end) = positions?;
        let (start, end) = (fields.at(start).as_int()?, fields.at(end).as_int()?);
        Some((start, if start < end { end.abs_diff(start) } else { 0 }))
    }
}
