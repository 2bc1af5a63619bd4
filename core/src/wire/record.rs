//! What a replica keeps on stable storage.

use serde::{Deserialize, Serialize};

use crate::{
    digest::Digest,
    id::{DatabaseId, DatabaseName, ReplicaId},
    limits::STORED_BATCH_BYTES_MAX,
    stamp::{Csn, Term},
};

use super::{DecodeError, FORMAT_VERSION, IdTable, WireVector, WireWrite, WireWriteId, decode, encode};

/// One change of a replica's durable state.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Record {
    /// Who the replica is; the first record of a store.
    Identity {
        database: DatabaseId,
        name: DatabaseName,
        replica: ReplicaId,
        /// It holds the primary role, since this term.
        primary: Option<Term>,
    },
    /// Writes and commits in the order in which they were inserted.
    Log { replicas: IdTable, entries: Vec<LogRecord> },
    /// The writes of these replicas are on stable storage outside this browser, through these stamps.
    Elsewhere(WireVector),
    /// The primary's commits were paused or resumed.
    Paused(bool),
}

/// One change of the log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum LogRecord {
    Write(WireWrite),
    Commit(WireWriteId, Csn, Term),
}

const CHECKSUM_BYTES: usize = 8;

fn checksum(content: &[u8]) -> [u8; CHECKSUM_BYTES] {
    let digest = Digest::EMPTY.chained(&[content]);
    let mut first = [0; CHECKSUM_BYTES];
    first.copy_from_slice(&digest.as_bytes()[..CHECKSUM_BYTES]);
    first
}

pub(crate) fn encode_batch(records: &[Record]) -> Vec<u8> {
    let mut header = vec![FORMAT_VERSION];
    header.extend([0; CHECKSUM_BYTES]);
    let mut bytes = encode(header, &records);
    let (header, content) = bytes.split_at_mut(1 + CHECKSUM_BYTES);
    header[1..].copy_from_slice(&checksum(content));
    bytes
}

pub(crate) fn decode_batch(bytes: &[u8]) -> Result<Vec<Record>, DecodeError> {
    if bytes.len() > STORED_BATCH_BYTES_MAX {
        return Err(DecodeError::TooLarge { bytes: bytes.len(), bytes_max: STORED_BATCH_BYTES_MAX });
    }
    let (version, rest) = bytes.split_first().ok_or(DecodeError::Malformed)?;
    if *version != FORMAT_VERSION {
        return Err(DecodeError::Version { version: *version });
    }
    let (stored, content) = rest.split_first_chunk::<CHECKSUM_BYTES>().ok_or(DecodeError::Malformed)?;
    if *stored != checksum(content) {
        return Err(DecodeError::Checksum);
    }
    decode(content)
}
