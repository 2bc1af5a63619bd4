//! The bytes of one record of a replica's store.
//!
//! A record holds one or more consecutive batches: those of one transaction as it is appended, some hundreds once
//! compacted. Both have the same form, so that reading knows but one:
//!
//! ```text
//! version: u8 = 1, number of the first batch: u64, then for each batch its length: u32, and its bytes; little endian
//! ```
//!
//! The batches carry checksums of their own.

use bayou_core::StoredBatch;

const VERSION: u8 = 1;

/// A record that does not read back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unreadable {
    /// It is damaged, or one before it is missing.
    Damaged,
    /// It was written by a newer version of this crate.
    Newer,
}

/// Encodes consecutive batches.
pub(super) fn encode(batches: &[StoredBatch]) -> Vec<u8> {
    let mut record = vec![VERSION];
    record.extend_from_slice(&first_number(batches).to_le_bytes());
    for StoredBatch { bytes, .. } in batches {
        let length = u32::try_from(bytes.len()).expect("the engine's batches are far below 4 GiB");
        record.extend_from_slice(&length.to_le_bytes());
        record.extend_from_slice(bytes);
    }
    record
}

/// The number under which these batches are kept.
pub(super) fn first_number(batches: &[StoredBatch]) -> u64 {
    batches.first().map_or(0, |batch| batch.number)
}

/// Decodes a record, and adds its batches to those before it: a gap between them makes it as unreadable as garbage.
pub(super) fn decode(record: &[u8], batches: &mut Vec<StoredBatch>) -> Result<(), Unreadable> {
    use Unreadable::{Damaged, Newer};
    let (&version, rest) = record.split_first().ok_or(Damaged)?;
    if version > VERSION {
        return Err(Newer);
    }
    let (number, mut rest) = rest.split_first_chunk().ok_or(Damaged)?;
    let mut number = u64::from_le_bytes(*number);
    let follows = batches.last().is_none_or(|last| last.number + 1 == number);
    if version != VERSION || !follows || rest.is_empty() {
        return Err(Damaged);
    }
    while !rest.is_empty() {
        let (length, tail) = rest.split_first_chunk().ok_or(Damaged)?;
        let length = usize::try_from(u32::from_le_bytes(*length)).map_err(|_| Damaged)?;
        let (bytes, tail) = tail.split_at_checked(length).ok_or(Damaged)?;
        batches.push(StoredBatch { number, bytes: bytes.to_vec() });
        number += 1;
        rest = tail;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn batches(first: u64, contents: &[&str]) -> Vec<StoredBatch> {
        let contents = contents.iter().map(|content| content.as_bytes().to_vec());
        (first..).zip(contents).map(|(number, bytes)| StoredBatch { number, bytes }).collect()
    }

    #[test]
    fn records_read_back_their_batches_under_their_numbers() {
        let (first, second) = (batches(7, &["one", "", "three"]), batches(10, &["four"]));
        let mut read = Vec::new();
        decode(&encode(&first), &mut read).unwrap();
        decode(&encode(&second), &mut read).unwrap();
        assert_eq!(read, [first, second].concat());
    }

    #[test]
    fn a_record_that_leaves_a_gap_is_unreadable() {
        let mut read = batches(1, &["one"]);
        for first in [0, 1, 3] {
            assert_eq!(decode(&encode(&batches(first, &["two"])), &mut read), Err(Unreadable::Damaged), "{first}");
        }
        assert!(decode(&encode(&batches(2, &["two"])), &mut read).is_ok());
    }

    #[test]
    fn a_record_cut_short_or_of_another_version_is_unreadable() {
        let record = encode(&batches(1, &["one", "two"]));
        let border = 1 + 8 + 4 + 3;
        for end in 0..record.len() {
            // Only at the border between two batches does a part look whole; the gap to the next record shows it.
            assert_eq!(decode(&record[..end], &mut Vec::new()).is_ok(), end == border, "{end}");
        }
        let mut newer = record;
        newer[0] = 2;
        assert_eq!(decode(&newer, &mut Vec::new()), Err(Unreadable::Newer));
    }
}
