//! Many seeds on several threads.

#[allow(clippy::disallowed_types, reason = "it bounds how many seeds are run, and none of them knows of it")]
use std::time::Instant;
use std::{
    collections::BTreeMap,
    sync::{
        atomic::{AtomicU64, Ordering},
        mpsc,
    },
    thread,
    time::Duration,
};

use bayou_sim::{Counters, Report, Violation, regressions::Regression, run as run_seed};

use super::finding;

/// In fewer seeds than this a fault may well be missing.
const SEEDS_MIN: u64 = 2_000;
/// How many seeds of one property are named.
const NAMED_MAX: usize = 12;

/// How much is to be run.
#[derive(Clone, Copy, Debug)]
pub(super) enum Amount {
    Seeds(u64),
    /// As many seeds as fit, but so many at least that each fault must have happened: the verdict on that does not
    /// depend on the speed of the machine.
    Minutes(f64),
}

/// Runs the regression seeds, each twice, and then seeds from this one. `false`: something was found.
pub(super) fn run(regressions: &[Regression], from: u64, amount: Amount, threads: usize) -> bool {
    let begun = now();
    let mut all = Totals::default();
    for Regression { seed, why } in regressions {
        let (first, second) = (run_seed(*seed, None, false), run_seed(*seed, None, false));
        if (first.hash, &first.violation) != (second.hash, &second.violation) {
            let what = format!("{:016x} and {:016x}: two runs of one seed differ ({why})", first.hash, second.hash);
            all.findings.entry("determinism").or_default().push((*seed, Violation { property: "determinism", what }));
        }
        all.add(first);
    }
    println!("{} regression seeds, each twice", regressions.len());
    let end = match amount {
        Amount::Seeds(count) => Box::new(move |index| index >= count) as Box<dyn Fn(u64) -> bool + Sync>,
        Amount::Minutes(minutes) => {
            let limit = Duration::from_secs_f64(60.0 * minutes.max(0.0));
            Box::new(move |index| index >= SEEDS_MIN && begun.elapsed() >= limit)
        }
    };
    each(
        threads,
        from,
        &end,
        |seed| run_seed(seed, None, false),
        |report| {
            all.add(report);
            true
        },
    );
    all.tell();
    println!(
        "{} seeds, {} steps, {} calls, {} failed, {} s on {threads} threads",
        all.seeds,
        all.steps,
        all.calls,
        all.findings.values().map(Vec::len).sum::<usize>(),
        begun.elapsed().as_secs(),
    );
    all.findings.is_empty() && !all.lacks_faults()
}

/// Runs seeds from this one on several threads until the end, and hands on what comes of them until that says to stop.
pub(super) fn each<T: Send>(
    threads: usize,
    from: u64,
    end: &(impl Fn(u64) -> bool + Sync),
    run: impl Fn(u64) -> T + Sync,
    mut take: impl FnMut(T) -> bool,
) {
    let next = AtomicU64::new(0);
    thread::scope(|scope| {
        let (sender, receiver) = mpsc::sync_channel(threads);
        for _ in 0..threads {
            let (sender, next, run) = (sender.clone(), &next, &run);
            scope.spawn(move || {
                loop {
                    let index = next.fetch_add(1, Ordering::Relaxed);
                    if end(index) || sender.send(run(from + index)).is_err() {
                        return;
                    }
                }
            });
        }
        drop(sender);
        while let Ok(done) = receiver.recv() {
            if !take(done) {
                // What is under way finds nobody who takes it.
                return;
            }
        }
    });
}

#[allow(clippy::disallowed_types, reason = "it bounds how many seeds are run, and none of them knows of it")]
fn now() -> Instant {
    Instant::now()
}

#[derive(Default)]
struct Totals {
    seeds: u64,
    steps: u64,
    calls: u64,
    counters: Counters,
    findings: BTreeMap<&'static str, Vec<(u64, Violation)>>,
}

impl Totals {
    fn add(&mut self, report: Report) {
        self.seeds += 1;
        self.steps += report.steps as u64;
        self.calls += report.calls;
        self.counters.add(&report.counters);
        if let Some(violation) = report.violation {
            self.findings.entry(violation.property).or_default().push((report.seed, violation));
        }
    }

    fn lacks_faults(&self) -> bool {
        self.seeds >= SEEDS_MIN && !self.counters.missing().is_empty()
    }

    fn tell(&mut self) {
        print!("{}", self.counters);
        for (property, findings) in &mut self.findings {
            findings.sort_by_key(|(seed, _)| *seed);
            let named: Vec<String> = findings.iter().take(NAMED_MAX).map(|(seed, _)| seed.to_string()).collect();
            println!("\n{property} does not hold in {} seeds, first {}", findings.len(), named.join(", "));
            if let Some((seed, violation)) = findings.first() {
                println!("seed {seed}");
                finding::tell(*seed, None, violation);
            }
        }
        if self.lacks_faults() {
            println!("\nnever happened: {:?}", self.counters.missing());
        }
    }
}
