//! One run, from its seed to what came of it.

use std::{
    any::Any,
    panic::{self, AssertUnwindSafe},
};

use bayou_core::sim::{self, Bug};

use crate::{
    faults::Counters,
    oracle::Violation,
    plan::{Plan, Step},
    world::World,
};

/// What came of a run.
#[derive(Clone, Debug)]
pub struct Report {
    /// Its seed.
    pub seed: u64,
    /// The property that does not hold, if one does not.
    pub violation: Option<Violation>,
    /// A hash of all that happened: the same for the same seed, natively and in WebAssembly.
    pub hash: u64,
    /// Steps of its plan.
    pub steps: usize,
    /// Calls of the engine.
    pub calls: u64,
    /// What went wrong, how often.
    pub counters: Counters,
    /// What happened, in words, if that was asked for.
    pub lines: Vec<String>,
}

impl Report {
    /// The hash, and the property that does not hold or `ok`.
    #[must_use]
    pub fn summary(&self) -> String {
        let verdict = self.violation.as_ref().map_or("ok", |violation| violation.property);
        format!("{:016x} {verdict}", self.hash)
    }
}

/// Runs a seed.
#[must_use]
pub fn run(seed: u64, bug: Option<Bug>, with_trace: bool) -> Report {
    run_plan(Plan::of(seed), bug, with_trace)
}

pub(crate) fn run_plan(plan: Plan, bug: Option<Bug>, with_trace: bool) -> Report {
    sim::plant(bug);
    let (seed, steps) = (plan.seed, plan.steps.len());
    let mut report =
        Report { seed, violation: None, hash: 0, steps, calls: 0, counters: Counters::default(), lines: Vec::new() };
    let mut world = match panic::catch_unwind(AssertUnwindSafe(|| World::new(plan, with_trace))) {
        Ok(Ok(world)) => world,
        Ok(Err(violation)) => {
            report.violation = Some(violation);
            return report;
        }
        Err(panic) => {
            report.violation = Some(Violation::of("no-panic", words(panic.as_ref())));
            return report;
        }
    };
    // The engine promises not to panic, and asserts its invariants after every call.
    report.violation = match panic::catch_unwind(AssertUnwindSafe(|| world.run())) {
        Ok(result) => result.err(),
        Err(panic) => Some(Violation::of("no-panic", words(panic.as_ref()))),
    };
    report.hash = world.trace.hash();
    report.calls = world.calls;
    report.counters = core::mem::take(&mut world.counters);
    report.lines = world.into_lines();
    sim::plant(None);
    report
}

fn words(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(ToString::to_string);
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_else(|| "a panic without words".into())
}

/// The steps of a failing seed that are enough to make it fail in the same way.
#[must_use]
pub fn shrink(seed: u64, bug: Option<Bug>) -> Vec<usize> {
    let whole = Plan::of(seed);
    let property = |kept: &[usize]| {
        let steps: Vec<Step> = kept.iter().map(|index| whole.steps[*index].clone()).collect();
        run_plan(Plan { steps, ..whole.clone() }, bug, false).violation.map(|violation| violation.property)
    };
    let mut kept: Vec<usize> = (0..whole.steps.len()).collect();
    let Some(wanted) = property(&kept) else { return kept };
    let mut size = kept.len() / 2;
    while size > 0 {
        let mut at = 0;
        while at < kept.len() {
            let end = (at + size).min(kept.len());
            let fewer: Vec<usize> = kept[..at].iter().chain(&kept[end..]).copied().collect();
            if !fewer.is_empty() && property(&fewer) == Some(wanted) {
                kept = fewer;
            } else {
                at = end;
            }
        }
        size /= 2;
    }
    kept
}

/// Runs these steps of a seed's plan alone.
#[must_use]
pub fn run_steps(seed: u64, steps: &[usize], bug: Option<Bug>, with_trace: bool) -> Report {
    let whole = Plan::of(seed);
    let chosen = steps.iter().filter_map(|index| whole.steps.get(*index).cloned()).collect();
    run_plan(Plan { steps: chosen, ..whole }, bug, with_trace)
}
