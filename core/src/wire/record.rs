//! What a replica keeps on stable storage.

use serde::{Deserialize, Serialize};

use crate::{
    digest::Digest,
    id::{DatabaseId, DatabaseName, ReplicaId},
    limits::{REIGNS_MAX, STORED_BATCH_BYTES_MAX},
    stamp::{Csn, Term},
    value::Text,
};

use super::{
    DecodeError, FORMAT_VERSION, IdTable, WireCut, WireVector, WireWrite, WireWriteId, bounded, decode, encode,
    snapshot::{Outcomes, SnapshotPart, Tuples, WireOmitted, WireReign},
};

/// One change of a replica's durable state.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Record {
    /// Who the replica is; the first record of a store that begins with no checkpoint. Later ones give it another id.
    Identity(Identity),
    /// Writes and commits in the order in which they were inserted.
    Log(Log),
    /// The writes of these replicas are on stable storage outside this browser, through these stamps.
    Elsewhere(WireVector),
    /// The primary's commits were paused or resumed.
    Paused(bool),
    /// A part of a state transfer arrived. The last one installs it.
    Snapshot(SnapshotPart),
    /// An operator gave this replica the primary role, which it takes when commits are resumed.
    TakingOver,
    /// The id belongs to another replica, too: nothing more is accepted under it.
    IdLost,
    /// All reigns, as a peer that knows of a later term has told them.
    Reigns(#[serde(deserialize_with = "bounded::list::<_, _, REIGNS_MAX>")] Vec<WireReign>),
    /// A checkpoint begins: all of the replica's state, in this record and parts up to its end. Ordinary records that
    /// stand among the parts come after that state.
    Checkpoint(Box<Checkpoint>),
    /// A part of a checkpoint: data as of the omitted CSN.
    CheckpointTuples(Tuples),
    /// A part of a checkpoint: what became of omitted writes.
    CheckpointOutcomes(Outcomes),
    /// A part of a checkpoint: the log behind the omitted CSN.
    CheckpointLog(Log),
    /// The checkpoint is complete. What was stored before it began is not needed any more.
    CheckpointEnd,
}

/// Who a replica is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Identity {
    pub(crate) database: DatabaseId,
    pub(crate) name: DatabaseName,
    pub(crate) replica: ReplicaId,
}

/// The head of a checkpoint.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Checkpoint {
    pub(crate) identity: Identity,
    pub(crate) omitted: WireOmitted,
    pub(crate) elsewhere: WireVector,
    pub(crate) paused: bool,
    pub(crate) taking_over: bool,
    pub(crate) id_lost: bool,
    /// The ids that this replica had before.
    pub(crate) former: Vec<ReplicaId>,
    /// After which CSN the outcomes of other replicas' truncated writes are all known.
    pub(crate) outcomes_after: Csn,
}

/// A stretch of the log with the table of the ids that it names.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Log {
    pub(crate) replicas: IdTable,
    pub(crate) entries: Vec<LogRecord>,
}

/// One change of the log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum LogRecord {
    /// A write was inserted.
    Write(WireWrite),
    /// A write got its place; the reason, if the primary refused it.
    Commit(WireWriteId, Csn, Term, Option<Text>),
    /// The tentative writes of a replica after a stamp lost their place to another history of it.
    Displaced(WireCut),
    /// The commits beyond this CSN were made void by a later term.
    Voided(Csn),
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
    if *version == 0 {
        // No version bears it: a block of zeros stands where the batch was to be.
        return Err(DecodeError::Malformed);
    }
    if *version != FORMAT_VERSION {
        return Err(DecodeError::Version { version: *version });
    }
    let (stored, content) = rest.split_first_chunk::<CHECKSUM_BYTES>().ok_or(DecodeError::Malformed)?;
    if *stored != checksum(content) {
        return Err(DecodeError::Checksum);
    }
    decode(content)
}
