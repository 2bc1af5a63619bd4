//! Names of databases, replicas and writes.

use core::{cmp::Ordering, fmt, str::FromStr};
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::{
    limits::{DATABASE_NAME_BYTES_MAX, REPLICA_DEPTH_MAX},
    stamp::Stamp,
};

/// A text that is no id of the asked kind.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum IdError {
    /// The name of a database has other characters than `a-z`, `0-9` and `-`, or a wrong length.
    #[error("a database name has 1 to {DATABASE_NAME_BYTES_MAX} characters from a-z, 0-9 and -")]
    DatabaseName,
    /// Not the display form of a [`ReplicaId`].
    #[error("a replica id looks like 0 or 0.7 or 0.7.12")]
    ReplicaId,
    /// Not the display form of a [`WriteId`].
    #[error("a write id looks like 9@0.7: a stamp, an @ and a replica id")]
    WriteId,
}

/// The random 128-bit id that a database gets when it is made, and keeps.
///
/// Two databases of one name are told apart by it, in every hello and every stored batch.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct DatabaseId([u8; 16]);

impl DatabaseId {
    /// The id made of these random bytes, which the host draws.
    #[must_use]
    pub const fn from_random(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// The 16 bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }
}

impl fmt::Display for DatabaseId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for DatabaseId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DatabaseId({self})")
    }
}

/// The name by which people open a database: 1 to 64 characters from `a-z`, `0-9` and `-`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct DatabaseName(Arc<str>);

impl DatabaseName {
    /// Checks a name.
    ///
    /// # Errors
    /// [`IdError::DatabaseName`] when it is empty, longer than 64 bytes or has another character.
    pub fn parse(name: &str) -> Result<Self, IdError> {
        let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        if name.is_empty() || name.len() > DATABASE_NAME_BYTES_MAX || !name.bytes().all(allowed) {
            return Err(IdError::DatabaseName);
        }
        Ok(Self(name.into()))
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for DatabaseName {
    type Error = IdError;
    fn try_from(name: String) -> Result<Self, IdError> {
        Self::parse(&name)
    }
}

impl From<DatabaseName> for String {
    fn from(name: DatabaseName) -> Self {
        name.0.as_ref().into()
    }
}

impl fmt::Display for DatabaseName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A replica's id: the id of the write that created it, (accept stamp, creator) \[97 §4.3\].
///
/// Unrolled, that is a path of stamps from the database's first replica, which has the empty path. The order is
/// that of the paths; it decides between writes of equal stamp and is the same everywhere. Cloning copies a pointer.
#[derive(Clone, Serialize, Deserialize)]
#[serde(try_from = "Vec<Stamp>")]
pub struct ReplicaId(Arc<[Stamp]>);

impl ReplicaId {
    /// The first replica of a database.
    #[must_use]
    pub fn first() -> Self {
        Self(Arc::new([]))
    }

    /// The id of the replica that this creation write creates; `None` where the chain of creations is too long.
    #[must_use]
    pub fn created_by(creation: &WriteId) -> Option<Self> {
        let path = &creation.replica.0;
        (path.len() < REPLICA_DEPTH_MAX).then(|| Self(path.iter().copied().chain([creation.stamp]).collect()))
    }

    /// The stamp of the write that created this replica; `None` for the first one.
    #[must_use]
    pub(crate) fn created_at(&self) -> Option<Stamp> {
        self.0.last().copied()
    }

    /// Whether this replica's creations stay within the longest chain of creations.
    #[must_use]
    pub(crate) fn may_create(&self) -> bool {
        self.0.len() < REPLICA_DEPTH_MAX
    }

    /// The write that created this replica; `None` for the first one.
    #[must_use]
    pub fn creation(&self) -> Option<WriteId> {
        let (stamp, path) = self.0.split_last()?;
        Some(WriteId { stamp: *stamp, replica: Self(path.into()) })
    }
}

impl PartialEq for ReplicaId {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0) || self.0 == other.0
    }
}

impl Eq for ReplicaId {}

impl Ord for ReplicaId {
    fn cmp(&self, other: &Self) -> Ordering {
        if Arc::ptr_eq(&self.0, &other.0) { Ordering::Equal } else { self.0.cmp(&other.0) }
    }
}

impl PartialOrd for ReplicaId {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl TryFrom<Vec<Stamp>> for ReplicaId {
    type Error = IdError;
    fn try_from(path: Vec<Stamp>) -> Result<Self, IdError> {
        let stamps_valid = path.iter().all(|stamp| stamp.is_valid() && *stamp > Stamp::ZERO);
        // A creator's stamps rise, and a replica's first stamp lies beyond that of its creation.
        let rising = path.windows(2).all(|pair| pair[0] < pair[1]);
        if path.len() > REPLICA_DEPTH_MAX || !stamps_valid || !rising {
            return Err(IdError::ReplicaId);
        }
        Ok(Self(path.into()))
    }
}

impl From<ReplicaId> for Vec<Stamp> {
    fn from(id: ReplicaId) -> Self {
        id.0.to_vec()
    }
}

impl fmt::Display for ReplicaId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("0")?;
        self.0.iter().try_for_each(|stamp| write!(f, ".{stamp}"))
    }
}

impl fmt::Debug for ReplicaId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

impl FromStr for ReplicaId {
    type Err = IdError;
    fn from_str(text: &str) -> Result<Self, IdError> {
        let mut parts = text.split('.');
        if parts.next() != Some("0") {
            return Err(IdError::ReplicaId);
        }
        let path = parts.map(parse_stamp).collect::<Option<Vec<Stamp>>>().ok_or(IdError::ReplicaId)?;
        Self::try_from(path)
    }
}

/// The id that a write keeps for ever: (accept stamp, accepting replica).
///
/// Its order is the order of tentative writes in the log.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct WriteId {
    /// The accepter's logical clock.
    pub stamp: Stamp,
    /// The replica that accepted the write.
    pub replica: ReplicaId,
}

impl fmt::Display for WriteId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", self.stamp, self.replica)
    }
}

impl fmt::Debug for WriteId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

impl FromStr for WriteId {
    type Err = IdError;
    fn from_str(text: &str) -> Result<Self, IdError> {
        let (stamp, replica) = text.split_once('@').ok_or(IdError::WriteId)?;
        Ok(Self {
            stamp: parse_stamp(stamp).ok_or(IdError::WriteId)?,
            replica: replica.parse().map_err(|_| IdError::WriteId)?,
        })
    }
}

fn parse_stamp(text: &str) -> Option<Stamp> {
    let canonical = text == "0" || !text.starts_with(['0', '+']);
    if canonical { Stamp::new(text.parse().ok()?) } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_replica_id_is_the_id_of_its_creation_write() {
        let creation: WriteId = "5@0".parse().unwrap();
        let replica = ReplicaId::created_by(&creation).unwrap();
        assert_eq!(replica.to_string(), "0.5");
        assert_eq!(replica.creation(), Some(creation));
        assert_eq!(ReplicaId::first().creation(), None);
    }

    #[test]
    fn ids_read_back_what_they_display_and_refuse_the_rest() {
        for text in ["0", "0.1", "0.5.9"] {
            assert_eq!(text.parse::<ReplicaId>().unwrap().to_string(), text);
        }
        for text in ["", "1", "0.", "0.0", "0.5.5", "0.9.5", "0.05", "0.+5", "0.9007199254740993", "0 .5"] {
            assert!(text.parse::<ReplicaId>().is_err(), "{text:?}");
        }
        assert!("7".parse::<WriteId>().is_err());
        assert_eq!("7@0.5".parse::<WriteId>().unwrap().to_string(), "7@0.5");
    }

    #[test]
    fn tentative_order_is_stamp_first_then_replica() {
        let id = |text: &str| text.parse::<WriteId>().unwrap();
        assert!(id("10@0.5") < id("11@0.1"));
        assert!(id("10@0.1") < id("10@0.5"));
        assert!(id("10@0") < id("10@0.1"));
    }

    #[test]
    fn a_database_name_is_plain() {
        assert!(DatabaseName::parse("demo-2").is_ok());
        for name in ["", "Demo", "a/b", "a b", &"x".repeat(65)] {
            assert!(DatabaseName::parse(name).is_err(), "{name:?}");
        }
    }
}
