//! Where everything is.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use crate::build::RelayProfile;
use crate::command;

/// The rustc target of the browser's part.
pub(crate) const WASM_TARGET: &str = "wasm32-unknown-unknown";

/// The checkout and its target folder.
#[derive(Debug)]
pub(crate) struct Workspace {
    root: PathBuf,
    target: PathBuf,
}

impl Workspace {
    /// Asks cargo, which knows `CARGO_TARGET_DIR` and every configuration file that may move the target folder.
    pub(crate) fn locate() -> Result<Self> {
        let manifest = Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml");
        let mut metadata = Command::new(command::cargo());
        metadata.args(["metadata", "--no-deps", "--format-version", "1", "--manifest-path"]).arg(manifest);
        let metadata: serde_json::Value = serde_json::from_str(&command::output(&mut metadata)?)
            .context("`cargo metadata` printed something that is not JSON")?;
        let path = |key: &str| metadata[key].as_str().map(PathBuf::from);
        Ok(Self {
            root: path("workspace_root").context("`cargo metadata` does not name the workspace's root")?,
            target: path("target_directory").context("`cargo metadata` does not name the target folder")?,
        })
    }

    /// The checkout.
    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// Cargo's target folder.
    pub(crate) fn target(&self) -> &Path {
        &self.target
    }

    /// Stamps and the lock of this driver.
    pub(crate) fn notes(&self) -> PathBuf {
        self.target.join("xtask")
    }

    /// The page's sources.
    pub(crate) fn web(&self) -> PathBuf {
        self.root.join("web")
    }

    /// The built page.
    pub(crate) fn page(&self) -> PathBuf {
        self.root.join("web").join("dist")
    }

    /// The npm package that is made of the engine and its bindings.
    pub(crate) fn package(&self) -> PathBuf {
        self.root.join("wasm").join("pkg")
    }

    /// The engine for the browser as cargo leaves it, before bindings are made.
    pub(crate) fn module(&self) -> PathBuf {
        self.target.join(WASM_TARGET).join("wasm").join("bayou_wasm.wasm")
    }

    /// The relay's program.
    pub(crate) fn relay(&self, profile: RelayProfile) -> PathBuf {
        self.target.join(profile.folder()).join(format!("bayou-relay{}", std::env::consts::EXE_SUFFIX))
    }

    /// `cargo` with this checkout as its working folder.
    pub(crate) fn cargo(&self) -> Command {
        let mut cargo = Command::new(command::cargo());
        cargo.current_dir(&self.root);
        cargo
    }

    /// `npm` with the page's sources as its working folder.
    pub(crate) fn npm(&self) -> Command {
        let mut npm = command::npm();
        npm.current_dir(self.web());
        npm
    }
}
