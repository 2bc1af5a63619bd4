//! Seeds that every run begins with: those that once failed, and some of different setups.

/// A seed that is run first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Regression {
    /// The seed.
    pub seed: u64,
    /// What it is there for.
    pub why: &'static str,
}

/// Those of `regressions.txt`, where each has a line: the seed, and why.
///
/// # Panics
///
/// Where a line is anything else.
#[must_use]
pub fn all() -> Vec<Regression> {
    let lines = include_str!("../regressions.txt").lines();
    let regression = |line: &'static str| {
        let (seed, why) = line.split_once(' ').expect("a line is a seed and why it is there");
        Regression { seed: seed.parse().expect("a line begins with a seed"), why: why.trim() }
    };
    lines.filter(|line| !line.is_empty() && !line.starts_with('#')).map(regression).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_regression_seed_says_why_and_stands_there_once() {
        let mut seeds: Vec<u64> = all().iter().map(|regression| regression.seed).collect();
        assert!(seeds.len() >= 12 && all().iter().all(|regression| !regression.why.is_empty()));
        seeds.sort_unstable();
        seeds.dedup();
        assert_eq!(seeds.len(), all().len());
    }
}
