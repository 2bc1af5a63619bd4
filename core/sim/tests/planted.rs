//! Every bug that is planted in the engine is caught by a known seed, which passes without it.
//!
//! Where a change of engine or simulator makes another story of a seed, `cargo xtask sim --hunt` prints the table anew.

use std::panic;

use bayou_sim::{Bug, run};

/// A line: the bug, a seed that catches it, and the property that it breaks there.
const TABLE: &str = include_str!("../planted.txt");

fn known(bug: Bug) -> (u64, &'static str) {
    let name = format!("{bug:?}");
    let of_bug = |line: &&'static str| line.split(' ').next() == Some(&name);
    let line = TABLE.lines().find(of_bug).unwrap_or_else(|| panic!("{name} has no line in planted.txt"));
    let mut words = line.split(' ').skip(1);
    let seed = words.next().and_then(|seed| seed.parse().ok()).expect("the second word is a seed");
    (seed, words.next().expect("the third word is a property"))
}

fn silently<T>(work: impl FnOnce() -> T) -> T {
    let hook = panic::take_hook();
    // Some bugs make the engine panic, which the simulator catches.
    panic::set_hook(Box::new(|_| {}));
    let value = work();
    panic::set_hook(hook);
    value
}

#[test]
fn every_planted_bug_is_caught_by_its_seed_which_passes_without_it() {
    let complaints = silently(|| {
        let complaint = |bug: Bug| {
            let (seed, property) = known(bug);
            let (with, without) = (run(seed, Some(bug), false), run(seed, None, false));
            let caught = with.violation.map(|violation| violation.property);
            (caught != Some(property) || without.violation.is_some()).then(|| {
                format!("{bug:?}, seed {seed}: {caught:?} with it, not {property}; {:?} without", without.violation)
            })
        };
        Bug::ALL.into_iter().filter_map(complaint).collect::<Vec<String>>()
    });
    assert!(complaints.is_empty(), "{complaints:#?}");
}
