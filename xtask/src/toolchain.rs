//! What must be on the machine before anything can be built: Node, and Rust's WebAssembly target.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::build::Due;
use crate::command;
use crate::workspace::{WASM_TARGET, Workspace};

/// What the page's build tools run on.
const NODE_WANTED: &str = "Node.js 20.19 or newer (of the 22 series: 22.12 or newer)";

/// Checks that Node and npm can be used.
pub(crate) fn check_node() -> Result<()> {
    let Ok(node) = command::output(Command::new("node").arg("--version")) else {
        bail!("{NODE_WANTED} is needed to build the page: install it, or put `node` on the PATH.");
    };
    if !node_is_usable(&node) {
        bail!("{NODE_WANTED} is needed to build the page, and {} was found: install a newer one.", node.trim());
    }
    if command::output(command::npm().arg("--version")).is_err() {
        bail!("npm is needed to build the page: install it (it usually comes with Node.js), or put it on the PATH.");
    }
    Ok(())
}

/// Looks for the target in the toolchain in use, however it came there, and has rustup add it otherwise.
/// (`rust-toolchain.toml` names it too, which has no effect where rustup must not install by itself.)
pub(crate) fn look_for_wasm_target(workspace: &Workspace) -> Result<Due<'_>> {
    let mut rustc = Command::new("rustc");
    rustc.current_dir(workspace.root()).args(["--print", "target-libdir", "--target", WASM_TARGET]);
    let library = command::output(&mut rustc)?;
    if Path::new(library.trim()).is_dir() {
        return Ok(Due::Nothing);
    }
    Due::work(|| {
        let mut rustup = Command::new("rustup");
        rustup.current_dir(workspace.root()).args(["target", "add", WASM_TARGET]);
        command::run(&mut rustup)
            .with_context(|| format!("Rust's target {WASM_TARGET} is missing, and only rustup can add it"))
    })
}

/// Whether the page's build tools run on this version, as `node --version` prints it.
fn node_is_usable(version: &str) -> bool {
    let mut numbers = version.trim().trim_start_matches('v').split('.').map_while(|part| part.parse().ok());
    let (major, minor): (u32, u32) = (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0));
    match major {
        20 => minor >= 19,
        22 => minor >= 12,
        _ => major > 22,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_of_node_are_judged_as_the_build_tools_do() {
        for usable in ["v20.19.0\n", "v20.20.2", "v22.12.0", "v23.0.0", "v26.1.3"] {
            assert!(node_is_usable(usable), "{usable}");
        }
        for unusable in ["v18.20.4", "v20.18.3", "v21.7.0", "v22.11.0", "", "something"] {
            assert!(!node_is_usable(unusable), "{unusable}");
        }
    }
}
