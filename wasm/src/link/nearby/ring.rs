//! Which of the other tabs a tab is linked with.
//!
//! Were every tab linked with every other, a write would cross each of n (n - 1) / 2 links. So tabs stand in a ring, in
//! the order of their ids, and each is linked with the nearest on both sides: up to five tabs that is everyone with
//! everyone, and twenty have 40 links and not 190. Two neighbours on each side, so that a tab that has stopped answering
//! and is not noticed yet divides nobody from anybody.

use std::collections::BTreeSet;

use super::names::TabId;

/// Neighbours on each side.
const REACH: usize = 2;

/// The tabs of `others` that are near to `own`. Each of two tabs is near to the other, or none is.
pub(super) fn neighbours(own: &TabId, others: &BTreeSet<TabId>) -> BTreeSet<TabId> {
    let behind = || others.range(own.clone()..);
    let before = || others.range(..own.clone());
    let next = behind().chain(before()).take(REACH);
    let previous = before().rev().chain(behind().rev()).take(REACH);
    next.chain(previous).cloned().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tab(number: u8) -> TabId {
        TabId::from_random([number; 8])
    }

    /// For each of so many tabs, with whom it is linked.
    fn ring(tabs: u8) -> Vec<BTreeSet<TabId>> {
        (0..tabs)
            .map(|own| {
                let others = (0..tabs).filter(|other| *other != own).map(tab).collect();
                neighbours(&tab(own), &others)
            })
            .collect()
    }

    #[test]
    fn up_to_five_tabs_are_linked_each_with_all() {
        for tabs in 1..=5 {
            assert!(ring(tabs).iter().all(|near| near.len() == usize::from(tabs) - 1), "{tabs}");
        }
    }

    #[test]
    fn more_tabs_have_four_links_each_and_both_ends_agree() {
        for tabs in 6..=30 {
            let near = ring(tabs);
            for own in 0..tabs {
                assert_eq!(near[usize::from(own)].len(), 4);
                for other in 0..tabs {
                    let [there, back] =
                        [(own, other), (other, own)].map(|(a, b)| near[usize::from(a)].contains(&tab(b)));
                    assert_eq!(there, back, "{own} and {other} of {tabs}");
                }
            }
        }
    }

    #[test]
    fn any_tab_may_fall_silent_and_the_others_still_reach_each_other() {
        let tabs = 20;
        let near = ring(tabs);
        for silent in 0..tabs {
            let first = (silent + 1) % tabs;
            let mut reached = BTreeSet::from([first]);
            let mut frontier = vec![first];
            while let Some(at) = frontier.pop() {
                let next = (0..tabs).filter(|other| *other != silent && near[usize::from(at)].contains(&tab(*other)));
                frontier.extend(next.filter(|other| reached.insert(*other)));
            }
            assert_eq!(reached.len(), usize::from(tabs) - 1, "without {silent}");
        }
    }
}
