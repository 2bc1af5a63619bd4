//! What became of a write.

use core::fmt;

use serde::{Deserialize, Serialize};

use crate::{
    stamp::Csn,
    value::{Key, Name, Row, Text},
};

/// The result of executing a write at its place in the log. A conflict is a value, not an error.
///
/// A committed write's outcome never changes again; a tentative one's binds nobody.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// What was applied.
    pub branch: Branch,
    /// The steps that were tried before and did not fit, in their order.
    pub attempts: Vec<Attempt>,
}

impl Outcome {
    /// An outcome with no attempt before it.
    pub(crate) const fn plain(branch: Branch) -> Self {
        Self { branch, attempts: Vec::new() }
    }
}

/// Which part of a write was applied.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Branch {
    /// The update set: there was no conflict.
    Update,
    /// The alternative with this index.
    Alternative(u16),
    /// None: the write stands in the error log.
    Reported,
    /// None: the primary refused the write. [`Conflict::Refused`] says why.
    Refused,
    /// None: a lost write that was offered again had been offered again before.
    Duplicate,
    /// None here: this version does not know what the write does.
    Unknown,
}

/// A step that did not fit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attempt {
    /// The step.
    pub step: Step,
    /// What kept it from being applied.
    pub conflict: Conflict,
}

/// A step of a write.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Step {
    /// The update set.
    Update,
    /// The alternative with this index.
    Alternative(u16),
}

/// Why a step could not be applied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Conflict {
    /// A query of the dependency check did not have its expected result.
    Check {
        /// Which query.
        index: u16,
        /// The first tuples that it found.
        found: Vec<Row>,
    },
    /// A tuple to be inserted is there already.
    KeyTaken {
        /// Its relation.
        relation: Name,
        /// Its key.
        key: Key,
    },
    /// A tuple to be patched is not there.
    KeyMissing {
        /// Its relation.
        relation: Name,
        /// Its key.
        key: Key,
    },
    /// A tuple to be patched would have too many fields.
    TupleFull {
        /// Its relation.
        relation: Name,
        /// Its key.
        key: Key,
    },
    /// The primary refused the write.
    Refused {
        /// Why, for people.
        reason: Text,
    },
}

impl fmt::Display for Conflict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Check { index, found } if found.is_empty() => {
                write!(f, "dependency check {} found nothing", index + 1)
            }
            Self::Check { index, found } => {
                write!(f, "dependency check {} found", index + 1)?;
                found.iter().try_for_each(|row| write!(f, " {}", row.key))
            }
            Self::KeyTaken { relation, key } => write!(f, "{relation}/{key} is there already"),
            Self::KeyMissing { relation, key } => write!(f, "{relation}/{key} is not there"),
            Self::TupleFull { relation, key } => write!(f, "{relation}/{key} would have too many fields"),
            Self::Refused { reason } => write!(f, "refused: {reason}"),
        }
    }
}

/// What a replica knows of one write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WriteStatus {
    /// It is on this replica's stable storage.
    pub saved: bool,
    /// A replica outside this browser has it on stable storage, as far as is known here.
    pub known_elsewhere: bool,
    /// Its position in the committed order; `None` while it is tentative, and where the log was truncated and nothing
    /// more is known of it than that it is committed.
    pub csn: Option<Csn>,
    /// It is committed, and the log was truncated beyond it.
    pub omitted: bool,
    /// Its outcome: final if it is committed, else where it stands at present. `None` where the log was truncated and
    /// the outcome is not kept here.
    pub outcome: Option<Outcome>,
}

impl WriteStatus {
    /// Of a write that the log was truncated beyond; with its place and outcome, if these are kept.
    pub(crate) fn omitted(kept: Option<(Csn, Outcome)>) -> Self {
        let (csn, outcome) = kept.unzip();
        Self { saved: true, known_elsewhere: true, csn, omitted: true, outcome }
    }

    /// Whether its position and outcome are final.
    #[must_use]
    pub const fn is_committed(&self) -> bool {
        self.csn.is_some() || self.omitted
    }
}
