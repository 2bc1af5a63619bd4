fn main() {
    let from: u64 = std::env::args().nth(1).and_then(|a| a.parse().ok()).unwrap_or(0);
    let count: u64 = std::env::args().nth(2).and_then(|a| a.parse().ok()).unwrap_or(100);
    let trace = std::env::args().nth(3).is_some();
    std::panic::set_hook(Box::new(|_| {}));
    let mut counters = bayou_sim::Counters::default();
    let start = std::time::Instant::now();
    let mut failures: std::collections::BTreeMap<String, Vec<u64>> = Default::default();
    let mut first: std::collections::BTreeMap<String, String> = Default::default();
    let mut calls = 0;
    for seed in from..from + count {
        let r = bayou_sim::run(seed, None, trace);
        counters.add(&r.counters);
        calls += r.calls;
        if trace {
            for l in &r.lines {
                println!("{l}");
            }
        }
        if let Some(v) = r.violation {
            let mut k: String = format!(
                "{} {}",
                v.property,
                v.what
                    .split("ms: ")
                    .last()
                    .unwrap_or("")
                    .chars()
                    .filter(|c| !c.is_numeric())
                    .take(60)
                    .collect::<String>()
            );
            k.truncate(90);
            failures.entry(k.clone()).or_default().push(seed);
            first.entry(k).or_insert(v.what);
        }
    }
    println!("{counters}");
    for (k, v) in &failures {
        println!(
            "{:5} {k}: {:?}\n        {}",
            v.len(),
            &v[..v.len().min(6)],
            first[k].chars().take(700).collect::<String>()
        );
    }
    println!(
        "{count} seeds, {} failed, {calls} calls, {:?}",
        failures.values().map(Vec::len).sum::<usize>(),
        start.elapsed()
    );
}
