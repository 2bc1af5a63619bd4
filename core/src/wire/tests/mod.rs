//! Everything that is encoded is decoded as it was, and nothing else is decoded at all.

pub(crate) mod generate;
mod golden;

use core::iter;

use proptest::{collection::vec, prelude::*, test_runner::RngSeed};

use super::{
    DecodeError, FORMAT_VERSION, IdTable, Interner, WireVector, WireWriteId,
    frame::{Batch, Frame},
    record::{Record, decode_batch, encode_batch},
    snapshot::WireOmitted,
};
use crate::{
    digest::Digest,
    draft::Draft,
    encoding,
    id::ReplicaId,
    limits::{
        FRAME_BYTES_MAX, FRAME_REPLICAS_MAX, OMITTED_CSN_MAX, REASON_BYTES_MAX, STAMP_MAX, STORED_BATCH_BYTES_MAX,
        WRITE_BYTES_MAX,
    },
    stamp::{Csn, Stamp},
    value::{Fields, Key, Name, Value},
    write::{Body, Write, WriteError, WriteKind},
    write_log::{Omitted, Reigns},
};

/// The same cases at every run. `PROPTEST_CASES` asks for more of them, `PROPTEST_RNG_SEED` for others.
pub(crate) fn cases(cases: u32) -> ProptestConfig {
    let asked = ProptestConfig::default();
    ProptestConfig {
        cases: if std::env::var_os("PROPTEST_CASES").is_some() { asked.cases } else { cases },
        rng_seed: if asked.rng_seed == RngSeed::Random { RngSeed::Fixed(0x62_6179_6f75) } else { asked.rng_seed },
        failure_persistence: None,
        ..asked
    }
}

proptest! {
    #![proptest_config(cases(100))]

    #[test]
    fn a_frame_is_decoded_as_it_was_encoded(frame in generate::frame()) {
        prop_assert_eq!(Frame::decode(&frame.encode()), Ok(frame));
    }

    #[test]
    fn stored_records_are_decoded_as_they_were_encoded(records in vec(generate::record(), 0..4)) {
        prop_assert_eq!(decode_batch(&encode_batch(&records)), Ok(records));
    }

    #[test]
    fn a_body_is_decoded_as_it_was_encoded(draft in generate::draft()) {
        let body = Body::new(&WriteKind::Update(draft.clone())).unwrap();
        let (parsed, kind) = Body::parse(body.bytes.clone()).unwrap();
        prop_assert_eq!(&parsed, &body);
        prop_assert_eq!(kind, WriteKind::Update(draft));
    }

    #[test]
    fn writes_keep_their_ids_through_a_table_of_replicas(writes in vec(generate::write(), 1..5)) {
        let mut interner = Interner::default();
        let wire: Vec<_> = writes.iter().map(|write| interner.write(write)).collect();
        let table = interner.finish();
        let read: Vec<Write> = wire.into_iter().map(|wire| (*table.write(wire).unwrap().0).clone()).collect();
        prop_assert_eq!(read, writes);
    }

    #[test]
    fn a_frame_that_is_cut_short_or_goes_on_is_refused(frame in generate::frame(), more in any::<u8>()) {
        let mut bytes = frame.encode();
        for end in 0..bytes.len() {
            prop_assert!(Frame::decode(&bytes[..end]).is_err());
        }
        bytes.push(more);
        prop_assert!(Frame::decode(&bytes).is_err());
    }

    #[test]
    fn a_stored_batch_of_which_any_bit_has_changed_is_refused(
        records in vec(generate::record(), 1..3), at in any::<prop::sample::Index>(), bit in 0..8_u8
    ) {
        let mut bytes = encode_batch(&records);
        let at = at.index(bytes.len());
        bytes[at] ^= 1 << bit;
        prop_assert!(decode_batch(&bytes).is_err());
    }
}

proptest! {
    #![proptest_config(cases(1_000))]

    #[test]
    fn any_bytes_are_decoded_or_refused(bytes in vec(any::<u8>(), 0..300)) {
        let versioned: Vec<u8> = iter::once(FORMAT_VERSION).chain(bytes.iter().copied()).collect();
        drop(Frame::decode(&bytes));
        drop(Frame::decode(&versioned));
        drop(decode_batch(&bytes));
        drop(decode_batch(&with_checksum(&bytes)));
        drop(Body::parse(bytes.as_slice().into()));
    }
}

proptest! {
    #![proptest_config(cases(200))]

    #[test]
    fn a_frame_with_changed_bytes_is_decoded_or_refused(
        frame in generate::frame(), changes in vec((any::<prop::sample::Index>(), any::<u8>()), 1..4)
    ) {
        let mut bytes = frame.encode();
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        if let Ok(Frame::Batch(Batch { replicas, tentative, .. })) = Frame::decode(&bytes) {
            for wire in tentative {
                drop(replicas.write(wire));
            }
        }
    }
}

/// A stored batch with any content, whole as far as the checksum can tell.
fn with_checksum(content: &[u8]) -> Vec<u8> {
    let checksum = Digest::EMPTY.chained(&[content]);
    [&[FORMAT_VERSION], &checksum.as_bytes()[..8], content].concat()
}

#[test]
fn other_versions_are_refused_by_their_number() {
    for version in [0, FORMAT_VERSION + 1, u8::MAX] {
        let mut frame = Frame::Ping.encode();
        frame[0] = version;
        assert_eq!(Frame::decode(&frame), Err(DecodeError::Version { version }));
        let mut batch = encode_batch(&[Record::Paused(true)]);
        batch[0] = version;
        // A stored batch of version 0 is a block that was never written.
        let expected = if version == 0 { DecodeError::Malformed } else { DecodeError::Version { version } };
        assert_eq!(decode_batch(&batch), Err(expected));
    }
}

#[test]
fn what_is_over_a_limit_in_size_is_refused_before_it_is_read() {
    let too_large = |bytes, bytes_max| Some(DecodeError::TooLarge { bytes, bytes_max });
    let bytes = FRAME_BYTES_MAX + 1;
    assert_eq!(Frame::decode(&vec![FORMAT_VERSION; bytes]).err(), too_large(bytes, FRAME_BYTES_MAX));
    let bytes = STORED_BATCH_BYTES_MAX + 1;
    assert_eq!(decode_batch(&vec![FORMAT_VERSION; bytes]).err(), too_large(bytes, STORED_BATCH_BYTES_MAX));
    let bytes = WRITE_BYTES_MAX + 1;
    assert_eq!(Body::parse(vec![0; bytes].into()), Err(WriteError::TooLarge { bytes }));
}

#[test]
fn lengths_that_no_message_can_have_are_refused() {
    // A varint of 2^63 where a length is expected: of the table of replicas, of a path, of a text, of a list of records.
    let huge = [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f];
    let frame = |start: &[u8]| [&[FORMAT_VERSION], start, &huge].concat();
    // The index of a message's kind, then what comes before the length.
    for start in [&[1][..], &[2], &[2, 1], &[2, 0, 0], &[2, 0, 0, 0], &[3], &[7, 0], &[0]] {
        assert_eq!(Frame::decode(&frame(start)), Err(DecodeError::Malformed), "{start:?}");
    }
    assert_eq!(decode_batch(&with_checksum(&huge)), Err(DecodeError::Malformed));
    assert_eq!(Body::parse([&[0][..], &huge].concat().into()), Err(WriteError::Malformed));
}

#[test]
fn a_table_names_no_more_replicas_than_allowed() {
    let table = |count: usize| {
        let ids: Vec<ReplicaId> =
            (1..=count as u64).map(|n| vec![Stamp::new(n).unwrap()].try_into().unwrap()).collect();
        postcard::to_allocvec(&ids).unwrap()
    };
    assert!(postcard::from_bytes::<IdTable>(&table(FRAME_REPLICAS_MAX)).is_ok());
    assert!(postcard::from_bytes::<IdTable>(&table(FRAME_REPLICAS_MAX + 1)).is_err());
}

#[test]
fn a_write_names_a_listed_replica_and_comes_after_its_predecessor() {
    let table: IdTable = postcard::from_bytes(&[1, 0]).unwrap();
    let id = |replica: u8, stamp: u8| postcard::from_bytes::<WireWriteId>(&[replica, stamp]).unwrap();
    assert_eq!(table.id(id(0, 5)).unwrap().to_string(), "5@0");
    assert_eq!(table.id(id(1, 5)), Err(DecodeError::UnlistedReplica));
    assert_eq!(table.id(id(0, 0)), Err(DecodeError::OutOfBounds));

    let body = Body::new(&WriteKind::CreateReplica).unwrap().bytes;
    let write = |stamp: u64, previous: u64| {
        let wire = postcard::to_allocvec(&(0_u32, stamp, previous, Digest::EMPTY, serde_bytes::Bytes::new(&body)));
        table.write(postcard::from_bytes(&wire.unwrap()).unwrap()).map(drop)
    };
    assert_eq!(write(5, 4), Ok(()));
    assert_eq!(write(5, 5), Err(DecodeError::OutOfBounds));
    assert_eq!(write(STAMP_MAX + 1, 4), Err(DecodeError::OutOfBounds));
}

#[test]
fn stamps_and_commit_numbers_beyond_their_bound_are_refused() {
    let vector = |stamp: u64| {
        let bytes = postcard::to_allocvec(&vec![(ReplicaId::first(), stamp, Digest::EMPTY)]).unwrap();
        postcard::from_bytes::<WireVector>(&bytes).unwrap().into_vector().map(drop)
    };
    assert_eq!(vector(STAMP_MAX), Ok(()));
    assert_eq!(vector(STAMP_MAX + 1), Err(DecodeError::OutOfBounds));

    // A progress message: an empty vector, nobody retired, a CSN, a count.
    let progress = |csn: u64| Frame::decode(&[vec![FORMAT_VERSION, 5, 0, 0], varint(csn), vec![0]].concat());
    assert!(progress(STAMP_MAX).is_ok());
    assert_eq!(progress(STAMP_MAX + 1), Err(DecodeError::OutOfBounds));
    // An empty batch after a CSN.
    let batch = |csn: u64| Frame::decode(&[vec![FORMAT_VERSION, 2, 0], varint(csn), vec![0, 0]].concat());
    assert!(batch(STAMP_MAX).is_ok());
    assert_eq!(batch(STAMP_MAX + 1), Err(DecodeError::OutOfBounds));
    // What was left out: commits are to follow.
    let omitted = |csn: u64| {
        let omitted = Omitted { csn: Csn::new(csn).unwrap(), ..Omitted::default() };
        WireOmitted::new(&omitted, &Reigns::default()).into_parts().map(drop)
    };
    assert_eq!(omitted(OMITTED_CSN_MAX), Ok(()));
    assert_eq!(omitted(OMITTED_CSN_MAX + 1), Err(DecodeError::OutOfBounds));
}

fn varint(number: u64) -> Vec<u8> {
    postcard::to_allocvec(&number).unwrap()
}

#[test]
fn a_farewell_has_a_short_reason() {
    let farewell = |bytes: usize| Frame::decode(&Frame::Farewell { code: 1, reason: "x".repeat(bytes) }.encode());
    assert!(farewell(REASON_BYTES_MAX).is_ok());
    assert_eq!(farewell(REASON_BYTES_MAX + 1), Err(DecodeError::OutOfBounds));
}

#[test]
fn names_keys_and_fields_are_checked_when_they_are_decoded() {
    let text = |bytes: usize| postcard::to_allocvec(&"n".repeat(bytes)).unwrap();
    for (bytes, is_name, is_key) in
        [(0, false, false), (1, true, true), (64, true, true), (65, false, true), (257, false, false)]
    {
        assert_eq!(postcard::from_bytes::<Name>(&text(bytes)).is_ok(), is_name, "a name of {bytes} bytes");
        assert_eq!(postcard::from_bytes::<Key>(&text(bytes)).is_ok(), is_key, "a key of {bytes} bytes");
    }
    let fields = |names: &[&str]| {
        let fields: Vec<(&str, Value)> = names.iter().map(|name| (*name, Value::Null)).collect();
        postcard::from_bytes::<Fields>(&postcard::to_allocvec(&fields).unwrap())
    };
    assert!(fields(&["a", "b"]).is_ok());
    assert!(fields(&["b", "a"]).is_err(), "fields are in the order of their names, or digests would differ");
    assert!(fields(&["a", "a"]).is_err());
    let many: Vec<String> = (0..65).map(|number| format!("{number:02}")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    assert!(fields(&many[..64]).is_ok());
    assert!(fields(&many).is_err());
}

#[test]
fn a_list_in_a_list_cannot_be_said() {
    // A list (5) of one list (5) of nothing.
    assert!(postcard::from_bytes::<Value>(&[5, 1, 5, 0]).is_err());
    assert_eq!(postcard::from_bytes::<Value>(&[5, 1, 0]), Ok(Value::from(vec![Value::Null])));
}

#[test]
fn a_body_with_an_operation_on_the_engines_own_relation_is_refused() {
    let operation = crate::draft::Operation::Delete(crate::relation::ERRORS, Key::new("k").unwrap());
    let draft = Draft { update: crate::draft::UpdateSet(vec![operation]), ..Draft::default() };
    let bytes = encoding::encode(&draft, vec![0]).unwrap();
    assert!(matches!(Body::parse(bytes.into()), Err(WriteError::Draft(_))));
}
