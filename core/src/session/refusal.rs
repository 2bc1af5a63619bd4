//! Why a replica cannot meet a session, and what it lacks.

use core::fmt;

use thiserror::Error;

use crate::{
    digest::Digest,
    id::{DatabaseId, ReplicaId, WriteId},
    stamp::Csn,
    vector::Knowledge,
};

/// One thing that a replica lacks to meet a session, or to use a file. It may come in time.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum Lack {
    /// Writes of one replica.
    #[error("writes of {replica} {}", Through(*.needed))]
    Writes {
        /// The replica that accepted them.
        replica: ReplicaId,
        /// What of its writes is held.
        held: Knowledge,
        /// What must be held.
        needed: Knowledge,
    },
    /// A write that the session names: another one is held under its id, for two replicas have used one. It comes if the
    /// primary decides for it.
    #[error("write {write}, in whose place another one is held")]
    OtherWrite {
        /// Its id.
        write: WriteId,
        /// The digest of its accepter's chain through it, as the session knows it.
        chain: Digest,
    },
    /// The commit of a write of this session, the last one that its accepter accepted.
    #[error("the commit of write {write}")]
    Uncommitted {
        /// The write.
        write: WriteId,
    },
    /// Commits.
    #[error("the commits {} to {needed}", held.next())]
    Commits {
        /// The last one held.
        held: Csn,
        /// The last one that was read, or that a file presupposes.
        needed: Csn,
    },
    /// The committed order that the session has read: another one is held here, or was read there, from a primary whose
    /// reign is over.
    #[error("the committed order that was read through commit {through}")]
    OtherCommits {
        /// The last commit that was read.
        through: Csn,
    },
    /// The place of a held write: its stamp is so far ahead of this replica's clock that a new write would stand before
    /// it, until it is committed.
    #[error("the commit of write {write}, which stands behind anything written here")]
    OrderedAhead {
        /// The write.
        write: WriteId,
    },
}

struct Through(Knowledge);

impl fmt::Display for Through {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Knowledge::Through(stamp) => write!(f, "through stamp {stamp}"),
            // Nobody needs what is not even created.
            Knowledge::Retired | Knowledge::NotCreated => f.write_str("through its retirement"),
        }
    }
}

/// Why a replica does not serve a session. Nothing has changed, here or in the session.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum SessionRefusal {
    /// The session belongs to another database.
    #[error("the session belongs to database {theirs}, and this is {ours}")]
    OtherDatabase {
        /// The replica's.
        ours: DatabaseId,
        /// The session's.
        theirs: DatabaseId,
    },
    /// The session was last used at another replica, or at this one before a crash. It is to be handed over as a
    /// [`SessionToken`](crate::SessionToken).
    #[error("the session was used at another replica and has not been handed over")]
    InUseElsewhere,
    /// The replica has not been created yet.
    #[error("this replica is still being created; it needs a first contact with the relay")]
    NotReady,
    /// A guarantee would be broken. Each lack is named once, and there is at least one.
    #[error("not held yet: {}", List(.0))]
    Lacking(Vec<Lack>),
}

impl SessionRefusal {
    /// Whether waiting may help.
    #[must_use]
    pub const fn may_pass(&self) -> bool {
        matches!(self, Self::NotReady | Self::Lacking(_))
    }
}

/// How many lacks a sentence names.
const SHOWN_MAX: usize = 3;

pub(crate) struct List<'a>(pub(crate) &'a [Lack]);

impl fmt::Display for List<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, lack) in self.0.iter().take(SHOWN_MAX).enumerate() {
            let comma = if index == 0 { "" } else { ", " };
            write!(f, "{comma}{lack}")?;
        }
        match self.0.len().saturating_sub(SHOWN_MAX) {
            0 => Ok(()),
            more => write!(f, " and {more} more"),
        }
    }
}

/// Names a wait of one replica.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WaitId(pub(crate) u64);
