//! Other programs: how they are found, run, and spoken about when they fail.

use std::ffi::{OsStr, OsString};
use std::io::ErrorKind;
use std::path::Path;
use std::process::{Command, ExitStatus, Stdio};

use anyhow::{Context, Result, anyhow, bail};

/// How much of a command a message shows.
const LINE_BYTES_MAX: usize = 100;

/// The cargo that started this program, so that both use one toolchain.
pub(crate) fn cargo() -> OsString {
    std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into())
}

/// `npm`, which is a script on Windows and then needs its ending.
pub(crate) fn npm() -> Command {
    Command::new(if cfg!(windows) { "npm.cmd" } else { "npm" })
}

/// Runs a program with its output visible; anything but success is an error.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    let status = command.stdin(Stdio::null()).status().map_err(|error| not_started(command, &error))?;
    if !status.success() {
        bail!("`{}` {}, see above.", line(command), ending(status));
    }
    Ok(())
}

/// Runs a program and returns what it printed; what it complained about becomes part of the error.
pub(crate) fn output(command: &mut Command) -> Result<String> {
    let output = command.stdin(Stdio::null()).output().map_err(|error| not_started(command, &error))?;
    if !output.status.success() {
        let complaint = String::from_utf8_lossy(&output.stderr);
        bail!("`{}` {}: {}", line(command), ending(output.status), complaint.trim());
    }
    String::from_utf8(output.stdout).with_context(|| format!("`{}` printed something that is not text", line(command)))
}

/// Whether a program starts and succeeds; what it prints is of no interest.
pub(crate) fn succeeds(command: &mut Command) -> bool {
    let status = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status();
    status.is_ok_and(|status| status.success())
}

/// Says in one sentence why a program did not start.
pub(crate) fn not_started(command: &Command, error: &std::io::Error) -> anyhow::Error {
    let program = command.get_program().to_string_lossy();
    match error.kind() {
        ErrorKind::NotFound => {
            anyhow!("`{program}` was not found: install it, or put it on the PATH.")
        }
        _ => anyhow!("`{program}` could not be started: {error}."),
    }
}

/// The command as one would type it, for messages: its beginning, which tells what was meant.
fn line(command: &Command) -> String {
    let program = Path::new(command.get_program());
    // The whole path of the toolchain's cargo would hide what matters.
    let mut line = program.file_stem().unwrap_or(program.as_os_str()).to_string_lossy().into_owned();
    for argument in command.get_args().map(OsStr::to_string_lossy) {
        if line.len() + argument.len() > LINE_BYTES_MAX {
            return line + " …";
        }
        line = line + " " + &argument;
    }
    line
}

fn ending(status: ExitStatus) -> String {
    match status.code() {
        Some(code) => format!("failed with exit code {code}"),
        None => "was stopped by a signal".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_program_is_told_in_one_sentence() {
        let error = run(&mut Command::new("no-such-program-anywhere")).unwrap_err().to_string();
        assert_eq!(error, "`no-such-program-anywhere` was not found: install it, or put it on the PATH.");
    }

    #[test]
    fn a_failure_is_told_with_the_command_as_typed() {
        let mut command = Command::new(cargo());
        command.arg("--no-such-option");
        let error = output(&mut command).unwrap_err().to_string();
        assert!(error.starts_with("`cargo --no-such-option` failed with exit code 1: "), "{error}");
    }
}
