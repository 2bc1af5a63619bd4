//! Writing a draft.

use crate::{
    draft::{Condition, DependencyCheck, Draft, Expectation, Operation, UpdateSet},
    limits::{WRITE_EXPANDED_BYTES_MAX, WRITE_PART_BYTES},
    query::Predicate,
    value::{Fields, Value},
};

use super::{condition, operation, part, tag, words};

/// Room for most drafts.
const BYTES_USUAL: usize = 256;

/// Appends a draft, which has been checked; `None` if it expands too far.
pub(crate) fn encode(draft: &Draft, bytes: Vec<u8>) -> Option<Vec<u8>> {
    let (bytes, expanded_bytes) = encode_within(draft, bytes, WRITE_EXPANDED_BYTES_MAX);
    (expanded_bytes <= WRITE_EXPANDED_BYTES_MAX).then_some(bytes)
}

/// Appends a draft, and tells its expanded size. Where that is beyond the bound, neither is complete.
pub(super) fn encode_within(draft: &Draft, bytes: Vec<u8>, expanded_bytes_max: usize) -> (Vec<u8>, usize) {
    let mut encoder = Encoder { bytes, expanded_bytes_max, ..Encoder::default() };
    encoder.bytes.reserve(BYTES_USUAL);
    encoder.step(&draft.check, &draft.update);
    encoder.count(draft.alternatives.len());
    for alternative in &draft.alternatives {
        encoder.step(&alternative.check, &alternative.update);
    }
    encoder.fields(&draft.report);
    (encoder.bytes, encoder.expanded_bytes)
}

#[derive(Default)]
struct Encoder<'a> {
    bytes: Vec<u8>,
    expanded_bytes: usize,
    expanded_bytes_max: usize,
    dictionary: Dictionary<'a>,
    integer: i64,
    /// The first fields that were not empty, with their expanded size.
    base: Option<(&'a Fields, usize)>,
}

impl<'a> Encoder<'a> {
    fn number(&mut self, mut number: u64) {
        while number >= 0x80 {
            self.bytes.push(number as u8 | 0x80);
            number >>= 7;
        }
        self.bytes.push(number as u8);
    }

    fn count(&mut self, count: usize) {
        self.number(count as u64);
    }

    fn step(&mut self, check: &'a DependencyCheck, update: &'a UpdateSet) {
        self.count(check.0.len());
        for condition in &check.0 {
            self.condition(condition);
        }
        self.count(update.0.len());
        for operation in &update.0 {
            self.operation(operation);
        }
    }

    fn condition(&mut self, Condition { query, expect }: &'a Condition) {
        let expectation = match expect {
            Expectation::None => condition::NONE,
            Expectation::Some => condition::SOME,
            Expectation::Count(_) => condition::COUNT,
            Expectation::Exactly(_) => condition::EXACTLY,
        };
        let ordered = if query.order.is_empty() { 0 } else { condition::ORDERED };
        let limited = if query.limit.is_none() { 0 } else { condition::LIMITED };
        self.bytes.push(expectation | ordered | limited);
        self.text(query.from.as_str());
        self.predicate(&query.filter);
        if !query.order.is_empty() {
            self.count(query.order.len());
            for order in &query.order {
                self.text(order.field.as_str());
                self.bytes.push(order.descending.into());
            }
        }
        if let Some(limit) = query.limit {
            self.number(limit.into());
        }
        match expect {
            Expectation::None | Expectation::Some => {}
            Expectation::Count(count) => self.number((*count).into()),
            Expectation::Exactly(rows) => {
                self.count(rows.len());
                for (key, fields) in rows {
                    self.text(key.as_str());
                    self.fields(fields);
                }
            }
        }
    }

    fn predicate(&mut self, predicate: &'a Predicate) {
        self.expanded_bytes += WRITE_PART_BYTES;
        match predicate {
            Predicate::All => self.number(part::ALL),
            Predicate::Key(comparison, key) => {
                self.number(part::KEY + *comparison as u64);
                self.text(key.as_str());
            }
            Predicate::Field(field, comparison, value) => {
                self.number(part::FIELD + *comparison as u64);
                self.text(field.as_str());
                self.value(value);
            }
            Predicate::Overlaps { start_field, end_field, start, end } => {
                self.number(part::OVERLAPS);
                self.text(start_field.as_str());
                self.text(end_field.as_str());
                self.integer(*start);
                self.integer(*end);
            }
            Predicate::And(parts) => self.parts(part::AND, parts),
            Predicate::Or(parts) => self.parts(part::OR, parts),
            Predicate::Not(part) => {
                self.number(part::NOT);
                self.predicate(part);
            }
        }
    }

    fn parts(&mut self, kind: u64, parts: &'a [Predicate]) {
        self.number(kind + 2 * parts.len() as u64);
        for part in parts {
            self.predicate(part);
        }
    }

    fn operation(&mut self, operation: &'a Operation) {
        let (kind, fields) = match operation {
            Operation::Insert(_, _, fields) => (operation::INSERT, Some(fields)),
            Operation::Put(_, _, fields) => (operation::PUT, Some(fields)),
            Operation::Patch(_, _, fields) => (operation::PATCH, Some(fields)),
            Operation::Delete(..) => (operation::DELETE, None),
        };
        self.bytes.push(kind);
        self.text(operation.relation().as_str());
        self.text(operation.key().as_str());
        if let Some(fields) = fields {
            self.fields(fields);
        }
    }

    fn fields(&mut self, fields: &'a Fields) {
        let Some((base, base_bytes)) = self.base else {
            let before = self.expanded_bytes;
            self.plain_fields(fields);
            if !fields.is_empty() {
                self.base = Some((fields, self.expanded_bytes - before));
            }
            return;
        };
        let Some(differing) = fields.differences(base) else { return self.plain_fields(fields) };
        self.number(2 * differing.len() as u64 + 1);
        // What is not repeated counts all the same, and what it replaces does not.
        let mut replaced = 0;
        for (name, value, other) in differing {
            self.text(name.as_str());
            self.value(value);
            replaced += other.map_or(0, |other| WRITE_PART_BYTES + name.as_str().len() + other.expanded_bytes());
        }
        self.expanded_bytes = self.expanded_bytes + base_bytes - replaced;
    }

    fn plain_fields(&mut self, fields: &'a Fields) {
        self.number(2 * fields.len() as u64);
        for (name, value) in fields.iter() {
            self.text(name.as_str());
            self.value(value);
        }
    }

    /// Counts a value, which is to be written only if the draft is still within its bound.
    fn grow(&mut self, bytes: usize) -> bool {
        self.expanded_bytes += bytes;
        self.expanded_bytes <= self.expanded_bytes_max
    }

    fn value(&mut self, value: &'a Value) {
        match value {
            Value::Int(integer) => self.integer(*integer),
            Value::Text(text) => self.text(text),
            Value::List(list) => self.list(value, list),
            _ if !self.grow(value.expanded_bytes()) => {}
            Value::Null => self.number(tag::NULL),
            Value::Bool(false) => self.number(tag::FALSE),
            Value::Bool(true) => self.number(tag::TRUE),
            Value::Bytes(bytes) => {
                if self.enter(Entry::Bytes(bytes)) {
                    self.content(tag::BYTES, bytes);
                }
            }
        }
    }

    fn integer(&mut self, integer: i64) {
        if self.grow(WRITE_PART_BYTES) && self.enter(Entry::Integer(integer)) {
            let difference = integer.wrapping_sub(self.integer);
            self.integer = integer;
            self.number(tag::INTEGER);
            self.number((difference << 1 ^ difference >> 63).cast_unsigned());
        }
    }

    fn text(&mut self, text: &'a str) {
        if !self.grow(WRITE_PART_BYTES + text.len()) {
            return;
        }
        let hash = words::hash(text.as_bytes());
        if let Some(word) = words::index(text, hash) {
            self.number(tag::ENTRY + word as u64);
        } else if self.enter_hashed(Entry::Text(text), hash) {
            self.content(tag::TEXT, text.as_bytes());
        }
    }

    fn content(&mut self, tag: u64, content: &[u8]) {
        self.number(tag);
        self.count(content.len());
        self.bytes.extend_from_slice(content);
    }

    fn list(&mut self, value: &Value, list: &'a [Value]) {
        let before = self.expanded_bytes;
        if !self.grow(value.expanded_bytes()) {
            return;
        }
        let hash = Entry::List(list).hash();
        match self.dictionary.find(Entry::List(list), hash) {
            Some(index) => self.entry(index),
            None => {
                self.expanded_bytes = before + WRITE_PART_BYTES;
                self.number(tag::LIST);
                self.count(list.len());
                for element in list {
                    self.value(element);
                }
                self.dictionary.insert(hash, Entry::List(list));
            }
        }
    }

    fn entry(&mut self, index: usize) {
        self.number(tag::ENTRY + (words::WORDS.len() + index) as u64);
    }

    /// Refers to an entry of the dictionary; if there is none, it is entered, and the caller writes it.
    fn enter(&mut self, entry: Entry<'a>) -> bool {
        self.enter_hashed(entry, entry.hash())
    }

    fn enter_hashed(&mut self, entry: Entry<'a>, hash: u64) -> bool {
        let found = self.dictionary.find(entry, hash);
        match found {
            Some(index) => self.entry(index),
            None => self.dictionary.insert(hash, entry),
        }
        found.is_none()
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Entry<'a> {
    Integer(i64),
    Text(&'a str),
    Bytes(&'a [u8]),
    List(&'a [Value]),
}

impl Entry<'_> {
    fn hash(self) -> u64 {
        match self {
            Self::Integer(integer) => words::mixed(1, integer.cast_unsigned()),
            Self::Text(text) => words::hash(text.as_bytes()),
            Self::Bytes(bytes) => words::mixed(2, words::hash(bytes)),
            Self::List(list) => list.iter().fold(3, |hash, element| words::mixed(hash, element_hash(element))),
        }
    }
}

fn element_hash(element: &Value) -> u64 {
    match element {
        Value::Null | Value::List(_) => 0,
        Value::Bool(value) => 1 + u64::from(*value),
        Value::Int(integer) => Entry::Integer(*integer).hash(),
        Value::Text(text) => Entry::Text(text).hash(),
        Value::Bytes(bytes) => Entry::Bytes(bytes).hash(),
    }
}

/// How many slots a dictionary begins with: enough for what most writes enter.
const SLOTS_MIN: usize = 64;

/// What was entered beside the words: a hash table with open addressing.
#[derive(Default)]
struct Dictionary<'a> {
    entries: Vec<(u64, Entry<'a>)>,
    /// Indexes of entries from 1, and 0 for an empty slot. A power of two, and more than twice as many as entries.
    slots: Vec<u32>,
}

impl<'a> Dictionary<'a> {
    fn find(&self, entry: Entry<'a>, hash: u64) -> Option<usize> {
        let mut slot = self.slot_of(hash);
        loop {
            // Without slots there are no entries.
            let index = self.slots.get(slot).map_or(0, |index| *index as usize).checked_sub(1)?;
            let (other_hash, other) = self.entries[index];
            if other_hash == hash && other == entry {
                return Some(index);
            }
            slot = (slot + 1) & (self.slots.len() - 1);
        }
    }

    fn insert(&mut self, hash: u64, entry: Entry<'a>) {
        if self.entries.is_empty() {
            self.entries.reserve(SLOTS_MIN / 2);
        }
        self.entries.push((hash, entry));
        if self.entries.len() * 2 > self.slots.len() {
            self.slots = vec![0; (self.slots.len() * 2).max(SLOTS_MIN)];
            for index in 0..self.entries.len() {
                self.occupy(index);
            }
        } else {
            self.occupy(self.entries.len() - 1);
        }
    }

    fn occupy(&mut self, index: usize) {
        let mut slot = self.slot_of(self.entries[index].0);
        while self.slots[slot] != 0 {
            slot = (slot + 1) & (self.slots.len() - 1);
        }
        self.slots[slot] = u32::try_from(index + 1).expect("a draft that large was refused");
    }

    fn slot_of(&self, hash: u64) -> usize {
        hash as usize & self.slots.len().wrapping_sub(1)
    }
}
