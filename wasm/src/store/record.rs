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
/// Version and number.
const HEADER_BYTES: usize = 1 + 8;

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

/// Adds those batches of a record that can be told apart, though it may be damaged. Its key is the number of the first,
/// whatever the record itself says.
pub(super) fn salvage(key: u64, record: &[u8], batches: &mut Vec<StoredBatch>) -> Result<(), Unreadable> {
    match record.first() {
        Some(&version) if version > VERSION => return Err(Unreadable::Newer),
        Some(&VERSION) => {}
        _ => return Ok(()),
    }
    let mut rest = record.get(HEADER_BYTES..).unwrap_or_default();
    let mut number = key;
    while let Some((length, tail)) = rest.split_first_chunk() {
        let length = usize::try_from(u32::from_le_bytes(*length)).unwrap_or(usize::MAX);
        // A batch of unknown length hides those behind it.
        let Some((bytes, tail)) = tail.split_at_checked(length) else { break };
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
        let border = HEADER_BYTES + 4 + 3;
        for end in 0..record.len() {
            // Only at the border between two batches does a part look whole; the gap to the next record shows it.
            assert_eq!(decode(&record[..end], &mut Vec::new()).is_ok(), end == border, "{end}");
        }
        let mut newer = record;
        newer[0] = 2;
        assert_eq!(decode(&newer, &mut Vec::new()), Err(Unreadable::Newer));
    }

    fn salvaged(key: u64, record: &[u8]) -> Vec<StoredBatch> {
        let mut read = Vec::new();
        salvage(key, record, &mut read).unwrap();
        read
    }

    #[test]
    fn of_a_damaged_record_the_batches_before_the_damage_can_be_salvaged() {
        let whole = batches(7, &["one", "two", "three"]);
        let record = encode(&whole);
        assert_eq!(salvaged(7, &record), whole);
        let second = HEADER_BYTES + 4 + 3;
        // The last byte of the second one's length says that it is 16 MiB long.
        let mut damaged = record.clone();
        damaged[second + 3] = 1;
        assert_eq!(salvaged(7, &damaged), whole[..1]);
        // Whether a batch is damaged, its own checksum says.
        let mut damaged = record.clone();
        damaged[second + 4] ^= 1;
        let read = salvaged(7, &damaged);
        assert!(read.len() == 3 && read[0] == whole[0] && read[1] != whole[1] && read[2] == whole[2]);
        // The number is known from the key, too.
        let mut damaged = record;
        damaged[1] = 9;
        assert_eq!(salvaged(7, &damaged), whole);
    }

    #[test]
    fn nothing_is_salvaged_of_what_is_no_record_or_of_a_newer_version() {
        let record = encode(&batches(1, &["one"]));
        for end in 0..=HEADER_BYTES {
            assert!(salvaged(1, &record[..end]).is_empty(), "{end}");
        }
        assert!(salvaged(1, &[0; 40]).is_empty());
        let mut newer = record;
        newer[0] = 2;
        assert_eq!(salvage(1, &newer, &mut Vec::new()), Err(Unreadable::Newer));
    }
}
