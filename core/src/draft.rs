//! What an application asks to be written: update set, dependency check and merge procedure.

use thiserror::Error;

use crate::{
    limits::{ALTERNATIVES_MAX, CHECKS_MAX, EXPECTED_ROWS_MAX, FIELDS_MAX, OPERATIONS_MAX},
    query::{Query, QueryError},
    relation,
    value::{Fields, Key, Name},
    write::encoded,
};

/// Why a draft is refused. Nothing has been written when it is.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum DraftError {
    /// A query of a dependency check is refused.
    #[error("a dependency check cannot be asked: {0}")]
    Query(#[from] QueryError),
    /// An update set is too large.
    #[error("an update set has at most {OPERATIONS_MAX} operations, this one {operations}")]
    TooManyOperations {
        /// How many it has.
        operations: usize,
    },
    /// A dependency check asks too much.
    #[error("a dependency check has at most {CHECKS_MAX} queries, this one {queries}")]
    TooManyChecks {
        /// How many it has.
        queries: usize,
    },
    /// A dependency check names too many tuples.
    #[error("a dependency check names at most {EXPECTED_ROWS_MAX} tuples, this one {rows}")]
    TooManyExpectedRows {
        /// How many it names.
        rows: usize,
    },
    /// The merge procedure is too long.
    #[error("a merge procedure has at most {ALTERNATIVES_MAX} alternatives, this one {alternatives}")]
    TooManyAlternatives {
        /// How many it has.
        alternatives: usize,
    },
    /// The report leaves no room for what the engine adds to it.
    #[error("the report of a write has fewer than {FIELDS_MAX} fields")]
    ReportTooLarge,
    /// The relation belongs to the engine.
    #[error("the relation {relation} is written by the engine alone")]
    ReservedRelation {
        /// Its name.
        relation: Name,
    },
    /// The encoded write is too large.
    #[error("a write has at most {} bytes, this one {bytes}", crate::limits::WRITE_BYTES_MAX)]
    TooLarge {
        /// Its size.
        bytes: usize,
    },
    /// The write is too large when what stands in it several times is counted as often.
    #[error("a write with all repetitions has at most {} bytes", crate::limits::WRITE_EXPANDED_BYTES_MAX)]
    ExpandsTooFar,
}

/// A write before it is accepted \[95 §4\].
///
/// When it is executed, at its place in the log, the dependency check is asked of the data found there. If it holds,
/// the update set is applied. If not, the alternatives are tried in their order. If none fits either, the write
/// changes nothing and is recorded in the error log, with the fields of [`report`](Draft::report).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Draft {
    /// What to write.
    pub update: UpdateSet,
    /// What must hold for it.
    pub check: DependencyCheck,
    /// What to try otherwise, in this order.
    pub alternatives: Vec<Alternative>,
    /// The tuple of the error log when nothing fits; the engine adds the field `write`.
    pub report: Fields,
}

impl Draft {
    /// Whether the draft is within all limits, its encoded size included.
    ///
    /// # Errors
    /// The first limit that it breaks, as [`submit`](crate::Replica::submit) would say.
    pub fn validate(&self) -> Result<(), DraftError> {
        encoded(vec![0], self).map(drop)
    }

    pub(crate) fn check(&self) -> Result<(), DraftError> {
        if self.alternatives.len() > ALTERNATIVES_MAX {
            return Err(DraftError::TooManyAlternatives { alternatives: self.alternatives.len() });
        }
        if self.report.len() >= FIELDS_MAX {
            return Err(DraftError::ReportTooLarge);
        }
        check_step(&self.check, &self.update)?;
        self.alternatives.iter().try_for_each(|alternative| check_step(&alternative.check, &alternative.update))
    }
}

fn check_step(check: &DependencyCheck, update: &UpdateSet) -> Result<(), DraftError> {
    if check.0.len() > CHECKS_MAX {
        return Err(DraftError::TooManyChecks { queries: check.0.len() });
    }
    for condition in &check.0 {
        condition.query.check()?;
        if let Expectation::Exactly(keys) = &condition.expect
            && keys.len() > EXPECTED_ROWS_MAX
        {
            return Err(DraftError::TooManyExpectedRows { rows: keys.len() });
        }
    }
    if update.0.len() > OPERATIONS_MAX {
        return Err(DraftError::TooManyOperations { operations: update.0.len() });
    }
    let reserved = update.0.iter().map(Operation::relation).find(|name| relation::is_engines_own(name));
    reserved.map_or(Ok(()), |name| Err(DraftError::ReservedRelation { relation: name.clone() }))
}

/// Operations that are applied all or not at all, in their order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UpdateSet(pub Vec<Operation>);

/// One change of one tuple.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Operation {
    /// A new tuple. That the key is taken is a conflict.
    Insert(Name, Key, Fields),
    /// The tuple, whether or not there is one.
    Put(Name, Key, Fields),
    /// These fields of the tuple; the others stay. That there is no such tuple is a conflict.
    Patch(Name, Key, Fields),
    /// No tuple, whether or not there was one.
    Delete(Name, Key),
}

impl Operation {
    /// The relation that it changes.
    #[must_use]
    pub const fn relation(&self) -> &Name {
        match self {
            Self::Insert(relation, ..) | Self::Put(relation, ..) | Self::Patch(relation, ..) => relation,
            Self::Delete(relation, _) => relation,
        }
    }

    /// The key that it changes.
    #[must_use]
    pub const fn key(&self) -> &Key {
        match self {
            Self::Insert(_, key, _) | Self::Put(_, key, _) | Self::Patch(_, key, _) | Self::Delete(_, key) => key,
        }
    }
}

/// Queries that must all have their expected results. None at all always holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DependencyCheck(pub Vec<Condition>);

/// A query with its expected result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Condition {
    /// What is asked.
    pub query: Query,
    /// What the answer must be.
    pub expect: Expectation,
}

/// The expected result of a query.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Expectation {
    /// No tuple.
    None,
    /// At least one tuple.
    Some,
    /// So many tuples.
    Count(u32),
    /// Exactly these tuples, keys and fields, in the query's order.
    Exactly(Vec<(Key, Fields)>),
}

/// A step of the merge procedure: applied if its own check holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Alternative {
    /// What must hold.
    pub check: DependencyCheck,
    /// What to write then.
    pub update: UpdateSet,
}
