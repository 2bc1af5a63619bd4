//! When idle replicas are to be visited again.

use std::collections::{BTreeMap, BTreeSet};

use crate::store::{Entry, StoreId};

/// So often it is looked which replicas of this browser belong to nobody any longer.
pub(super) const LOOK_MS: u32 = 5_000;
/// At the latest after this time all are visited, whatever was seen.
const ROUND_MS: u64 = 5 * 60_000;
/// The first pause after a round that left surplus replicas. It doubles from round to round.
const SURPLUS_MS: u64 = 10_000;

/// What was seen of the other replicas of this browser, and when the next round is due.
#[derive(Default)]
pub(super) struct Agenda {
    due_ms: u64,
    rounds_with_surplus: u32,
    /// Replicas that were visited, with the time when a tab last used them before that.
    visited: BTreeMap<StoreId, f64>,
    /// Those that were free at the last look, and that had not been visited since they were used.
    left: BTreeSet<StoreId>,
}

impl Agenda {
    /// Whether all are to be visited now. `idle` are the replicas that no tab runs at present.
    ///
    /// That somebody left one counts from the second look in a row on: a page that is loaded again leaves it for a moment,
    /// and is to find it free.
    pub(super) fn look(&mut self, now_ms: u64, idle: &[Entry]) -> bool {
        // A tab that runs one may use it without being able to note when.
        self.visited.retain(|store, _| idle.iter().any(|entry| entry.store == *store));
        let is_news = |entry: &&Entry| self.visited.get(&entry.store) != Some(&entry.last_used);
        let left = idle.iter().filter(is_news).map(|entry| entry.store.clone()).collect();
        let left_before = std::mem::replace(&mut self.left, left);
        !self.left.is_disjoint(&left_before) || now_ms >= self.due_ms
    }

    /// A replica was visited, whatever came of it.
    pub(super) fn was_visited(&mut self, entry: Entry) {
        self.visited.insert(entry.store, entry.last_used);
    }

    /// A round is over. What it `left_surplus` is waiting for others to hear of its writes, mostly, which they soon do.
    pub(super) fn round_is_over(&mut self, now_ms: u64, left_surplus: bool) {
        self.rounds_with_surplus = if left_surplus { self.rounds_with_surplus.saturating_add(1) } else { 0 };
        let doublings = self.rounds_with_surplus.checked_sub(1);
        let pause_ms = doublings.map_or(ROUND_MS, |doublings| (SURPLUS_MS << doublings.min(10)).min(ROUND_MS));
        self.due_ms = now_ms.saturating_add(pause_ms);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The replica of this digit, as a tab last used it at some time.
    fn replica(digit: &str, last_used: f64) -> Entry {
        let store = StoreId::parse(&digit.repeat(32)).expect("a digit");
        let database = "demo".to_owned();
        Entry { store, database, database_id: None, replica: None, last_used, is_abandoned: false, salvaged: None }
    }

    fn after_a_round(visited: &[Entry]) -> Agenda {
        let mut agenda = Agenda::default();
        for entry in visited {
            agenda.was_visited(entry.clone());
        }
        agenda.round_is_over(0, false);
        agenda
    }

    #[test]
    fn what_a_tab_leaves_is_visited_once_it_was_seen_twice() {
        let idle = [replica("a", 1.0), replica("b", 1.0)];
        let mut agenda = after_a_round(&idle[..1]);
        assert!(!agenda.look(1, &idle[..1]));
        assert!(!agenda.look(2, &idle));
        assert!(agenda.look(3, &idle));
        // A round that finds it taken again leaves it to the next one.
        assert!(agenda.look(4, &idle));
        agenda.was_visited(idle[1].clone());
        agenda.round_is_over(5, false);
        assert!(!agenda.look(6, &idle));
        assert!(!agenda.look(7, &idle));
    }

    #[test]
    fn a_page_that_is_loaded_again_is_left_alone() {
        let mut agenda = after_a_round(&[]);
        for look in 0..10_u32 {
            let idle = [replica("a", f64::from(look))];
            assert!(!agenda.look(1, if look % 2 == 0 { &idle } else { &[] }));
        }
    }

    #[test]
    fn one_that_was_used_since_it_was_visited_is_visited_again() {
        let mut agenda = after_a_round(&[replica("a", 1.0)]);
        // Between two looks a tab was opened and closed.
        let used = [replica("a", 2.0)];
        assert!(!agenda.look(1, &used));
        assert!(agenda.look(2, &used));
        // So it is where the tab could not note that it used it, but was seen.
        let mut agenda = after_a_round(&used);
        assert!(!agenda.look(1, &[]));
        assert!(!agenda.look(2, &used));
        assert!(agenda.look(3, &used));
    }

    #[test]
    fn rounds_that_leave_surplus_are_followed_by_others_at_growing_distances() {
        let mut agenda = Agenda::default();
        let pauses = (0..7).map(|_| {
            agenda.round_is_over(0, true);
            agenda.due_ms
        });
        assert_eq!(pauses.collect::<Vec<_>>(), [10_000, 20_000, 40_000, 80_000, 160_000, 300_000, 300_000]);
        agenda.round_is_over(0, false);
        assert!(!agenda.look(ROUND_MS - 1, &[]));
        assert!(agenda.look(ROUND_MS, &[]));
        agenda.round_is_over(0, true);
        assert!(agenda.look(SURPLUS_MS, &[]));
    }
}
