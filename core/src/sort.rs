//! Sorting with one copy of the sorting code.
//!
//! The standard library's sort is compiled anew for every element type and comparison. In WebAssembly each copy is a
//! kilobyte and more to load; a dozen of them were a twentieth of the engine.

use core::{cmp::Ordering, mem};

/// Sorts stably.
pub(crate) fn sort_by<T>(items: &mut Vec<T>, mut compare: impl FnMut(&T, &T) -> Ordering) {
    if items.is_sorted_by(|left, right| compare(left, right).is_le()) {
        return;
    }
    let order = order(items.len(), &mut |left, right| compare(&items[left], &items[right]));
    let mut taken: Vec<Option<T>> = mem::take(items).into_iter().map(Some).collect();
    items.extend(order.into_iter().filter_map(|index| taken[index].take()));
}

/// Each of them once, in order: a set that is made at once and only looked at, without the code of a tree.
pub(crate) fn distinct<T: Ord>(items: impl IntoIterator<Item = T>) -> Vec<T> {
    let mut items: Vec<T> = items.into_iter().collect();
    sort_by(&mut items, T::cmp);
    items.dedup();
    items
}

/// The indexes of the elements in sorted order.
fn order(len: usize, compare: &mut dyn FnMut(usize, usize) -> Ordering) -> Vec<usize> {
    let mut order: Vec<usize> = (0..len).collect();
    order.sort_by(|left, right| compare(*left, *right));
    order
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_distinct_is_in_order() {
        assert_eq!(distinct([3, 1, 2, 1, 3]), [1, 2, 3]);
        assert_eq!(distinct(Vec::<u8>::new()), []);
    }

    #[test]
    fn sorting_is_stable_and_loses_nothing() {
        let mut items = vec![(3, 'a'), (1, 'b'), (3, 'c'), (2, 'd'), (1, 'e')];
        sort_by(&mut items, |left, right| left.0.cmp(&right.0));
        assert_eq!(items, [(1, 'b'), (1, 'e'), (2, 'd'), (3, 'a'), (3, 'c')]);
    }
}
