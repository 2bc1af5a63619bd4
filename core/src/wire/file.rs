//! Files that carry what a reader lacks \[97 §4.1\], and what a reader says of itself so that one is made for it.
//!
//! A file is eight bytes by which it is recognised, one byte of version, and records: the first is the header, the last
//! the trailer. Each record is four bytes of length (little end first), eight of checksum, and a [`FileRecord`]. The
//! checksum covers the record's number, so that records cannot change places, and the trailer's digest all bytes before
//! the trailer. A [`WireReader`] is one byte of version, eight of checksum, and the value.

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::{
    digest::{Chaining, Digest},
    id::{DatabaseId, DatabaseName, IdError, ReplicaId},
    limits::{FILE_RECORD_BYTES_MAX, READER_STATE_BYTES_MAX, REIGNS_MAX},
    stamp::{Csn, Stamp},
    tuple_store::TupleKey,
};

use super::{
    DecodeError, FORMAT_VERSION, WireVector, bounded, check_csn, decode, encode,
    frame::Batch,
    snapshot::{SnapshotPart, WireReign},
};

/// What every file begins with. Its first byte and its line end show a file that was taken for text on its way.
pub(crate) const MAGIC: [u8; 8] = *b"\x89BAYOU\r\n";

/// One record of a file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum FileRecord {
    /// The first record.
    Header(Box<Header>),
    /// A part of the data as of the writer's omitted CSN, for a reader that lacks commits which the writer has omitted.
    /// All parts come before all batches.
    Data(SnapshotPart),
    /// Writes and commits that the reader lacks.
    Batch(Batch),
    /// The last record.
    Trailer(Box<Trailer>),
}

/// Of which database the file is, and who can use it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Header {
    pub(crate) name: DatabaseName,
    pub(crate) database: DatabaseId,
    /// The file's place in its chain, from 1.
    pub(crate) number: u32,
    /// The primary wrote it.
    pub(crate) primary: bool,
    /// The file tells the outcome of each write of its reader that was committed after this CSN and truncated.
    pub(crate) outcomes_after: Option<Csn>,
    /// All that its writer knows.
    #[serde(deserialize_with = "bounded::list::<_, _, REIGNS_MAX>")]
    pub(crate) reigns: Vec<WireReign>,
    /// The least that a reader must hold.
    pub(crate) from: State,
}

/// What is held at some point of a chain of files.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct State {
    pub(crate) csn: Csn,
    /// The digest of the committed order through `csn`.
    pub(crate) prefix: Digest,
    pub(crate) vector: WireVector,
    /// The state transfer that this point lies in.
    pub(crate) data: Option<DataPlace>,
}

/// A place in a state transfer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct DataPlace {
    /// With the digest: which data.
    pub(crate) csn: Csn,
    pub(crate) digest: Digest,
    /// The last tuple before this place.
    pub(crate) after: Option<TupleKey>,
    /// How many outcomes come before this place.
    pub(crate) outcomes: u64,
}

/// What the file brought.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Trailer {
    /// What a reader holds afterwards that held no more than it must.
    pub(crate) to: State,
    /// The chain goes on with another file.
    pub(crate) more: bool,
    /// Of all bytes before the trailer.
    pub(crate) digest: Digest,
}

/// Why bytes are no file that can be used, whoever reads it.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum FileError {
    /// They do not begin as such a file does.
    #[error("this is no file of a Bayou database")]
    NotAFile,
    /// The format has another version.
    #[error("the file has format version {version}; only version {} can be read", FORMAT_VERSION)]
    Version {
        /// The version it has.
        version: u8,
    },
    /// A record ends beyond the end of the file, or the trailer is missing.
    #[error("the file is cut short in record {record}, which begins at byte {offset}")]
    Cut {
        /// The record's number, from 1.
        record: u64,
        /// Where it begins or should begin.
        offset: usize,
    },
    /// A record is damaged.
    #[error("record {record}, at byte {offset}, is damaged: {error}")]
    Damaged {
        /// The record's number, from 1.
        record: u64,
        /// Where it begins.
        offset: usize,
        /// How.
        error: DecodeError,
    },
    /// A record is whole, but does not go with those before it.
    #[error("record {record}, at byte {offset}, does not go with those before it")]
    OutOfPlace {
        /// The record's number, from 1.
        record: u64,
        /// Where it begins.
        offset: usize,
    },
    /// Something follows the trailer.
    #[error("the file goes on beyond its end at byte {offset}")]
    GoesOn {
        /// Where it should end.
        offset: usize,
    },
}

const LENGTH_BYTES: usize = 4;
const CHECKSUM_BYTES: usize = 8;
/// What a record takes beside its content.
const RECORD_OVERHEAD_BYTES: usize = LENGTH_BYTES + CHECKSUM_BYTES;

/// What is taken of differs from kind to kind, so that none is taken for another.
fn checksum(parts: &[&[u8]]) -> [u8; CHECKSUM_BYTES] {
    let digest = Digest::EMPTY.chained(parts);
    let mut first = [0; CHECKSUM_BYTES];
    first.copy_from_slice(&digest.as_bytes()[..CHECKSUM_BYTES]);
    first
}

fn checksum_of_record(number: u64, content: &[u8]) -> [u8; CHECKSUM_BYTES] {
    checksum(&[b"file", &number.to_le_bytes(), content])
}

/// A file that is being written.
pub(crate) struct FileWriter {
    bytes: Vec<u8>,
    records: u64,
}

impl FileWriter {
    pub(crate) fn new(header: Header) -> Self {
        let mut bytes = MAGIC.to_vec();
        bytes.push(FORMAT_VERSION);
        let mut writer = Self { bytes, records: 0 };
        let header = encode(Vec::new(), &FileRecord::Header(Box::new(header)));
        writer.append(&header);
        writer
    }

    /// How many bytes the file would have with these contents appended.
    pub(crate) fn bytes_with<'a>(&self, contents: impl IntoIterator<Item = &'a [u8]>) -> usize {
        let more: usize = contents.into_iter().map(|content| RECORD_OVERHEAD_BYTES + content.len()).sum();
        self.bytes.len() + more
    }

    /// Appends an encoded record.
    pub(crate) fn append(&mut self, content: &[u8]) {
        self.records += 1;
        let length = u32::try_from(content.len()).expect("records are much smaller than 4 GiB");
        self.bytes.extend(length.to_le_bytes());
        self.bytes.extend(checksum_of_record(self.records, content));
        self.bytes.extend(content);
    }

    pub(crate) fn finish(mut self, to: State, more: bool) -> Vec<u8> {
        let digest = digest_of(&self.bytes);
        let trailer = trailer_content(to, more, digest);
        self.append(&trailer);
        self.bytes
    }
}

pub(crate) fn record_content(record: &FileRecord) -> Vec<u8> {
    encode(Vec::new(), record)
}

pub(crate) fn trailer_content(to: State, more: bool, digest: Digest) -> Vec<u8> {
    encode(Vec::new(), &FileRecord::Trailer(Box::new(Trailer { to, more, digest })))
}

const SEALED: &[u8] = b"file";

fn digest_of(bytes: &[u8]) -> Digest {
    Digest::EMPTY.chained(&[SEALED, bytes])
}

/// The comparison of the trailer's digest with all bytes before the trailer, which may be many: a step at a time.
pub(crate) struct Seal<'a> {
    said: Digest,
    trailer: RecordPlace,
    taken: Chaining,
    rest: &'a [u8],
}

/// What a step takes of them.
const SEAL_STEP_BYTES: usize = 512 * 1024;

impl Seal<'_> {
    /// Takes some more bytes; `false` if those were the last, and the digest is theirs.
    pub(crate) fn step(&mut self) -> Result<bool, FileError> {
        let (bytes, rest) = self.rest.split_at(self.rest.len().min(SEAL_STEP_BYTES));
        self.taken.add(bytes);
        self.rest = rest;
        if !rest.is_empty() {
            return Ok(true);
        }
        if self.taken.finish() == self.said { Ok(false) } else { Err(self.trailer.damaged(DecodeError::Checksum)) }
    }
}

/// Where a record stands in its file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct RecordPlace {
    /// From 1.
    pub(crate) record: u64,
    pub(crate) offset: usize,
}

impl RecordPlace {
    /// Where the first record stands.
    pub(crate) const FIRST: Self = Self { record: 1, offset: MAGIC.len() + 1 };

    pub(crate) const fn cut(self) -> FileError {
        let Self { record, offset } = self;
        FileError::Cut { record, offset }
    }

    pub(crate) const fn damaged(self, error: DecodeError) -> FileError {
        let Self { record, offset } = self;
        FileError::Damaged { record, offset, error }
    }

    pub(crate) const fn out_of_place(self) -> FileError {
        let Self { record, offset } = self;
        FileError::OutOfPlace { record, offset }
    }
}

/// The records of a file, each checked by itself.
pub(crate) struct FileReader<'a> {
    bytes: &'a [u8],
    next: RecordPlace,
}

impl<'a> FileReader<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Result<Self, FileError> {
        let rest = bytes.strip_prefix(&MAGIC).ok_or(FileError::NotAFile)?;
        match rest.first() {
            None => Err(FileError::Cut { record: 1, offset: MAGIC.len() }),
            Some(&FORMAT_VERSION) => Ok(Self { bytes, next: RecordPlace::FIRST }),
            Some(&version) => Err(FileError::Version { version }),
        }
    }

    /// How many bytes have been read.
    pub(crate) const fn bytes_read(&self) -> usize {
        self.next.offset
    }

    /// Begins to compare all that precedes the trailer with what that says of it.
    pub(crate) fn seal(&self, place: RecordPlace, trailer: &Trailer) -> Seal<'a> {
        let sealed = &self.bytes[..place.offset];
        let mut taken = Chaining::after(Digest::EMPTY);
        taken.begin_part(SEALED.len());
        taken.add(SEALED);
        taken.begin_part(sealed.len());
        Seal { said: trailer.digest, trailer: place, taken, rest: sealed }
    }

    /// The next record, which there must be, with its place. What a trailer seals is not compared yet.
    pub(crate) fn record(&mut self) -> Result<(RecordPlace, FileRecord), FileError> {
        let place = self.next;
        let rest = &self.bytes[place.offset..];
        let (length, rest) = rest.split_first_chunk::<LENGTH_BYTES>().ok_or_else(|| place.cut())?;
        let (said, rest) = rest.split_first_chunk::<CHECKSUM_BYTES>().ok_or_else(|| place.cut())?;
        let bytes = usize::try_from(u32::from_le_bytes(*length)).unwrap_or(usize::MAX);
        if bytes > FILE_RECORD_BYTES_MAX {
            return Err(place.damaged(DecodeError::TooLarge { bytes, bytes_max: FILE_RECORD_BYTES_MAX }));
        }
        let content = rest.get(..bytes).ok_or_else(|| place.cut())?;
        if *said != checksum_of_record(place.record, content) {
            return Err(place.damaged(DecodeError::Checksum));
        }
        let record: FileRecord = decode(content).map_err(|error| place.damaged(error))?;
        record.check().map_err(|error| place.damaged(error))?;
        self.next = RecordPlace { record: place.record + 1, offset: place.offset + RECORD_OVERHEAD_BYTES + bytes };
        Ok((place, record))
    }

    /// Nothing follows.
    pub(crate) fn end(&self) -> Result<(), FileError> {
        let offset = self.next.offset;
        if self.bytes.len() == offset { Ok(()) } else { Err(FileError::GoesOn { offset }) }
    }
}

impl FileRecord {
    /// What deserialising does not check.
    fn check(&self) -> Result<(), DecodeError> {
        match self {
            Self::Header(header) => {
                check_csn(header.outcomes_after.unwrap_or_default())?;
                header.from.check()
            }
            Self::Data(part) => check_csn(part.csn),
            Self::Batch(batch) => batch.check(),
            Self::Trailer(trailer) => trailer.to.check(),
        }
    }
}

impl State {
    fn check(&self) -> Result<(), DecodeError> {
        check_csn(self.csn)?;
        self.data.as_ref().map_or(Ok(()), |data| check_csn(data.csn))
    }
}

/// What a reader says of itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct WireReader {
    pub(crate) name: DatabaseName,
    pub(crate) database: DatabaseId,
    pub(crate) replica: WireReaderId,
    #[serde(deserialize_with = "bounded::list::<_, _, REIGNS_MAX>")]
    pub(crate) reigns: Vec<WireReign>,
    pub(crate) csn: Csn,
    /// The digest of the committed order through `csn`.
    pub(crate) prefix: Digest,
    pub(crate) vector: WireVector,
    /// The state transfer that was interrupted there: which data, and the last place received.
    pub(crate) incoming: Option<(Csn, Digest, TupleKey)>,
}

impl WireReader {
    pub(crate) fn encode(&self) -> Vec<u8> {
        let content = encode(Vec::new(), self);
        [&[FORMAT_VERSION][..], &checksum(&[b"reader", &content]), &content].concat()
    }

    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        if bytes.len() > READER_STATE_BYTES_MAX {
            return Err(DecodeError::TooLarge { bytes: bytes.len(), bytes_max: READER_STATE_BYTES_MAX });
        }
        let (version, rest) = bytes.split_first().ok_or(DecodeError::Malformed)?;
        if *version != FORMAT_VERSION {
            return Err(DecodeError::Version { version: *version });
        }
        let (said, content) = rest.split_first_chunk::<CHECKSUM_BYTES>().ok_or(DecodeError::Malformed)?;
        if *said != checksum(&[b"reader", content]) {
            return Err(DecodeError::Checksum);
        }
        let reader: Self = decode(content)?;
        check_csn(reader.csn)?;
        reader.incoming.as_ref().map_or(Ok(()), |(csn, ..)| check_csn(*csn))?;
        Ok(reader)
    }
}

/// The replica that a reader is. A reader that is none has the path of one stamp 0, which no replica has.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Vec<Stamp>", into = "Vec<Stamp>")]
pub(crate) struct WireReaderId(pub(crate) Option<ReplicaId>);

impl TryFrom<Vec<Stamp>> for WireReaderId {
    type Error = IdError;
    fn try_from(path: Vec<Stamp>) -> Result<Self, IdError> {
        if path == [Stamp::ZERO] { Ok(Self(None)) } else { path.try_into().map(|replica| Self(Some(replica))) }
    }
}

impl From<WireReaderId> for Vec<Stamp> {
    fn from(WireReaderId(replica): WireReaderId) -> Self {
        replica.map_or_else(|| vec![Stamp::ZERO], Self::from)
    }
}
