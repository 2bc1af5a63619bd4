//! The command line, as `cargo xtask --help` shows it.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use crate::test::Part;

/// Builds, runs and tests Bayou for the browser.
#[derive(Debug, Parser)]
#[command(name = "xtask", bin_name = "cargo xtask")]
pub(crate) struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What `cargo xtask` can do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Build everything and run the relay with the page, on this machine only
    Serve(ServeOptions),
    /// Build the page and the relay for use, without running them
    Build,
    /// Run everything that CI runs, or the parts that are named
    Test(TestOptions),
    /// Measure what docs/PERFORMANCE.md tells
    Bench(BenchOptions),
    /// Run the simulator, whose own `--help` tells its options
    #[command(disable_help_flag = true)]
    Sim {
        /// Arguments of the simulator.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true, value_name = "ARGUMENTS")]
        arguments: Vec<String>,
    },
    /// Open the page in a browser as soon as something listens on the port (`serve --open` starts this)
    #[command(hide = true)]
    OpenWhenReady {
        /// The relay's port on this machine.
        #[arg(long)]
        port: u16,
    },
}

/// Options of `cargo xtask serve`.
#[derive(Debug, Args)]
pub(crate) struct ServeOptions {
    /// Port on this machine
    #[arg(long, default_value_t = 8787, value_parser = clap::value_parser!(u16).range(1..))]
    pub(crate) port: u16,
    /// Folder of the relay's databases, made when missing [default: `data` in the checkout]
    #[arg(long, value_name = "FOLDER")]
    pub(crate) data: Option<PathBuf>,
    /// Open the page in the default browser
    #[arg(long)]
    pub(crate) open: bool,
    /// Build the relay without optimizations: faster to build; it checks the engine's invariants after every step
    #[arg(long)]
    pub(crate) debug: bool,
}

/// Options of `cargo xtask bench`.
#[derive(Debug, Args)]
pub(crate) struct BenchOptions {
    /// The engine alone, natively and in WebAssembly
    #[arg(long)]
    pub(crate) engine: bool,
    /// Arguments for the engine's benchmark: parts of the names of workloads, or --rounds=NUMBER
    #[arg(last = true, value_name = "ARGUMENTS")]
    pub(crate) engine_arguments: Vec<String>,
}

/// Options of `cargo xtask test`.
#[derive(Debug, Args)]
pub(crate) struct TestOptions {
    /// Parts to run, all of them when none is named
    #[arg(value_enum)]
    pub(crate) parts: Vec<Part>,
    /// Run the browser tests that have more rounds than everybody has time for, and all of their rounds: an hour or more
    #[arg(long, conflicts_with = "parts")]
    pub(crate) long: bool,
    /// Run the browser tests in Firefox alone, and all that can be run there
    #[arg(long, conflicts_with = "parts")]
    pub(crate) firefox: bool,
    /// Arguments for the test runner of the one part that is named, a name filter for example
    #[arg(last = true, value_name = "ARGUMENTS")]
    pub(crate) runner_arguments: Vec<String>,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_well_formed() {
        Cli::command().debug_assert();
    }

    #[test]
    fn serve_has_the_defaults_of_the_readme() {
        let cli = Cli::try_parse_from(["xtask", "serve"]).unwrap();
        let Command::Serve(options) = cli.command else { panic!("another command") };
        assert_eq!(options.port, 8787);
        assert_eq!(options.data, None);
        assert!(!options.open && !options.debug);
    }

    #[test]
    fn port_zero_is_refused_because_its_url_could_not_be_told() {
        assert!(Cli::try_parse_from(["xtask", "serve", "--port", "0"]).is_err());
    }

    #[test]
    fn parts_and_runner_arguments_are_told_apart() {
        let cli = Cli::try_parse_from(["xtask", "test", "core", "--", "some_name", "--exact"]).unwrap();
        let Command::Test(options) = cli.command else { panic!("another command") };
        assert_eq!(options.parts, [Part::Core]);
        assert_eq!(options.runner_arguments, ["some_name", "--exact"]);
    }

    #[test]
    fn tests_that_do_not_run_in_ci_are_no_part_among_others() {
        for option in ["--long", "--firefox"] {
            assert!(Cli::try_parse_from(["xtask", "test", option]).is_ok());
            assert!(Cli::try_parse_from(["xtask", "test", "core", option]).is_err());
        }
    }

    #[test]
    fn all_arguments_of_the_simulator_are_passed_on() {
        for line in ["--seed 7 --steps 1,5,9", "--hunt", "--help"] {
            let words: Vec<&str> = line.split(' ').collect();
            let cli = Cli::try_parse_from(["xtask", "sim"].iter().chain(&words)).unwrap();
            let Command::Sim { arguments } = cli.command else { panic!("another command") };
            assert_eq!(arguments, words);
        }
    }

    #[test]
    fn an_unknown_part_is_refused_with_the_list_of_parts() {
        let error = Cli::try_parse_from(["xtask", "test", "everything"]).unwrap_err().to_string();
        assert!(error.contains("browser"), "{error}");
    }
}
