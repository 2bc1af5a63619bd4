//! `cargo xtask`: the one build and test driver of Bayou for the browser.
//!
//! It needs Rust (by rustup) and Node, and does all other set-up itself. [`build`] is a list of steps,
//! each skipped when nothing that it reads has changed; [`serve`] and [`mod@test`] say which of them they
//! need and what is to be run afterwards. An error is one sentence that says what to do.

mod bench;
mod browsers;
mod build;
mod cli;
mod command;
mod console;
mod fingerprint;
mod open;
mod serve;
mod sim;
mod stamp;
mod test;
mod toolchain;
mod workspace;

use std::process::ExitCode;

use clap::Parser;

use crate::build::{Builder, RelayProfile, Step};
use crate::cli::{Cli, Command};
use crate::workspace::Workspace;

fn main() -> ExitCode {
    let cli = Cli::parse();
    match dispatch(cli.command) {
        Ok(code) => code,
        Err(error) => {
            console::error(&error);
            ExitCode::FAILURE
        }
    }
}

fn dispatch(command: Command) -> anyhow::Result<ExitCode> {
    if let Command::OpenWhenReady { port } = command {
        open::when_ready(port)?;
        return Ok(ExitCode::SUCCESS);
    }
    let workspace = Workspace::locate()?;
    match command {
        Command::Serve(options) => serve::run(&workspace, &options),
        Command::Build => {
            let mut builder = Builder::new(&workspace, RelayProfile::Release);
            builder.reach(&[Step::Page, Step::Relay])?;
            println!("Page:  {}", workspace.page().display());
            println!("Relay: {}", workspace.relay(RelayProfile::Release).display());
            Ok(ExitCode::SUCCESS)
        }
        Command::Test(options) => test::run(&workspace, &options),
        Command::Bench(options) => bench::run(&workspace, &options).map(|()| ExitCode::SUCCESS),
        Command::Sim { arguments } => sim::run(&workspace, &arguments),
        Command::OpenWhenReady { .. } => unreachable!("answered above"),
    }
}
