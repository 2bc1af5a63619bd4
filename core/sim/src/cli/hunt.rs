//! Planted bugs: whether fresh seeds catch them, and how soon.

use std::sync::atomic::{AtomicU64, Ordering};

use bayou_sim::{Bug, run as run_seed};

use super::{finding, sweep};

/// A bug that so many seeds do not catch is as good as not looked for.
pub(super) const SEEDS_MAX: u64 = 10_000;
/// So many seeds are tried for a property that shows a bug which the engine's own assertions have caught.
const SEEDS_AFTER_PANIC: u64 = 200;
const PANIC: &str = "no-panic";

/// Plants each bug and runs seeds from this one until one catches it: one that passes without the bug. Each line that is
/// printed is one of `planted.txt`. `false`: a bug was not caught.
pub(super) fn run(bugs: &[Bug], from: u64, seeds_max: u64, threads: usize) -> bool {
    let mut missed = 0;
    for bug in bugs {
        let Some((seed, property)) = catch(*bug, from, seeds_max, threads) else {
            println!("# {bug:?} is not caught by {seeds_max} seeds");
            missed += 1;
            continue;
        };
        println!("{bug:?} {seed} {property}");
        if let ([_], Some(violation)) = (bugs, run_seed(seed, Some(*bug), false).violation) {
            println!("after {} seeds", seed - from + 1);
            finding::tell(seed, Some(*bug), &violation);
        }
    }
    println!("# {} of {} bugs are caught", bugs.len() - missed, bugs.len());
    missed == 0
}

/// A seed that breaks a property with the bug and none without it, and that property.
fn catch(bug: Bug, from: u64, seeds_max: u64, threads: usize) -> Option<(u64, &'static str)> {
    let (mut caught, mut panicked) = (None, None);
    let end = AtomicU64::new(seeds_max);
    let run = |seed| {
        let violation = run_seed(seed, Some(bug), false).violation?;
        run_seed(seed, None, false).violation.is_none().then_some((seed, violation.property))
    };
    sweep::each(threads, from, &|index| index >= end.load(Ordering::Relaxed), run, |found| {
        match found {
            Some((seed, PANIC)) => {
                panicked = panicked.or(found);
                end.fetch_min(seed - from + SEEDS_AFTER_PANIC, Ordering::Relaxed);
            }
            _ => caught = found,
        }
        caught.is_none()
    });
    caught.or(panicked)
}
