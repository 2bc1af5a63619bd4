//! `serve --open`: the page in the default browser, as soon as the relay listens.
//!
//! The relay takes the place of the process that starts it, so a process of its own waits here.

use std::net::{Ipv4Addr, TcpStream};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::command;

const WAIT_MAX: Duration = Duration::from_secs(30);
const PAUSE: Duration = Duration::from_millis(100);

/// Starts the process that waits.
pub(crate) fn in_background(port: u16) -> Result<()> {
    let own_program = std::env::current_exe().context("The path of this program is unknown")?;
    let mut waiting = Command::new(own_program);
    waiting.args(["open-when-ready", "--port", &port.to_string()]).stdin(Stdio::null());
    waiting.spawn().map_err(|error| command::not_started(&waiting, &error))?;
    Ok(())
}

/// Waits for the relay and opens its page.
pub(crate) fn when_ready(port: u16) -> Result<()> {
    let begun = Instant::now();
    let relay = parent();
    while TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_err() {
        if parent() != relay {
            // The relay has ended and said why.
            return Ok(());
        }
        if begun.elapsed() > WAIT_MAX {
            bail!("Nothing listens on port {port}, so no browser was opened.");
        }
        std::thread::sleep(PAUSE);
    }
    let url = format!("http://127.0.0.1:{port}/");
    command::run(opener().arg(&url)).with_context(|| format!("No browser could be opened: open {url} yourself"))
}

/// The process that started this one; another adopts it when that one ends.
#[cfg(unix)]
fn parent() -> u32 {
    std::os::unix::process::parent_id()
}

/// Not told here: the wait ends by its limit.
#[cfg(not(unix))]
fn parent() -> u32 {
    0
}

/// What opens an address with the program that the user has chosen for it.
fn opener() -> Command {
    if cfg!(target_os = "macos") {
        return Command::new("open");
    }
    if cfg!(windows) {
        let mut explorer = Command::new("rundll32");
        explorer.arg("url.dll,FileProtocolHandler");
        return explorer;
    }
    Command::new("xdg-open")
}
