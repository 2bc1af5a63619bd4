//! What the host is to do, and what it is told.

use std::vec;

use thiserror::Error;

use crate::{
    id::{DatabaseId, ReplicaId, WriteId},
    limits::REASON_BYTES_MAX,
    stamp::{Csn, Stamp},
    wire::DecodeError,
    write_log::LogError,
};

/// The host's name for a link. It is not used again for another link of the same replica.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PeerId(pub u64);

/// Where the replica at the other end of a link keeps its data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PeerKind {
    /// On another machine or in another program: what it holds survives the loss of this one.
    Elsewhere,
    /// In the same browser.
    SameDevice,
}

/// Something to be put on stable storage, whole or not at all, under its number.
///
/// Numbers are consecutive from 1. The bytes carry their own version and checksum.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredBatch {
    /// Its place in the order in which batches are stored and read.
    pub number: u64,
    /// Its content.
    pub bytes: Vec<u8>,
}

/// One thing that the host is to do, or is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// Store this after all earlier ones, then call [`handle_persisted`](crate::Replica::handle_persisted). If that
    /// fails, drop the replica and recover it from what is stored.
    Persist(StoredBatch),
    /// Send this, in order. It reveals nothing that is not stored.
    Transmit {
        /// Over this link.
        peer: PeerId,
        /// One message.
        frame: Vec<u8>,
    },
    /// Close this link. The replica has forgotten it.
    Disconnect {
        /// This link.
        peer: PeerId,
        /// Why.
        reason: DisconnectReason,
    },
    /// Something that the application may want to know.
    Event(Event),
}

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event {
    /// A joining replica has its id and its creator's state on stable storage: it can accept writes.
    Ready,
    /// Data, statuses or the progress of a link may have changed. Hosts coalesce it.
    Changed,
    /// A write accepted here is on stable storage.
    Saved {
        /// The write.
        write: WriteId,
    },
    /// A write accepted here is committed, and that is on stable storage.
    Committed {
        /// The write.
        write: WriteId,
    },
    /// The log order changed before its end.
    Reordered {
        /// Writes whose effects were taken back.
        undone: u32,
        /// Writes executed afterwards.
        redone: u32,
        /// Of those undone, how many took another branch than before.
        outcomes_changed: u32,
    },
    /// The peer has said who it is, and fits.
    LinkReady {
        /// The peer.
        peer: PeerId,
    },
    /// All that the peer held when the link came up has arrived.
    CaughtUp {
        /// The peer.
        peer: PeerId,
    },
    /// The peer ended the session and said why.
    PeerRefused {
        /// The peer.
        peer: PeerId,
        /// [`DisconnectReason::code`] there.
        code: u16,
        /// The reason, for people.
        reason: String,
    },
    /// The primary stopped or went on giving out commits.
    PrimaryPaused {
        /// It stopped.
        paused: bool,
    },
}

/// Why this replica ends a session. It is the peer's fault, or at least not the state's: that is untouched.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum DisconnectReason {
    /// A message cannot be read.
    #[error("unreadable message: {0}")]
    Unreadable(#[from] DecodeError),
    /// A message came where it has no meaning.
    #[error("{0} came out of turn")]
    OutOfTurn(&'static str),
    /// The peer holds another database.
    #[error("database {theirs} is not {ours}, which has the same name: one of them was made anew")]
    OtherDatabase {
        /// Its id here.
        ours: DatabaseId,
        /// Its id there.
        theirs: DatabaseId,
    },
    /// The peer was asked for another database than it holds.
    #[error("this is another database than the one asked for")]
    OtherName,
    /// The peer has the id of this replica.
    #[error("both replicas call themselves {0}: one runs on a copy of the other's storage")]
    SameReplica(ReplicaId),
    /// The peer knows writes of this replica that this replica does not: its storage is an old copy.
    #[error("writes of this replica through stamp {theirs} are known elsewhere, but {ours} is the last one held here")]
    HistoryLost {
        /// The last one here.
        ours: Stamp,
        /// The last one there.
        theirs: Stamp,
    },
    /// Two committed orders differ.
    #[error("the committed orders differ at or before commit {0}")]
    CommittedOrdersDiffer(Csn),
    /// The peer commits, though this replica holds the primary role.
    #[error("commits came from elsewhere, but this replica is the primary")]
    SecondPrimary,
    /// A write or a commit does not fit what is held here.
    #[error(transparent)]
    Log(#[from] LogError),
    /// This replica cannot create another.
    #[error("this replica cannot create another one; ask another replica")]
    CannotCreate,
    /// Neither side has the database yet.
    #[error("neither side has the database yet")]
    NothingToJoin,
    /// Nothing was heard for too long.
    #[error("nothing was heard for {silence_ms} ms")]
    Silent {
        /// How long.
        silence_ms: u64,
    },
    /// The peer said farewell.
    #[error("the other side ended the session")]
    Farewell,
}

impl DisconnectReason {
    /// A number for the kind of the reason, in the range that WebSocket leaves to applications.
    #[must_use]
    pub const fn code(&self) -> u16 {
        match self {
            Self::Unreadable(DecodeError::Version { .. }) => 4426,
            Self::Unreadable(DecodeError::TooLarge { .. }) => 4413,
            Self::Unreadable(_) => 4400,
            Self::OutOfTurn(_) => 4405,
            Self::OtherDatabase { .. } | Self::OtherName => 4409,
            Self::SameReplica(_) => 4410,
            Self::HistoryLost { .. } => 4411,
            Self::CommittedOrdersDiffer(_) | Self::SecondPrimary => 4412,
            Self::Log(_) => 4422,
            Self::CannotCreate => 4507,
            Self::NothingToJoin => 4503,
            Self::Silent { .. } => 4408,
            Self::Farewell => 4000,
        }
    }

    /// Whether trying again by itself can not help: a person or a newer version has to act.
    #[must_use]
    pub const fn is_final_code(code: u16) -> bool {
        matches!(code, 4409..=4412 | 4426)
    }

    /// The reason in at most [`REASON_BYTES_MAX`] bytes.
    pub(crate) fn sentence(&self) -> String {
        let mut text = self.to_string();
        let end = (0..=REASON_BYTES_MAX.min(text.len())).rev().find(|&at| text.is_char_boundary(at));
        text.truncate(end.unwrap_or(0));
        text
    }
}

/// Everything that one call asks of the host, in the order in which it is to be done.
///
/// Dropping it before it is drained would lose writes: in debug builds that panics.
#[derive(Debug, Default)]
#[must_use = "what a replica puts out is to be carried out before the next call"]
pub struct Outputs(Vec<Output>);

impl Outputs {
    pub(crate) const fn new(outputs: Vec<Output>) -> Self {
        Self(outputs)
    }

    /// Whether there is nothing to do.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Puts what a later call asked for behind this.
    pub fn extend(&mut self, later: Self) {
        self.0.extend(later);
    }
}

impl IntoIterator for Outputs {
    type Item = Output;
    type IntoIter = vec::IntoIter<Output>;
    fn into_iter(mut self) -> Self::IntoIter {
        core::mem::take(&mut self.0).into_iter()
    }
}

impl Drop for Outputs {
    fn drop(&mut self) {
        // Not about threads: a second panic while the first unwinds would hide it.
        let drained = self.0.is_empty() || std::thread::panicking();
        debug_assert!(drained, "outputs were dropped instead of carried out: {:?}", self.0);
    }
}
