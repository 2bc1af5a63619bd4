//! The real program.

use std::{
    net::SocketAddr,
    path::Path,
    process::{Output, Stdio},
};

use tempfile::TempDir;
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, BufReader, Lines},
    process::{Child, ChildStdout, Command},
    task::JoinHandle,
};

use super::within_deadline;

/// A running `bayou-relay`. Dropping it kills it.
pub(crate) struct Program {
    pub(crate) address: SocketAddr,
    /// The line that it has printed.
    pub(crate) line: String,
    child: Child,
    stdout: Lines<BufReader<ChildStdout>>,
    log: JoinHandle<String>,
}

/// How a program ended.
pub(crate) struct Ended {
    pub(crate) code: Option<i32>,
    pub(crate) log: String,
}

fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_bayou-relay"));
    command.args(arguments).kill_on_drop(true).env_remove("RUST_LOG").stdin(Stdio::null());
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// Runs the program to its end, for arguments with which it does not serve.
pub(crate) async fn run_to_end(arguments: &[&str]) -> Output {
    within_deadline("the program ends", command(arguments).output()).await.unwrap()
}

impl Program {
    /// Starts it on a data folder, without a page, at a free port, and waits until it listens.
    pub(crate) async fn start(data: &Path) -> Self {
        Self::start_with(data, &["--no-page"]).await
    }

    pub(crate) async fn start_with(data: &Path, arguments: &[&str]) -> Self {
        let mut all = vec!["--listen", "127.0.0.1:0", "--data", data.to_str().unwrap()];
        all.extend(arguments);
        let mut child = command(&all).spawn().unwrap();
        let mut stdout = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut stderr = child.stderr.take().unwrap();
        let log = tokio::spawn(async move {
            let mut log = String::new();
            stderr.read_to_string(&mut log).await.unwrap();
            log
        });
        let line = within_deadline("the line on standard output", stdout.next_line()).await.unwrap();
        let line = line.expect("a line before standard output is closed");
        let address = line.strip_prefix("Bayou is running at http://").and_then(|line| line.strip_suffix('/'));
        let address = address.unwrap_or_else(|| panic!("{line:?} tells the address")).parse().unwrap();
        Self { address, line, child, stdout, log }
    }

    /// `kill -9`.
    pub(crate) async fn kill(mut self) -> Ended {
        self.child.start_kill().unwrap();
        self.end().await
    }

    /// Sends a signal by its name, and waits until the program has ended.
    pub(crate) async fn signal(self, signal: &str) -> Ended {
        let pid = self.child.id().expect("the program runs").to_string();
        let sent = Command::new("sh").args(["-c", "kill -s \"$0\" \"$1\"", signal, &pid]).status().await.unwrap();
        assert!(sent.success());
        self.end().await
    }

    async fn end(mut self) -> Ended {
        let status = within_deadline("the program ends", self.child.wait()).await.unwrap();
        assert_eq!(self.stdout.next_line().await.unwrap(), None, "one line on standard output and no more");
        let log = self.log.await.unwrap();
        assert!(!log.contains("ERROR"), "a fault of the relay's own:\n{log}");
        Ended { code: status.code(), log }
    }
}

/// A page as the build leaves it: an asset with its compressed forms, another without.
pub(crate) fn page_folder() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let write = |file: &str, content: &[u8]| std::fs::write(folder.path().join(file), content).unwrap();
    std::fs::create_dir(folder.path().join("assets")).unwrap();
    write("index.html", b"<!doctype html><title>Bayou</title>");
    write("favicon.svg", b"<svg xmlns='http://www.w3.org/2000/svg'/>");
    write("sw.js", b"const BUILD = {};");
    write("manifest.webmanifest", b"{}");
    write("assets/engine-1a2b.wasm", b"\0asm plain");
    write("assets/engine-1a2b.wasm.br", b"stands for brotli");
    write("assets/engine-1a2b.wasm.gz", b"stands for gzip");
    write("assets/index-3c4d.js", "export const text = 'again and again';\n".repeat(100).as_bytes());
    write(".secret", b"not served");
    folder
}
