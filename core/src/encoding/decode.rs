//! Reading a draft: total, and bounded in what it allocates.

use std::sync::Arc;

use crate::{
    draft::{Alternative, Condition, DependencyCheck, Draft, DraftError, Expectation, Operation, UpdateSet},
    limits::{FIELDS_MAX, NESTING_MAX, WRITE_EXPANDED_BYTES_MAX, WRITE_PART_BYTES},
    query::{Comparison, Order, Predicate, Query, QueryError},
    value::{Fields, Key, Name, Text, Value},
    write::WriteError,
};

use super::{condition, operation, part, tag, words};

/// How many elements a list is given room for at once, whatever its length is said to be.
const ROOM_MAX: usize = 16;

/// Room for the entries of most drafts.
const ENTRIES_USUAL: usize = 32;

/// Reads a draft to the end of the bytes. It is still to be checked against the limits of drafts.
pub(crate) fn decode(bytes: &[u8]) -> Result<Draft> {
    decode_counting(bytes).map(|(draft, _)| draft)
}

/// The draft and its expanded size.
pub(super) fn decode_counting(bytes: &[u8]) -> Result<(Draft, usize)> {
    let mut decoder = Decoder::new(bytes);
    let (check, update) = decoder.step()?;
    let alternatives = decoder.many(|decoder| {
        let (check, update) = decoder.step()?;
        Ok(Alternative { check, update })
    })?;
    let report = decoder.fields()?;
    if !decoder.bytes.is_empty() {
        return Err(WriteError::Malformed);
    }
    let expanded_bytes = WRITE_EXPANDED_BYTES_MAX - decoder.expanded_bytes_left;
    Ok((Draft { update, check, alternatives, report }, expanded_bytes))
}

struct Decoder<'a> {
    /// What is still to be read.
    bytes: &'a [u8],
    /// What the draft may still grow by.
    expanded_bytes_left: usize,
    /// What was entered beside the words.
    entries: Vec<Value>,
    integer: i64,
    /// The first fields that were not empty, with their expanded size.
    base: Option<(Fields, usize)>,
}

type Result<T, E = WriteError> = core::result::Result<T, E>;

impl<'a> Decoder<'a> {
    fn new(bytes: &'a [u8]) -> Self {
        let entries = Vec::with_capacity(ENTRIES_USUAL.min(bytes.len() / 2));
        Self { bytes, expanded_bytes_left: WRITE_EXPANDED_BYTES_MAX, entries, integer: 0, base: None }
    }

    fn byte(&mut self) -> Result<u8> {
        let (byte, rest) = self.bytes.split_first().ok_or(WriteError::Malformed)?;
        self.bytes = rest;
        Ok(*byte)
    }

    fn number(&mut self) -> Result<u64> {
        let first = self.byte()?;
        if first < 0x80 {
            return Ok(first.into());
        }
        let mut number = u64::from(first & 0x7f);
        for shift in (7..64).step_by(7) {
            let byte = self.byte()?;
            let group = u64::from(byte & 0x7f);
            number |= group << shift;
            if byte < 0x80 {
                let shortest = byte != 0 && group << shift >> shift == group;
                return if shortest { Ok(number) } else { Err(WriteError::Malformed) };
            }
        }
        Err(WriteError::Malformed)
    }

    fn small(&mut self) -> Result<u32> {
        u32::try_from(self.number()?).map_err(|_| WriteError::Malformed)
    }

    /// A count of elements that take a byte each at least.
    fn count(&mut self) -> Result<usize> {
        let count = self.number()?;
        self.at_most_left(count)
    }

    fn at_most_left(&self, count: u64) -> Result<usize> {
        usize::try_from(count).ok().filter(|count| *count <= self.bytes.len()).ok_or(WriteError::Malformed)
    }

    fn many<T>(&mut self, mut read: impl FnMut(&mut Self) -> Result<T>) -> Result<Vec<T>> {
        let count = self.count()?;
        let mut elements = Vec::with_capacity(count.min(ROOM_MAX));
        for _ in 0..count {
            elements.push(read(self)?);
        }
        Ok(elements)
    }

    fn grow(&mut self, bytes: usize) -> Result<()> {
        let left = self.expanded_bytes_left.checked_sub(bytes);
        self.expanded_bytes_left = left.ok_or(DraftError::ExpandsTooFar)?;
        Ok(())
    }

    fn step(&mut self) -> Result<(DependencyCheck, UpdateSet)> {
        let conditions = self.many(Self::condition)?;
        let operations = self.many(Self::operation)?;
        Ok((DependencyCheck(conditions), UpdateSet(operations)))
    }

    fn condition(&mut self) -> Result<Condition> {
        let kind = self.byte()?;
        let (ordered, limited) = (kind & condition::ORDERED != 0, kind & condition::LIMITED != 0);
        let from = self.name()?;
        let filter = self.predicate(0)?;
        let mut order = Vec::new();
        if ordered {
            order = self.many(|decoder| Ok(Order { field: decoder.name()?, descending: decoder.flag()? }))?;
            if order.is_empty() {
                return Err(WriteError::Malformed);
            }
        }
        let limit = if limited { Some(self.small()?) } else { None };
        let expect = match kind & !condition::ORDERED & !condition::LIMITED {
            condition::NONE => Expectation::None,
            condition::SOME => Expectation::Some,
            condition::COUNT => Expectation::Count(self.small()?),
            condition::EXACTLY => Expectation::Exactly(self.many(|decoder| Ok((decoder.key()?, decoder.fields()?)))?),
            _ => return Err(WriteError::Malformed),
        };
        Ok(Condition { query: Query { from, filter, order, limit }, expect })
    }

    fn flag(&mut self) -> Result<bool> {
        match self.byte()? {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(WriteError::Malformed),
        }
    }

    fn predicate(&mut self, depth: usize) -> Result<Predicate> {
        if depth >= NESTING_MAX {
            return Err(DraftError::Query(QueryError::TooDeep).into());
        }
        self.grow(WRITE_PART_BYTES)?;
        Ok(match self.number()? {
            part::ALL => Predicate::All,
            part::NOT => Predicate::Not(Box::new(self.predicate(depth + 1)?)),
            number @ part::KEY..part::FIELD => Predicate::Key(comparison(number - part::KEY)?, self.key()?),
            number @ part::FIELD..part::OVERLAPS => {
                let comparison = comparison(number - part::FIELD)?;
                Predicate::Field(self.name()?, comparison, self.value()?)
            }
            part::OVERLAPS => {
                let (start_field, end_field) = (self.name()?, self.name()?);
                Predicate::Overlaps { start_field, end_field, start: self.integer()?, end: self.integer()? }
            }
            number => {
                let count = self.at_most_left((number - part::AND) / 2)?;
                let mut parts = Vec::with_capacity(count.min(ROOM_MAX));
                for _ in 0..count {
                    parts.push(self.predicate(depth + 1)?);
                }
                if (number - part::AND).is_multiple_of(2) { Predicate::And(parts) } else { Predicate::Or(parts) }
            }
        })
    }

    fn operation(&mut self) -> Result<Operation> {
        let kind = self.byte()?;
        let (relation, key) = (self.name()?, self.key()?);
        Ok(match kind {
            operation::INSERT => Operation::Insert(relation, key, self.fields()?),
            operation::PUT => Operation::Put(relation, key, self.fields()?),
            operation::PATCH => Operation::Patch(relation, key, self.fields()?),
            operation::DELETE => Operation::Delete(relation, key),
            _ => return Err(WriteError::Malformed),
        })
    }

    fn fields(&mut self) -> Result<Fields> {
        let head = self.number()?;
        let count = self.at_most_left(head / 2)?;
        if count > FIELDS_MAX {
            return Err(WriteError::Malformed);
        }
        let left = self.expanded_bytes_left;
        let mut names = Vec::with_capacity(count);
        let mut values = Vec::with_capacity(count);
        for _ in 0..count {
            let name = self.name()?;
            if names.last().is_some_and(|last| *last >= name) {
                return Err(WriteError::Malformed);
            }
            names.push(name);
            values.push(self.value()?);
        }
        if head.is_multiple_of(2) {
            let fields = Fields::in_order(names.into(), values.into());
            if self.base.is_none() && !fields.is_empty() {
                self.base = Some((fields.clone(), left - self.expanded_bytes_left));
            }
            return Ok(fields);
        }
        let Some((base, base_bytes)) = &self.base else { return Err(WriteError::Malformed) };
        let replaced = names.iter().filter_map(|name| {
            let position = base.position(name.as_str())?;
            Some(WRITE_PART_BYTES + name.as_str().len() + base.at(position).expanded_bytes())
        });
        let stays = base_bytes - replaced.sum::<usize>();
        let fields = base.with_all(names.into_iter().zip(values));
        if fields.len() > FIELDS_MAX {
            return Err(WriteError::Malformed);
        }
        // What stands here has been counted; what stays of the base counts once more.
        self.grow(stays)?;
        Ok(fields)
    }

    fn name(&mut self) -> Result<Name> {
        Name::try_from(self.text()?).map_err(|_| WriteError::Malformed)
    }

    fn key(&mut self) -> Result<Key> {
        Key::try_from(self.text()?).map_err(|_| WriteError::Malformed)
    }

    fn text(&mut self) -> Result<Text> {
        if let Value::Text(text) = self.value()? { Ok(text) } else { Err(WriteError::Malformed) }
    }

    fn integer(&mut self) -> Result<i64> {
        self.value()?.as_int().ok_or(WriteError::Malformed)
    }

    fn value(&mut self) -> Result<Value> {
        let value = match self.number()? {
            tag::LIST => return self.list(),
            tag => self.element(tag)?,
        };
        self.grow(value.expanded_bytes())?;
        Ok(value)
    }

    fn list(&mut self) -> Result<Value> {
        self.grow(WRITE_PART_BYTES)?;
        let elements = self.many(|decoder| {
            let tag = decoder.number()?;
            if tag == tag::LIST {
                return Err(WriteError::Malformed);
            }
            let element = decoder.element(tag)?;
            if matches!(element, Value::List(_)) {
                return Err(WriteError::Malformed);
            }
            decoder.grow(element.expanded_bytes())?;
            Ok(element)
        })?;
        let list = Value::List(elements.into());
        self.entries.push(list.clone());
        Ok(list)
    }

    /// A value that is no new list.
    fn element(&mut self, tag: u64) -> Result<Value> {
        let value = match tag {
            tag::NULL => return Ok(Value::Null),
            tag::FALSE => return Ok(Value::Bool(false)),
            tag::TRUE => return Ok(Value::Bool(true)),
            tag::INTEGER => {
                let zigzag = self.number()?;
                let difference = (zigzag >> 1).cast_signed() ^ -(zigzag & 1).cast_signed();
                self.integer = self.integer.wrapping_add(difference);
                Value::Int(self.integer)
            }
            tag::TEXT => {
                let text = core::str::from_utf8(self.content()?).map_err(|_| WriteError::Malformed)?;
                Value::Text(Text::new(text))
            }
            tag::BYTES => Value::Bytes(Arc::from(self.content()?)),
            _ => {
                let index = usize::try_from(tag - tag::ENTRY).map_err(|_| WriteError::Malformed)?;
                return match words::word(index) {
                    Some(word) => Ok(Value::Text(word)),
                    None => self.entries.get(index - words::WORDS.len()).cloned().ok_or(WriteError::Malformed),
                };
            }
        };
        self.entries.push(value.clone());
        Ok(value)
    }

    fn content(&mut self) -> Result<&'a [u8]> {
        let bytes = self.count()?;
        let (content, rest) = self.bytes.split_at(bytes);
        self.bytes = rest;
        Ok(content)
    }
}

fn comparison(number: u64) -> Result<Comparison> {
    Ok(match number {
        0 => Comparison::Equal,
        1 => Comparison::Less,
        2 => Comparison::LessOrEqual,
        3 => Comparison::Greater,
        4 => Comparison::GreaterOrEqual,
        _ => return Err(WriteError::Malformed),
    })
}
