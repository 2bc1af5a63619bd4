//! When idle replicas are to be visited again.

use std::collections::BTreeMap;

/// So often it is looked which replicas of this browser belong to nobody any longer.
pub(super) const LOOK_MS: u32 = 5_000;
/// At the latest after this time all are visited, whatever was seen.
const ROUND_MS: u64 = 5 * 60_000;
/// The first pause after a round that left surplus replicas. It doubles from round to round.
const SURPLUS_MS: u64 = 10_000;

/// What was seen of the replicas that other tabs run, and when the next round is due.
#[derive(Default)]
pub(super) struct Agenda {
    due_ms: u64,
    rounds_with_surplus: u32,
    /// By the lock of the replica that somebody was seen to run: whether it was free at the last look.
    run_by_others: BTreeMap<String, bool>,
}

impl Agenda {
    /// Whether all are to be visited now. `held` are the locks of the replicas that other tabs run at present.
    ///
    /// That a lock is free counts from the second look in a row on: a page that is loaded again leaves it for a moment, and
    /// is to find it free.
    pub(super) fn look(&mut self, now_ms: u64, held: Vec<String>) -> bool {
        let mut was_left = false;
        for (lock, was_free) in &mut self.run_by_others {
            let is_free = !held.contains(lock);
            was_left |= is_free && *was_free;
            *was_free = is_free;
        }
        for lock in held {
            self.run_by_others.insert(lock, false);
        }
        was_left || now_ms >= self.due_ms
    }

    /// A tab was met that runs the replica with this lock.
    pub(super) fn is_run(&mut self, lock: String) {
        self.run_by_others.insert(lock, false);
    }

    /// The replica with this lock was visited: whoever left it, that is seen to.
    pub(super) fn was_visited(&mut self, lock: &str) {
        self.run_by_others.remove(lock);
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

    fn held(locks: &[&str]) -> Vec<String> {
        locks.iter().map(|lock| (*lock).to_owned()).collect()
    }

    fn after_a_round() -> Agenda {
        let mut agenda = Agenda::default();
        agenda.round_is_over(0, false);
        agenda
    }

    #[test]
    fn what_a_tab_leaves_is_visited_once_it_was_seen_free_twice() {
        let mut agenda = after_a_round();
        assert!(!agenda.look(1, held(&["a", "b"])));
        assert!(!agenda.look(2, held(&["b"])));
        assert!(agenda.look(3, held(&["b"])));
        agenda.was_visited("a");
        agenda.round_is_over(4, false);
        assert!(!agenda.look(5, held(&["b"])));
    }

    #[test]
    fn a_page_that_is_loaded_again_is_left_alone() {
        let mut agenda = after_a_round();
        for look in 0..10 {
            let locks: &[&str] = if look % 2 == 0 { &["a"] } else { &[] };
            assert!(!agenda.look(look, held(locks)));
        }
    }

    #[test]
    fn one_that_a_round_found_running_is_visited_when_it_is_left() {
        let mut agenda = after_a_round();
        agenda.is_run("a".to_owned());
        assert!(!agenda.look(1, held(&[])));
        assert!(agenda.look(2, held(&[])));
    }

    #[test]
    fn one_that_could_not_be_visited_when_it_was_left_remains_due() {
        let mut agenda = after_a_round();
        agenda.look(1, held(&["a"]));
        agenda.look(2, held(&[]));
        assert!(agenda.look(3, held(&[])));
        agenda.is_run("a".to_owned());
        agenda.round_is_over(4, false);
        assert!(!agenda.look(5, held(&[])));
        assert!(agenda.look(6, held(&[])));
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
        assert!(!agenda.look(ROUND_MS - 1, Vec::new()));
        assert!(agenda.look(ROUND_MS, Vec::new()));
        agenda.round_is_over(0, true);
        assert!(agenda.look(SURPLUS_MS, Vec::new()));
    }
}
