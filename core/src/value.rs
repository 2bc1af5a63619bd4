//! Values, fields and tuples.

use core::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use smol_str::SmolStr;
use thiserror::Error;

use crate::{
    id::WriteId,
    limits::{FIELDS_MAX, KEY_BYTES_MAX, NAME_BYTES_MAX},
    sort::sort_by,
};

/// Text of any length; short texts are stored in place, long ones are shared.
pub type Text = SmolStr;

/// Why a name, a key or a set of fields is refused.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ValueError {
    /// A name is empty or too long.
    #[error("a relation or field name has 1 to {NAME_BYTES_MAX} bytes, this one {bytes}")]
    NameLength {
        /// Its length.
        bytes: usize,
    },
    /// A key is empty or too long.
    #[error("a key has 1 to {KEY_BYTES_MAX} bytes, this one {bytes}")]
    KeyLength {
        /// Its length.
        bytes: usize,
    },
    /// A tuple has too many fields.
    #[error("a tuple has at most {FIELDS_MAX} fields, this one {fields}")]
    TooManyFields {
        /// How many it has.
        fields: usize,
    },
    /// Fields are not in strictly ascending order of their names.
    #[error("the fields of a tuple are ordered by name, each name once; {name:?} is not")]
    FieldOrder {
        /// The name out of order.
        name: Text,
    },
    /// A list holds a list.
    #[error("a list holds no lists")]
    NestedList,
}

/// The name of a relation or of a field.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "Text", into = "Text")]
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
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "Text", into = "Text")]
pub struct Key(Text);

impl Key {
    /// A bound for searches, which is no key: no key is empty.
    pub(crate) const BEFORE_ALL: Self = Self(Text::new_static(""));

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
        &self.0
    }
}

impl TryFrom<Text> for Key {
    type Error = ValueError;
    fn try_from(key: Text) -> Result<Self, ValueError> {
        if key.is_empty() || key.len() > KEY_BYTES_MAX {
            return Err(ValueError::KeyLength { bytes: key.len() });
        }
        Ok(Self(key))
    }
}

impl From<Key> for Text {
    fn from(key: Key) -> Self {
        key.0
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.0)
    }
}

/// A value of a field. There are no floating point numbers, whose results could differ between machines.
///
/// The derived order is the one by which queries compare and sort: by kind as listed, then by content.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "WireValue", into = "WireValue")]
pub enum Value {
    /// No value; what an absent field reads as.
    #[default]
    Null,
    /// Yes or no.
    Bool(bool),
    /// A 64-bit integer.
    Int(i64),
    /// Text, compared by its UTF-8 bytes.
    Text(Text),
    /// Bytes.
    Bytes(Arc<[u8]>),
    /// Values that are no lists themselves.
    List(Arc<[Value]>),
}

impl Value {
    /// The integer, if it is one.
    #[must_use]
    pub const fn as_int(&self) -> Option<i64> {
        if let Self::Int(number) = self { Some(*number) } else { None }
    }

    /// The text, if it is one.
    #[must_use]
    pub fn as_text(&self) -> Option<&Text> {
        if let Self::Text(text) = self { Some(text) } else { None }
    }

    /// The elements, if it is a list.
    #[must_use]
    pub fn as_list(&self) -> Option<&[Self]> {
        if let Self::List(list) = self { Some(list) } else { None }
    }

    fn bytes(&self) -> usize {
        match self {
            Self::Null | Self::Bool(_) => 1,
            Self::Int(_) => 9,
            Self::Text(text) => text.len() + 2,
            Self::Bytes(bytes) => bytes.len() + 2,
            Self::List(list) => list.iter().map(Self::bytes).sum::<usize>() + 2,
        }
    }

    pub(crate) fn check(&self) -> Result<(), ValueError> {
        match self {
            Self::List(list) if list.iter().any(|element| matches!(element, Self::List(_))) => {
                Err(ValueError::NestedList)
            }
            _ => Ok(()),
        }
    }
}

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

impl From<i64> for Value {
    fn from(value: i64) -> Self {
        Self::Int(value)
    }
}

impl From<&str> for Value {
    fn from(value: &str) -> Self {
        Self::Text(value.into())
    }
}

impl From<Text> for Value {
    fn from(value: Text) -> Self {
        Self::Text(value)
    }
}

impl From<Vec<Value>> for Value {
    fn from(value: Vec<Value>) -> Self {
        Self::List(value.into())
    }
}

/// What stands on the wire for a value. Its list is of another type, so that no input can nest lists and exhaust the
/// decoder's stack.
#[derive(Serialize, Deserialize)]
enum WireValue {
    Null,
    Bool(bool),
    Int(i64),
    Text(Text),
    Bytes(Vec<u8>),
    List(Vec<WireElement>),
}

#[derive(Serialize, Deserialize)]
enum WireElement {
    Null,
    Bool(bool),
    Int(i64),
    Text(Text),
    Bytes(Vec<u8>),
}

impl From<WireValue> for Value {
    fn from(wire: WireValue) -> Self {
        match wire {
            WireValue::Null => Self::Null,
            WireValue::Bool(value) => Self::Bool(value),
            WireValue::Int(value) => Self::Int(value),
            WireValue::Text(value) => Self::Text(value),
            WireValue::Bytes(value) => Self::Bytes(value.into()),
            WireValue::List(list) => Self::List(list.into_iter().map(Self::from).collect()),
        }
    }
}

impl From<WireElement> for Value {
    fn from(wire: WireElement) -> Self {
        match wire {
            WireElement::Null => Self::Null,
            WireElement::Bool(value) => Self::Bool(value),
            WireElement::Int(value) => Self::Int(value),
            WireElement::Text(value) => Self::Text(value),
            WireElement::Bytes(value) => Self::Bytes(value.into()),
        }
    }
}

impl From<Value> for WireValue {
    fn from(value: Value) -> Self {
        match value {
            Value::Null => Self::Null,
            Value::Bool(value) => Self::Bool(value),
            Value::Int(value) => Self::Int(value),
            Value::Text(value) => Self::Text(value),
            Value::Bytes(value) => Self::Bytes(value.to_vec()),
            Value::List(list) => Self::List(list.iter().cloned().map(WireElement::from).collect()),
        }
    }
}

impl From<Value> for WireElement {
    fn from(value: Value) -> Self {
        match value {
            // `Value::check` has refused a nested list before anything is encoded.
            Value::Null | Value::List(_) => Self::Null,
            Value::Bool(value) => Self::Bool(value),
            Value::Int(value) => Self::Int(value),
            Value::Text(value) => Self::Text(value),
            Value::Bytes(value) => Self::Bytes(value.to_vec()),
        }
    }
}

/// The named fields of a tuple, ordered by name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "Vec<(Name, Value)>", into = "Vec<(Name, Value)>")]
pub struct Fields(Arc<[(Name, Value)]>);

impl Fields {
    /// Fields in any order.
    ///
    /// # Errors
    /// When a name stands twice, there are more than [`FIELDS_MAX`], or a list nests.
    pub fn new(fields: impl IntoIterator<Item = (Name, Value)>) -> Result<Self, ValueError> {
        let mut fields: Vec<_> = fields.into_iter().collect();
        sort_by(&mut fields, |(left, _), (right, _)| left.cmp(right));
        Self::try_from(fields)
    }

    /// No fields.
    #[must_use]
    pub fn none() -> Self {
        Self(Arc::new([]))
    }

    /// The value of a field; null if there is no such field.
    #[must_use]
    pub fn value(&self, name: &str) -> &Value {
        const NULL: &Value = &Value::Null;
        self.0.iter().find(|(field, _)| field.as_str() == name).map_or(NULL, |(_, value)| value)
    }

    /// The fields in the order of their names.
    pub fn iter(&self) -> impl Iterator<Item = (&Name, &Value)> {
        self.0.iter().map(|(name, value)| (name, value))
    }

    /// How many fields there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// About how many bytes they take on the wire and in the store.
    pub(crate) fn bytes(&self) -> usize {
        self.0.iter().map(|(name, value)| name.as_str().len() + value.bytes() + 2).sum()
    }

    /// These fields with those of `patch` put over them; the caller sees to it that they are not too many.
    pub(crate) fn patched(&self, patch: &Self) -> Self {
        let kept = self.0.iter().filter(|(name, _)| patch.0.iter().all(|(other, _)| other != name));
        let mut fields: Vec<_> = kept.chain(patch.0.iter()).cloned().collect();
        sort_by(&mut fields, |(left, _), (right, _)| left.cmp(right));
        Self(fields.into())
    }

    pub(crate) fn with(&self, name: Name, value: Value) -> Self {
        self.patched(&Self(Arc::new([(name, value)])))
    }
}

impl Default for Fields {
    fn default() -> Self {
        Self::none()
    }
}

impl TryFrom<Vec<(Name, Value)>> for Fields {
    type Error = ValueError;
    fn try_from(fields: Vec<(Name, Value)>) -> Result<Self, ValueError> {
        if fields.len() > FIELDS_MAX {
            return Err(ValueError::TooManyFields { fields: fields.len() });
        }
        if let Some(pair) = fields.windows(2).find(|pair| pair[0].0 >= pair[1].0) {
            return Err(ValueError::FieldOrder { name: pair[1].0.0.clone() });
        }
        fields.iter().try_for_each(|(_, value)| value.check())?;
        Ok(Self(fields.into()))
    }
}

impl From<Fields> for Vec<(Name, Value)> {
    fn from(fields: Fields) -> Self {
        fields.0.to_vec()
    }
}

/// A tuple as it stands in a view.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tuple {
    /// Its fields.
    pub fields: Fields,
    /// The write that last put or patched it.
    pub written_by: WriteId,
}

/// A tuple with its key, as a query returns it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// The key.
    pub key: Key,
    /// The tuple, shared with the view.
    pub tuple: Arc<Tuple>,
}

impl Row {
    /// The value of a field; null if there is no such field.
    #[must_use]
    pub fn value(&self, name: &str) -> &Value {
        self.tuple.fields.value(name)
    }
}
