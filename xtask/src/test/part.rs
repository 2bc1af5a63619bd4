//! The parts of the tests, and how each is run.

use std::fmt;
use std::process::Command;

use anyhow::{Result, bail};
use clap::ValueEnum;

use crate::browsers::{CHROMIUM, FIREFOX};
use crate::build::{Builder, RelayProfile, Step, contract_package, without_own_flags};
use crate::cli::TestOptions;
use crate::command;
use crate::sim;
use crate::workspace::{WASM_TARGET, Workspace};

/// The engine as it is shipped: without the simulator, whose feature of the engine cargo would join to it.
const CORE: &str = "--package bayou-core";
/// The simulator, and the engine with what the simulator sees of it.
const SIM: &str = "--package bayou-sim --package bayou-sim-web --package bayou-core";
/// All that runs natively and has no part in the simulator.
const NATIVE: &str = "--workspace --exclude bayou-wasm --exclude bayou-sim --exclude bayou-sim-web";
/// The relay. Not tested together with the engine, because cargo would join the features of both and
/// compile everything once more.
const RELAY: &str = "--package bayou-relay";

/// One part, in the order in which parts run: what is quick comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Part {
    /// Rust is formatted
    Fmt,
    /// No warning of rustc or clippy, natively and for the browser
    Clippy,
    /// The documentation builds without warnings, and its examples run
    Docs,
    /// Unit, property and walk-through tests of the engine
    Core,
    /// Tests of the relay with real sockets and kills
    Relay,
    /// Unit tests of the browser host, natively
    Wasm,
    /// Tests of this driver
    Xtask,
    /// Format, lint, types and unit tests of the page
    Web,
    /// The simulator: planted bugs, regression seeds, 15,000 others, some of them in WebAssembly
    Sim,
    /// The page in Chromium and, in part, in Firefox: several tabs against the real relay
    Browser,
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let value = self.to_possible_value().expect("no part is hidden");
        f.pad(value.get_name())
    }
}

impl Part {
    /// Whether the part has one test runner that takes a filter.
    pub(crate) fn takes_arguments(self) -> bool {
        !matches!(self, Self::Fmt | Self::Clippy | Self::Docs)
    }

    /// Runs the part, with what it needs built before; of the browser tests those that the options ask for.
    pub(crate) fn run(self, workspace: &Workspace, builder: &mut Builder<'_>, options: &TestOptions) -> Result<()> {
        let arguments = options.runner_arguments.as_slice();
        let cargo = |words: &str| {
            let mut cargo = workspace.cargo();
            cargo.args(words.split(' '));
            cargo
        };
        match self {
            Self::Fmt => command::run(&mut cargo("fmt --all --check")),
            Self::Clippy => {
                builder.reach(&[Step::WasmTarget])?;
                let native = cargo(&format!("clippy {NATIVE} --all-targets"));
                let sim = cargo(&format!("clippy {SIM} --all-targets"));
                // Lints the engine with it, on which it depends.
                let browser = for_browser(cargo("clippy --package bayou-wasm --all-targets"));
                let contract = for_browser(cargo("clippy --package bayou-wasm --features contract"));
                let sim_in_browser = for_browser(cargo("clippy --package bayou-sim-web"));
                all([native, sim, browser, contract, sim_in_browser].map(|mut command| {
                    command.args(["--", "-D", "warnings"]);
                    command
                }))
            }
            Self::Docs => {
                builder.reach(&[Step::WasmTarget])?;
                // First, so that what is left to be read is the engine as it is shipped.
                let sim = cargo(&format!("doc {SIM} --no-deps"));
                let native = cargo(&format!("doc {NATIVE} --no-deps"));
                let browser = for_browser(cargo("doc --package bayou-wasm --no-deps"));
                let [core, relay] = [CORE, RELAY].map(|packages| cargo(&format!("test {packages} --doc")));
                all([sim, native, browser, core, relay].map(|mut command| {
                    command.env("RUSTDOCFLAGS", "-D warnings");
                    command
                }))
            }
            Self::Core => cargo_test(cargo(&format!("test {CORE}")), arguments),
            Self::Relay => cargo_test(cargo(&format!("test {RELAY}")), arguments),
            Self::Wasm => cargo_test(cargo("test --package bayou-wasm"), arguments),
            Self::Xtask => cargo_test(cargo("test --package xtask"), arguments),
            Self::Web => {
                builder.reach(&[Step::Packages, Step::Bindings])?;
                all([npm_script(workspace, "lint", &[]), npm_script(workspace, "test", arguments)])
            }
            Self::Sim => {
                let tests =
                    || cargo_test(cargo(&format!("test --package bayou-sim --profile {}", sim::PROFILE)), arguments);
                if !arguments.is_empty() {
                    return tests();
                }
                builder.reach(&[Step::Node, Step::WasmTarget])?;
                let work: [&dyn Fn() -> Result<()>; 3] =
                    [&tests, &|| sim::test(workspace), &|| sim::test_in_wasm(workspace)];
                each(work)
            }
            Self::Browser => {
                let mut playwright = npm_script(workspace, "e2e", arguments);
                for browser in [CHROMIUM, FIREFOX] {
                    playwright.env(browser.variable, browser.find_or_install()?);
                }
                builder.reach(&[Step::Page, Step::Relay])?;
                playwright.env("BAYOU_RELAY", workspace.relay(RelayProfile::Debug));
                playwright.env("BAYOU_STORE_CONTRACT", contract_package(workspace)?);
                // `web/playwright.config.ts` runs nothing else then.
                if options.long {
                    playwright.env("BAYOU_LONG", "1");
                }
                if options.firefox {
                    playwright.env("BAYOU_FIREFOX", "1");
                }
                command::run(&mut playwright)
            }
        }
    }
}

fn for_browser(mut cargo: Command) -> Command {
    cargo.args(["--target", WASM_TARGET]);
    without_own_flags(&mut cargo);
    cargo
}

/// Unit and integration tests, all of them even when one fails. Examples in the documentation belong
/// to another part.
fn cargo_test(mut cargo: Command, arguments: &[String]) -> Result<()> {
    cargo.args(["--tests", "--no-fail-fast", "--"]).args(arguments);
    command::run(&mut cargo)
}

fn npm_script(workspace: &Workspace, script: &str, arguments: &[String]) -> Command {
    let mut npm = workspace.npm();
    npm.args(["run", script]);
    if !arguments.is_empty() {
        npm.arg("--").args(arguments);
    }
    npm
}

/// Runs all commands, so that one run tells all that is wrong.
fn all<const N: usize>(commands: [Command; N]) -> Result<()> {
    each(commands.map(|mut command| move || command::run(&mut command)))
}

/// Does all the work, so that one run tells all that is wrong.
fn each(work: impl IntoIterator<Item = impl FnOnce() -> Result<()>>) -> Result<()> {
    let complaints: Vec<String> =
        work.into_iter().filter_map(|work| work().err()).map(|error| format!("{error:#}")).collect();
    if !complaints.is_empty() {
        bail!(complaints.join(" "));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_commands_run_and_all_complaints_are_told() {
        let commands = ["no-such-program-a", "no-such-program-b"].map(Command::new);
        let error = all(commands).unwrap_err().to_string();
        assert!(error.contains("no-such-program-a") && error.contains("no-such-program-b"), "{error}");
    }

    #[test]
    fn parts_are_shown_as_they_are_typed() {
        assert_eq!(format!("{:8}|", Part::Fmt), "fmt     |");
    }
}
