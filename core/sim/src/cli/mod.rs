//! What can be asked of the simulator, and how it answers.

mod finding;
mod hashes;
mod hunt;
mod single;
mod sweep;

use std::{num::NonZeroUsize, thread};

use bayou_sim::{Bug, regressions};
use clap::Parser;

use self::sweep::Amount;

/// Seeds of a run that is not told how many.
const SEEDS: u64 = 3_000;

/// Runs many replicas under every fault and looks at whether Bayou's properties hold
#[derive(Debug, Parser)]
#[command(name = "sim", bin_name = "cargo xtask sim")]
pub(crate) struct Options {
    /// Run so many seeds [default: 3000]
    #[arg(long, value_name = "N")]
    seeds: Option<u64>,
    /// Begin with this seed
    #[arg(long, value_name = "SEED", default_value_t = 0)]
    from: u64,
    /// Run as many seeds as fit, and at least 2000
    #[arg(long, value_name = "MINUTES", conflicts_with = "seeds")]
    minutes: Option<f64>,
    /// Run this one seed again
    #[arg(long, value_name = "SEED", conflicts_with_all = ["seeds", "minutes", "from"])]
    seed: Option<u64>,
    /// Only these steps of its plan
    #[arg(long, value_delimiter = ',', value_name = "STEP,STEP", requires = "seed")]
    steps: Option<Vec<usize>>,
    /// Tell all that happens
    #[arg(long, requires = "seed")]
    trace: bool,
    /// Print a line with the hash and the verdict of each seed, those of the regression seeds first
    #[arg(long, conflicts_with_all = ["seed", "minutes", "hunt"])]
    hashes: bool,
    /// Plant this bug of `core/src/planted.rs` in the engine
    #[arg(long, value_name = "BUG", value_parser = bug, requires = "seed")]
    bug: Option<Bug>,
    /// Look for seeds that catch a planted bug, or each of them
    #[arg(long, value_name = "BUG", num_args = 0..=1, value_parser = bug, conflicts_with_all = ["seed", "minutes"])]
    #[allow(clippy::option_option, reason = "an option with an optional value")]
    hunt: Option<Option<Bug>>,
    /// Threads [default: one for each core]
    #[arg(long, value_name = "N")]
    threads: Option<NonZeroUsize>,
}

fn bug(name: &str) -> Result<Bug, String> {
    let named = |bug: &Bug| format!("{bug:?}") == name;
    Bug::ALL.into_iter().find(named).ok_or_else(|| {
        let names: Vec<String> = Bug::ALL.iter().map(|bug| format!("{bug:?}")).collect();
        format!("known are {}", names.join(", "))
    })
}

impl Options {
    /// Does what is asked. `false`: something was found.
    pub(crate) fn run(self) -> bool {
        let threads = self.threads.or_else(|| thread::available_parallelism().ok()).map_or(1, NonZeroUsize::get);
        if let Some(seed) = self.seed {
            return single::run(seed, self.steps.as_deref(), self.bug, self.trace);
        }
        if let Some(bug) = self.hunt {
            let bugs = bug.map_or(Bug::ALL.to_vec(), |bug| vec![bug]);
            return hunt::run(&bugs, self.from, self.seeds.unwrap_or(hunt::SEEDS_MAX), threads);
        }
        if self.hashes {
            return hashes::run(self.from, self.seeds.unwrap_or(SEEDS));
        }
        let amount = match self.minutes {
            Some(minutes) => Amount::Minutes(minutes),
            None => Amount::Seeds(self.seeds.unwrap_or(SEEDS)),
        };
        sweep::run(&regressions::all(), self.from, amount, threads)
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_well_formed() {
        Options::command().debug_assert();
    }

    #[test]
    fn the_command_that_repeats_a_finding_is_understood() {
        let options = Options::try_parse_from(["sim", "--seed", "7", "--steps", "1,5,9", "--bug", "AgainTwice"]);
        let options = options.expect("a command as it is printed");
        assert_eq!((options.seed, options.steps), (Some(7), Some(vec![1, 5, 9])));
        assert_eq!(options.bug, Some(Bug::AgainTwice));
    }

    #[test]
    fn every_bug_can_be_named() {
        for each in Bug::ALL {
            assert_eq!(bug(&format!("{each:?}")), Ok(each));
        }
        assert!(bug("no such bug").is_err());
    }
}
