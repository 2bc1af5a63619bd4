//! One seed, looked at closely.

use bayou_sim::{Bug, run as run_seed, run_steps};

use super::finding;

/// Runs a seed, or some steps of it. `false`: a property does not hold.
pub(super) fn run(seed: u64, steps: Option<&[usize]>, bug: Option<Bug>, with_trace: bool) -> bool {
    let report = match steps {
        Some(steps) => run_steps(seed, steps, bug, with_trace),
        None => run_seed(seed, bug, with_trace),
    };
    report.lines.iter().for_each(|line| println!("{line}"));
    print!("{}", report.counters);
    println!("seed {seed}: {} steps, {} calls, hash {:016x}", report.steps, report.calls, report.hash);
    let Some(violation) = report.violation else {
        println!("every property holds");
        return true;
    };
    match steps {
        // They are those that matter already.
        Some(_) => println!("{}: {}", violation.property, violation.what),
        None => finding::tell(seed, bug, &violation),
    }
    false
}
