//! `cargo xtask serve`: everything built, and the relay running.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::PathBuf;
use std::process::{Command, ExitCode};

use anyhow::{Context, Result, bail};

use crate::build::{Builder, RelayProfile, Step};
use crate::cli::ServeOptions;
use crate::command;
use crate::console;
use crate::open;
use crate::workspace::Workspace;

/// Builds, then becomes the relay.
pub(crate) fn run(workspace: &Workspace, options: &ServeOptions) -> Result<ExitCode> {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, options.port));
    check_free(address)?;
    let data = data_folder(workspace, options)?;
    // The optimized relay takes about a minute longer to build, once. The other one checks the whole
    // state after every step, which grows slow with the bookings that a team keeps here.
    let profile = if options.debug { RelayProfile::Debug } else { RelayProfile::Release };
    if !workspace.relay(profile).exists() {
        console::note("The first build takes some minutes; later starts take seconds.");
    }
    Builder::new(workspace, profile).reach(&[Step::Page, Step::Relay])?;

    if options.open {
        open::in_background(options.port)?;
    }
    let mut relay = Command::new(workspace.relay(profile));
    relay.arg("--listen").arg(address.to_string());
    relay.arg("--data").arg(data);
    relay.arg("--page").arg(workspace.page());
    console::note(format_args!("Starting the relay at http://{address}/ (Ctrl-C stops it)"));
    become_program(&mut relay)
}

/// Said before minutes of building rather than after them.
fn check_free(address: SocketAddr) -> Result<()> {
    match TcpListener::bind(address) {
        Ok(_) => Ok(()),
        Err(error) if error.kind() == std::io::ErrorKind::AddrInUse => bail!(
            "Port {} is in use, perhaps by another `cargo xtask serve`: stop that program, or choose another port with `--port`.",
            address.port()
        ),
        Err(error) => Err(error).with_context(|| format!("Nothing can listen at {address}")),
    }
}

/// A folder that is named is meant from where one stands; the default is the same from everywhere.
fn data_folder(workspace: &Workspace, options: &ServeOptions) -> Result<PathBuf> {
    match &options.data {
        Some(folder) => std::path::absolute(folder).context("The data folder has no path"),
        None => Ok(workspace.root().join("data")),
    }
}

/// The relay takes the place of this process, so that Ctrl-C and every other signal reach it and
/// its exit code is what the shell sees.
#[cfg(unix)]
fn become_program(program: &mut Command) -> Result<ExitCode> {
    use std::os::unix::process::CommandExt;
    let error = program.exec();
    Err(command::not_started(program, &error))
}

/// Where a process cannot be replaced, Ctrl-C reaches all programs of a console.
#[cfg(not(unix))]
fn become_program(program: &mut Command) -> Result<ExitCode> {
    let status = program.status().map_err(|error| command::not_started(program, &error))?;
    Ok(status.code().and_then(|code| u8::try_from(code).ok()).map_or(ExitCode::FAILURE, ExitCode::from))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_in_use_is_told_with_what_to_do() {
        let taken = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = taken.local_addr().unwrap();
        let error = check_free(address).unwrap_err().to_string();
        assert!(error.contains(&format!("Port {} is in use", address.port())), "{error}");
        assert!(error.contains("--port"), "{error}");
        drop(taken);
        check_free(address).unwrap();
    }
}
