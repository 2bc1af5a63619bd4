//! Tuples that came all at once, from a checkpoint or a state transfer. They come in order and never change: views lay
//! what changes over them, and share them.
//!
//! To take a tuple in is to append it, and an index of them is a list of places for each group. That is what makes a
//! database of 100,000 tuples open in a fraction of a second.

use core::ops::Bound;
use std::sync::{Arc, OnceLock};

use crate::value::{Fields, Key, Tuple, Value};

use super::{
    groups::Groups,
    index::{IndexDefinition, Layout},
};

/// The tuples of one relation, in the order of their keys.
#[derive(Debug, Default)]
pub(super) struct Ground {
    tuples: Vec<(Key, Arc<Tuple>)>,
    indexes: Vec<Arc<GroundIndex>>,
}

impl Ground {
    /// Takes in a tuple whose key is beyond all others.
    pub(super) fn append(&mut self, key: Key, tuple: Arc<Tuple>) {
        debug_assert!(self.tuples.last().is_none_or(|(last, _)| *last < key), "tuples come in order");
        let place = place(self.tuples.len());
        for index in &mut self.indexes {
            Arc::get_mut(index).expect("nobody shares it yet").add(place, &tuple.fields);
        }
        self.tuples.push((key, tuple));
    }

    /// Adds an index over the tuples that are there; says whether it is a further one.
    pub(super) fn define_index(&mut self, definition: IndexDefinition) -> bool {
        let is_new = self.indexes.iter().all(|index| index.definition != definition);
        if is_new {
            let index = self.index(definition);
            self.indexes.push(index);
        }
        is_new
    }

    /// The index of this definition, which is made if it is not there.
    pub(super) fn index(&self, definition: IndexDefinition) -> Arc<GroundIndex> {
        match self.indexes.iter().find(|index| index.definition == definition) {
            Some(index) => Arc::clone(index),
            None => {
                let mut index = GroundIndex::new(definition);
                let tuples = self.tuples.iter().enumerate();
                tuples.for_each(|(at, (_, tuple))| index.add(place(at), &tuple.fields));
                Arc::new(index)
            }
        }
    }

    pub(super) fn indexes(&self) -> &[Arc<GroundIndex>] {
        &self.indexes
    }

    /// Takes all apart.
    pub(super) fn into_remains(self) -> impl Iterator<Item = ()> {
        self.tuples.into_iter().map(drop)
    }

    pub(super) fn get(&self, key: &Key) -> Option<&Arc<Tuple>> {
        let at = self.tuples.binary_search_by(|(other, _)| other.cmp(key)).ok()?;
        Some(&self.tuples[at].1)
    }

    pub(super) fn at(&self, place: u32) -> (&Key, &Arc<Tuple>) {
        let (key, tuple) = &self.tuples[place as usize];
        (key, tuple)
    }

    /// The tuples between two bounds, of which the first is not beyond the second.
    pub(super) fn range(&self, from: Bound<&Key>, to: Bound<&Key>) -> &[(Key, Arc<Tuple>)] {
        let before = |key: &Key| match from {
            Bound::Included(from) => key < from,
            Bound::Excluded(from) => key <= from,
            Bound::Unbounded => false,
        };
        let within = |key: &Key| match to {
            Bound::Included(to) => key <= to,
            Bound::Excluded(to) => key < to,
            Bound::Unbounded => true,
        };
        let rest = &self.tuples[self.tuples.partition_point(|(key, _)| before(key))..];
        &rest[..rest.partition_point(|(key, _)| within(key))]
    }
}

/// Where a tuple stands. 2^32 of them would not fit into the memory that they need.
fn place(at: usize) -> u32 {
    u32::try_from(at).expect("fewer than 2^32 tuples")
}

/// An index over a ground.
#[derive(Debug)]
pub(super) struct GroundIndex {
    definition: IndexDefinition,
    groups: Groups<Group>,
    layout: Layout,
}

/// The tuples with the same values in the compared fields.
#[derive(Debug, Default)]
struct Group {
    /// In the order of their keys.
    places: Vec<u32>,
    /// The starts of their intervals, in the same order.
    starts: Vec<i64>,
    /// The length of the longest interval.
    longest: u64,
    /// The starts with the places, in the order of the starts, since somebody asked.
    by_start: OnceLock<Box<[(i64, u32)]>>,
}

impl GroundIndex {
    fn new(definition: IndexDefinition) -> Self {
        let layout = Layout::of(&definition, Arc::default());
        Self { definition, groups: Groups::default(), layout }
    }

    pub(super) const fn definition(&self) -> &IndexDefinition {
        &self.definition
    }

    fn add(&mut self, place: u32, fields: &Fields) {
        self.layout.follow(&self.definition, fields);
        // Without two integers it overlaps nothing, so no query misses it.
        let Some((start, length)) = self.layout.interval(fields) else { return };
        let group = self.groups.of_or_make(self.layout.values(fields), Group::default);
        group.longest = group.longest.max(length);
        group.places.push(place);
        if self.definition.has_interval() {
            group.starts.push(start);
        }
    }

    /// The places of the tuples with these values whose intervals may overlap the one asked for, if one is.
    pub(super) fn candidates<'a>(
        &'a self,
        values: &[Value],
        asked: Option<(i64, i64)>,
    ) -> impl Iterator<Item = u32> + use<'a> {
        let group = self.groups.of(values);
        let (all, overlapping): (&[u32], &[(i64, u32)]) = match (group, asked) {
            (None, _) => (&[], &[]),
            (Some(group), None) => (&group.places, &[]),
            (Some(group), Some((start, end))) => {
                let by_start = group.by_start.get_or_init(|| group.in_order());
                let from = start.saturating_sub_unsigned(group.longest);
                let rest = &by_start[by_start.partition_point(|(other, _)| *other < from)..];
                (&[], &rest[..rest.partition_point(|(other, _)| *other < end)])
            }
        };
        all.iter().copied().chain(overlapping.iter().map(|(_, place)| *place))
    }
}

impl Group {
    fn in_order(&self) -> Box<[(i64, u32)]> {
        let mut by_start: Box<[_]> = self.starts.iter().copied().zip(self.places.iter().copied()).collect();
        by_start.sort_unstable();
        by_start
    }
}
