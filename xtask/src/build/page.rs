//! The page and the npm packages that it is built with.

use std::path::PathBuf;
use std::process::Command;

use anyhow::Result;

use super::Due;
use crate::command;
use crate::fingerprint::Fingerprint;
use crate::stamp::Stamp;
use crate::workspace::Workspace;

/// What lies in the page's folder and is no source of it.
const NOT_SOURCES: [&str; 4] = ["node_modules", "dist", "test-results", "playwright-report"];

/// Packages are installed anew when a list of packages or npm itself has changed.
pub(crate) fn look_for_packages(workspace: &Workspace) -> Result<Due<'_>> {
    let web = workspace.web();
    let inputs = Fingerprint::default()
        .path(&web.join("package.json"))?
        .path(&web.join("package-lock.json"))?
        .path(&web.join(".npmrc"))?
        // Some packages differ between versions of Node.
        .text(&command::output(Command::new("node").arg("--version"))?)
        .text(&command::output(command::npm().arg("--version"))?);
    let stamp = Stamp::new(workspace.notes().join("packages"), inputs, vec![installed(workspace)]);
    if stamp.is_current()? {
        return Ok(Due::Nothing);
    }
    Due::work(move || {
        // No package needs its scripts here, and none gets the chance to run one.
        let options = ["ci", "--ignore-scripts", "--no-audit", "--no-fund"];
        stamp.renew(|| command::run(workspace.npm().args(options)))
    })
}

/// The page is built anew when a source, the bindings or a package has changed.
pub(crate) fn look(workspace: &Workspace) -> Result<Due<'_>> {
    let inputs = Fingerprint::default()
        .path_without(&workspace.web(), &NOT_SOURCES)?
        .path(&workspace.package())?
        .path(&installed(workspace))?;
    let stamp = Stamp::new(workspace.notes().join("page"), inputs, vec![workspace.page()]);
    if stamp.is_current()? {
        return Ok(Due::Nothing);
    }
    Due::work(move || stamp.renew(|| command::run(workspace.npm().args(["run", "build"]))))
}

/// npm's own note of what it has installed.
fn installed(workspace: &Workspace) -> PathBuf {
    workspace.web().join("node_modules").join(".package-lock.json")
}
