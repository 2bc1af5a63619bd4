//! What a replica says of itself, so that a file is made for it.

use core::fmt;

use crate::{
    digest::Digest,
    id::{DatabaseId, DatabaseName, ReplicaId},
    stamp::Csn,
    tuple_store::TupleKey,
    vector::VersionVector,
    wire::{
        DecodeError,
        file::{WireReader, WireReaderId},
        snapshot::{read_reigns, wire_reigns},
    },
    write_log::Reigns,
};

/// What a replica holds, or a read-only copy, for a replica to [export](crate::Replica::export) what it lacks: its CSN and
/// version vector, and by which digests these are told from others. A replica names only what is stored there.
///
/// It comes from [`Replica::reader_state`](crate::Replica::reader_state) or
/// [`ReadOnlyCopy::reader_state`](crate::ReadOnlyCopy::reader_state) and travels as bytes, which carry their own version and
/// checksum.
#[derive(Clone, PartialEq, Eq)]
pub struct ReaderState {
    pub(crate) name: DatabaseName,
    pub(crate) database: DatabaseId,
    /// `None` is a read-only copy.
    pub(crate) replica: Option<ReplicaId>,
    pub(crate) reigns: Reigns,
    pub(crate) csn: Csn,
    /// The digest of the committed order through `csn`.
    pub(crate) prefix: Digest,
    pub(crate) vector: VersionVector,
    /// The state transfer that was interrupted there: which data, and the last place received.
    pub(crate) incoming: Option<(Csn, Digest, TupleKey)>,
}

impl ReaderState {
    /// The database.
    #[must_use]
    pub const fn database(&self) -> DatabaseId {
        self.database
    }

    /// The database's name.
    #[must_use]
    pub const fn name(&self) -> &DatabaseName {
        &self.name
    }

    /// The replica; `None` if it is a read-only copy.
    #[must_use]
    pub const fn replica(&self) -> Option<&ReplicaId> {
        self.replica.as_ref()
    }

    /// How much of the committed order it holds.
    #[must_use]
    pub const fn csn(&self) -> Csn {
        self.csn
    }

    /// Which writes it holds.
    #[must_use]
    pub const fn version_vector(&self) -> &VersionVector {
        &self.vector
    }

    /// The state as bytes.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        self.to_wire().encode()
    }

    /// The state that these bytes say.
    ///
    /// # Errors
    /// When they are more than [`READER_STATE_BYTES_MAX`](crate::limits::READER_STATE_BYTES_MAX), damaged or of another
    /// version.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, DecodeError> {
        let WireReader { name, database, replica, reigns, csn, prefix, vector, incoming } = WireReader::decode(bytes)?;
        let (WireReaderId(replica), reigns, vector) = (replica, read_reigns(reigns)?, vector.into_vector()?);
        Ok(Self { name, database, replica, reigns, csn, prefix, vector, incoming })
    }

    fn to_wire(&self) -> WireReader {
        let Self { name, database, replica, reigns, csn, prefix, vector, incoming } = self.clone();
        let (replica, reigns, vector) = (WireReaderId(replica), wire_reigns(&reigns), (&vector).into());
        WireReader { name, database, replica, reigns, csn, prefix, vector, incoming }
    }
}

impl fmt::Debug for ReaderState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReaderState").field("replica", &self.replica).field("csn", &self.csn).finish_non_exhaustive()
    }
}
