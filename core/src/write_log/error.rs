//! What keeps a write or a commit from the log.

use thiserror::Error;

use crate::{
    id::WriteId,
    stamp::{Csn, Stamp, Term},
};

/// Why a write or a commit does not fit what the log holds. The log has not changed.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum LogError {
    /// Earlier writes of its accepter are missing.
    #[error("write {write} follows stamp {previous} of its replica, but {held} is the last one held here")]
    Gap {
        /// The write.
        write: WriteId,
        /// The stamp it follows.
        previous: Stamp,
        /// The last stamp held.
        held: Stamp,
    },
    /// The replica that accepted it is not known.
    #[error("write {write} comes before the creation of its replica")]
    UnknownReplica {
        /// The write.
        write: WriteId,
    },
    /// Its accepter's chain of writes differs from the one held here: one id was used by two replicas.
    #[error("write {write} continues another history of its replica than the one held here")]
    Fork {
        /// The write.
        write: WriteId,
    },
    /// It creates a replica at the end of too long a chain of creations.
    #[error("write {write} creates a replica too many creations away from the first")]
    CreationTooDeep {
        /// The write.
        write: WriteId,
    },
    /// The commit does not follow the last one.
    #[error("commit {csn} does not follow commit {held}")]
    CommitGap {
        /// The commit.
        csn: Csn,
        /// The last one held.
        held: Csn,
    },
    /// The commit names a write that is not held.
    #[error("commit {csn} names write {write}, which is not held here")]
    CommitOfUnknown {
        /// The commit.
        csn: Csn,
        /// The write it names.
        write: WriteId,
    },
    /// The position or the write was committed otherwise.
    #[error("commit {csn} of write {write} contradicts what is committed here")]
    CommitContradicts {
        /// The commit.
        csn: Csn,
        /// The write it names.
        write: WriteId,
    },
    /// The commit comes before that of an earlier write of the same replica.
    #[error("commit {csn} of write {write} comes before that of an earlier write of its replica")]
    CommitOvertakes {
        /// The commit.
        csn: Csn,
        /// The write it names.
        write: WriteId,
    },
    /// The commit comes from a primary whose reign is over, or from one whose reign has not begun.
    #[error("commit {csn} is of term {}, but this is term {}", term.get(), held.get())]
    OtherTerm {
        /// The commit.
        csn: Csn,
        /// Its term.
        term: Term,
        /// The term that has begun here.
        held: Term,
    },
}
