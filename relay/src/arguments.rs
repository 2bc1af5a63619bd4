//! What the program can be told.

use std::{path::PathBuf, time::Duration};

use bayou_core::DatabaseName;
use bayou_relay::{Options, Retention};
use clap::{Args, Parser, Subcommand, ValueEnum};

const MIB: usize = 1024 * 1024;
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// Serves Bayou's page, carries writes between its replicas, and commits them.
#[derive(Debug, Parser)]
#[command(name = "bayou-relay", version, args_conflicts_with_subcommands = true)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
    #[command(flatten)]
    pub(crate) serve: Serve,
}

/// What can be done with a data folder while no relay runs on it.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Make this relay the primary of a database, after its store was restored from an old copy or its primary was lost
    ///
    /// A relay whose store was restored from an old copy would give out numbers of commits that it has given out before.
    /// Run this before such a relay is started. It commits nothing before commits are resumed: what is known to replicas
    /// that connect until then is taken over from them.
    TakeOver(TakeOver),
    /// Write what a database holds into a file, for replicas without a link to import
    ///
    /// Of a damaged store the file holds what can be read; the program says so, and ends with 1.
    Export(Export),
    /// Import files that other replicas of a database have exported, in the order in which they are named
    Import(Import),
}

#[derive(Debug, Args)]
pub(crate) struct TakeOver {
    /// Folder for all that is stored
    #[arg(long, value_name = "FOLDER", default_value = "data")]
    pub(crate) data: PathBuf,
    /// Name of the database
    #[arg(long, value_name = "NAME", value_parser = DatabaseName::parse)]
    pub(crate) database: DatabaseName,
}

#[derive(Clone, Debug, Args)]
pub(crate) struct Export {
    /// Folder for all that is stored
    #[arg(long, value_name = "FOLDER", default_value = "data")]
    pub(crate) data: PathBuf,
    /// Name of the database
    #[arg(long, value_name = "NAME", value_parser = DatabaseName::parse)]
    pub(crate) database: DatabaseName,
    /// File to write, which must not exist
    #[arg(long, value_name = "FILE")]
    pub(crate) out: PathBuf,
    /// File with what the reader says of itself (`Replica.readerState()`); without it everything is exported
    #[arg(long, value_name = "FILE")]
    pub(crate) reader: Option<PathBuf>,
    /// Write as many files as it takes, none of which is larger: their names get `-1`, `-2` and so on before the extension
    #[arg(long, value_name = "MIB", value_parser = clap::value_parser!(u32).range(1..))]
    max_mib: Option<u32>,
}

impl Export {
    /// How large a file may be.
    pub(crate) fn file_bytes_max(&self) -> usize {
        self.max_mib.map_or(usize::MAX, |mib| MIB.saturating_mul(mib as usize))
    }

    /// The name of the file with this place in the chain, from 1.
    pub(crate) fn file(&self, number: u32) -> PathBuf {
        if self.max_mib.is_none() {
            return self.out.clone();
        }
        let mut name = self.out.file_stem().unwrap_or_default().to_owned();
        name.push(format!("-{number}"));
        if let Some(extension) = self.out.extension() {
            name.push(".");
            name.push(extension);
        }
        self.out.with_file_name(name)
    }
}

#[derive(Debug, Args)]
pub(crate) struct Import {
    /// Folder for all that is stored
    #[arg(long, value_name = "FOLDER", default_value = "data")]
    pub(crate) data: PathBuf,
    /// Name of the database
    #[arg(long, value_name = "NAME", value_parser = DatabaseName::parse)]
    pub(crate) database: DatabaseName,
    /// Files to import, the first of a chain first
    #[arg(value_name = "FILE", required = true)]
    pub(crate) files: Vec<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct Serve {
    /// Address to listen at; port 0 takes a free one
    #[arg(long, value_name = "HOST:PORT", default_value = "127.0.0.1:8787")]
    pub(crate) listen: String,
    /// Folder for all that is stored
    #[arg(long, value_name = "FOLDER", default_value = "data")]
    pub(crate) data: PathBuf,
    /// Folder of the built page
    #[arg(long, value_name = "FOLDER", default_value = "web/dist")]
    pub(crate) page: PathBuf,
    /// Serve no page, only sockets and the REST interface
    #[arg(long, conflicts_with = "page")]
    pub(crate) no_page: bool,
    /// Further host name under which the relay may be addressed, without a port (can be repeated)
    #[arg(long, value_name = "NAME", value_parser = host_name)]
    allow_host: Vec<String>,
    /// Database whose commits anybody who can reach the relay may pause and resume
    #[arg(long, value_name = "NAME", value_parser = DatabaseName::parse, default_value_t = Options::default().demo)]
    demo: DatabaseName,
    /// Databases that may be made
    #[arg(long, value_name = "COUNT", default_value_t = Options::default().databases_max)]
    databases_max: usize,
    /// Commits that a database's log keeps; whoever lacks more gets the data instead
    #[arg(long, value_name = "COUNT", default_value_t = Retention::default().commits_max)]
    keep_commits: usize,
    /// Mebibytes of commits that a database's log keeps
    #[arg(long, value_name = "MIB", default_value_t = Retention::default().bytes_max / MIB)]
    keep_mib: usize,
    /// Days after which a log keeps a commit no longer, counted while the relay runs; without it age is no reason
    #[arg(long, value_name = "DAYS")]
    keep_days: Option<u32>,
    /// How to log; the environment variable RUST_LOG says how much
    #[arg(long, value_enum, default_value_t = LogFormat::Human)]
    pub(crate) log_format: LogFormat,
}

impl Serve {
    /// The options of the relay that is to run.
    pub(crate) fn options(&self) -> Options {
        let retention = Retention {
            commits_max: self.keep_commits,
            bytes_max: self.keep_mib.saturating_mul(MIB),
            age_max: self.keep_days.map(|days| DAY.saturating_mul(days)),
            ..Retention::default()
        };
        Options {
            page: (!self.no_page).then(|| self.page.clone()),
            allowed_hosts: self.allow_host.clone(),
            demo: self.demo.clone(),
            databases_max: self.databases_max,
            retention,
            ..Options::default()
        }
    }
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum LogFormat {
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
