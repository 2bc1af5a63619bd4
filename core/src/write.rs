//! A write as it stands in the log.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::{
    digest::Digest,
    draft::{Draft, DraftError},
    encoding,
    id::{ReplicaId, WriteId},
    limits::WRITE_BYTES_MAX,
    stamp::{Stamp, Term},
    vector::{VectorEntry, VersionVector},
};

/// What a write does. The first byte of a body is the number of its kind.
#[derive(Clone, Debug, PartialEq, Eq)]
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
    Unknown(u8),
}

impl WriteKind {
    /// The draft of an application's write.
    #[must_use]
    pub const fn draft(&self) -> Option<&Draft> {
        match self {
            Self::Update(draft) | Self::Again { draft, .. } => Some(draft),
            _ => None,
        }
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

/// The bytes of a body that can be parsed and is bounded.
///
/// The bytes are the truth: digests are taken of them, and they are passed on as they came. They are all that is kept:
/// parsed anew, at each execution, a write costs a microsecond; kept parsed, it would take several times the memory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Body {
    pub(crate) bytes: Arc<[u8]>,
}

/// The first byte of a body: the number of the write's kind.
mod kind {
    pub(super) const UPDATE: u8 = 0;
    pub(super) const CREATE_REPLICA: u8 = 1;
    pub(super) const RETIRE_REPLICA: u8 = 2;
    pub(super) const CONSENT: u8 = 3;
    pub(super) const HAND_OVER: u8 = 4;
    pub(super) const TAKE_OVER: u8 = 5;
    pub(super) const AGAIN: u8 = 6;
    /// An update, to a program that is one version newer than this one. Of those the simulator alone has some.
    pub(super) const NEWER_UPDATE: u8 = 7;

    /// The first kind that this version does not know.
    pub(super) fn first_unknown() -> u8 {
        if crate::planted::is_newer() { NEWER_UPDATE + 1 } else { NEWER_UPDATE }
    }
}

/// A body of this kind with some plain content.
fn plain(kind: u8, content: &impl Serialize) -> Vec<u8> {
    // Serialising plain data into a growing vector has no way to fail.
    postcard::to_extend(content, vec![kind]).expect("a write can be encoded")
}

fn whole<'a, T: Deserialize<'a>>(content: &'a [u8]) -> Result<T, WriteError> {
    match postcard::take_from_bytes(content) {
        Ok((value, [])) => Ok(value),
        _ => Err(WriteError::Malformed),
    }
}

impl Body {
    pub(crate) fn new(kind: &WriteKind) -> Result<Self, DraftError> {
        let bytes = match kind {
            WriteKind::Update(draft) => encoded(vec![kind::UPDATE], draft)?,
            WriteKind::CreateReplica => vec![kind::CREATE_REPLICA],
            WriteKind::RetireReplica => vec![kind::RETIRE_REPLICA],
            WriteKind::Consent => vec![kind::CONSENT],
            WriteKind::HandOver { to, term } => plain(kind::HAND_OVER, &(to, term)),
            WriteKind::TakeOver { term } => plain(kind::TAKE_OVER, term),
            WriteKind::Again { tag, draft } => encoded(plain(kind::AGAIN, tag), draft)?,
            WriteKind::Unknown(number) => vec![*number],
        };
        Ok(Self { bytes: bytes.into() })
    }

    /// The body with what it says.
    pub(crate) fn parse(bytes: Arc<[u8]>) -> Result<(Self, WriteKind), WriteError> {
        if bytes.len() > WRITE_BYTES_MAX {
            return Err(WriteError::TooLarge { bytes: bytes.len() });
        }
        let kind = parsed(&bytes)?;
        Ok((Self { bytes }, kind))
    }

    pub(crate) fn kind(&self) -> WriteKind {
        parsed(&self.bytes).expect("the bytes were made here or have been parsed before")
    }

    /// An update as a program one version newer than this one writes it.
    #[cfg(feature = "sim")]
    pub(crate) fn of_newer_update(draft: &Draft) -> Result<Self, DraftError> {
        Ok(Self { bytes: encoded(vec![kind::NEWER_UPDATE], draft)?.into() })
    }

    fn is_of(&self, kind: u8) -> bool {
        self.bytes.first() == Some(&kind)
    }
}

fn parsed(bytes: &[u8]) -> Result<WriteKind, WriteError> {
    let (number, content) = bytes.split_first().ok_or(WriteError::Malformed)?;
    match *number {
        kind::UPDATE => Ok(WriteKind::Update(decoded(content)?)),
        kind::CREATE_REPLICA if content.is_empty() => Ok(WriteKind::CreateReplica),
        kind::RETIRE_REPLICA if content.is_empty() => Ok(WriteKind::RetireReplica),
        kind::CONSENT if content.is_empty() => Ok(WriteKind::Consent),
        kind::HAND_OVER => {
            let (to, term) = whole(content)?;
            Ok(WriteKind::HandOver { to, term })
        }
        kind::TAKE_OVER => Ok(WriteKind::TakeOver { term: whole(content)? }),
        kind::AGAIN => {
            let (tag, draft) = postcard::take_from_bytes(content).map_err(|_| WriteError::Malformed)?;
            Ok(WriteKind::Again { tag, draft: decoded(draft)? })
        }
        number if number >= kind::first_unknown() => Ok(WriteKind::Unknown(number)),
        kind::NEWER_UPDATE => Ok(WriteKind::Update(decoded(content)?)),
        _ => Err(WriteError::Malformed),
    }
}

/// Checks a draft and appends it to what its body begins with.
pub(crate) fn encoded(beginning: Vec<u8>, draft: &Draft) -> Result<Vec<u8>, DraftError> {
    draft.check()?;
    let bytes = encoding::encode(draft, beginning).ok_or(DraftError::ExpandsTooFar)?;
    if bytes.len() > WRITE_BYTES_MAX {
        return Err(DraftError::TooLarge { bytes: bytes.len() });
    }
    Ok(bytes)
}

fn decoded(content: &[u8]) -> Result<Draft, WriteError> {
    let draft = encoding::decode(content)?;
    draft.check()?;
    Ok(draft)
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
        let (stamp, previous_stamp) = (id.stamp.get().to_le_bytes(), previous.get().to_le_bytes());
        if id.replica.created_at() == Some(previous) {
            // The chain goes on from the creator's, which may go on with the same bytes under the same stamp.
            chain.chained(&[b"created", &stamp, &previous_stamp, body])
        } else {
            chain.chained(&[&stamp, &previous_stamp, body])
        }
    }

    /// What it does. It is parsed at each call.
    #[must_use]
    pub fn kind(&self) -> WriteKind {
        self.body.kind()
    }

    /// Whether this version cannot tell what it does.
    #[must_use]
    pub fn is_unknown(&self) -> bool {
        self.body.bytes.first().is_some_and(|number| *number >= kind::first_unknown())
    }

    /// Whether the application asked for it. All other kinds concern replicas alone.
    pub(crate) fn is_of_application(&self) -> bool {
        let of_replicas = kind::CREATE_REPLICA..=kind::TAKE_OVER;
        self.body.bytes.first().is_some_and(|number| !of_replicas.contains(number))
    }

    /// Whether it retires its replica.
    pub(crate) fn retires(&self) -> bool {
        self.body.is_of(kind::RETIRE_REPLICA)
    }

    /// Whether it gives the primary role to somebody.
    pub(crate) fn moves_role(&self) -> bool {
        self.body.is_of(kind::HAND_OVER) || self.body.is_of(kind::TAKE_OVER)
    }

    /// Whether it creates a replica.
    pub(crate) fn creates_replica(&self) -> bool {
        self.body.is_of(kind::CREATE_REPLICA)
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
        if self.retires() && !is_first {
            vector.remove(&self.id.replica);
        } else {
            vector.set(self.id.replica.clone(), entry);
        }
        if self.creates_replica()
            && let Some(created) = ReplicaId::created_by(&self.id)
        {
            vector.set(created, entry);
        }
    }

    /// The size of its body on the wire and in the store.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.body.bytes.len()
    }
}
