//! Values, fields and tuples.

mod name;

use core::{cmp::Ordering, fmt};
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use smol_str::SmolStr;
use thiserror::Error;

use crate::{
    id::WriteId,
    limits::{FIELDS_MAX, KEY_BYTES_MAX, NAME_BYTES_MAX, WRITE_PART_BYTES},
    sort::sort_by,
};

pub use name::{Key, Name};

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

/// A value of a field. There are no floating point numbers, whose results could differ between machines.
///
/// The derived order is the one by which queries compare and sort: by kind as listed, then by content.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
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
    List(#[serde(deserialize_with = "flat_list")] Arc<[Value]>),
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

    /// What it counts in the expanded size of a write.
    pub(crate) fn expanded_bytes(&self) -> usize {
        WRITE_PART_BYTES
            + match self {
                Self::Null | Self::Bool(_) | Self::Int(_) => 0,
                Self::Text(text) => text.len(),
                Self::Bytes(bytes) => bytes.len(),
                Self::List(list) => list.iter().map(Self::expanded_bytes).sum(),
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

/// Decodes a list. Its elements are of another type, so that no input can nest lists and exhaust the decoder's stack.
fn flat_list<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Arc<[Value]>, D::Error> {
    let elements = Vec::<Element>::deserialize(deserializer)?;
    Ok(elements.into_iter().map(Value::from).collect())
}

/// What stands for an element of a list.
#[derive(Deserialize)]
enum Element {
    Null,
    Bool(bool),
    Int(i64),
    Text(Text),
    Bytes(Arc<[u8]>),
}

impl From<Element> for Value {
    fn from(element: Element) -> Self {
        match element {
            Element::Null => Self::Null,
            Element::Bool(value) => Self::Bool(value),
            Element::Int(value) => Self::Int(value),
            Element::Text(value) => Self::Text(value),
            Element::Bytes(value) => Self::Bytes(value),
        }
    }
}

/// The named fields of a tuple, ordered by name.
///
/// Names and values are apart, so that tuples with the same names can share them.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "Vec<(Name, Value)>")]
pub struct Fields {
    names: Arc<[Name]>,
    /// As many as names.
    values: Arc<[Value]>,
}

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
        Self { names: Arc::default(), values: Arc::default() }
    }

    /// Fields whose names are in strictly ascending order, at most [`FIELDS_MAX`], and whose lists do not nest.
    pub(crate) fn in_order(names: Arc<[Name]>, values: Arc<[Value]>) -> Self {
        debug_assert_eq!(names.len(), values.len(), "each field has a name and a value");
        debug_assert!(names.is_sorted_by(|left, right| left < right), "fields are ordered by name");
        Self { names, values }
    }

    /// The value of a field; null if there is no such field.
    #[must_use]
    pub fn value(&self, name: &str) -> &Value {
        const NULL: &Value = &Value::Null;
        self.position(name).map_or(NULL, |position| &self.values[position])
    }

    /// Where a field stands among the others.
    pub(crate) fn position(&self, name: &str) -> Option<usize> {
        self.names.iter().position(|field| field.as_str() == name)
    }

    /// The fields in the order of their names.
    pub fn iter(&self) -> impl Iterator<Item = (&Name, &Value)> + Clone {
        self.names.iter().zip(self.values.iter())
    }

    /// The names in their order.
    pub(crate) const fn names(&self) -> &Arc<[Name]> {
        &self.names
    }

    /// The value at the position of a name.
    pub(crate) fn at(&self, position: usize) -> &Value {
        &self.values[position]
    }

    /// These fields with names that are shared with others, and are equal.
    pub(crate) fn with_names(self, names: &Arc<[Name]>) -> Self {
        debug_assert_eq!(self.names, *names, "only equal names are shared");
        Self { names: Arc::clone(names), ..self }
    }

    /// How many fields there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.names.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.names.is_empty()
    }

    /// About how many bytes they take on the wire and in the store.
    pub(crate) fn bytes(&self) -> usize {
        self.iter().map(|(name, value)| name.as_str().len() + value.bytes() + 2).sum()
    }

    /// These fields with those of `patch` put over them; the caller sees to it that they are not too many.
    pub(crate) fn patched(&self, patch: &Self) -> Self {
        self.with_all(patch.iter().map(|(name, value)| (name.clone(), value.clone())))
    }

    /// These fields with others, in strictly ascending order of their names, put over them; the caller sees to it that
    /// they are not too many.
    pub(crate) fn with_all(&self, others: impl IntoIterator<Item = (Name, Value)>) -> Self {
        let mut values = Arc::clone(&self.values);
        let mut further = Vec::new();
        let mut from = 0;
        for (name, value) in others {
            // What comes before the last name that was found comes before this one, too.
            match self.names[from..].iter().position(|own| *own == name) {
                Some(position) => {
                    from += position;
                    Arc::make_mut(&mut values)[from] = value;
                }
                None => further.push((name, value)),
            }
        }
        if further.is_empty() {
            return Self { names: Arc::clone(&self.names), values };
        }
        let count = self.len() + further.len();
        let mut further = further.into_iter().peekable();
        let mut merged = (Vec::with_capacity(count), Vec::with_capacity(count));
        for (name, value) in self.names.iter().zip(values.iter()) {
            merged.extend(core::iter::from_fn(|| further.next_if(|(other, _)| other < name)));
            merged.0.push(name.clone());
            merged.1.push(value.clone());
        }
        merged.extend(further);
        Self { names: merged.0.into(), values: merged.1.into() }
    }

    pub(crate) fn with(&self, name: Name, value: Value) -> Self {
        self.with_all([(name, value)])
    }

    /// What differs from `base`: for each field, whether its value is another one there, or `base` does not have it; and
    /// for each of those, the value there. `None` if `base` has a field that does not stand here.
    pub(crate) fn differences<'a>(&'a self, base: &'a Self) -> Option<Vec<(&'a Name, &'a Value, Option<&'a Value>)>> {
        let mut differing = Vec::new();
        if Arc::ptr_eq(&self.names, &base.names) {
            let pairs = self.iter().zip(base.values.iter()).filter(|((_, value), other)| value != other);
            differing.extend(pairs.map(|((name, value), other)| (name, value, Some(other))));
            return Some(differing);
        }
        let mut others = base.iter().peekable();
        for (name, value) in self.iter() {
            match others.next_if(|(other, _)| *other == name) {
                Some((_, other)) if other == value => {}
                other => differing.push((name, value, other.map(|(_, other)| other))),
            }
        }
        others.peek().is_none().then_some(differing)
    }
}

impl Default for Fields {
    fn default() -> Self {
        Self::none()
    }
}

impl fmt::Debug for Fields {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}

impl Ord for Fields {
    fn cmp(&self, other: &Self) -> Ordering {
        self.iter().cmp(other.iter())
    }
}

impl PartialOrd for Fields {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl TryFrom<Vec<(Name, Value)>> for Fields {
    type Error = ValueError;
    fn try_from(fields: Vec<(Name, Value)>) -> Result<Self, ValueError> {
        if fields.len() > FIELDS_MAX {
            return Err(ValueError::TooManyFields { fields: fields.len() });
        }
        if let Some(pair) = fields.windows(2).find(|pair| pair[0].0 >= pair[1].0) {
            return Err(ValueError::FieldOrder { name: pair[1].0.clone().into() });
        }
        fields.iter().try_for_each(|(_, value)| value.check())?;
        let (names, values): (Vec<Name>, Vec<Value>) = fields.into_iter().unzip();
        Ok(Self { names: names.into(), values: values.into() })
    }
}

impl Serialize for Fields {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.iter())
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
