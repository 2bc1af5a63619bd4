//! Planted bugs: whether fresh seeds catch them, and how soon.

use bayou_sim::{Bug, run as run_seed};

use super::{finding, sweep};

/// A bug that so many seeds do not catch is as good as not looked for.
pub(super) const SEEDS_MAX: u64 = 10_000;

/// Plants each bug and runs seeds from this one until one catches it: one that passes without the bug. `false`: a bug
/// was not caught.
pub(super) fn run(bugs: &[Bug], from: u64, seeds_max: u64, threads: usize) -> bool {
    let mut missed = Vec::new();
    for bug in bugs {
        match catch(*bug, from, seeds_max, threads) {
            Some((seed, property)) => {
                println!("{:<26} seed {seed:<8} {property:<20} {} seeds", format!("{bug:?}"), seed - from + 1);
            }
            None => {
                println!("{:<26} not caught by {seeds_max} seeds", format!("{bug:?}"));
                missed.push(*bug);
            }
        }
    }
    println!("{} of {} bugs caught", bugs.len() - missed.len(), bugs.len());
    if let [bug] = bugs
        && let Some((seed, _)) = catch(*bug, from, seeds_max, threads)
        && let Some(violation) = run_seed(seed, Some(*bug), false).violation
    {
        finding::tell(seed, Some(*bug), &violation);
    }
    missed.is_empty()
}

/// A seed that breaks a property with the bug, and none without it, with that property.
fn catch(bug: Bug, from: u64, seeds_max: u64, threads: usize) -> Option<(u64, &'static str)> {
    let mut caught = None;
    let run = |seed| {
        let violation = run_seed(seed, Some(bug), false).violation?;
        run_seed(seed, None, false).violation.is_none().then_some((seed, violation.property))
    };
    sweep::each(threads, from, &|index| index >= seeds_max, run, |found| {
        caught = found;
        caught.is_none()
    });
    caught
}
