//! JavaScript and TypeScript around the WebAssembly module: the npm package `bayou`.
//!
//! The generator is a library of this program, and so pinned by `Cargo.lock` to the version that the
//! module was compiled with; there is no tool to install.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use wasm_bindgen_cli_support::Bindgen;

use super::{Due, engine};
use crate::fingerprint::Fingerprint;
use crate::stamp::Stamp;
use crate::workspace::Workspace;

/// The npm package's name, and that of its files.
const NAME: &str = "bayou";

pub(crate) fn look(workspace: &Workspace) -> Result<Due<'_>> {
    let inputs = Fingerprint::default()
        .path(&workspace.module())?
        // The generator and what it is told.
        .path(&workspace.root().join("Cargo.lock"))?
        .path(&workspace.root().join("xtask").join("src").join("build"))?
        .text(env!("CARGO_PKG_VERSION"));
    let stamp = Stamp::new(workspace.notes().join("bindings"), inputs, vec![workspace.package()]);
    if stamp.is_current()? {
        return Ok(Due::Nothing);
    }
    Due::work(move || stamp.renew(|| generate(&workspace.module(), &workspace.package())))
}

/// The package of the engine's benchmark; its folder.
pub(crate) fn bench_package(workspace: &Workspace) -> Result<PathBuf> {
    let module = engine::build_bench(workspace)?;
    let package = workspace.notes().join("bench");
    generate(&module, &package)?;
    Ok(package)
}

/// The package with the simulator; its folder.
pub(crate) fn sim_package(workspace: &Workspace) -> Result<PathBuf> {
    let module = engine::build_sim(workspace)?;
    let package = workspace.notes().join("sim").join("package");
    generate(&module, &package)?;
    Ok(package)
}

/// The package with the contract of the browser host's stores; its folder.
pub(crate) fn contract_package(workspace: &Workspace) -> Result<PathBuf> {
    let module = engine::build_contract(workspace)?;
    let package = workspace.notes().join("contract");
    generate(&module, &package)?;
    Ok(package)
}

fn generate(module: &Path, package: &Path) -> Result<()> {
    if package.exists() {
        // Files of an earlier build, snippets for example, would stay otherwise.
        std::fs::remove_dir_all(package).with_context(|| format!("{} cannot be emptied", package.display()))?;
    }
    Bindgen::new()
        .input_path(module)
        .out_name(NAME)
        .web(true)?
        .typescript(true)
        // With it, `init()` finds the module beside the script when no bundler says otherwise.
        .omit_default_module_path(false)
        .remove_name_section(true)
        .remove_producers_section(true)
        .generate(package)
        .context("The JavaScript bindings could not be generated")?;
    let path = package.join("package.json");
    std::fs::write(&path, manifest()).with_context(|| format!("{} cannot be written", path.display()))
}

/// Written as text: the conditions of an export are tried in the order in which they stand, and
/// `types` must come first.
fn manifest() -> String {
    format!(
        r#"{{
  "name": "{NAME}",
  "version": "{version}",
  "description": "Bayou for the browser: an offline-first replica in a tab, stored in IndexedDB.",
  "license": "{license}",
  "type": "module",
  "main": "./{NAME}.js",
  "types": "./{NAME}.d.ts",
  "exports": {{
    ".": {{ "types": "./{NAME}.d.ts", "default": "./{NAME}.js" }},
    "./{NAME}_bg.wasm": "./{NAME}_bg.wasm",
    "./package.json": "./package.json"
  }},
  "sideEffects": ["./snippets/*"]
}}
"#,
        version = env!("CARGO_PKG_VERSION"),
        license = env!("CARGO_PKG_LICENSE"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_package_exports_script_types_and_module() {
        let manifest: serde_json::Value = serde_json::from_str(&manifest()).unwrap();
        assert_eq!(manifest["name"], "bayou");
        assert_eq!(manifest["exports"]["."]["types"], "./bayou.d.ts");
        assert_eq!(manifest["exports"]["./bayou_bg.wasm"], "./bayou_bg.wasm");
    }
}
