//! Queries: what is asked of a view.

use thiserror::Error;

use crate::{
    limits::{NESTING_MAX, PREDICATE_PARTS_MAX},
    value::{Key, Name, Tuple, Value, ValueError},
};

/// Why a query is refused.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum QueryError {
    /// A value of the predicate is refused.
    #[error(transparent)]
    Value(#[from] ValueError),
    /// The predicate nests too deeply.
    #[error("a predicate nests at most {NESTING_MAX} deep")]
    TooDeep,
    /// The predicate has too many parts.
    #[error("a query has at most {PREDICATE_PARTS_MAX} predicate parts, this one {parts}")]
    TooManyParts {
        /// How many it has.
        parts: usize,
    },
}

/// A question to one relation of a view.
///
/// The result has a total order: by [`order`](Query::order), and where that leaves two tuples equal, by their keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Query {
    /// The relation; one that nobody wrote to is empty.
    pub from: Name,
    /// Which tuples.
    pub filter: Predicate,
    /// By which fields the result is ordered.
    pub order: Vec<Order>,
    /// At most so many tuples, the first in the order.
    pub limit: Option<u32>,
}

impl Query {
    /// All tuples of a relation that satisfy a predicate, ordered by key.
    #[must_use]
    pub const fn new(from: Name, filter: Predicate) -> Self {
        Self { from, filter, order: Vec::new(), limit: None }
    }

    pub(crate) fn check(&self) -> Result<(), QueryError> {
        let parts = self.filter.check(0)?.saturating_add(self.order.len());
        if parts > PREDICATE_PARTS_MAX {
            return Err(QueryError::TooManyParts { parts });
        }
        Ok(())
    }
}

/// One field of an order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Order {
    /// The field.
    pub field: Name,
    /// Greatest first.
    pub descending: bool,
}

/// How two values are compared, in the order of [`Value`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Comparison {
    /// Equal.
    Equal,
    /// Less.
    Less,
    /// Less or equal.
    LessOrEqual,
    /// Greater.
    Greater,
    /// Greater or equal.
    GreaterOrEqual,
}

impl Comparison {
    fn holds<T: Ord + ?Sized>(self, left: &T, right: &T) -> bool {
        match self {
            Self::Equal => left == right,
            Self::Less => left < right,
            Self::LessOrEqual => left <= right,
            Self::Greater => left > right,
            Self::GreaterOrEqual => left >= right,
        }
    }
}

/// A condition on one tuple.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Predicate {
    /// Every tuple.
    All,
    /// The key compares so with this text.
    Key(Comparison, Key),
    /// The field compares so with this value; an absent field is null.
    Field(Name, Comparison, Value),
    /// The half-open interval of two integer fields shares a point with `start..end`. A tuple whose fields are not
    /// integers overlaps nothing.
    Overlaps {
        /// The field with the interval's first point.
        start_field: Name,
        /// The field with the point after the interval's last.
        end_field: Name,
        /// First point of the asked interval.
        start: i64,
        /// The point after the last of the asked interval.
        end: i64,
    },
    /// All of these hold.
    And(Vec<Predicate>),
    /// One of these holds.
    Or(Vec<Predicate>),
    /// This does not hold.
    Not(Box<Predicate>),
}

impl Predicate {
    /// The field equals the value.
    #[must_use]
    pub fn equal(field: Name, value: impl Into<Value>) -> Self {
        Self::Field(field, Comparison::Equal, value.into())
    }

    pub(crate) fn holds(&self, key: &Key, tuple: &Tuple) -> bool {
        match self {
            Self::All => true,
            Self::Key(comparison, with) => comparison.holds(key, with),
            Self::Field(field, comparison, with) => comparison.holds(tuple.fields.value(field.as_str()), with),
            Self::Overlaps { start_field, end_field, start, end } => {
                let from = tuple.fields.value(start_field.as_str()).as_int();
                let to = tuple.fields.value(end_field.as_str()).as_int();
                matches!((from, to), (Some(from), Some(to)) if from.max(*start) < to.min(*end))
            }
            Self::And(all) => all.iter().all(|part| part.holds(key, tuple)),
            Self::Or(any) => any.iter().any(|part| part.holds(key, tuple)),
            Self::Not(part) => !part.holds(key, tuple),
        }
    }

    /// Counts the parts and checks values and depth.
    fn check(&self, depth: usize) -> Result<usize, QueryError> {
        if depth >= NESTING_MAX {
            return Err(QueryError::TooDeep);
        }
        let below = match self {
            Self::All | Self::Key(..) | Self::Overlaps { .. } => 0,
            Self::Field(_, _, value) => {
                value.check()?;
                0
            }
            Self::And(parts) | Self::Or(parts) => {
                parts.iter().map(|part| part.check(depth + 1)).sum::<Result<usize, _>>()?
            }
            Self::Not(part) => part.check(depth + 1)?,
        };
        Ok(below + 1)
    }
}
