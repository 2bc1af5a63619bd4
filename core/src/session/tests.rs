//! Sessions as data: what their vectors ask for, and their bytes.

use proptest::{prelude::*, sample::Index};

use super::*;
use crate::{
    limits::{FRAME_REPLICAS_MAX, SESSION_BYTES_MAX},
    wire::{
        WireVector,
        record::{Record, encode_batch},
        tests::cases,
    },
};

const BOTH: Vectors = Vectors { read: true, written: true };
const READ: Vectors = Vectors { read: true, written: false };
const WRITTEN: Vectors = Vectors { read: false, written: true };

fn replica(id: &str) -> ReplicaId {
    id.parse().unwrap()
}

fn stamp(number: u64) -> Stamp {
    Stamp::new(number).unwrap()
}

fn entries(entries: &[(&str, u64)]) -> Vec<(ReplicaId, VectorEntry)> {
    let chain = Digest::EMPTY.chained(&[b"chain"]);
    entries.iter().map(|(id, number)| (replica(id), VectorEntry { stamp: stamp(*number), chain })).collect()
}

fn vector(of: &[(&str, u64)]) -> VersionVector {
    let mut vector = VersionVector::default();
    entries(of).into_iter().for_each(|(replica, entry)| vector.set(replica, entry));
    vector
}

fn session(read: &[(&str, u64)], written: &[(&str, u64)]) -> SessionToken {
    let empty = Session::new(DatabaseId::from_random([7; 16]), Guarantees::ALL).named;
    SessionToken { read: vector(read), written: entries(written).into_iter().collect(), ..empty }
}

fn lacking(session: &SessionToken, held: &[(&str, u64)], needed: Vectors) -> Vec<Lack> {
    session.lacking_writes(&vector(held), needed).collect()
}

fn writes(id: &str, held: Knowledge, needed: Knowledge) -> Lack {
    Lack::Writes { replica: replica(id), held, needed }
}

fn through(number: u64) -> Knowledge {
    Knowledge::Through(stamp(number))
}

#[test]
fn a_session_that_names_a_retired_replica_is_met_where_the_retirement_is_known() {
    let named = session(&[("0", 6), ("0.5", 8)], &[("0.5", 8)]);
    for needed in [READ, WRITTEN, BOTH] {
        assert_eq!(lacking(&named, &[("0", 7)], needed), []);
        // An ancestor's retirement says as much: the creation of 0.5 and all that followed is known.
        assert_eq!(lacking(&session(&[("0", 6)], &[("0.5.7", 9)]), &[("0", 6)], WRITTEN), []);
        assert_eq!(lacking(&named, &[("0", 6), ("0.5", 7)], needed), [writes("0.5", through(7), through(8))]);
        let not_created = writes("0.5", Knowledge::NotCreated, through(8));
        assert!(lacking(&named, &[("0", 4)], needed).contains(&not_created));
    }
}

#[test]
fn a_session_that_has_read_a_retirement_needs_it() {
    let named = session(&[("0", 9)], &[]);
    let lack = writes("0.5", through(8), Knowledge::Retired);
    assert_eq!(lack.to_string(), "writes of 0.5 through its retirement");
    assert_eq!(lacking(&named, &[("0", 9), ("0.5", 8)], READ), [lack]);
    assert_eq!(lacking(&named, &[("0", 9)], READ), []);
    assert_eq!(lacking(&named, &[("0", 9), ("0.5", 8)], WRITTEN), []);
}

#[test]
fn a_write_vector_says_nothing_of_replicas_that_it_does_not_name() {
    // As a version vector it would say that 0.5 has created 0.5.6, which has retired.
    let named = session(&[], &[("0.5", 8)]);
    assert_eq!(lacking(&named, &[("0", 5), ("0.5", 9), ("0.5.6", 20)], WRITTEN), []);
}

#[test]
fn of_both_vectors_the_greater_need_is_named_once() {
    let named = session(&[("0", 6), ("0.5", 8)], &[("0", 9), ("0.5", 7)]);
    let expected = [writes("0", through(4), through(9)), writes("0.5", Knowledge::NotCreated, through(8))];
    assert_eq!(lacking(&named, &[("0", 4)], BOTH), expected);
}

#[test]
fn the_last_write_of_a_replica_without_writes_is_its_creation() {
    let last = |id: &str, number| last_write(&replica(id), stamp(number)).map(|write| write.to_string());
    assert_eq!(last("0.5", 5).as_deref(), Some("5@0"));
    assert_eq!(last("0.5", 7).as_deref(), Some("7@0.5"));
    assert_eq!(last("0", 0), None);
}

fn token() -> SessionToken {
    let named = session(&[("0", 6), ("0.5", 8)], &[("0.5", 8)]);
    SessionToken { csn: Csn::new(300).unwrap(), prefix: Digest::EMPTY.chained(&[b"prefix"]), ..named }
}

#[test]
fn a_token_is_read_from_its_bytes_and_from_any_format_of_serde() {
    let bytes = token().to_bytes();
    assert_eq!(SessionToken::from_bytes(&bytes), Ok(token()));
    let serialised = postcard::to_allocvec(&token()).unwrap();
    assert_eq!(postcard::from_bytes(&serialised), Ok(token()));
}

#[test]
fn bytes_that_are_no_token_are_refused_with_a_reason() {
    let bytes = token().to_bytes();
    for end in 0..bytes.len() {
        assert!(SessionToken::from_bytes(&bytes[..end]).is_err());
    }
    for at in 0..bytes.len() * 8 {
        let mut damaged = bytes.clone();
        damaged[at / 8] ^= 1 << (at % 8);
        assert!(SessionToken::from_bytes(&damaged).is_err(), "bit {at}");
    }
    let longer = [&bytes[..], &[0]].concat();
    assert_eq!(SessionToken::from_bytes(&longer), Err(DecodeError::Checksum));
    let newer = [&[2], &bytes[1..]].concat();
    assert_eq!(SessionToken::from_bytes(&newer), Err(DecodeError::Version { version: 2 }));
    let batch = encode_batch(&[Record::Paused(true)]);
    assert_eq!(SessionToken::from_bytes(&batch), Err(DecodeError::Checksum));
    let large = vec![1; SESSION_BYTES_MAX + 1];
    let too_large = DecodeError::TooLarge { bytes: large.len(), bytes_max: SESSION_BYTES_MAX };
    assert_eq!(SessionToken::from_bytes(&large), Err(too_large));
}

#[test]
fn tokens_with_numbers_or_lists_out_of_bounds_are_refused() {
    let wire = WireSession::from(token());
    let beyond: Csn = postcard::from_bytes(&postcard::to_allocvec(&u64::MAX).unwrap()).unwrap();
    let late = WireSession { csn: beyond, ..wire.clone() };
    assert_eq!(SessionToken::from_bytes(&late.encode()), Err(DecodeError::OutOfBounds));
    let serialised = postcard::to_allocvec(&late).unwrap();
    assert!(postcard::from_bytes::<SessionToken>(&serialised).is_err());

    let beyond: Stamp = postcard::from_bytes(&postcard::to_allocvec(&u64::MAX).unwrap()).unwrap();
    let far: WireVector = [(replica("0"), beyond, Digest::EMPTY)].into_iter().collect();
    for far in [WireSession { read: far.clone(), ..wire.clone() }, WireSession { written: far, ..wire.clone() }] {
        assert_eq!(SessionToken::from_bytes(&far.encode()), Err(DecodeError::OutOfBounds));
    }
    let many = (0..=FRAME_REPLICAS_MAX).map(|_| (replica("0"), Stamp::ZERO, Digest::EMPTY)).collect();
    let many = WireSession { read: many, ..wire };
    assert!(many.encode().len() < SESSION_BYTES_MAX);
    assert_eq!(SessionToken::from_bytes(&many.encode()), Err(DecodeError::Malformed));
}

proptest! {
    #![proptest_config(cases(500))]

    #[test]
    fn whatever_bytes_say_under_a_right_checksum_is_a_token_or_refused(
        damages in proptest::collection::vec((any::<Index>(), any::<u8>()), 1..6), cut in any::<Index>(), cuts: bool
    ) {
        let mut content = token().to_bytes()[9..].to_vec();
        for (at, byte) in damages {
            let at = at.index(content.len());
            content[at] = byte;
        }
        if cuts {
            content.truncate(cut.index(content.len()));
        }
        let checksum = Digest::EMPTY.chained(&[b"session", &content]);
        let bytes = [&[1][..], &checksum.as_bytes()[..8], &content].concat();
        if let Ok(read) = SessionToken::from_bytes(&bytes) {
            prop_assert_eq!(SessionToken::from_bytes(&read.to_bytes()), Ok(read.clone()));
            // It may ask for anything; that it is asked of a vector has an answer.
            drop(lacking(&read, &[("0", 6), ("0.5", 8)], BOTH));
        }
    }
}
