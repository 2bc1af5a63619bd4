//! An open database: one task owns its replica, and everybody else sends it commands.

mod at_rest;
mod export;
mod host;
mod load;
mod task;
mod upkeep;

use std::sync::Arc;

use axum::body::Bytes;
use bayou_core::{Csn, ExportError, PeerId, ReaderState};
use serde::Serialize;
use tokio::sync::{Semaphore, mpsc, oneshot};

use self::export::ExportRequest;
pub use self::load::LoadError;
pub(crate) use self::{
    at_rest::store_all,
    load::{Loaded, read_all, recover},
    task::spawn,
};
use crate::outbound::Outbound;

/// Commands that wait for a database's task before their senders wait too. A frame is up to 1 MiB, so that this also
/// bounds the bytes.
const COMMANDS_WAITING_MAX: usize = 32;
/// Files that are asked for at one time, and made one by one. Others wait outside, so that what replicas send never
/// stands behind more than these.
const EXPORTS_AT_ONCE_MAX: usize = 4;

/// Sends commands to a database's task. The task ends when all of these are gone, the directory's included.
#[derive(Clone, Debug)]
pub(crate) struct Database {
    commands: mpsc::Sender<Command>,
    exports: Arc<Semaphore>,
}

/// A socket's place at a database.
#[derive(Debug)]
pub(crate) struct Attached {
    database: Database,
    peer: PeerId,
}

/// The database's task has ended: its store failed, or the relay shuts down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Unavailable;

/// Why commits were not paused or resumed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PauseError {
    /// Another replica holds the primary role.
    NotPrimary,
    /// A write of a newer version has to be committed first.
    TooOld,
    /// As [`Unavailable`].
    Unavailable,
}

/// Why no file was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ExportFailed {
    /// The engine refuses: the reader contradicts what is held here.
    Refused(ExportError),
    /// As [`Unavailable`].
    Unavailable,
}

/// What anybody may know of a database.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Description {
    pub(crate) name: String,
    pub(crate) id: String,
    pub(crate) csn: Csn,
    pub(crate) replicas: usize,
    pub(crate) paused: bool,
}

#[derive(Debug)]
pub(crate) enum Command {
    Attach { outbound: Outbound, answer: oneshot::Sender<PeerId> },
    Frame { peer: PeerId, frame: Bytes },
    Detach { peer: PeerId },
    Describe { answer: oneshot::Sender<Description> },
    PauseCommits { paused: bool, answer: oneshot::Sender<Result<(), PauseError>> },
    Export(ExportRequest),
}

impl Database {
    pub(crate) fn new() -> (Self, mpsc::Receiver<Command>) {
        let (commands, waiting) = mpsc::channel(COMMANDS_WAITING_MAX);
        (Self { commands, exports: Arc::new(Semaphore::new(EXPORTS_AT_ONCE_MAX)) }, waiting)
    }

    /// Whether the task has ended.
    pub(crate) fn is_closed(&self) -> bool {
        self.commands.is_closed()
    }

    /// Whether this is the only sender left.
    pub(crate) fn is_last(&self) -> bool {
        self.commands.strong_count() == 1
    }

    /// Brings a socket to the database.
    pub(crate) async fn attach(self, outbound: Outbound) -> Result<Attached, Unavailable> {
        let peer = self.ask(|answer| Command::Attach { outbound, answer }).await?;
        Ok(Attached { database: self, peer })
    }

    pub(crate) async fn describe(&self) -> Result<Description, Unavailable> {
        self.ask(|answer| Command::Describe { answer }).await
    }

    /// Pauses or resumes commits, and returns when that is stored.
    pub(crate) async fn pause_commits(&self, paused: bool) -> Result<(), PauseError> {
        let answer = self.ask(|answer| Command::PauseCommits { paused, answer }).await;
        answer.unwrap_or(Err(PauseError::Unavailable))
    }

    /// The next file for a reader that holds this, or for one that holds nothing. Waits until all that is held is stored.
    pub(crate) async fn export(&self, reader: Option<ReaderState>) -> Result<Vec<u8>, ExportFailed> {
        let _permit = self.exports.acquire().await.expect("it is never closed");
        let reader = reader.map(Box::new);
        let answer = self.ask(|answer| Command::Export(ExportRequest { reader, answer })).await;
        answer.map_err(|Unavailable| ExportFailed::Unavailable)?.map_err(ExportFailed::Refused)
    }

    async fn ask<T>(&self, command: impl FnOnce(oneshot::Sender<T>) -> Command) -> Result<T, Unavailable> {
        let (answer, answered) = oneshot::channel();
        self.commands.send(command(answer)).await.map_err(|_| Unavailable)?;
        answered.await.map_err(|_| Unavailable)
    }
}

impl Attached {
    /// The replica's name for this link.
    pub(crate) fn peer(&self) -> PeerId {
        self.peer
    }

    /// Hands in a frame that arrived on the socket; waits while the database has much to do.
    pub(crate) async fn receive(&self, frame: Bytes) -> Result<(), Unavailable> {
        let command = Command::Frame { peer: self.peer, frame };
        self.database.commands.send(command).await.map_err(|_| Unavailable)
    }

    /// Tells that the socket has gone.
    pub(crate) async fn detach(self) {
        // A task that has ended needs not be told.
        let _ = self.database.commands.send(Command::Detach { peer: self.peer }).await;
    }
}
