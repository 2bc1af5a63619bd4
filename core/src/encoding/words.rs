//! Texts that every dictionary begins with, so that they need not stand in each write.

use crate::value::Text;

/// The names that the applications of this repository give to relations and fields, some of their values, and a few that
/// others are likely to use. Any write may use them for anything.
///
/// The list belongs to the format: no entry changes, moves or goes, and none is added without a new format version.
pub(super) const WORDS: [&str; 40] = [
    "bayou.errors",
    "bayou.indexes",
    "write",
    "relation",
    "by",
    "start",
    "end",
    "bookings",
    "cancelled",
    "rooms",
    "room",
    "person",
    "kind",
    "booking",
    "cancellation",
    "alternatives",
    "choice",
    "name",
    "notes",
    "title",
    "wanted",
    "equipment",
    "floor",
    "seats",
    "zone",
    "id",
    "key",
    "text",
    "type",
    "value",
    "state",
    "time",
    "date",
    "order",
    "parent",
    "author",
    "created",
    "count",
    "note",
    "done",
];

/// The entry of the dictionary with this index, if it is one of the words.
pub(super) fn word(index: usize) -> Option<Text> {
    WORDS.get(index).copied().map(Text::new_static)
}

/// The index of a text, which has this [`hash`], among the words.
pub(super) fn index(text: &str, hash: u64) -> Option<usize> {
    let mut slot = slot_of(hash);
    loop {
        let index = usize::from(SLOTS[slot]).checked_sub(1)?;
        if WORDS[index] == text {
            return Some(index);
        }
        slot = (slot + 1) % SLOT_COUNT;
    }
}

const SLOT_COUNT: usize = 256;

/// A hash table of the words with open addressing: their indexes from 1, and 0 for an empty slot.
static SLOTS: [u8; SLOT_COUNT] = {
    let mut slots = [0; SLOT_COUNT];
    let mut index = 0;
    while index < WORDS.len() {
        let mut slot = slot_of(hash(WORDS[index].as_bytes()));
        while slots[slot] != 0 {
            slot = (slot + 1) % SLOT_COUNT;
        }
        slots[slot] = index as u8 + 1;
        index += 1;
    }
    slots
};

const fn slot_of(hash: u64) -> usize {
    hash as usize % SLOT_COUNT
}

/// A hash whose upper and lower bits depend on all of the bytes.
pub(super) const fn hash(bytes: &[u8]) -> u64 {
    let mut hash = bytes.len() as u64;
    let mut rest = bytes;
    while let Some((chunk, after)) = rest.split_first_chunk::<8>() {
        hash = mixed(hash, u64::from_le_bytes(*chunk));
        rest = after;
    }
    let mut last = 0;
    while let Some((byte, after)) = rest.split_first() {
        last = last << 8 | *byte as u64;
        rest = after;
    }
    mixed(hash, last)
}

pub(super) const fn mixed(hash: u64, with: u64) -> u64 {
    let product = (hash.rotate_left(5) ^ with) as u128 * 0x9e37_79b9_7f4a_7c15_u128;
    (product >> 64) as u64 ^ product as u64
}
