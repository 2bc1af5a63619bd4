//! The messages of a link.

use serde::{Deserialize, Serialize};

use crate::{
    digest::Digest,
    id::{DatabaseId, DatabaseName, ReplicaId},
    limits::{FRAME_BYTES_MAX, FRAME_REPLICAS_MAX, REASON_BYTES_MAX, REIGNS_MAX},
    stamp::{Csn, Term},
    tuple_store::TupleKey,
    value::Text,
};

use super::{
    DecodeError, FORMAT_VERSION, IdTable, WireVector, WireWrite, WireWriteId, bounded, check_csn, check_reason,
    check_term, decode, encode,
    snapshot::{SnapshotPart, WireReign},
};

/// One message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Frame {
    /// The first message of each side.
    Hello(Box<Hello>),
    /// To a side whose hello named no replica: the id that was created for it.
    Created(ReplicaId),
    /// Writes and commits that the receiver lacks.
    Batch(Batch),
    /// A part of the data as of the sender's omitted CSN, to a receiver that lacks commits which the sender has omitted.
    Snapshot(SnapshotPart),
    /// The sender of this message wants no commits in this session: it has writes under way whose outcome the receiver
    /// has omitted and does not know any more.
    DeclineCommits,
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
    /// It asks for a new id: another replica has, or had, the one that it names.
    pub(crate) renew: bool,
    pub(crate) primary: bool,
    /// It knows the outcome of every write that was committed after this CSN and truncated, as long as the write's
    /// accepter may not know it.
    pub(crate) outcomes_after: Option<Csn>,
    pub(crate) paused: bool,
    #[serde(deserialize_with = "bounded::list::<_, _, REIGNS_MAX>")]
    pub(crate) reigns: Vec<WireReign>,
    pub(crate) csn: Csn,
    /// The digest of the committed order through `csn`.
    pub(crate) prefix: Digest,
    pub(crate) vector: WireVector,
    /// What was truncated: OSN and omitted vector. Zero and empty where nothing was.
    pub(crate) omitted_csn: Csn,
    pub(crate) omitted_vector: WireVector,
    /// The state transfer that was interrupted here: which data, and the last place received.
    pub(crate) incoming: Option<(Csn, Digest, TupleKey)>,
}

/// Commits, which continue the receiver's committed prefix, then tentative writes in log order.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Batch {
    pub(crate) replicas: IdTable,
    /// The CSN before that of the first commit.
    pub(crate) after: Csn,
    /// Each in its term, with the reason if the primary refused the write.
    pub(crate) commits: Vec<(Term, Commit, Option<Text>)>,
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
    /// The replicas that had an entry and have retired since the last one.
    #[serde(deserialize_with = "bounded::list::<_, _, FRAME_REPLICAS_MAX>")]
    pub(crate) retired: Vec<ReplicaId>,
    pub(crate) csn: Csn,
    /// How many batches and parts of snapshots of this session have been stored.
    pub(crate) batches: u64,
}

impl Batch {
    /// What deserialising does not check.
    pub(super) fn check(&self) -> Result<(), DecodeError> {
        let last = self.after.get().checked_add(self.commits.len() as u64);
        last.and_then(Csn::new).ok_or(DecodeError::OutOfBounds)?;
        self.commits.iter().try_for_each(|(term, _, refused)| {
            check_term(*term)?;
            check_reason(refused.as_ref())
        })
    }
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
                check_csn(hello.outcomes_after.unwrap_or_default())?;
            }
            Self::Batch(batch) => batch.check()?,
            Self::Snapshot(part) => check_csn(part.csn)?,
            Self::Progress(progress) => check_csn(progress.csn)?,
            Self::Farewell { reason, .. } if reason.len() > REASON_BYTES_MAX => return Err(DecodeError::OutOfBounds),
            Self::Created(_)
            | Self::DeclineCommits
            | Self::CaughtUp
            | Self::Primary { .. }
            | Self::Ping
            | Self::Farewell { .. } => {}
        }
        Ok(frame)
    }
}
