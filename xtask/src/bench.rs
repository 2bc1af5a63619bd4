//! `cargo xtask bench`: measures what `docs/PERFORMANCE.md` tells. It reports figures and judges none of them.

use std::process::Command;

use anyhow::Result;

use crate::browsers::CHROMIUM;
use crate::build::{Builder, RelayProfile, Step, bench_package};
use crate::cli::BenchOptions;
use crate::command;
use crate::console;
use crate::workspace::Workspace;

/// Builds what is shipped and measures it, part after part, or the engine alone.
pub(crate) fn run(workspace: &Workspace, options: &BenchOptions) -> Result<()> {
    console::note("The engine, native:");
    let mut native = workspace.cargo();
    native.args(["run", "--package", "bayou-bench", "--release", "--"]).args(&options.engine_arguments);
    command::run(&mut native)?;
    let package = bench_package(workspace)?;
    console::note("The engine, WebAssembly in Node:");
    let script = workspace.root().join("core").join("bench").join("node.mjs");
    command::run(Command::new("node").arg(script).arg(package).args(&options.engine_arguments))?;
    if !options.engine {
        measure_page(workspace)?;
    }
    Ok(())
}

fn measure_page(workspace: &Workspace) -> Result<()> {
    let chromium = CHROMIUM.find_or_install()?;
    Builder::new(workspace, RelayProfile::Release).reach(&[Step::Page, Step::Relay])?;
    console::note("The whole path, in Chromium on this machine:");
    let mut playwright = workspace.npm();
    playwright.args(["run", "bench"]).env(CHROMIUM.variable, chromium);
    playwright.env("BAYOU_RELAY", workspace.relay(RelayProfile::Release));
    command::run(&mut playwright)?;
    console::note("The page's weight:");
    // It says in its exit code whether the budget is kept, which is nothing that stops a measurement.
    let _over_budget = command::run(workspace.npm().args(["run", "--silent", "weight"]));
    Ok(())
}
