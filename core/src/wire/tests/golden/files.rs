//! Files, and what a reader says of itself.

use crate::{
    digest::Digest,
    file::{Held, WholeFile},
    id::DatabaseName,
    reader::ReaderState,
    stamp::Csn,
    vector::VersionVector,
    wire::{
        DecodeError,
        file::{DataPlace, FileError, FileRecord, FileWriter, Header, State, record_content},
        frame::{Batch, Frame},
        snapshot::wire_reigns,
    },
    write_log::Reigns,
};

use super::{compare, csn, database, frames, history, key, name, reigns, replica, snapshot_parts, stamp, vector};

fn whole_batch() -> Batch {
    let mut batches = frames().into_iter().filter_map(|(_, frame)| match frame {
        Frame::Batch(batch) => Some(batch),
        _ => None,
    });
    batches.next().unwrap()
}

fn header_for_who_has_nothing() -> Header {
    let from = Held { csn: Csn::ZERO, prefix: Digest::EMPTY, vector: VersionVector::default(), data: None };
    Header {
        name: DatabaseName::parse("golden").unwrap(),
        database: database(),
        number: 1,
        primary: true,
        outcomes_after: Some(Csn::ZERO),
        reigns: wire_reigns(&Reigns::default()),
        from: from.to_wire(),
    }
}

/// The three commits for who has nothing, and the data for a reader that has the first of them.
pub(super) fn files() -> Vec<(&'static str, Vec<u8>)> {
    let header = header_for_who_has_nothing();
    let of_reader = Header {
        number: 2,
        primary: false,
        reigns: wire_reigns(&reigns()),
        outcomes_after: None,
        from: State {
            csn: csn(1),
            prefix: Digest::EMPTY.chained(&[history()[0].chain.as_bytes()]),
            vector: [(replica("0"), stamp(1), history()[0].chain), (replica("0.1"), stamp(1), history()[0].chain)]
                .into_iter()
                .collect(),
            data: Some(DataPlace {
                csn: csn(2),
                digest: Digest::EMPTY.chained(&[b"the data"]),
                after: None,
                outcomes: 0,
            }),
        },
        ..header.clone()
    };
    let data = snapshot_parts().map(FileRecord::Data).into();
    vec![
        ("file", WholeFile::sealed(header, vec![FileRecord::Batch(whole_batch())]).unwrap()),
        ("file-of-data", WholeFile::sealed(of_reader, data).unwrap()),
    ]
}

/// Those of a replica, and of a read-only copy that holds the same.
pub(super) fn reader_states() -> [(&'static str, ReaderState); 2] {
    let incoming = Some((csn(4), Digest::EMPTY.chained(&[b"the data"]), (name("bookings"), key("b-2"))));
    let (csn, prefix) = (csn(3), Digest::EMPTY.chained(&[b"a prefix"]));
    let (name, vector) = (DatabaseName::parse("golden").unwrap(), vector().into_vector().unwrap());
    let (database, replica) = (database(), Some(replica("0.2")));
    let of_a_replica = ReaderState { name, database, replica, reigns: reigns(), csn, prefix, vector, incoming };
    let of_a_copy = ReaderState { replica: None, ..of_a_replica.clone() };
    [("reader-state", of_a_replica), ("reader-state-of-a-copy", of_a_copy)]
}

pub(super) fn refused_files() -> Vec<(&'static str, Vec<u8>, FileError)> {
    let whole = files().remove(0).1;
    let changed = |at: usize, bit: u8| {
        let mut bytes = whole.clone();
        bytes[at] ^= bit;
        bytes
    };
    let length = |at: usize| {
        let length = whole[at..at + 4].iter().rev().fold(0, |length, byte| length << 8 | usize::from(*byte));
        at + 4 + 8 + length
    };
    let batch = length(9);
    let trailer = length(batch);
    let damaged = |record, offset, error| FileError::Damaged { record, offset, error };
    let other_trailer = {
        // A trailer that promises more than the file brings, with all its checksums.
        let mut writer = FileWriter::new(header_for_who_has_nothing());
        writer.append(&record_content(&FileRecord::Batch(whole_batch())));
        writer.finish(State { csn: csn(4), prefix: Digest::EMPTY, vector: vector(), data: None }, false)
    };
    vec![
        ("refused-file-of-another-kind", changed(0, 1), FileError::NotAFile),
        ("refused-file-of-version-2", changed(8, 3), FileError::Version { version: 2 }),
        ("refused-file-with-a-changed-bit", changed(batch + 40, 1), damaged(2, batch, DecodeError::Checksum)),
        ("refused-file-cut-short", whole[..whole.len() - 1].to_vec(), FileError::Cut { record: 3, offset: trailer }),
        ("refused-file-without-a-trailer", whole[..trailer].to_vec(), FileError::Cut { record: 3, offset: trailer }),
        ("refused-file-that-goes-on", [whole.as_slice(), &[0]].concat(), FileError::GoesOn { offset: whole.len() }),
        ("refused-file-that-promises-more", other_trailer, FileError::OutOfPlace { record: 3, offset: trailer }),
    ]
}

#[test]
fn every_file_has_its_golden_bytes_and_is_read_from_them() {
    for (name, bytes) in files() {
        compare(name, &bytes);
        WholeFile::read(&bytes).unwrap_or_else(|error| panic!("{name}: {error}"));
    }
    for (name, bytes, expected) in refused_files() {
        compare(name, &bytes);
        assert_eq!(WholeFile::read(&bytes).map(|_| ()), Err(expected), "{name}");
    }
}

#[test]
fn every_reader_state_has_its_golden_bytes_and_is_read_from_them() {
    for (name, state) in reader_states() {
        let bytes = state.to_bytes();
        compare(name, &bytes);
        assert_eq!(ReaderState::from_bytes(&bytes), Ok(state), "{name}");
    }
}
