//! `cargo xtask test`: everything that CI runs, part by part, and all parts even when one fails.

mod part;
mod report;

use std::process::ExitCode;
use std::time::Instant;

use anyhow::{Result, bail};
use clap::ValueEnum;

use crate::build::{Builder, RelayProfile};
use crate::cli::TestOptions;
use crate::console;
use crate::workspace::Workspace;

pub(crate) use self::part::Part;
use self::report::Report;

/// Runs the parts that are asked for and reports on all of them.
pub(crate) fn run(workspace: &Workspace, options: &TestOptions) -> Result<ExitCode> {
    let parts = if options.long || options.firefox { vec![Part::Browser] } else { chosen(&options.parts) };
    match parts.as_slice() {
        [part] if part.takes_arguments() => {}
        _ if options.runner_arguments.is_empty() => {}
        _ => bail!(
            "Arguments after `--` go to the test runner of one part: name exactly one of core, relay, wasm, xtask, web, sim or browser."
        ),
    }

    // The debug relay is what the relay's own tests build, and it checks the engine's invariants.
    let mut builder = Builder::new(workspace, RelayProfile::Debug);
    let mut report = Report::default();
    for part in parts {
        let heading = format!("Test part: {part}");
        console::begin(&heading);
        let begun = Instant::now();
        let result = part.run(workspace, &mut builder, options);
        match &result {
            Ok(()) => console::done(&heading, begun.elapsed()),
            Err(error) => console::error(error),
        }
        report.add(part, begun.elapsed(), result);
    }
    print!("{report}");
    Ok(if report.all_passed() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The parts in the order in which they run, each once; all of them when none is named.
fn chosen(named: &[Part]) -> Vec<Part> {
    let all = Part::value_variants().iter().copied();
    all.filter(|part| named.is_empty() || named.contains(part)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_name_means_all_parts() {
        assert_eq!(chosen(&[]), Part::value_variants());
    }

    #[test]
    fn named_parts_run_once_and_the_quick_ones_first() {
        assert_eq!(chosen(&[Part::Browser, Part::Fmt, Part::Browser]), [Part::Fmt, Part::Browser]);
    }
}
