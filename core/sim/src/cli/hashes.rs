//! What each seed comes to, in lines that another build is compared with.

use bayou_sim::{regressions, run as run_seed};

/// Prints seed, hash and verdict of each regression seed, and then of so many seeds from this one.
pub(super) fn run(from: u64, seeds: u64) -> bool {
    let regressions = regressions::all().into_iter().map(|regression| regression.seed);
    for seed in regressions.chain(from..from + seeds) {
        println!("{seed} {}", run_seed(seed, None, false).summary());
    }
    true
}
