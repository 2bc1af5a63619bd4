//! Times the engine natively: `cargo run --release -p bayou-bench [-- [--rounds=<number>] <part of a name> ...]`.

use std::{env, fs, time::Instant};

use bayou_bench::{BYTES, MEMORY, WORKLOADS, Workload, bytes, memory};

/// Rounds of each workload, where nothing else is asked: enough to see the noise.
const ROUNDS: usize = 7;

fn main() {
    let (options, filters): (Vec<String>, Vec<String>) = env::args().skip(1).partition(|word| word.starts_with("--"));
    let rounds = options.iter().find_map(|option| option.strip_prefix("--rounds=")?.parse().ok()).unwrap_or(ROUNDS);
    let asked = |name: &str| filters.is_empty() || filters.iter().any(|filter| name.contains(filter.as_str()));
    if asked(MEMORY) {
        show_memory();
    }
    for workload in WORKLOADS.iter().filter(|workload| asked(workload.name)) {
        time(workload, rounds.max(1));
    }
    if BYTES.into_iter().any(asked) {
        BYTES.into_iter().zip(bytes()).for_each(|(name, bytes)| println!("{name:<46} {bytes:8.0} B"));
    }
}

fn time(workload: &Workload, rounds: usize) {
    let mut prepare = (workload.prepare)();
    let mut milliseconds = Vec::with_capacity(rounds);
    for _ in 0..rounds {
        let round = prepare();
        let before = processor_ms();
        let left = round();
        milliseconds.push(processor_ms() - before);
        drop(left);
    }
    milliseconds.sort_by(f64::total_cmp);
    let (least, median, most) = (milliseconds[0], milliseconds[rounds / 2], milliseconds[rounds - 1]);
    let each = median * 1000.0 / f64::from(workload.units);
    println!("{:<46} {median:8.2} ms ({least:.2} to {most:.2}), {each:.2} us each", workload.name);
}

fn show_memory() {
    let before = resident_bytes();
    let (held, stored) = memory();
    match (before, resident_bytes()) {
        (Some(before), Some(after)) => {
            println!("{MEMORY:<46} {:8} B", (after - before).saturating_sub(stored) / 100_000);
        }
        _ => println!("{MEMORY:<46} cannot be told here"),
    }
    drop(held);
}

/// Time of this thread on a processor, where the system tells it: others that run beside do not count.
fn processor_ms() -> f64 {
    let told = fs::read_to_string("/proc/thread-self/schedstat").ok();
    let nanoseconds = told.and_then(|told| told.split_whitespace().next()?.parse::<f64>().ok());
    nanoseconds.map_or_else(wall_ms, |nanoseconds| nanoseconds / 1e6)
}

fn wall_ms() -> f64 {
    thread_local! {
        static START: Instant = Instant::now();
    }
    START.with(|start| start.elapsed().as_secs_f64() * 1e3)
}

fn resident_bytes() -> Option<usize> {
    let told = fs::read_to_string("/proc/self/status").ok()?;
    let line = told.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    Some(line.trim().strip_suffix(" kB")?.parse::<usize>().ok()? * 1024)
}
