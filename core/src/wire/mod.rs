//! What travels and what is stored: versioned envelopes, bounded and total decoding.
//!
//! Everything here is plain data with a postcard encoding. A frame is one byte of version and a [`frame::Frame`]; a
//! stored batch is one byte of version, eight of checksum and [`record::Record`]s. Nothing in this module knows what a
//! message means.

mod bounded;
pub(crate) mod file;
pub(crate) mod frame;
pub(crate) mod record;
#[cfg(feature = "sim")]
mod reencoded;
pub(crate) mod session;
pub(crate) mod snapshot;
#[cfg(test)]
pub(crate) mod tests;
mod tuples;

#[cfg(feature = "sim")]
pub use self::reencoded::reencoded;

use std::{collections::BTreeMap, sync::Arc};

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::{
    digest::Digest,
    id::{ReplicaId, WriteId},
    limits::{FRAME_REPLICAS_MAX, REASON_BYTES_MAX},
    stamp::{Csn, Stamp, Term},
    value::Text,
    vector::{VectorEntry, VersionVector},
    write::{Body, Write, WriteError, WriteKind},
};

/// Why bytes are no message or record.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum DecodeError {
    /// There are more bytes than allowed.
    #[error("{bytes} bytes, but at most {bytes_max} are allowed")]
    TooLarge {
        /// How many there are.
        bytes: usize,
        /// How many there may be.
        bytes_max: usize,
    },
    /// The format has another version.
    #[error("format version {version} cannot be read, only version {}", FORMAT_VERSION)]
    Version {
        /// The version it has.
        version: u8,
    },
    /// The bytes are cut short, go on too long, or form nothing.
    #[error("the bytes cannot be read")]
    Malformed,
    /// The checksum of a stored batch does not fit its content.
    #[error("the checksum does not fit the content")]
    Checksum,
    /// A write names a replica that the table of ids does not have.
    #[error("a write names a replica that is not listed")]
    UnlistedReplica,
    /// A stamp or CSN is out of bounds.
    #[error("a stamp or commit number is out of bounds")]
    OutOfBounds,
    /// A write is refused.
    #[error(transparent)]
    Write(#[from] WriteError),
}

/// The version of the format of frames and stored batches.
pub(crate) const FORMAT_VERSION: u8 = 1;

fn encode<T: Serialize>(header: Vec<u8>, value: &T) -> Vec<u8> {
    // Serialising plain data into a growing vector has no way to fail.
    postcard::to_extend(value, header).expect("a message can be encoded")
}

fn decode<'a, T: Deserialize<'a>>(bytes: &'a [u8]) -> Result<T, DecodeError> {
    match postcard::take_from_bytes(bytes) {
        Ok((value, [])) => Ok(value),
        _ => Err(DecodeError::Malformed),
    }
}

/// A write whose replica is an index into a table of ids.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct WireWrite {
    replica: u32,
    stamp: Stamp,
    previous: Stamp,
    chain: Digest,
    #[serde(with = "serde_bytes")]
    body: Vec<u8>,
}

/// A write's id whose replica is an index into a table of ids.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct WireWriteId {
    replica: u32,
    stamp: Stamp,
}

/// Where a replica's writes are cut: after this stamp. Unlike the stamp of a write it may be zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct WireCut {
    replica: u32,
    after: Stamp,
}

/// Replica ids, each once, so that writes can name them by index.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct IdTable(#[serde(deserialize_with = "bounded::list::<_, _, FRAME_REPLICAS_MAX>")] Vec<ReplicaId>);

/// Builds an [`IdTable`].
#[derive(Default)]
pub(crate) struct Interner {
    table: IdTable,
    indexes: BTreeMap<ReplicaId, u32>,
}

impl Interner {
    pub(crate) fn id(&mut self, write: &WriteId) -> WireWriteId {
        WireWriteId { replica: self.index(&write.replica), stamp: write.stamp }
    }

    pub(crate) fn cut(&mut self, replica: &ReplicaId, after: Stamp) -> WireCut {
        WireCut { replica: self.index(replica), after }
    }

    pub(crate) fn write(&mut self, write: &Write) -> WireWrite {
        WireWrite {
            replica: self.index(&write.id.replica),
            stamp: write.id.stamp,
            previous: write.previous,
            chain: write.chain,
            body: write.body.bytes.to_vec(),
        }
    }

    pub(crate) fn finish(self) -> IdTable {
        self.table
    }

    fn index(&mut self, replica: &ReplicaId) -> u32 {
        *self.indexes.entry(replica.clone()).or_insert_with(|| {
            self.table.0.push(replica.clone());
            u32::try_from(self.table.0.len() - 1).expect("a message names fewer than 2^32 replicas")
        })
    }
}

impl IdTable {
    pub(crate) fn id(&self, wire: WireWriteId) -> Result<WriteId, DecodeError> {
        let replica = self.0.get(wire.replica as usize).ok_or(DecodeError::UnlistedReplica)?.clone();
        if !wire.stamp.is_valid() || wire.stamp == Stamp::ZERO {
            return Err(DecodeError::OutOfBounds);
        }
        Ok(WriteId { stamp: wire.stamp, replica })
    }

    pub(crate) fn cut(&self, wire: WireCut) -> Result<(ReplicaId, Stamp), DecodeError> {
        let replica = self.0.get(wire.replica as usize).ok_or(DecodeError::UnlistedReplica)?.clone();
        if wire.after.is_valid() { Ok((replica, wire.after)) } else { Err(DecodeError::OutOfBounds) }
    }

    /// The write, and what it does: that is parsed here to see whether it can be.
    pub(crate) fn write(&self, wire: WireWrite) -> Result<(Arc<Write>, WriteKind), DecodeError> {
        let id = self.id(WireWriteId { replica: wire.replica, stamp: wire.stamp })?;
        if wire.previous >= wire.stamp {
            return Err(DecodeError::OutOfBounds);
        }
        let (body, kind) = Body::parse(wire.body.into())?;
        Ok((Arc::new(Write { id, previous: wire.previous, chain: wire.chain, body }), kind))
    }
}

/// A version vector as it travels.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct WireVector(
    #[serde(deserialize_with = "bounded::list::<_, _, FRAME_REPLICAS_MAX>")] Vec<(ReplicaId, Stamp, Digest)>,
);

impl From<&VersionVector> for WireVector {
    fn from(vector: &VersionVector) -> Self {
        vector.iter().map(|(id, entry)| (id.clone(), entry.stamp, entry.chain)).collect()
    }
}

impl FromIterator<(ReplicaId, Stamp, Digest)> for WireVector {
    fn from_iter<T: IntoIterator<Item = (ReplicaId, Stamp, Digest)>>(entries: T) -> Self {
        Self(entries.into_iter().collect())
    }
}

impl WireVector {
    pub(crate) fn into_vector(self) -> Result<VersionVector, DecodeError> {
        let mut vector = VersionVector::default();
        for (replica, stamp, chain) in self.0 {
            if !stamp.is_valid() {
                return Err(DecodeError::OutOfBounds);
            }
            vector.set(replica, VectorEntry { stamp, chain });
        }
        Ok(vector)
    }
}

pub(crate) const fn check_csn(csn: Csn) -> Result<(), DecodeError> {
    if csn.is_valid() { Ok(()) } else { Err(DecodeError::OutOfBounds) }
}

pub(crate) const fn check_term(term: Term) -> Result<(), DecodeError> {
    if term.is_valid() { Ok(()) } else { Err(DecodeError::OutOfBounds) }
}

pub(crate) fn check_reason(refused: Option<&Text>) -> Result<(), DecodeError> {
    if refused.is_none_or(|reason| reason.len() <= REASON_BYTES_MAX) { Ok(()) } else { Err(DecodeError::OutOfBounds) }
}
