//! The relay.

use anyhow::Result;

use crate::command;
use crate::workspace::Workspace;

/// How the relay is compiled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RelayProfile {
    /// Fast to build, and checks the engine's invariants after every step.
    Debug,
    /// Fast to run.
    Release,
}

impl RelayProfile {
    /// Where cargo puts the program, below its target folder.
    pub(crate) fn folder(self) -> &'static str {
        match self {
            Self::Debug => "debug",
            Self::Release => "release",
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Debug => "dev",
            Self::Release => "release",
        }
    }
}

/// Builds the relay. Cargo knows itself whether there is anything to do.
pub(crate) fn build(workspace: &Workspace, profile: RelayProfile) -> Result<()> {
    let mut cargo = workspace.cargo();
    cargo.args(["build", "--package", "bayou-relay", "--bins", "--profile", profile.name()]);
    if profile == RelayProfile::Debug {
        // What the tests need decides the features of what they share with the relay: without them
        // here, cargo would compile half of it twice.
        cargo.arg("--tests");
    }
    command::run(&mut cargo)
}
