//! Digests that tell two writes, or two histories, apart.

use core::fmt;

use serde::{Deserialize, Serialize};

/// The first 16 bytes of a BLAKE3 hash.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Digest([u8; 16]);

impl Digest {
    /// The digest before the first element of a chain.
    pub const EMPTY: Self = Self([0; 16]);

    /// The digest of a chain that continues `self` with an element, given in parts of unambiguous length.
    #[must_use]
    pub fn chained(self, parts: &[&[u8]]) -> Self {
        let mut chaining = Chaining::after(self);
        for part in parts {
            chaining.begin_part(part.len());
            chaining.add(part);
        }
        chaining.finish()
    }

    /// The 16 bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }
}

/// A digest that is being [chained](Digest::chained), for parts that are too long to be taken at once.
#[derive(Debug)]
pub(crate) struct Chaining(blake3::Hasher);

impl Chaining {
    pub(crate) fn after(before: Digest) -> Self {
        let mut hasher = blake3::Hasher::new();
        hasher.update(&before.0);
        Self(hasher)
    }

    /// Begins a part that will have so many bytes.
    pub(crate) fn begin_part(&mut self, bytes: usize) {
        self.0.update(&(bytes as u64).to_le_bytes());
    }

    /// Some more of the part that was begun.
    pub(crate) fn add(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    pub(crate) fn finish(&self) -> Digest {
        first_16(&self.0)
    }
}

fn first_16(hasher: &blake3::Hasher) -> Digest {
    let mut first = [0; 16];
    first.copy_from_slice(&hasher.finalize().as_bytes()[..16]);
    Digest(first)
}

/// How many bytes are hashed at once, at least: much at once takes less time than the same in small parts.
const HASHED_AT_ONCE: usize = 32 * 1024;

/// The digest of a sequence of parts that need not be held at once.
#[derive(Debug, Default)]
pub(crate) struct DigestBuilder {
    hasher: blake3::Hasher,
    /// What is hashed next.
    waiting: Vec<u8>,
}

impl DigestBuilder {
    /// Adds a part, which is plain data, as it is encoded, behind its length.
    pub(crate) fn add(&mut self, part: &impl Serialize) {
        let length_at = self.waiting.len();
        self.waiting.extend([0; 8]);
        let part_at = self.waiting.len();
        // Serialising plain data into a growing vector has no way to fail.
        self.waiting =
            postcard::to_extend(part, core::mem::take(&mut self.waiting)).expect("plain data can be encoded");
        let length = (self.waiting.len() - part_at) as u64;
        self.waiting[length_at..part_at].copy_from_slice(&length.to_le_bytes());
        if self.waiting.len() >= HASHED_AT_ONCE {
            self.hasher.update(&self.waiting);
            self.waiting.clear();
        }
    }

    pub(crate) fn finish(mut self) -> Digest {
        first_16(self.hasher.update(&self.waiting))
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Digest({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_digest_of_parts_is_one_over_their_lengths_and_bytes_however_much_is_hashed_at_once() {
        let parts: Vec<String> = (0..2_000).map(|number| "x".repeat(number % 67)).collect();
        let (mut digest, mut plain) = (DigestBuilder::default(), blake3::Hasher::new());
        for part in &parts {
            digest.add(part);
            let encoded = postcard::to_allocvec(part).expect("plain data");
            plain.update(&(encoded.len() as u64).to_le_bytes()).update(&encoded);
        }
        assert!(plain.count() > 2 * HASHED_AT_ONCE as u64, "some of it is hashed before the end");
        assert_eq!(digest.finish(), first_16(&plain));
    }
}
