//! How a property that does not hold is reported.

use bayou_sim::{Bug, Violation, run_steps, shrink};

/// Tells what was seen, which steps are enough to see it, and the command that repeats them.
pub(super) fn tell(seed: u64, bug: Option<Bug>, violation: &Violation) {
    println!("{}: {}", violation.property, violation.what);
    let steps = shrink(seed, bug);
    let again = run_steps(seed, &steps, bug, true);
    println!("  {} steps are enough:", steps.len());
    for line in again.lines.iter().filter(|line| line.contains("-- step")) {
        println!("  {line}");
    }
    if let Some(violation) = again.violation {
        println!("  with them alone: {}", violation.what);
    }
    println!("  repeat it: {}", command(seed, &steps, bug));
}

/// The one command that repeats a finding.
fn command(seed: u64, steps: &[usize], bug: Option<Bug>) -> String {
    let steps: Vec<String> = steps.iter().map(ToString::to_string).collect();
    let bug = bug.map_or_else(String::new, |bug| format!(" --bug {bug:?}"));
    format!("cargo xtask sim --seed {seed} --steps {}{bug}", steps.join(","))
}
