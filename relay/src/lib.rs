//! Bayou's server host, the *relay*: it carries anti-entropy between the replicas of browsers and keeps a replica of its
//! own for each database, which founds the database, creates the replicas of those who join, and holds the primary
//! commit role. It speaks no protocol of its own: like every host it drives a [`bayou_core::Replica`].
//!
//! # Running one
//!
//! [`run`] serves until it is told to stop. The program `bayou-relay` is this with a command line:
//!
//! ```no_run
//! use std::sync::Arc;
//!
//! use bayou_relay::{DataFolder, Options, SqliteStore, run};
//! use tokio::net::TcpListener;
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let store = SqliteStore::open(DataFolder::open("data".as_ref())?)?;
//! let listener = TcpListener::bind("127.0.0.1:8787").await?;
//! let options = Options { page: Some("web/dist".into()), ..Options::default() };
//! run(listener, Arc::new(store), options, async { tokio::signal::ctrl_c().await.expect("a signal handler") }).await?;
//! # Ok(())
//! # }
//! ```
//!
//! # What is served
//!
//! | address | what |
//! |---|---|
//! | `/`, `/d/<name>`, files | the built page |
//! | `/v1/databases/<name>/socket` | WebSocket, sub-protocol [`bayou_core::SUBPROTOCOL`]; founds the database at first use |
//! | `GET /v1/databases/<name>` | `{ name, id, csn, replicas, paused }` |
//! | `POST /v1/databases/<name>/export` | the next file for a reader whose state is the body, or for one that has nothing |
//! | `POST /v1/databases/<name>/commits/pause`, `.../resume` | 204 when it is stored; the demo database only |
//! | `/healthz` | 200 as long as the store can be read |
//!
//! # What is kept
//!
//! Each log holds what its [`Retention`] says; a replica that lacks more gets the data instead of the writes. What is stored
//! is written anew when most of it is not needed.
//!
//! # An old copy of the data folder
//!
//! A relay that is started on an old copy of its data would give out numbers of commits that it has given out before. Run
//! `bayou-relay take-over --data FOLDER --database NAME` on such a copy before it is started, which is [`take_over`], once for
//! each database. It then commits nothing and creates no replicas until commits are resumed; replicas that connect before
//! bring the commits that the copy lacks. Those that nobody brings are void, and their writes are committed anew by whoever
//! still holds them. A relay to which this was not done finds out when it meets a replica that knows more, and stops
//! committing likewise.
//!
//! # Files
//!
//! What a database holds can be carried in files, where no link leads: `bayou-relay export` writes them, for anybody or for
//! a replica that says what it holds, and `bayou-relay import` takes in those of others ([`export`], [`Importer`]). Both are
//! for a data folder on which no relay runs. Of a store that is damaged, which no relay starts on, the export holds what can
//! be read.
//!
//! # How it holds together
//!
//! One task owns each open database's replica. Sockets send it commands over a bounded channel and get frames from it
//! over a queue that is bounded in bytes. What the replica asks to persist goes to the [`Store`]; only when the store
//! says that it is durable does the replica release the frames that reveal it, so a `kill -9` loses nothing that
//! anybody was told of. If storing fails, the task ends, its sockets are closed with a reason, and the next connection
//! has the replica recovered from what is stored.

mod close;
mod data_folder;
mod database;
mod directory;
mod export;
mod failure;
mod files;
mod headers;
mod http;
mod options;
mod origin;
mod outbound;
mod page;
mod retention;
mod server;
mod session;
mod socket;
mod store;
mod take_over;

use std::sync::Arc;

use tokio::{net::TcpListener, time::timeout};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

pub use crate::{
    data_folder::{DataFolder, DataFolderError},
    database::LoadError,
    files::{Damage, ExportFailed, Exported, ImportFailed, Importer, export},
    options::Options,
    retention::Retention,
    store::{
        Store, StoreError, StoredDatabase,
        memory::MemoryStore,
        sqlite::{FILE_NAME, FORMAT_VERSION, OpenError, SqliteStore},
    },
    take_over::{TakeOverFailed, TakenOver, take_over},
};
use crate::{directory::Directory, http::Relay};

/// Serves until `shutdown` completes; then stops accepting, closes the sockets with code 1001, has everything stored
/// that is on its way, and returns.
///
/// # Errors
/// When the store cannot be read at the start. What fails later costs a database its sockets, not the relay its life.
pub async fn run(
    listener: TcpListener,
    store: Arc<dyn Store>,
    options: Options,
    shutdown: impl Future<Output = ()>,
) -> Result<(), StoreError> {
    let options = Arc::new(options);
    let directory = Directory::load(store, Arc::clone(&options)).await?;
    let relay = Relay { directory, options, shutdown: CancellationToken::new(), tasks: TaskTracker::new() };
    {
        // Cancels at the end of this block, and when a caller drops the future of this function.
        let _cancel_on_drop = relay.shutdown.clone().drop_guard();
        tokio::select! {
            () = shutdown => {}
            () = server::serve(listener, http::router(relay.clone()), &relay) => {}
        }
    }
    tracing::info!("shutting down");
    let within = relay.options.shutdown_within;
    relay.tasks.close();
    if timeout(within, relay.tasks.wait()).await.is_err() {
        tracing::warn!(connections = relay.tasks.len(), "some connections did not end in time");
    }
    if timeout(within, relay.directory.close()).await.is_err() {
        tracing::error!("some databases could not be stored in time; none of it was acknowledged");
    }
    Ok(())
}
