//! The messages of a link.

use serde::{Deserialize, Serialize};

use crate::{
    digest::Digest,
    id::{DatabaseId, DatabaseName, ReplicaId},
    limits::{FRAME_BYTES_MAX, REASON_BYTES_MAX},
    stamp::{Csn, Term},
};

use super::{DecodeError, FORMAT_VERSION, IdTable, WireVector, WireWrite, WireWriteId, check_csn, decode, encode};

/// One message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Frame {
    /// The first message of each side.
    Hello(Box<Hello>),
    /// To a side whose hello named no replica: the id that was created for it.
    Created(ReplicaId),
    /// Writes and commits that the receiver lacks.
    Batch(Batch),
    /// What the sender of this message has on stable storage.
    Progress(Progress),
    /// All that the sender held when the link came up has been sent.
    CaughtUp,
    /// Whether the primary gives out commits.
    Primary {
        /// It does not.
        paused: bool,
    },
    /// The sender is alive.
    Ping,
    /// The sender ends the session.
    Farewell {
        /// Of which kind the reason is.
        code: u16,
        /// The reason, for people.
        reason: String,
    },
}

/// Who speaks, of which database, and what it holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Hello {
    pub(crate) name: DatabaseName,
    /// `None`: a new replica that is still to learn it.
    pub(crate) database: Option<DatabaseId>,
    /// `None`: a new replica that asks to be created.
    pub(crate) replica: Option<ReplicaId>,
    pub(crate) primary: bool,
    pub(crate) paused: bool,
    pub(crate) term: Term,
    pub(crate) csn: Csn,
    /// The digest of the committed order through `csn`.
    pub(crate) prefix: Digest,
    pub(crate) vector: WireVector,
    /// What was truncated: OSN and omitted vector. Zero and empty where nothing was.
    pub(crate) omitted_csn: Csn,
    pub(crate) omitted_vector: WireVector,
}

/// Commits, which continue the receiver's committed prefix, then tentative writes in log order.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Batch {
    pub(crate) replicas: IdTable,
    /// The CSN before that of the first commit.
    pub(crate) after: Csn,
    pub(crate) commits: Vec<(Term, Commit)>,
    pub(crate) tentative: Vec<WireWrite>,
}

/// A commit: with the write, or where the receiver holds it already, a notification \[97 §3.2\].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Commit {
    Whole(WireWrite),
    Notification(WireWriteId, Digest),
}

/// An acknowledgement.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Progress {
    /// The entries of the vector that rose since the last one.
    pub(crate) raised: WireVector,
    pub(crate) csn: Csn,
    /// How many batches of this session have been stored.
    pub(crate) batches: u64,
}

impl Frame {
    pub(crate) fn encode(&self) -> Vec<u8> {
        encode(vec![FORMAT_VERSION], self)
    }

    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        if bytes.len() > FRAME_BYTES_MAX {
            return Err(DecodeError::TooLarge { bytes: bytes.len(), bytes_max: FRAME_BYTES_MAX });
        }
        let (version, content) = bytes.split_first().ok_or(DecodeError::Malformed)?;
        if *version != FORMAT_VERSION {
            return Err(DecodeError::Version { version: *version });
        }
        let frame = decode(content)?;
        match &frame {
            Self::Hello(hello) => {
                check_csn(hello.csn)?;
                check_csn(hello.omitted_csn)?;
            }
            Self::Batch(batch) => {
                let last = batch.after.get().checked_add(batch.commits.len() as u64);
                last.and_then(Csn::new).ok_or(DecodeError::OutOfBounds)?;
            }
            Self::Progress(progress) => check_csn(progress.csn)?,
            Self::Farewell { reason, .. } if reason.len() > REASON_BYTES_MAX => return Err(DecodeError::OutOfBounds),
            Self::Created(_) | Self::CaughtUp | Self::Primary { .. } | Self::Ping | Self::Farewell { .. } => {}
        }
        Ok(frame)
    }
}
