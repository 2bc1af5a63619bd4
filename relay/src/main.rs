//! The program `bayou-relay`.

use std::{
    future::Future,
    io::{self, IsTerminal},
    net::SocketAddr,
    path::PathBuf,
    process::ExitCode,
    sync::Arc,
};

use bayou_relay::{DataFolder, Options, SqliteStore, Store, run};
use clap::{Parser, ValueEnum};
use tokio::net::TcpListener;
use tracing_subscriber::EnvFilter;

/// Serves Bayou's page, carries writes between its replicas, and commits them.
#[derive(Debug, Parser)]
#[command(name = "bayou-relay", version)]
struct Arguments {
    /// Address to listen at; port 0 takes a free one
    #[arg(long, value_name = "HOST:PORT", default_value = "127.0.0.1:8787")]
    listen: String,
    /// Folder for all that is stored
    #[arg(long, value_name = "FOLDER", default_value = "data")]
    data: PathBuf,
    /// Folder of the built page
    #[arg(long, value_name = "FOLDER", default_value = "web/dist")]
    page: PathBuf,
    /// Serve no page, only sockets and the REST interface
    #[arg(long, conflicts_with = "page")]
    no_page: bool,
    /// Further host name under which the relay may be addressed, without a port (can be repeated)
    #[arg(long, value_name = "NAME", value_parser = host_name)]
    allow_host: Vec<String>,
    /// Databases that may be made
    #[arg(long, value_name = "COUNT", default_value_t = Options::default().databases_max)]
    databases_max: usize,
    /// How to log; the environment variable RUST_LOG says how much
    #[arg(long, value_enum, default_value_t = LogFormat::Human)]
    log_format: LogFormat,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum LogFormat {
    /// Lines for people
    Human,
    /// One JSON object a line
    Json,
}

/// A host as a browser names it, without what belongs to an address.
fn host_name(text: &str) -> Result<String, String> {
    let is_name = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_');
    let is_ipv6 = text
        .strip_prefix('[')
        .and_then(|text| text.strip_suffix(']'))
        .is_some_and(|text| text.parse::<std::net::Ipv6Addr>().is_ok());
    if is_ipv6 || (!text.is_empty() && text.bytes().all(is_name)) {
        Ok(text.to_owned())
    } else {
        Err("a host name without scheme, port or path, such as rooms.example or 192.168.0.7".to_owned())
    }
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    start_log(arguments.log_format);
    match serve(arguments) {
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
fn serve(arguments: Arguments) -> Result<(), String> {
    let page = (!arguments.no_page).then_some(arguments.page);
    if let Some(folder) = &page
        && let Err(error) = std::fs::metadata(folder.join("index.html"))
    {
        return Err(format!(
            "There is no built page in {} ({error}); run `cargo xtask build`, give its folder with --page, or serve \
             none with --no-page.",
            folder.display()
        ));
    }
    let folder = DataFolder::open(&arguments.data).map_err(|error| error.to_string())?;
    let store: Arc<dyn Store> = Arc::new(SqliteStore::open(folder).map_err(|error| error.to_string())?);
    let options = Options {
        page,
        allowed_hosts: arguments.allow_host,
        databases_max: arguments.databases_max,
        ..Options::default()
    };
    let runtime = tokio::runtime::Runtime::new().map_err(|error| format!("The relay cannot start ({error})."))?;
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
