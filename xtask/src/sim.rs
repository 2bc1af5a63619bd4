//! `cargo xtask sim`, and how the tests run the simulator natively and in WebAssembly.

use std::process::{Command, ExitCode};

use anyhow::{Context, Result};

use crate::build::sim_package;
use crate::command;
use crate::workspace::Workspace;

/// How the simulator is compiled: fast, and with the engine's own checks.
pub(crate) const PROFILE: &str = "sim";

/// How many fresh seeds the tests run, and on how many threads: the same ones everywhere, so that what a test says does not
/// depend on how fast a machine is.
const TEST_OPTIONS: [&str; 4] = ["--seeds", "15000", "--threads", "2"];
/// Fresh seeds that are run in WebAssembly, beside the regression seeds.
const SEEDS_IN_WASM: &str = "300";

/// Runs the simulator with these arguments. What it found it has told itself.
pub(crate) fn run(workspace: &Workspace, arguments: &[String]) -> Result<ExitCode> {
    let mut simulator = simulator(workspace);
    let status = simulator.args(arguments).status().map_err(|error| command::not_started(&simulator, &error))?;
    Ok(if status.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The regression seeds, and as many others as fit.
pub(crate) fn test(workspace: &Workspace) -> Result<()> {
    command::run(simulator(workspace).args(TEST_OPTIONS))
}

/// Seeds and golden bytes in WebAssembly, which must come to the same as natively.
pub(crate) fn test_in_wasm(workspace: &Workspace) -> Result<()> {
    let package = sim_package(workspace)?;
    let lines = command::output(simulator(workspace).args(["--hashes", "--seeds", SEEDS_IN_WASM]))?;
    let hashes = workspace.notes().join("sim").join("hashes");
    std::fs::write(&hashes, lines).with_context(|| format!("{} cannot be written", hashes.display()))?;
    let core = workspace.root().join("core");
    let script = core.join("sim").join("web").join("run.mjs");
    command::run(Command::new("node").arg(script).arg(package).arg(hashes).arg(core.join("vectors")))
}

fn simulator(workspace: &Workspace) -> Command {
    let mut cargo = workspace.cargo();
    cargo.args(["run", "--package", "bayou-sim", "--profile", PROFILE, "--"]);
    cargo
}
