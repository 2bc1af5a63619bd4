//! What relations, fields and tuples are called.

use core::fmt;

use serde::{Deserialize, Serialize, Serializer};

use crate::limits::{KEY_BYTES_MAX, NAME_BYTES_MAX};

use super::{Text, ValueError};

/// The name of a relation or of a field.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "Text")]
pub struct Name(Text);

impl Name {
    /// Checks a name.
    ///
    /// # Errors
    /// [`ValueError::NameLength`] when it is empty or longer than [`NAME_BYTES_MAX`].
    pub fn new(name: &str) -> Result<Self, ValueError> {
        Self::try_from(Text::new(name))
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// A name that is a literal of this crate.
    pub(crate) const fn literal(name: &'static str) -> Self {
        assert!(!name.is_empty() && name.len() <= NAME_BYTES_MAX);
        Self(Text::new_static(name))
    }
}

impl TryFrom<Text> for Name {
    type Error = ValueError;
    fn try_from(name: Text) -> Result<Self, ValueError> {
        if name.is_empty() || name.len() > NAME_BYTES_MAX {
            return Err(ValueError::NameLength { bytes: name.len() });
        }
        Ok(Self(name))
    }
}

impl From<Name> for Text {
    fn from(name: Name) -> Self {
        name.0
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The key of a tuple within its relation.
///
/// Keys are ordered by their UTF-8 bytes.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(try_from = "Text")]
pub struct Key {
    /// The first eight bytes as a number, the first one highest, with zeros for those that are not there. Where they differ
    /// they are in the order of the texts, which mostly stand elsewhere in memory.
    prefix: u64,
    text: Text,
}

impl Key {
    /// A bound for searches, which is no key: no key is empty.
    pub(crate) const BEFORE_ALL: Self = Self { prefix: 0, text: Text::new_static("") };

    /// Checks a key.
    ///
    /// # Errors
    /// [`ValueError::KeyLength`] when it is empty or longer than [`KEY_BYTES_MAX`].
    pub fn new(key: &str) -> Result<Self, ValueError> {
        Self::try_from(Text::new(key))
    }

    /// The key.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

impl TryFrom<Text> for Key {
    type Error = ValueError;
    fn try_from(text: Text) -> Result<Self, ValueError> {
        if text.is_empty() || text.len() > KEY_BYTES_MAX {
            return Err(ValueError::KeyLength { bytes: text.len() });
        }
        let mut first = [0; 8];
        first.iter_mut().zip(text.bytes()).for_each(|(first, byte)| *first = byte);
        Ok(Self { prefix: u64::from_be_bytes(first), text })
    }
}

impl Serialize for Key {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.text.serialize(serializer)
    }
}

impl From<Key> for Text {
    fn from(key: Key) -> Self {
        key.text
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.text)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn keys_have_the_order_of_their_bytes(texts in prop::collection::vec("[\\x00a\u{e4}]{1,12}", 2)) {
            let keys: Vec<Key> = texts.iter().map(|text| Key::new(text).expect("short")).collect();
            prop_assert_eq!(keys[0].cmp(&keys[1]), texts[0].cmp(&texts[1]));
            prop_assert_eq!(keys[0] == keys[1], texts[0] == texts[1]);
            prop_assert!(Key::BEFORE_ALL < keys[0]);
        }
    }
}
