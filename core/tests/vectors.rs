//! The golden bytes of `core/vectors` in the hands of a replica, as any host would give them to it.

#![allow(clippy::unwrap_used, reason = "a helper that fails fails the test")]

use std::{fs, path::Path};

use bayou_core::{
    Branch, DatabaseName, Event, ImportError, Millis, Options, Output, Outputs, PeerId, PeerKind, ReadOnlyCopy,
    ReaderState, RecoverError, Replica, StoredBatch,
};

const NOW: Millis = Millis(1);

fn read(name: &str) -> Vec<u8> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("vectors").join(name).with_extension("hex");
    let text = fs::read_to_string(path).unwrap();
    let digits: Vec<u8> =
        text.chars().filter_map(|char| char.to_digit(16)).map(|digit| digit.try_into().unwrap()).collect();
    digits.chunks(2).map(|pair| pair[0] << 4 | pair[1]).collect()
}

fn store(names: &[&str]) -> Vec<StoredBatch> {
    (1..).zip(names).map(|(number, name)| StoredBatch { number, bytes: read(name) }).collect()
}

/// Carries outputs out with storage that is done at once; what was stored, and what else there was.
fn carry_out(replica: &mut Replica, outputs: Outputs) -> (Vec<StoredBatch>, Vec<Output>) {
    let (mut stored, mut rest) = (Vec::new(), Vec::new());
    let mut waiting = vec![outputs];
    while let Some(outputs) = waiting.pop() {
        for output in outputs {
            match output {
                Output::Persist(batch) => {
                    waiting.push(replica.handle_persisted(batch.number));
                    stored.push(batch);
                }
                other => rest.push(other),
            }
        }
    }
    (stored, rest)
}

fn log(replica: &Replica) -> Vec<(String, Option<u64>, Branch)> {
    let rows = replica.inspect(10).log.into_iter();
    rows.map(|row| (row.id.to_string(), row.committed.map(|(csn, _)| csn.get()), row.outcome.branch)).collect()
}

fn expected_log() -> Vec<(String, Option<u64>, Branch)> {
    let row = |id: &str, csn, branch| (id.to_owned(), csn, branch);
    vec![
        row("1@0", Some(1), Branch::Update),
        row("2@0", Some(2), Branch::Update),
        // It patches what it has put, so its update set is applied whole.
        row("3@0.1", Some(3), Branch::Update),
        row("300@0.1", None, Branch::Update),
    ]
}

#[test]
fn the_golden_store_is_recovered() {
    let replica = Replica::recover(Options::default(), store(&["stored-1", "stored-2", "stored-3"])).unwrap().replica;
    assert_eq!(replica.id().unwrap().to_string(), "0.2");
    assert_eq!(replica.database().unwrap().to_string(), "000102030405060708090a0b0c0d0e0f");
    assert_eq!(replica.name().as_str(), "golden");
    assert!(replica.is_ready() && !replica.is_primary());
    assert_eq!(log(&replica), expected_log());
    assert_eq!(replica.inspect(0).clock.get(), 300);
    assert!(replica.status(&"300@0.1".parse().unwrap()).unwrap().known_elsewhere);

    let primary =
        Replica::recover(Options::default(), store(&["stored-identity-of-the-first-replica"])).unwrap().replica;
    assert_eq!(primary.id().unwrap().to_string(), "0");
    assert!(primary.is_primary() && primary.is_ready());
}

#[test]
fn damaged_golden_stores_are_refused_with_the_number_of_the_batch() {
    for name in ["of-version-2", "with-a-changed-bit", "cut-short", "that-goes-on"] {
        let store = store(&["stored-1", &format!("refused-stored-{name}"), "stored-3"]);
        let error = Replica::recover(Options::default(), store).map(drop).unwrap_err();
        assert!(matches!(error, RecoverError::Decode { number: 2, .. }), "{name}: {error}");
    }
}

#[test]
fn a_new_replica_is_created_and_filled_by_the_golden_frames() {
    let peer = PeerId(1);
    let mut replica = Replica::join(Options::default(), DatabaseName::parse("golden").unwrap());
    let outputs = replica.handle_link_up(NOW, peer, PeerKind::Elsewhere);
    let (_, said) = carry_out(&mut replica, outputs);
    let hello = read("frame-hello-of-a-new-replica");
    assert!(said.contains(&Output::Transmit { peer, frame: hello }), "it asks to be created");

    let mut stored = Vec::new();
    let mut said = Vec::new();
    for name in ["frame-hello", "frame-created", "frame-batch", "frame-caught-up", "frame-ping", "frame-primary"] {
        let outputs = replica.handle_frame(NOW, peer, &read(name));
        let (batches, rest) = carry_out(&mut replica, outputs);
        stored.extend(batches);
        said.extend(rest);
    }
    assert!(said.contains(&Output::Event(Event::Ready)) && said.contains(&Output::Event(Event::CaughtUp { peer })));
    assert!(replica.commits_paused());
    assert_eq!(log(&replica), expected_log());

    // It stores what the golden store holds: the same identity and the same log.
    assert_eq!(stored[0].bytes, read("stored-1"));
    assert_eq!(stored[1].bytes, read("stored-2"));

    // Then the last write is committed, too.
    let outputs = replica.handle_frame(NOW, peer, &read("frame-batch-of-a-notification"));
    carry_out(&mut replica, outputs);
    assert_eq!(replica.csn().get(), 4);
    let outputs = replica.handle_frame(NOW, peer, &read("frame-farewell"));
    let (_, said) = carry_out(&mut replica, outputs);
    assert!(said.iter().any(|output| matches!(output, Output::Event(Event::PeerRefused { code: 4409, .. }))));
}

#[test]
fn golden_frames_that_are_to_be_refused_end_the_session_with_a_code() {
    let cases = [("of-version-2", 4426), ("of-an-unknown-kind", 4400), ("cut-short", 4400), ("that-goes-on", 4400)];
    for (name, code) in cases {
        let peer = PeerId(1);
        let mut replica =
            Replica::recover(Options::default(), store(&["stored-1", "stored-2", "stored-3"])).unwrap().replica;
        let outputs = replica.handle_link_up(NOW, peer, PeerKind::Elsewhere);
        carry_out(&mut replica, outputs);
        let outputs = replica.handle_frame(NOW, peer, &read(&format!("refused-frame-{name}")));
        let (_, said) = carry_out(&mut replica, outputs);
        let codes: Vec<u16> = said
            .iter()
            .filter_map(|output| match output {
                Output::Disconnect { reason, .. } => Some(reason.code()),
                _ => None,
            })
            .collect();
        assert_eq!(codes, [code], "{name}");
        assert_eq!(log(&replica), expected_log());
    }
}

#[test]
fn the_golden_file_brings_a_replica_and_who_has_none_all_that_the_golden_store_holds() {
    let copy = ReadOnlyCopy::open([read("file")]).unwrap();
    assert_eq!((copy.name().as_str(), copy.csn().get(), copy.is_whole()), ("golden", 3, true));
    let rows = copy.inspect(10).log.into_iter();
    let rows = rows.map(|row| (row.id.to_string(), row.committed.map(|(csn, _)| csn.get()), row.outcome.branch));
    assert_eq!(rows.collect::<Vec<_>>(), expected_log());

    let mut replica = Replica::recover(Options::default(), store(&["stored-1"])).unwrap().replica;
    let (import, outputs) = replica.import(&read("file")).unwrap();
    carry_out(&mut replica, outputs);
    assert_eq!((import.writes, import.commits, import.complete, import.more), (4, 3, true, false));
    assert_eq!(log(&replica), expected_log());
    assert!(replica.is_ready());

    let reader = ReaderState::from_bytes(&read("reader-state")).unwrap();
    assert_eq!((reader.replica().unwrap().to_string(), reader.csn().get()), ("0.2".to_owned(), 3));
    let reader = ReaderState::from_bytes(&read("reader-state-of-a-copy")).unwrap();
    assert_eq!((reader.replica(), reader.csn().get()), (None, 3));
}

#[test]
fn golden_files_that_are_to_be_refused_change_nothing() {
    let names = [
        "of-another-kind",
        "of-version-2",
        "with-a-changed-bit",
        "cut-short",
        "without-a-trailer",
        "that-goes-on",
        "that-promises-more",
    ];
    for name in names {
        let mut replica = Replica::recover(Options::default(), store(&["stored-1"])).unwrap().replica;
        let refused = replica.import(&read(&format!("refused-file-{name}"))).map(drop).unwrap_err();
        assert!(matches!(refused, ImportError::File(_)), "{name}: {refused}");
        assert_eq!(replica.csn().get(), 0);
    }
    // What a reader must hold for it is not held here.
    let mut replica = Replica::recover(Options::default(), store(&["stored-1"])).unwrap().replica;
    let refused = replica.import(&read("file-of-data")).map(drop).unwrap_err();
    assert!(matches!(refused, ImportError::Lacking { number: 2, .. }), "{refused}");
}
