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

/// The digest of a sequence of parts that need not be held at once.
#[derive(Debug, Default)]
pub(crate) struct DigestBuilder(blake3::Hasher);

impl DigestBuilder {
    pub(crate) fn add(&mut self, part: &[u8]) {
        self.0.update(&(part.len() as u64).to_le_bytes());
        self.0.update(part);
    }

    pub(crate) fn finish(&self) -> Digest {
        first_16(&self.0)
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
