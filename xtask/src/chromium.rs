//! Chromium for the browser tests: found, or installed where the system's package manager can do it.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Result, bail};

use crate::command;
use crate::console;

/// Names on the PATH, and where macOS keeps the program.
const NAMES: [&str; 5] = [
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
];

const MISSING: &str = "The browser tests need Chromium or Chrome: install it (the package is called `chromium` on most systems), or name its program in the variable CHROMIUM_PATH.";

/// The program to test with. `CHROMIUM_PATH` decides; otherwise what is installed is looked for.
pub(crate) fn find_or_install() -> Result<PathBuf> {
    if let Some(path) = std::env::var_os("CHROMIUM_PATH").filter(|path| !path.is_empty()) {
        let path = PathBuf::from(path);
        if !path.is_file() {
            bail!("CHROMIUM_PATH names {}, and no such file is there.", path.display());
        }
        return Ok(path);
    }
    if let Some(path) = find() {
        return Ok(path);
    }
    install()?;
    match find() {
        Some(path) => Ok(path),
        None => bail!(MISSING),
    }
}

fn find() -> Option<PathBuf> {
    let folders = std::env::var_os("PATH").unwrap_or_default();
    NAMES.iter().find_map(|name| find_in(name, std::env::split_paths(&folders)))
}

/// The first of the folders that has the program. (To join a whole path gives that path.)
fn find_in(name: &str, mut folders: impl Iterator<Item = PathBuf>) -> Option<PathBuf> {
    folders.find_map(|folder| Some(folder.join(name)).filter(|path| path.is_file()))
}

/// Installs Debian's package if there is such a thing and nobody must be asked for a password.
fn install() -> Result<()> {
    let apt_get = Path::new("/usr/bin/apt-get");
    if !apt_get.is_file() {
        bail!(MISSING);
    }
    let as_root = || {
        if is_root() {
            return Some(Command::new(apt_get));
        }
        let mut sudo = Command::new("sudo");
        // It drops the environment otherwise.
        sudo.args(["-n", "DEBIAN_FRONTEND=noninteractive"]).arg(apt_get);
        command::succeeds(Command::new("sudo").args(["-n", "true"])).then_some(sudo)
    };
    let (Some(mut update), Some(mut install)) = (as_root(), as_root()) else { bail!(MISSING) };
    console::note("Chromium is missing; apt-get installs it.");
    let installed = command::run(update.arg("update")).and_then(|()| {
        install.env("DEBIAN_FRONTEND", "noninteractive");
        command::run(install.args(["install", "--yes", "chromium"]))
    });
    installed.map_err(|error| error.context(MISSING.trim_end_matches('.')))
}

fn is_root() -> bool {
    command::output(Command::new("id").arg("-u")).is_ok_and(|id| id.trim() == "0")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stamp::tests::Scratch;

    #[test]
    fn a_program_is_found_in_the_first_folder_that_has_it() {
        let scratch = Scratch::new("chromium");
        scratch.write("b/chromium", "");
        scratch.write("c/chromium", "");
        let folders = || ["a", "b", "c"].map(|name| scratch.path().join(name)).into_iter();
        assert_eq!(find_in("chromium", folders()), Some(scratch.path().join("b").join("chromium")));
        assert_eq!(find_in("google-chrome", folders()), None);
    }
}
