//! Decoding of tuples. Most have the relation and the fields of the tuple before them, whose names are compared with what
//! stands there and shared.

use core::fmt;
use std::sync::Arc;

use serde::{
    Deserializer,
    de::{DeserializeSeed, Error, SeqAccess, Visitor},
};

use crate::{
    limits::FIELDS_MAX,
    value::{Fields, Name, Value},
};

use super::snapshot::WireTuple;

/// How many tuples are given room for at once, whatever their number is said to be.
const ROOM_MAX: usize = 1_024;

/// Decodes a list of tuples.
pub(super) fn list<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<WireTuple>, D::Error> {
    deserializer.deserialize_seq(List)
}

/// What the tuple before had.
#[derive(Default)]
struct Before {
    relation: Option<Name>,
    names: Arc<[Name]>,
    /// Room for the values of a tuple.
    values: Vec<Value>,
}

struct List;

impl<'de> Visitor<'de> for List {
    type Value = Vec<WireTuple>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("tuples")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Self::Value, A::Error> {
        let room = elements.size_hint().unwrap_or_default().min(ROOM_MAX);
        let (mut before, mut tuples) = (Before::default(), Vec::with_capacity(room));
        while let Some(tuple) = elements.next_element_seed(OneTuple(&mut before))? {
            tuples.push(tuple);
        }
        Ok(tuples)
    }
}

struct OneTuple<'a>(&'a mut Before);

impl<'de> DeserializeSeed<'de> for OneTuple<'_> {
    type Value = WireTuple;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<WireTuple, D::Error> {
        deserializer.deserialize_tuple(4, self)
    }
}

impl<'de> Visitor<'de> for OneTuple<'_> {
    type Value = WireTuple;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a tuple")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut parts: A) -> Result<WireTuple, A::Error> {
        let cut = |parts| A::Error::invalid_length(parts, &"relation, key, fields and writer");
        let Self(before) = self;
        let other = parts.next_element_seed(NameLike(before.relation.as_ref()))?.ok_or_else(|| cut(0))?;
        let relation = match (other, &before.relation) {
            (None, Some(relation)) => relation.clone(),
            (other, _) => before.relation.insert(other.ok_or_else(|| cut(0))?).clone(),
        };
        let key = parts.next_element()?.ok_or_else(|| cut(1))?;
        let fields = parts.next_element_seed(FieldsLike(before))?.ok_or_else(|| cut(2))?;
        let written_by = parts.next_element()?.ok_or_else(|| cut(3))?;
        Ok((relation, key, fields, written_by))
    }
}

/// A name; `None` if it is the one expected.
struct NameLike<'a>(Option<&'a Name>);

impl<'de> DeserializeSeed<'de> for NameLike<'_> {
    type Value = Option<Name>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Option<Name>, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for NameLike<'_> {
    type Value = Option<Name>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a name")
    }

    fn visit_str<E: Error>(self, name: &str) -> Result<Option<Name>, E> {
        let is_expected = self.0.is_some_and(|expected| expected.as_str() == name);
        if is_expected { Ok(None) } else { Name::new(name).map(Some).map_err(E::custom) }
    }
}

struct FieldsLike<'a>(&'a mut Before);

impl<'de> DeserializeSeed<'de> for FieldsLike<'_> {
    type Value = Fields;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Fields, D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for FieldsLike<'_> {
    type Value = Fields;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "at most {FIELDS_MAX} fields")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut fields: A) -> Result<Fields, A::Error> {
        let Before { names: before, values, .. } = self.0;
        values.clear();
        // Once they differ from those before.
        let mut names: Option<Vec<Name>> = None;
        loop {
            let at = values.len();
            let expected = before.get(at).filter(|_| names.is_none());
            let Some((other, value)) = fields.next_element_seed(FieldLike(expected))? else { break };
            if at == FIELDS_MAX {
                return Err(A::Error::invalid_length(at + 1, &"fewer fields"));
            }
            if let Some(other) = other {
                names.get_or_insert_with(|| before[..at].to_vec()).push(other);
            }
            values.push(value);
        }
        if names.is_none() && values.len() < before.len() {
            names = Some(before[..values.len()].to_vec());
        }
        if let Some(names) = names {
            if !names.is_sorted_by(|left, right| left < right) {
                return Err(A::Error::custom("fields are ordered by name"));
            }
            *before = names.into();
        }
        // Lists that nest cannot be decoded.
        Ok(Fields::in_order(Arc::clone(before), values.drain(..).collect()))
    }
}

/// A field; the name only if it is not the one expected.
struct FieldLike<'a>(Option<&'a Name>);

impl<'de> DeserializeSeed<'de> for FieldLike<'_> {
    type Value = (Option<Name>, Value);

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_tuple(2, self)
    }
}

impl<'de> Visitor<'de> for FieldLike<'_> {
    type Value = (Option<Name>, Value);

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a field")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut parts: A) -> Result<Self::Value, A::Error> {
        let cut = |parts| A::Error::invalid_length(parts, &"name and value");
        let name = parts.next_element_seed(NameLike(self.0))?.ok_or_else(|| cut(0))?;
        let value = parts.next_element()?.ok_or_else(|| cut(1))?;
        Ok((name, value))
    }
}
