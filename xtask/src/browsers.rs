//! The browsers of the browser tests: found, or installed where the system's package manager can do it.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Result, bail};

use crate::command;
use crate::console;

/// A browser to test with.
pub(crate) struct Browser {
    name: &'static str,
    /// Names on the PATH, and where macOS keeps the program.
    programs: &'static [&'static str],
    /// Debian's package.
    package: &'static str,
    /// The variable that names the program, to xtask as to Playwright.
    pub(crate) variable: &'static str,
    missing: &'static str,
}

pub(crate) const CHROMIUM: Browser = Browser {
    name: "Chromium",
    programs: &[
        "chromium",
        "chromium-browser",
        "google-chrome",
        "google-chrome-stable",
        "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    ],
    package: "chromium",
    variable: "CHROMIUM_PATH",
    missing: "The browser tests need Chromium or Chrome: install it (the package is called `chromium` on most systems), or name its program in the variable CHROMIUM_PATH.",
};

pub(crate) const FIREFOX: Browser = Browser {
    name: "Firefox",
    programs: &["firefox-esr", "firefox", "/Applications/Firefox.app/Contents/MacOS/firefox"],
    package: "firefox-esr",
    variable: "FIREFOX_PATH",
    missing: "The browser tests need Firefox: install it (the package is called `firefox-esr` on Debian and `firefox` on most other systems), or name its program in the variable FIREFOX_PATH.",
};

impl Browser {
    /// The program to test with. The browser's variable decides; otherwise what is installed is looked for.
    pub(crate) fn find_or_install(&self) -> Result<PathBuf> {
        let named = std::env::var_os(self.variable).filter(|path| !path.is_empty());
        let path = match named {
            Some(path) => self.existing(path.into())?,
            None => match self.find() {
                Some(path) => path,
                None => {
                    self.install()?;
                    let Some(path) = self.find() else { bail!(self.missing) };
                    path
                }
            },
        };
        console::note(format_args!("{}: {}", self.name, path.display()));
        Ok(path)
    }

    fn existing(&self, path: PathBuf) -> Result<PathBuf> {
        if !path.is_file() {
            bail!("{} names {}, and no such file is there.", self.variable, path.display());
        }
        Ok(path)
    }

    fn find(&self) -> Option<PathBuf> {
        let folders = std::env::var_os("PATH").unwrap_or_default();
        self.programs.iter().find_map(|name| find_in(name, std::env::split_paths(&folders)))
    }

    /// Installs Debian's package if there is such a thing and nobody must be asked for a password.
    fn install(&self) -> Result<()> {
        let apt_get = Path::new("/usr/bin/apt-get");
        if !apt_get.is_file() {
            bail!(self.missing);
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
        let (Some(mut update), Some(mut install)) = (as_root(), as_root()) else { bail!(self.missing) };
        console::note(format_args!("{} is missing; apt-get installs it.", self.name));
        let installed = command::run(update.arg("update")).and_then(|()| {
            install.env("DEBIAN_FRONTEND", "noninteractive");
            command::run(install.args(["install", "--yes", self.package]))
        });
        installed.map_err(|error| error.context(self.missing.trim_end_matches('.')))
    }
}

/// The first of the folders that has the program. (To join a whole path gives that path.)
fn find_in(name: &str, mut folders: impl Iterator<Item = PathBuf>) -> Option<PathBuf> {
    folders.find_map(|folder| Some(folder.join(name)).filter(|path| path.is_file()))
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
        let scratch = Scratch::new("browsers");
        scratch.write("b/chromium", "");
        scratch.write("c/chromium", "");
        let folders = || ["a", "b", "c"].map(|name| scratch.path().join(name)).into_iter();
        assert_eq!(find_in("chromium", folders()), Some(scratch.path().join("b").join("chromium")));
        assert_eq!(find_in("google-chrome", folders()), None);
    }

    #[test]
    fn a_variable_that_names_no_file_is_told() {
        let scratch = Scratch::new("browsers-named");
        scratch.write("firefox", "");
        let there = scratch.path().join("firefox");
        assert_eq!(FIREFOX.existing(there.clone()).unwrap(), there);
        let error = FIREFOX.existing(scratch.path().join("none")).unwrap_err().to_string();
        assert!(error.contains("FIREFOX_PATH names"), "{error}");
    }

    #[test]
    fn what_is_missing_is_told_with_its_variable_and_its_package() {
        for Browser { missing, variable, package, .. } in [CHROMIUM, FIREFOX] {
            assert!(missing.contains(variable) && missing.contains(package), "{missing}");
        }
    }
}
