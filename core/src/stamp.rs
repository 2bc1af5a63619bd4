//! Logical time and commit positions.

use core::fmt;

use serde::{Deserialize, Serialize};

use crate::limits::STAMP_MAX;

/// An accept stamp: a replica's logical clock at the moment it accepted a write \[97 §3.1\].
///
/// It is a counter, not a wall clock, so that a wrong clock can neither reorder nor poison anything.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Stamp(u64);

impl Stamp {
    /// Before every write.
    pub const ZERO: Self = Self(0);
    /// After every write.
    pub(crate) const LAST: Self = Self(STAMP_MAX);

    /// The stamp with this number, if it is below 2^53.
    #[must_use]
    pub const fn new(number: u64) -> Option<Self> {
        if number <= STAMP_MAX { Some(Self(number)) } else { None }
    }

    /// The next stamp; `None` once the counter is exhausted.
    #[must_use]
    pub const fn next(self) -> Option<Self> {
        Self::new(self.0 + 1)
    }

    /// The number.
    #[must_use]
    pub const fn get(self) -> u64 {
        self.0
    }

    /// Whether the number is within bounds; deserialising does not check it.
    pub(crate) const fn is_valid(self) -> bool {
        self.0 <= STAMP_MAX
    }
}

impl fmt::Display for Stamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A commit sequence number: the position of a write in the one committed order \[97 §3.2\].
///
/// The first committed write has CSN 1; zero says that nothing is committed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Csn(u64);

impl Csn {
    /// Nothing is committed.
    pub const ZERO: Self = Self(0);

    /// The CSN with this number, if it is below 2^53.
    #[must_use]
    pub const fn new(number: u64) -> Option<Self> {
        if number <= STAMP_MAX { Some(Self(number)) } else { None }
    }

    /// The CSN that follows.
    ///
    /// # Panics
    /// After 2^53 commits, which no log reaches.
    #[must_use]
    pub const fn next(self) -> Self {
        assert!(self.0 < STAMP_MAX, "fewer than 2^53 writes are committed");
        Self(self.0 + 1)
    }

    /// The number.
    #[must_use]
    pub const fn get(self) -> u64 {
        self.0
    }

    pub(crate) const fn is_valid(self) -> bool {
        self.0 <= STAMP_MAX
    }
}

impl fmt::Display for Csn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The reign of a primary: it rises whenever the role moves or the primary is restored from a copy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Term(u32);

impl Term {
    /// The term of a database's first primary.
    pub const FIRST: Self = Self(1);

    /// The term that follows.
    ///
    /// # Panics
    /// After 2^32 changes of the primary, which no database sees.
    #[must_use]
    pub const fn next(self) -> Self {
        assert!(self.0 < u32::MAX, "the primary changes fewer than 2^32 times");
        Self(self.0 + 1)
    }

    /// Whether another could follow; no other is ever reached.
    pub(crate) const fn is_valid(self) -> bool {
        self.0 < u32::MAX
    }

    /// The number.
    #[must_use]
    pub const fn get(self) -> u32 {
        self.0
    }
}

/// Host time in milliseconds since any fixed origin. Only time-outs depend on it, never an order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Millis(pub u64);

impl Millis {
    pub(crate) const fn after(self, milliseconds: u64) -> Self {
        Self(self.0.saturating_add(milliseconds))
    }
}
