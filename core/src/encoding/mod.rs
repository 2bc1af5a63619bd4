//! The bytes of a draft: format version 1.
//!
//! What repeats within a write stands once. The update set of a booking, those of its alternatives and the report for
//! the error log hold nearly the same texts; here each repetition costs a byte.
//!
//! # Format
//!
//! Bytes are read from first to last, and none may be left over. Words in `code` are defined here.
//!
//! `number`: an unsigned integer below 2^64 in groups of seven bits, the lowest first, one group a byte; the top bit of
//! a byte says that another follows. The shortest form alone is valid.
//!
//! `value`: a `number`, its tag, and what the tag asks for.
//!
//! | tag | value | then |
//! |---|---|---|
//! | 0 | null | |
//! | 1 | false | |
//! | 2 | true | |
//! | 3 | integer | `number` z: the integer is p + d, modulo 2^64, in two's complement |
//! | 4 | text | `number` n; n bytes, valid UTF-8 |
//! | 5 | bytes | `number` n; n bytes |
//! | 6 | list | `number` n; n `value`s, none of them a list |
//! | 7 + i | entry i of the dictionary | |
//!
//! For an integer, p is the integer that tag 3 gave last, 0 if there was none, and d is z / 2 if z is even and
//! -(z + 1) / 2 if it is odd.
//!
//! The *dictionary* begins with [`WORDS`], texts each, from entry 0. Each value of tag 3 to 6 is appended to it when
//! its last byte has been read, hence the elements of a list before the list. An encoder refers to the entry wherever
//! the dictionary has an equal one; a decoder does not insist on that.
//!
//! `name`, `key`: a `value` that is a text of 1 to 64 or 1 to 256 bytes.
//!
//! `fields`: a `number` h. If it is even, h / 2 fields follow, each a `name` and a `value`, in strictly ascending order
//! of the names' bytes. If it is odd, (h - 1) / 2 fields follow likewise, and they are put over the fields of the *base*,
//! which is the first `fields` of the draft that were not empty: a field of the same name is replaced, another one is
//! added. An odd h before there is a base is invalid. An encoder uses the base, once there is one, for all `fields` that
//! have at least its names, and then names what differs from it and nothing else.
//!
//! `predicate`: a `number`, then what it asks for. A comparison is equal, less, less or equal, greater, greater or
//! equal, in this order from 0.
//!
//! | number | predicate | then |
//! |---|---|---|
//! | 0 | all | |
//! | 1 | not | a `predicate` |
//! | 2 + c | the key, by comparison c | `key` |
//! | 7 + c | a field, by comparison c | `name`, `value` |
//! | 12 | overlaps | start field and end field, each a `name`; start and end, each a `value` that is an integer |
//! | 13 + 2n | and | n `predicate`s |
//! | 14 + 2n | or | n `predicate`s |
//!
//! `condition`: a byte, whose lowest two bits are the expectation (0 none, 1 some, 2 count, 3 exactly), whose third bit
//! says that there is an order, whose fourth that there is a limit, and whose other bits are 0; the relation, a `name`;
//! the filter, a `predicate`; if there is an order, a `number` n of at least 1 and n times a `name` and a byte, 1 for
//! descending and 0 for ascending; if there is a limit, it as a `number` below 2^32; for count, a `number` below 2^32;
//! for exactly, a `number` n and n times a `key` and `fields`.
//!
//! `operation`: a byte (0 insert, 1 put, 2 patch, 3 delete); the relation, a `name`; the `key`; unless it is delete,
//! `fields`.
//!
//! `step`: a `number` n and n `condition`s; a `number` n and n `operation`s.
//!
//! `draft`: the check and the update set, a `step`; a `number` n and n alternatives, a `step` each; the report,
//! `fields`.
//!
//! # Expansion
//!
//! A reference of one byte may stand for a large value. The *expanded size* of a draft is what it would have without
//! references: eight bytes for every name, key, predicate and value that stands in it, elements of lists included, and
//! the length of every name, key, text and bytes. Fields that come from the base count like any others. It is at most
//! [`WRITE_EXPANDED_BYTES_MAX`](crate::limits::WRITE_EXPANDED_BYTES_MAX), so that neither what a write takes in memory
//! nor what it makes a replica store is beyond a small multiple of what it took on the wire. A decoder counts while it
//! reads, and stops there.

mod decode;
mod encode;
#[cfg(test)]
mod tests;
mod words;

pub(crate) use self::{decode::decode, encode::encode};

/// Tags of values.
mod tag {
    pub(super) const NULL: u64 = 0;
    pub(super) const FALSE: u64 = 1;
    pub(super) const TRUE: u64 = 2;
    pub(super) const INTEGER: u64 = 3;
    pub(super) const TEXT: u64 = 4;
    pub(super) const BYTES: u64 = 5;
    pub(super) const LIST: u64 = 6;
    pub(super) const ENTRY: u64 = 7;
}

/// Numbers of predicates.
mod part {
    pub(super) const ALL: u64 = 0;
    pub(super) const NOT: u64 = 1;
    pub(super) const KEY: u64 = 2;
    pub(super) const FIELD: u64 = 7;
    pub(super) const OVERLAPS: u64 = 12;
    pub(super) const AND: u64 = 13;
    pub(super) const OR: u64 = 14;
}

/// What stands in the first byte of a condition.
mod condition {
    pub(super) const NONE: u8 = 0;
    pub(super) const SOME: u8 = 1;
    pub(super) const COUNT: u8 = 2;
    pub(super) const EXACTLY: u8 = 3;
    pub(super) const ORDERED: u8 = 4;
    pub(super) const LIMITED: u8 = 8;
}

/// The first byte of an operation.
mod operation {
    pub(super) const INSERT: u8 = 0;
    pub(super) const PUT: u8 = 1;
    pub(super) const PATCH: u8 = 2;
    pub(super) const DELETE: u8 = 3;
}
