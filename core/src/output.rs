//! What the host is to do, and what it is told.

use std::vec;

use thiserror::Error;

use crate::{
    id::{DatabaseId, ReplicaId, WriteId},
    limits::REASON_BYTES_MAX,
    session::{SessionRefusal, WaitId},
    stamp::Csn,
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
    /// Stored batches with lower numbers than this are not needed any more; the host may delete them, at any time.
    Forget {
        /// The number of the first batch that is needed.
        before: u64,
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
    /// This replica got the primary role, or gave it up.
    RoleChanged {
        /// It has it.
        primary: bool,
    },
    /// Another replica has stored this one's retirement: this one's storage may be deleted.
    Retired,
    /// The data as of a commit came from a peer that holds no earlier writes.
    Installed {
        /// The commit.
        csn: Csn,
    },
    /// The id of this replica is another one's, too, be it a copy of this one's storage, or this one is such a copy.
    /// Nothing is accepted until a peer has given it a new id, which [`Event::Ready`] tells of.
    IdLost {
        /// The id.
        replica: ReplicaId,
    },
    /// A write lost its place, because another one was committed under its id.
    Displaced {
        /// The write.
        write: WriteId,
        /// The write by which it was offered again from here, if it was an application's.
        again: Option<WriteId>,
    },
    /// A later term made commits void that were known here: their writes are tentative again. It happens only when an
    /// operator gave the primary role to a replica that had not heard of these commits.
    CommitsVoided {
        /// The last commit that stands.
        after: Csn,
        /// How many do not.
        count: u64,
    },
    /// This primary met commits of its own line that it does not know: its storage is an old copy. It gives out none
    /// until an operator resumes them.
    PrimaryRestored,
    /// A session that waited can go on: an operation of the kind it waited for succeeds.
    SessionReady {
        /// The wait, which has ended.
        wait: WaitId,
    },
    /// A session has waited in vain.
    SessionRefused {
        /// The wait, which has ended.
        wait: WaitId,
        /// What is lacking at the deadline, or why waiting cannot help.
        refusal: SessionRefusal,
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
    /// Two committed orders differ.
    #[error("the committed orders differ at or before commit {0}")]
    CommittedOrdersDiffer(Csn),
    /// A write or a commit does not fit what is held here.
    #[error(transparent)]
    Log(#[from] LogError),
    /// Sessions begin anew, because what was said of a replica's writes before does not hold any more.
    #[error("the session is begun anew")]
    Resync,
    /// The data of a state transfer is not what it was said to be.
    #[error("the data received does not have the digest that was announced")]
    SnapshotDigest,
    /// A state transfer is larger than any may be.
    #[error("a state transfer has at most {} bytes", crate::limits::SNAPSHOT_BYTES_MAX)]
    SnapshotTooLarge,
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
            Self::CommittedOrdersDiffer(_) => 4412,
            Self::Log(_) => 4422,
            Self::Resync => 4205,
            Self::SnapshotDigest | Self::SnapshotTooLarge => 4423,
            Self::CannotCreate => 4507,
            Self::NothingToJoin => 4503,
            Self::Silent { .. } => 4408,
            Self::Farewell => 4000,
        }
    }

    /// Whether trying again by itself can not help: a person or a newer version has to act.
    #[must_use]
    pub const fn is_final_code(code: u16) -> bool {
        matches!(code, 4409 | 4412 | 4426)
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
