//! Tuples of one relation by key: a ground, and what changed over it.

use core::ops::Bound;
use std::{
    collections::{BTreeMap, btree_map},
    iter, slice,
    sync::Arc,
};

use crate::value::{Key, Tuple};

use super::ground::Ground;

#[derive(Clone, Debug, Default)]
pub(super) struct Layered {
    ground: Arc<Ground>,
    /// What stands in place of the ground's tuple of that key, or in addition to all of them; `None` where it is removed.
    changed: BTreeMap<Key, Option<Arc<Tuple>>>,
}

/// What a tuple stands in place of, and where it stands.
pub(super) struct Replaced {
    pub(super) before: Option<Arc<Tuple>>,
    /// The ground has just this in the place, so that nothing of it changed any more.
    pub(super) is_ground: bool,
}

impl Layered {
    pub(super) const fn on(ground: Arc<Ground>) -> Self {
        Self { ground, changed: BTreeMap::new() }
    }

    pub(super) fn ground(&self) -> &Ground {
        &self.ground
    }

    pub(super) fn get(&self, key: &Key) -> Option<&Arc<Tuple>> {
        match self.changed.get(key) {
            Some(changed) => changed.as_ref(),
            None => self.ground.get(key),
        }
    }

    /// Whether the ground's tuple of this key, if there is one, is not what stands here.
    pub(super) fn is_changed(&self, key: &Key) -> bool {
        self.changed.contains_key(key)
    }

    /// The tuples that stand in place of the ground's or in addition to them.
    pub(super) fn changed(&self) -> impl Iterator<Item = (&Key, &Arc<Tuple>)> {
        self.changed.iter().filter_map(|(key, tuple)| Some((key, tuple.as_ref()?)))
    }

    pub(super) fn replace(&mut self, key: &Key, after: Option<&Arc<Tuple>>) -> Replaced {
        let under = self.ground.get(key);
        let is_ground = match (under, after) {
            (Some(under), Some(after)) => Arc::ptr_eq(under, after),
            (under, after) => under.is_none() && after.is_none(),
        };
        let changed =
            if is_ground { self.changed.remove(key) } else { self.changed.insert(key.clone(), after.cloned()) };
        Replaced { before: changed.unwrap_or_else(|| under.cloned()), is_ground }
    }

    /// Takes all apart, and the ground with it if nobody else stands on it.
    pub(super) fn into_remains(self) -> impl Iterator<Item = ()> {
        let Self { ground, changed } = self;
        let ground = iter::once(ground).filter_map(Arc::into_inner).flat_map(Ground::into_remains);
        changed.into_iter().map(drop).chain(ground)
    }

    #[cfg(any(test, debug_assertions, feature = "sim"))]
    pub(super) fn iter(&self) -> Merged<'_> {
        self.range(Bound::Unbounded, Bound::Unbounded)
    }

    /// The tuples between two bounds, of which the first is not beyond the second, in the order of their keys.
    pub(super) fn range(&self, from: Bound<&Key>, to: Bound<&Key>) -> Merged<'_> {
        Merged {
            ground: self.ground.range(from, to).iter().peekable(),
            changed: self.changed.range::<Key, _>((from, to)).peekable(),
        }
    }
}

pub(super) struct Merged<'a> {
    ground: iter::Peekable<slice::Iter<'a, (Key, Arc<Tuple>)>>,
    changed: iter::Peekable<btree_map::Range<'a, Key, Option<Arc<Tuple>>>>,
}

impl<'a> Iterator for Merged<'a> {
    type Item = (&'a Key, &'a Arc<Tuple>);

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let changed = self.changed.peek().map(|(key, _)| *key);
            if let Some((key, tuple)) = self.ground.next_if(|(key, _)| changed.is_none_or(|changed| key < changed)) {
                return Some((key, tuple));
            }
            let (key, tuple) = self.changed.next()?;
            self.ground.next_if(|(under, _)| under == key);
            if let Some(tuple) = tuple {
                return Some((key, tuple));
            }
        }
    }
}
