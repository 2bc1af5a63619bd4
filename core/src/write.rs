//! A write as it stands in the log.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::{
    digest::Digest,
    draft::{Draft, DraftError},
    id::{ReplicaId, WriteId},
    limits::WRITE_BYTES_MAX,
    stamp::{Stamp, Term},
    vector::{VectorEntry, VersionVector},
};

/// What a write does. The first byte of a body is the number of its kind, in the order given here.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum WriteKind {
    /// An application's write.
    Update(Draft),
    /// Creates the replica whose id is this write's id \[97 §4.3\].
    CreateReplica,
    /// Ends the replica that accepted it: it accepts nothing afterwards \[97 §4.3\].
    RetireReplica,
    /// The replica that accepted it agrees to become the primary.
    Consent,
    /// The last write that a primary commits: the successor goes on with the next CSN, in this term.
    HandOver {
        /// The successor, which has consented.
        to: ReplicaId,
        /// The successor's term.
        term: Term,
    },
    /// The first write of a new term, whose accepter took the primary role without being given it.
    TakeOver {
        /// The new term.
        term: Term,
    },
    /// An update that lost its place in the log, because another write was committed under its id, offered again.
    Again {
        /// What is offered again: the digest of the lost write's chain, through it. Of several writes with one tag, the
        /// first in the log order takes effect.
        tag: Digest,
        /// What it wrote.
        draft: Draft,
    },
    /// A kind that this version does not know. The write is kept and carried on, and has no effect here.
    #[serde(skip)]
    Unknown(u8),
}

/// The least number that is no known kind's.
const KINDS: u8 = 7;

impl WriteKind {
    /// The draft of an application's write.
    #[must_use]
    pub const fn draft(&self) -> Option<&Draft> {
        match self {
            Self::Update(draft) | Self::Again { draft, .. } => Some(draft),
            _ => None,
        }
    }

    /// Whether this version cannot tell what the write does.
    #[must_use]
    pub const fn is_unknown(&self) -> bool {
        matches!(self, Self::Unknown(_))
    }
}

/// Why bytes are no write.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum WriteError {
    /// The body is too large.
    #[error("a write has at most {WRITE_BYTES_MAX} bytes, this one {bytes}")]
    TooLarge {
        /// Its size.
        bytes: usize,
    },
    /// The body cannot be decoded.
    #[error("the body of the write cannot be read")]
    Malformed,
    /// The body is over a limit or writes where it may not.
    #[error(transparent)]
    Draft(#[from] DraftError),
}

/// A parsed and bounded body with the bytes that it was parsed from.
///
/// The bytes are the truth: digests are taken of them, and they are passed on as they came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Body {
    pub(crate) bytes: Arc<[u8]>,
    pub(crate) kind: WriteKind,
}

impl Body {
    pub(crate) fn new(kind: WriteKind) -> Result<Self, DraftError> {
        if let Some(draft) = kind.draft() {
            draft.check()?;
        }
        // Serialising plain data into a growing vector has no way to fail.
        let bytes = postcard::to_allocvec(&kind).expect("a write can be encoded");
        if bytes.len() > WRITE_BYTES_MAX {
            return Err(DraftError::TooLarge { bytes: bytes.len() });
        }
        Ok(Self { bytes: bytes.into(), kind })
    }

    pub(crate) fn parse(bytes: Arc<[u8]>) -> Result<Self, WriteError> {
        if bytes.len() > WRITE_BYTES_MAX {
            return Err(WriteError::TooLarge { bytes: bytes.len() });
        }
        let number = *bytes.first().ok_or(WriteError::Malformed)?;
        if number >= KINDS {
            return Ok(Self { bytes, kind: WriteKind::Unknown(number) });
        }
        let (kind, rest) = postcard::take_from_bytes::<WriteKind>(&bytes).map_err(|_| WriteError::Malformed)?;
        if !rest.is_empty() {
            return Err(WriteError::Malformed);
        }
        if let Some(draft) = kind.draft() {
            draft.check()?;
        }
        Ok(Self { bytes, kind })
    }
}

/// A write with the id it got when it was accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Write {
    /// Its id, kept for ever.
    pub id: WriteId,
    /// The stamp of the accepter's write before this one, so that a gap is seen at once.
    pub previous: Stamp,
    /// The digest of the accepter's chain of writes, through this one.
    pub chain: Digest,
    pub(crate) body: Body,
}

impl Write {
    /// Continues the accepter's chain, which so far ends in `previous` and `chain`.
    pub(crate) fn accepted(id: WriteId, previous: Stamp, chain: Digest, body: Body) -> Self {
        let chain = Self::chained(&id, previous, chain, &body.bytes);
        Self { id, previous, chain, body }
    }

    /// The digest this write must carry if the accepter's chain was `chain` before it.
    pub(crate) fn chained(id: &WriteId, previous: Stamp, chain: Digest, body: &[u8]) -> Digest {
        chain.chained(&[&id.stamp.get().to_le_bytes(), &previous.get().to_le_bytes(), body])
    }

    /// What it does.
    #[must_use]
    pub const fn kind(&self) -> &WriteKind {
        &self.body.kind
    }

    /// Extends a vector by this write, and by the replica that it creates; a retirement takes the entry away.
    ///
    /// That takes place on insertion, whatever becomes of the write when it is executed.
    /// A vector that covers the write stays as it is. The entry of the database's first replica, which no creation
    /// vouches for, stays for ever.
    pub(crate) fn extend(&self, vector: &mut VersionVector) {
        if vector.covers(&self.id) {
            return;
        }
        let entry = VectorEntry { stamp: self.id.stamp, chain: self.chain };
        let is_first = self.id.replica.creation().is_none();
        if matches!(self.kind(), WriteKind::RetireReplica) && !is_first {
            vector.remove(&self.id.replica);
        } else {
            vector.set(self.id.replica.clone(), entry);
        }
        if let (WriteKind::CreateReplica, Some(created)) = (self.kind(), ReplicaId::created_by(&self.id)) {
            vector.set(created, entry);
        }
    }

    /// The size of its body on the wire and in the store.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.body.bytes.len()
    }
}
