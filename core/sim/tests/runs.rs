//! What a run is: it follows from its seed, and a part of its steps is a run, too.

use bayou_sim::{regressions, run, run_steps};

#[test]
fn a_seed_gives_the_same_trace_each_time() {
    for regression in regressions::all().into_iter().take(4) {
        let (first, second) = (run(regression.seed, None, false), run(regression.seed, None, true));
        assert_eq!((first.hash, first.calls), (second.hash, second.calls), "seed {}", regression.seed);
    }
}

#[test]
fn all_steps_of_a_seed_are_the_seed() {
    let whole = run(1, None, false);
    let steps: Vec<usize> = (0..whole.steps).collect();
    assert_eq!(run_steps(1, &steps, None, false).hash, whole.hash);
}

#[test]
fn a_run_without_steps_comes_to_rest() {
    assert_eq!(run_steps(1, &[], None, false).violation, None);
}
