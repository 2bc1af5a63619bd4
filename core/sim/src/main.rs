//! The simulator's command line: `cargo xtask sim`.

mod cli;

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    // A panic of the engine is a finding, which is reported with its seed.
    std::panic::set_hook(Box::new(|_| {}));
    let options = cli::Options::parse();
    if options.run() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
