//! The engine and its browser host as a WebAssembly module.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Result;

use crate::command;
use crate::sim;
use crate::workspace::{WASM_TARGET, Workspace};

/// Builds the module. Cargo knows itself whether there is anything to do.
pub(crate) fn build(workspace: &Workspace) -> Result<()> {
    command::run(&mut cargo_build(workspace, "bayou-wasm"))
}

/// Builds the engine's benchmark for WebAssembly, as the engine itself is built for it.
pub(crate) fn build_bench(workspace: &Workspace) -> Result<PathBuf> {
    command::run(&mut cargo_build(workspace, "bayou-bench"))?;
    Ok(workspace.target().join(WASM_TARGET).join("wasm").join("bayou_bench.wasm"))
}

/// Builds the simulator as a module of its own.
pub(crate) fn build_sim(workspace: &Workspace) -> Result<PathBuf> {
    let mut cargo = workspace.cargo();
    cargo.args(["build", "--package", "bayou-sim-web", "--profile", sim::PROFILE, "--target", WASM_TARGET]);
    without_own_flags(&mut cargo);
    command::run(&mut cargo)?;
    Ok(workspace.target().join(WASM_TARGET).join(sim::PROFILE).join("bayou_sim_web.wasm"))
}

/// Builds the browser host with the contract of its stores: in a profile of its own, so that the module that is shipped stays
/// as it is.
pub(crate) fn build_contract(workspace: &Workspace) -> Result<PathBuf> {
    let mut cargo = workspace.cargo();
    cargo.args(["build", "--package", "bayou-wasm", "--lib", "--features", "contract", "--target", WASM_TARGET]);
    without_own_flags(&mut cargo);
    command::run(&mut cargo)?;
    Ok(workspace.target().join(WASM_TARGET).join("debug").join("bayou_wasm.wasm"))
}

fn cargo_build(workspace: &Workspace, package: &str) -> Command {
    let mut cargo = workspace.cargo();
    cargo
        .args(["build", "--package", package, "--lib", "--profile", "wasm", "--target", WASM_TARGET])
        .arg("--config")
        .arg(remapping(workspace));
    without_own_flags(&mut cargo);
    cargo
}

/// `RUSTFLAGS` would replace the flags of `.cargo/config.toml`, without which randomness does not
/// compile for the browser.
pub(crate) fn without_own_flags(cargo: &mut Command) {
    cargo.env_remove("RUSTFLAGS").env_remove("CARGO_ENCODED_RUSTFLAGS");
}

/// Flags that keep the paths of this machine out of the module, so that every machine builds the
/// same bytes. Cargo adds them to those of `.cargo/config.toml`.
fn remapping(workspace: &Workspace) -> String {
    let cargo_home = std::env::var_os("CARGO_HOME")
        .map(PathBuf::from)
        .or_else(|| std::env::home_dir().map(|home| home.join(".cargo")));
    // The last prefix that fits is taken, hence the target folder, often inside the checkout, after it.
    let prefixes =
        [(cargo_home.as_deref(), "/cargo"), (Some(workspace.root()), "/bayou"), (Some(workspace.target()), "/target")];
    let flags: Vec<String> = prefixes
        .into_iter()
        .filter_map(|(path, name)| path.map(|path: &Path| (path, name)))
        .map(|(path, name)| format!("--remap-path-prefix={}={name}", path.display()))
        .collect();
    // An array of strings is written alike in JSON and TOML.
    format!("target.{WASM_TARGET}.rustflags={}", serde_json::Value::from(flags))
}
