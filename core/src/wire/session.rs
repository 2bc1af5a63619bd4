//! A session on its way between replicas: one byte of version, eight of checksum, and a [`WireSession`].

use serde::{Deserialize, Serialize};

use crate::{digest::Digest, id::DatabaseId, limits::SESSION_BYTES_MAX, session::Guarantees, stamp::Csn};

use super::{DecodeError, FORMAT_VERSION, WireVector, check_csn, decode, encode};

/// What a session has read and written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct WireSession {
    pub(crate) database: DatabaseId,
    pub(crate) guarantees: Guarantees,
    pub(crate) read: WireVector,
    /// The last write at each replica that the session wrote at. An absent entry says nothing.
    pub(crate) written: WireVector,
    pub(crate) csn: Csn,
    /// The digest of the committed order through `csn`.
    pub(crate) prefix: Digest,
}

const CHECKSUM_BYTES: usize = 8;

/// It is taken of more than the content, so that a stored batch is never taken for a session.
fn checksum(content: &[u8]) -> [u8; CHECKSUM_BYTES] {
    let digest = Digest::EMPTY.chained(&[b"session", content]);
    let mut first = [0; CHECKSUM_BYTES];
    first.copy_from_slice(&digest.as_bytes()[..CHECKSUM_BYTES]);
    first
}

impl WireSession {
    pub(crate) fn encode(&self) -> Vec<u8> {
        let content = encode(Vec::new(), self);
        [&[FORMAT_VERSION][..], &checksum(&content), &content].concat()
    }

    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        if bytes.len() > SESSION_BYTES_MAX {
            return Err(DecodeError::TooLarge { bytes: bytes.len(), bytes_max: SESSION_BYTES_MAX });
        }
        let (version, rest) = bytes.split_first().ok_or(DecodeError::Malformed)?;
        if *version != FORMAT_VERSION {
            return Err(DecodeError::Version { version: *version });
        }
        let (said, content) = rest.split_first_chunk::<CHECKSUM_BYTES>().ok_or(DecodeError::Malformed)?;
        if *said != checksum(content) {
            return Err(DecodeError::Checksum);
        }
        let session: Self = decode(content)?;
        session.check()?;
        Ok(session)
    }

    /// What deserialising does not check.
    pub(crate) fn check(&self) -> Result<(), DecodeError> {
        check_csn(self.csn)
    }
}
