//! Rights: by what rules a host lets writes in \[95 §8\].

use thiserror::Error;

use crate::{
    draft::Draft,
    id::{ReplicaId, WriteId},
    limits::REASON_BYTES_MAX,
    query::{Query, QueryError},
    tuple_store::Tables,
    value::{Key, Name, Row, Text, Tuple},
    write::WriteKind,
};

/// The rules by which a host lets writes in. A replica without any is open to all.
///
/// A write is judged twice: by the replica that is asked to accept it, on its tentative view, and by the primary before
/// it commits the write, on the committed view. A write that the primary does not let in is committed as refused: it has
/// its place, and no effect. Nobody else asks: a replica carries on what another has accepted, and believes the primary.
/// So the rules need not be the same everywhere, and may depend on what the host knows beside the data, such as who has
/// logged in.
///
/// Refusing the creation of a replica refuses all its writes.
///
/// Grants and revocations that are to hold for everybody are writes themselves, and the rules read them from the data.
///
/// ```
/// use bayou_core::*;
///
/// /// Whoever is listed may write, and the first replica always.
/// struct Listed(Name);
///
/// impl Rights for Listed {
///     fn judge(&self, write: &ProposedWrite<'_>, data: &RightsData<'_>) -> Result<(), Refusal> {
///         let listed = |accepter: &ReplicaId| {
///             let key = Key::new(&accepter.to_string()).ok()?;
///             data.tuple(&self.0, &key)
///         };
///         if *write.accepter == ReplicaId::first() || listed(write.accepter).is_some() {
///             return Ok(());
///         }
///         Err(Refusal::new("this replica is not listed"))
///     }
/// }
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let name = DatabaseName::parse("demo")?;
/// # let (mut replica, outputs) = Replica::found(Options::default(), DatabaseId::from_random([7; 16]), name);
/// # outputs.into_iter().for_each(drop);
/// replica.set_rights(Box::new(Listed(Name::new("writers")?)));
/// # Ok(())
/// # }
/// ```
pub trait Rights: Send + Sync {
    /// Whether the write is let in.
    ///
    /// # Errors
    /// When it is not, with the reason, which its author is told.
    fn judge(&self, write: &ProposedWrite<'_>, data: &RightsData<'_>) -> Result<(), Refusal>;
}

/// A write that is being judged. Its draft is within all limits.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct ProposedWrite<'a> {
    /// Its id; `None` where it has none yet, for it has not been accepted.
    pub id: Option<&'a WriteId>,
    /// The replica that accepts it, or has accepted it.
    pub accepter: &'a ReplicaId,
    /// What it does.
    pub kind: &'a WriteKind,
}

impl<'a> ProposedWrite<'a> {
    pub(crate) const fn new(id: Option<&'a WriteId>, accepter: &'a ReplicaId, kind: &'a WriteKind) -> Self {
        Self { id, accepter, kind }
    }

    /// What an application asks to be written; `None`: this is not an application's write.
    #[must_use]
    pub const fn draft(&self) -> Option<&'a Draft> {
        self.kind.draft()
    }
}

/// The data that a write is judged by: where it is accepted the tentative view, at the primary the committed one.
#[derive(Clone, Copy)]
pub struct RightsData<'a>(&'a Tables);

impl<'a> RightsData<'a> {
    pub(crate) const fn new(tables: &'a Tables) -> Self {
        Self(tables)
    }

    /// The rows that a query finds.
    ///
    /// # Errors
    /// When the query is over a limit.
    pub fn query(&self, query: &Query) -> Result<Vec<Row>, QueryError> {
        query.check()?;
        Ok(self.0.query(query, usize::MAX))
    }

    /// The tuple with this key, if there is one.
    #[must_use]
    pub fn tuple(&self, relation: &Name, key: &Key) -> Option<&'a Tuple> {
        self.0.tuple(relation, key).map(AsRef::as_ref)
    }
}

/// That a write is not let in, and why.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("refused: {reason}")]
pub struct Refusal {
    reason: Text,
}

impl Refusal {
    /// A refusal for this reason, of which the first [`REASON_BYTES_MAX`] bytes are kept.
    #[must_use]
    pub fn new(reason: &str) -> Self {
        Self { reason: Text::new(&reason[..reason.floor_char_boundary(REASON_BYTES_MAX)]) }
    }

    /// The reason, for people.
    #[must_use]
    pub const fn reason(&self) -> &Text {
        &self.reason
    }
}

/// The rules that a host has set, if it has.
#[derive(Default)]
pub(crate) struct Gate(Option<Box<dyn Rights>>);

impl Gate {
    pub(crate) fn new(rights: Box<dyn Rights>) -> Self {
        Self(Some(rights))
    }

    pub(crate) const fn is_open(&self) -> bool {
        self.0.is_none()
    }

    pub(crate) fn judge(&self, write: &ProposedWrite<'_>, data: &Tables) -> Result<(), Refusal> {
        self.0.as_ref().map_or(Ok(()), |rights| rights.judge(write, &RightsData::new(data)))
    }
}
