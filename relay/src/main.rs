//! The program `bayou-relay`.

mod arguments;
mod commands;

use std::{
    future::Future,
    io::{self, IsTerminal},
    net::SocketAddr,
    path::Path,
    process::ExitCode,
    sync::Arc,
};

use bayou_relay::{DataFolder, FILE_NAME, SqliteStore, Store, TakenOver, run, take_over};
use clap::Parser;
use tokio::{net::TcpListener, runtime::Runtime};
use tracing_subscriber::EnvFilter;

use self::{
    arguments::{Arguments, Command, LogFormat, Serve, TakeOver},
    commands::{export_files, import_files},
};

fn main() -> ExitCode {
    let Arguments { command, serve: arguments } = Arguments::parse();
    start_log(arguments.log_format);
    let done = match &command {
        Some(Command::TakeOver(arguments)) => take_role(arguments),
        Some(Command::Export(arguments)) => export_files(arguments),
        Some(Command::Import(arguments)) => import_files(arguments),
        None => serve(&arguments),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(sentence) => {
            eprintln!("{sentence}");
            ExitCode::FAILURE
        }
    }
}

/// The log goes to standard error; standard output has the one line that says where the relay is.
fn start_log(format: LogFormat) {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    let log =
        tracing_subscriber::fmt().with_env_filter(filter).with_writer(io::stderr).with_ansi(io::stderr().is_terminal());
    match format {
        LogFormat::Human => log.with_target(false).init(),
        LogFormat::Json => log.json().init(),
    }
}

/// Serves until a signal. What cannot be served is told in one sentence that says what to do.
fn serve(arguments: &Serve) -> Result<(), String> {
    let options = arguments.options();
    if let Some(folder) = &options.page
        && let Err(error) = std::fs::metadata(folder.join("index.html"))
    {
        return Err(format!(
            "There is no built page in {} ({error}); run `cargo xtask build`, give its folder with --page, or serve \
             none with --no-page.",
            folder.display()
        ));
    }
    let store = open_store(&arguments.data)?;
    let runtime = start_runtime()?;
    runtime.block_on(async {
        let listener = listen(&arguments.listen).await?;
        let address = listener.local_addr().map_err(|error| format!("The relay cannot listen ({error})."))?;
        // Before the line that tells others to go ahead, so that a signal right after it is not missed.
        let stop = stop_signal().map_err(|error| format!("The relay cannot handle signals ({error})."))?;
        if !address.ip().is_loopback() {
            tracing::warn!(%address, "listening beyond this machine: whoever can reach the relay can read and write");
        }
        let unreadable = |error| {
            format!("The store in {} cannot be read ({error}); check the disk it is on.", arguments.data.display())
        };
        let databases = store.databases().await.map_err(unreadable)?.len();
        tracing::info!(%address, data = %arguments.data.display(), databases, "listening");
        println!("Bayou is running at http://{}/", as_reached(address));
        run(listener, store, options, stop).await.map_err(unreadable)
    })
}

/// Makes this relay the primary, and says what that means.
fn take_role(arguments: &TakeOver) -> Result<(), String> {
    let TakeOver { data, database } = arguments;
    let store = open_existing_store(data)?;
    let taken = start_runtime()?.block_on(take_over(&store, database)).map_err(|error| {
        format!(
            "Database {database} in {} was not taken over ({error}); nothing has changed. Check --data and --database.",
            data.display()
        )
    })?;
    let TakenOver { csn, term, tentative } = taken;
    println!(
        "This relay is now the primary of database {database}, from commit {csn} of term {} on, with {tentative} \
         tentative writes.
Start it, and let the replicas connect that may know of later commits; it takes these over. Until commits are resumed it
commits nothing and lets no new replica join. Then resume them, where it listens (it must serve {database} with --demo):
    curl --request POST http://127.0.0.1:8787/v1/databases/{database}/commits/resume
What may be lost: commits after {csn} that no replica has brought by then become void. Whoever holds their writes offers
them again, so that they may get another place and another outcome; those that nobody holds are gone.",
        term.get()
    );
    Ok(())
}

/// A store that no relay runs on. None is made.
fn open_existing_store(data: &Path) -> Result<Arc<dyn Store>, String> {
    if !data.join(FILE_NAME).is_file() {
        return Err(format!("There is no store in {}; give its folder with --data.", data.display()));
    }
    open_store(data)
}

fn open_store(data: &Path) -> Result<Arc<dyn Store>, String> {
    let folder = DataFolder::open(data).map_err(|error| error.to_string())?;
    Ok(Arc::new(SqliteStore::open(folder).map_err(|error| error.to_string())?))
}

fn start_runtime() -> Result<Runtime, String> {
    Runtime::new().map_err(|error| format!("The relay cannot start ({error})."))
}

async fn listen(address: &str) -> Result<TcpListener, String> {
    TcpListener::bind(address).await.map_err(|error| match error.kind() {
        io::ErrorKind::AddrInUse => {
            format!("Something is listening at {address} already; stop it, or choose another port with --listen.")
        }
        _ => format!("The relay cannot listen at {address} ({error}); choose another address with --listen."),
    })
}

/// Where a browser on this machine finds a listener: one on all addresses is reached at loopback.
fn as_reached(address: SocketAddr) -> SocketAddr {
    if address.ip().is_unspecified() { SocketAddr::from(([127, 0, 0, 1], address.port())) } else { address }
}

/// Completes at the first signal that asks to stop.
#[cfg(unix)]
fn stop_signal() -> io::Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};
    let (mut interrupt, mut terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    })
}

/// Completes at the first signal that asks to stop.
#[cfg(not(unix))]
fn stop_signal() -> io::Result<impl Future<Output = ()>> {
    Ok(async { tokio::signal::ctrl_c().await.unwrap_or_default() })
}
