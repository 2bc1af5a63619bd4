//! Golden bytes: the formats of version 1 as they are for ever, in `core/vectors`, which also other languages read.
//!
//! A test that fails here has found a change of a format. One that is meant needs a new version number; while a version
//! is not released, `BAYOU_BLESS=1 cargo test -p bayou-core --lib golden` writes the files anew.

mod files;

use std::{
    collections::BTreeSet,
    env, fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use crate::{
    digest::Digest,
    draft::{Alternative, Condition, DependencyCheck, Draft, Expectation, Operation, UpdateSet},
    id::{DatabaseId, DatabaseName, ReplicaId, WriteId},
    outcome::{Attempt, Branch, Conflict, Outcome, Step},
    outcomes::OmittedOutcome,
    query::{Comparison, Order, Predicate, Query},
    session::{Guarantees, SessionToken},
    stamp::{Csn, Stamp, Term},
    value::{Fields, Key, Name, Row, Text, Tuple, Value},
    wire::{
        DecodeError, Interner, WireVector,
        frame::{Batch, Commit, Frame, Hello, Progress},
        record::{Checkpoint, Identity, Log, LogRecord, Record, decode_batch, encode_batch},
        session::WireSession,
        snapshot::{self, Outcomes, SnapshotPart, Tuples, WireOmitted, WireOutcome, wire_reigns},
    },
    write::{Body, Write, WriteKind},
    write_log::{Reign, Reigns},
};

fn directory() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("vectors")
}

fn is_blessing() -> bool {
    env::var_os("BAYOU_BLESS").is_some()
}

/// Compares bytes with those of a file, or writes the file if that is asked for.
fn compare(name: &str, bytes: &[u8]) {
    let path = directory().join(format!("{name}.hex"));
    if is_blessing() {
        let lines =
            bytes.chunks(32).map(|line| line.iter().map(|byte| format!("{byte:02x}")).collect::<String>() + "\n");
        fs::write(&path, lines.collect::<String>()).unwrap();
    }
    let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{name}: {error}"));
    let digits: Vec<u8> =
        text.chars().filter_map(|char| char.to_digit(16)).map(|digit| digit.try_into().unwrap()).collect();
    let golden: Vec<u8> = digits.chunks(2).map(|pair| pair[0] << 4 | pair[1]).collect();
    assert_eq!(bytes, golden, "{name}: the format has changed");
}

fn name(name: &str) -> Name {
    Name::new(name).unwrap()
}

fn key(key: &str) -> Key {
    Key::new(key).unwrap()
}

fn term(number: u8) -> Term {
    postcard::from_bytes(&[number]).unwrap()
}

fn fields(fields: &[(&str, Value)]) -> Fields {
    Fields::new(fields.iter().map(|(field, value)| (name(field), value.clone()))).unwrap()
}

fn stamp(number: u64) -> Stamp {
    Stamp::new(number).unwrap()
}

fn csn(number: u64) -> Csn {
    Csn::new(number).unwrap()
}

fn replica(id: &str) -> ReplicaId {
    id.parse().unwrap()
}

fn database() -> DatabaseId {
    DatabaseId::from_random(core::array::from_fn(|index| u8::try_from(index).unwrap()))
}

/// A draft in which every kind of operation, predicate, comparison, expectation and value stands.
fn rich_draft() -> Draft {
    let values = fields(&[
        ("bool", Value::Bool(true)),
        ("bytes", Value::Bytes(vec![0, 255].into())),
        ("int", Value::Int(-29_459_520)),
        ("list", Value::List(vec![Value::Null, Value::Int(i64::MAX), "é".into()].into())),
        ("null", Value::Null),
        ("text", "Überraschung".into()),
    ]);
    let compared = [
        (Comparison::Equal, Value::from("heron")),
        (Comparison::Less, Value::Int(1)),
        (Comparison::LessOrEqual, Value::Int(2)),
        (Comparison::Greater, Value::Int(3)),
        (Comparison::GreaterOrEqual, Value::Int(4)),
    ];
    let compared = compared.map(|(comparison, value)| Predicate::Field(name("room"), comparison, value));
    let overlaps =
        Predicate::Overlaps { start_field: name("start"), end_field: name("end"), start: -60, end: 29_459_580 };
    let filter = Predicate::And(vec![
        Predicate::Or(compared.into()),
        Predicate::Not(Box::new(overlaps)),
        Predicate::Key(Comparison::GreaterOrEqual, key("a")),
    ]);
    let orders =
        vec![Order { field: name("start"), descending: true }, Order { field: name("room"), descending: false }];
    let rich = Query { from: name("bookings"), filter, order: orders, limit: Some(300) };
    let all = Query::new(name("rooms"), Predicate::All);
    let expectations = [
        Expectation::None,
        Expectation::Some,
        Expectation::Count(2),
        Expectation::Exactly(vec![(key("heron"), fields(&[("seats", Value::Int(4))]))]),
    ];
    let conditions = expectations.map(|expect| Condition { query: all.clone(), expect });
    let put = Operation::Put(name("bookings"), key("b"), Fields::none());
    Draft {
        update: UpdateSet(vec![
            Operation::Insert(name("bookings"), key("a"), values.clone()),
            Operation::Put(name("bookings"), key("b"), values.clone()),
            Operation::Patch(name("bookings"), key("b"), fields(&[("title", "x".into())])),
            Operation::Delete(name("bookings"), key("c")),
        ]),
        check: DependencyCheck(vec![Condition { query: rich, expect: Expectation::None }]),
        alternatives: vec![
            Alternative { check: DependencyCheck(conditions.into()), update: UpdateSet(vec![put]) },
            Alternative::default(),
        ],
        report: values,
    }
}

/// A booking with an alternative, of the form that the application writes: most of its texts stand in it several times.
fn booking() -> Draft {
    let slot = |room: &str, start: i64| vec![room.into(), Value::Int(start), Value::Int(start + 30)];
    let fields_at = |choice: i64, room: &str, start: i64| {
        fields(&[
            ("alternatives", slot("otter", 29_459_550).into()),
            ("choice", choice.into()),
            ("end", (start + 30).into()),
            ("name", "Ada Lovelace".into()),
            ("notes", "".into()),
            ("person", "a3f2c8d17b".into()),
            ("room", room.into()),
            ("start", start.into()),
            ("title", "Planning of the week".into()),
            ("wanted", slot("heron", 29_459_520).into()),
        ])
    };
    let step = |choice: i64, room: &str, start: i64| {
        let overlaps =
            Predicate::Overlaps { start_field: name("start"), end_field: name("end"), start, end: start + 30 };
        let taken = Predicate::And(vec![Predicate::equal(name("room"), room), overlaps]);
        let is_there = Predicate::Key(Comparison::Equal, key(room));
        let check = DependencyCheck(vec![
            Condition { query: Query::new(name("bookings"), taken), expect: Expectation::None },
            Condition { query: Query::new(name("rooms"), is_there), expect: Expectation::Some },
        ]);
        let insert = Operation::Insert(name("bookings"), key("q7Zp"), fields_at(choice, room, start));
        (check, UpdateSet(vec![insert]))
    };
    let (check, update) = step(0, "heron", 29_459_520);
    let (otherwise, elsewhere) = step(1, "otter", 29_459_550);
    let about = fields(&[("booking", "q7Zp".into()), ("kind", "booking".into())]);
    Draft {
        update,
        check,
        alternatives: vec![Alternative { check: otherwise, update: elsewhere }],
        report: fields_at(0, "heron", 29_459_520).patched(&about),
    }
}

/// Two replicas are created, the first of them writes, and all but the last write is committed.
fn history() -> [Write; 4] {
    let mut chain = Digest::EMPTY;
    let mut previous = Stamp::ZERO;
    let mut accept = |replica: ReplicaId, number: u64, kind: WriteKind, begins: Option<&Write>| {
        if let Some(creation) = begins {
            (chain, previous) = (creation.chain, creation.id.stamp);
        }
        let id = WriteId { stamp: stamp(number), replica };
        let write = Write::accepted(id, previous, chain, Body::new(&kind).unwrap());
        (chain, previous) = (write.chain, write.id.stamp);
        write
    };
    let first = accept(replica("0"), 1, WriteKind::CreateReplica, None);
    let second = accept(replica("0"), 2, WriteKind::CreateReplica, None);
    let rich = accept(replica("0.1"), 3, WriteKind::Update(rich_draft()), Some(&first));
    let delete = UpdateSet(vec![Operation::Delete(name("bookings"), key("b"))]);
    let small = Draft { update: delete, ..Draft::default() };
    let small = accept(replica("0.1"), 300, WriteKind::Update(small), None);
    [first, second, rich, small]
}

fn vector() -> WireVector {
    let [first, second, _, small] = history();
    let entries = [
        (replica("0"), second.id.stamp, second.chain),
        (replica("0.1"), small.id.stamp, small.chain),
        (replica("0.2"), stamp(2), second.chain),
    ];
    assert_ne!(first.chain, second.chain);
    entries.into_iter().collect()
}

fn frames() -> Vec<(&'static str, Frame)> {
    let [first, second, rich, small] = history();
    let prefix =
        [&first, &second, &rich].iter().fold(Digest::EMPTY, |prefix, write| prefix.chained(&[write.chain.as_bytes()]));
    let hello = Hello {
        name: DatabaseName::parse("golden").unwrap(),
        database: Some(database()),
        replica: Some(replica("0")),
        primary: true,
        paused: true,
        renew: false,
        outcomes_after: Some(csn(2)),
        reigns: wire_reigns(&Reigns::default()),
        csn: csn(3),
        prefix,
        vector: vector(),
        omitted_csn: Csn::ZERO,
        omitted_vector: WireVector::default(),
        incoming: Some((csn(2), prefix, (name("bookings"), key("b-2")))),
    };
    let new = Hello {
        database: None,
        replica: None,
        primary: false,
        paused: false,
        csn: Csn::ZERO,
        prefix: Digest::EMPTY,
        vector: WireVector::default(),
        outcomes_after: Some(Csn::ZERO),
        reigns: wire_reigns(&Reigns::default()),
        incoming: None,
        ..hello.clone()
    };
    let mut interner = Interner::default();
    let commits = [&first, &second, &rich].map(|write| (Term::FIRST, Commit::Whole(interner.write(write)), None));
    let tentative = vec![interner.write(&small)];
    let whole = Batch { replicas: interner.finish(), after: Csn::ZERO, commits: commits.into(), tentative };
    let mut interner = Interner::default();
    let notification = Commit::Notification(interner.id(&small.id), small.chain);
    let commits = vec![(Term::FIRST, notification, Some(Text::new("not allowed")))];
    let notification = Batch { replicas: interner.finish(), after: csn(3), commits, tentative: Vec::new() };
    vec![
        ("frame-hello", Frame::Hello(Box::new(hello))),
        ("frame-hello-of-a-new-replica", Frame::Hello(Box::new(new))),
        ("frame-created", Frame::Created(replica("0.2"))),
        ("frame-batch", Frame::Batch(whole)),
        ("frame-batch-of-a-notification", Frame::Batch(notification)),
        (
            "frame-progress",
            Frame::Progress(Progress { raised: vector(), retired: vec![replica("0.2")], csn: csn(3), batches: 200 }),
        ),
        ("frame-snapshot-of-tuples", Frame::Snapshot(snapshot_parts()[0].clone())),
        ("frame-snapshot-of-outcomes", Frame::Snapshot(snapshot_parts()[1].clone())),
        ("frame-snapshot-end", Frame::Snapshot(snapshot_parts()[2].clone())),
        ("frame-decline-commits", Frame::DeclineCommits),
        ("frame-caught-up", Frame::CaughtUp),
        ("frame-primary", Frame::Primary { paused: true }),
        ("frame-ping", Frame::Ping),
        ("frame-farewell", Frame::Farewell { code: 4409, reason: "This is another database.".into() }),
    ]
}

fn reigns() -> Reigns {
    let first = Reigns::default().last().clone();
    let prefix = Digest::EMPTY.chained(&[b"a prefix"]);
    let next = Reign { term: term(2), primary: Some(replica("0.1")), after: csn(2), prefix };
    Reigns::new(vec![first, next]).unwrap()
}

fn outcomes() -> Outcomes {
    let [.., rich, small] = history();
    let mut interner = Interner::default();
    let written_by = rich.id.clone();
    let found =
        Row { key: key("b-1"), tuple: Arc::new(Tuple { fields: fields(&[("room", "heron".into())]), written_by }) };
    let conflicts = [
        Conflict::Check { index: 1, found: vec![found] },
        Conflict::KeyTaken { relation: name("bookings"), key: key("b") },
        Conflict::KeyMissing { relation: name("bookings"), key: key("c") },
        Conflict::TupleFull { relation: name("bookings"), key: key("d") },
        Conflict::Refused { reason: Text::new("not allowed") },
    ];
    let steps = [Step::Update].into_iter().chain((0..).map(Step::Alternative));
    let attempts = steps.zip(conflicts).map(|(step, conflict)| Attempt { step, conflict }).collect();
    let outcome = Outcome { branch: Branch::Alternative(4), attempts };
    let omitted = OmittedOutcome { csn: csn(2), chain: small.chain, outcome };
    let outcomes = vec![WireOutcome::new(&mut interner, &small.id, &omitted)];
    Outcomes { replicas: interner.finish(), outcomes }
}

fn tuples() -> Tuples {
    let [.., rich, _] = history();
    let mut interner = Interner::default();
    let tuple = Tuple { fields: fields(&[("room", "heron".into()), ("seats", 8.into())]), written_by: rich.id };
    let tuples = vec![snapshot::tuple(&mut interner, &name("bookings"), &key("b-2"), &tuple)];
    Tuples { replicas: interner.finish(), tuples }
}

fn omitted() -> WireOmitted {
    let prefix = Digest::EMPTY.chained(&[b"a prefix"]);
    WireOmitted { csn: csn(2), vector: vector(), prefix, reigns: wire_reigns(&reigns()) }
}

/// The three kinds of parts.
fn snapshot_parts() -> [SnapshotPart; 3] {
    let part = SnapshotPart {
        csn: csn(2),
        digest: Digest::EMPTY.chained(&[b"the data"]),
        after: None,
        tuples: tuples(),
        outcomes: Outcomes::default(),
        end: None,
    };
    let after = Some((name("bookings"), key("b-2")));
    let of_outcomes =
        SnapshotPart { after: after.clone(), tuples: Tuples::default(), outcomes: outcomes(), ..part.clone() };
    let end = SnapshotPart { outcomes: Outcomes::default(), end: Some(Box::new(omitted())), ..of_outcomes.clone() };
    [part, of_outcomes, end]
}

fn stored_batches() -> Vec<(&'static str, Vec<Record>)> {
    let [first, second, rich, small] = history();
    let identity = |id: &str| Identity {
        database: database(),
        name: DatabaseName::parse("golden").unwrap(),
        replica: replica(id),
    };
    let mut interner = Interner::default();
    let mut entries = Vec::new();
    for (number, write) in (1..).zip([&first, &second, &rich]) {
        entries.push(LogRecord::Write(interner.write(write)));
        entries.push(LogRecord::Commit(interner.id(&write.id), csn(number), Term::FIRST, None));
    }
    entries.push(LogRecord::Write(interner.write(&small)));
    let log = Log { replicas: interner.finish(), entries };
    let mut interner = Interner::default();
    let refused = LogRecord::Commit(interner.id(&small.id), csn(4), term(2), Some(Text::new("not allowed")));
    let displaced = LogRecord::Displaced(interner.cut(&replica("0.1"), stamp(3)));
    let rare = Log { entries: vec![refused, LogRecord::Voided(csn(3)), displaced], replicas: interner.finish() };
    let checkpoint = Checkpoint {
        identity: identity("0.2"),
        omitted: omitted(),
        elsewhere: vector(),
        paused: true,
        taking_over: false,
        id_lost: false,
        former: vec![replica("0.1")],
        outcomes_after: csn(1),
    };
    let elsewhere = [(replica("0.1"), small.id.stamp, small.chain)].into_iter().collect();
    vec![
        ("stored-1", vec![Record::Identity(identity("0.2"))]),
        ("stored-2", vec![Record::Log(log.clone())]),
        ("stored-log-of-rare-changes", vec![Record::Log(rare)]),
        ("stored-roles", vec![Record::TakingOver, Record::IdLost, Record::Reigns(wire_reigns(&reigns()))]),
        ("stored-snapshot", vec![Record::Snapshot(snapshot_parts()[0].clone())]),
        ("stored-checkpoint", vec![Record::Checkpoint(Box::new(checkpoint))]),
        ("stored-checkpoint-tuples", vec![Record::CheckpointTuples(tuples())]),
        ("stored-checkpoint-outcomes", vec![Record::CheckpointOutcomes(outcomes())]),
        ("stored-checkpoint-log", vec![Record::CheckpointLog(log)]),
        ("stored-checkpoint-end", vec![Record::CheckpointEnd]),
        ("stored-3", vec![Record::Elsewhere(elsewhere), Record::Paused(true)]),
        ("stored-identity-of-the-first-replica", vec![Record::Identity(identity("0"))]),
    ]
}

fn bodies() -> Vec<(&'static str, WriteKind)> {
    let tag = Digest::EMPTY.chained(&[b"a lost write"]);
    vec![
        ("body-update", WriteKind::Update(rich_draft())),
        ("body-booking", WriteKind::Update(booking())),
        ("body-create-replica", WriteKind::CreateReplica),
        ("body-retire-replica", WriteKind::RetireReplica),
        ("body-consent", WriteKind::Consent),
        ("body-hand-over", WriteKind::HandOver { to: replica("0.1"), term: term(2) }),
        ("body-take-over", WriteKind::TakeOver { term: term(3) }),
        ("body-again", WriteKind::Again { tag, draft: rich_draft() }),
    ]
}

fn session() -> SessionToken {
    let [first, second, rich, small] = history();
    let prefix =
        [&first, &second, &rich].iter().fold(Digest::EMPTY, |prefix, write| prefix.chained(&[write.chain.as_bytes()]));
    let written = [(small.id.replica, small.id.stamp, small.chain)].into_iter().collect();
    let guarantees = Guarantees { monotonic_writes: false, ..Guarantees::ALL };
    WireSession { database: database(), guarantees, read: vector(), written, csn: csn(3), prefix }.try_into().unwrap()
}

fn refused_frames() -> Vec<(&'static str, Vec<u8>, DecodeError)> {
    let ping = Frame::Ping.encode();
    let hello = frames().remove(0).1.encode();
    vec![
        ("refused-frame-of-version-2", vec![2, ping[1]], DecodeError::Version { version: 2 }),
        ("refused-frame-of-an-unknown-kind", vec![1, 10], DecodeError::Malformed),
        ("refused-frame-cut-short", hello[..hello.len() - 1].to_vec(), DecodeError::Malformed),
        ("refused-frame-that-goes-on", [ping, vec![0]].concat(), DecodeError::Malformed),
    ]
}

fn refused_batches() -> Vec<(&'static str, Vec<u8>, DecodeError)> {
    let whole = encode_batch(&stored_batches().remove(1).1);
    let mut other_version = whole.clone();
    other_version[0] = 2;
    let mut damaged = whole.clone();
    damaged[40] ^= 1;
    vec![
        ("refused-stored-of-version-2", other_version, DecodeError::Version { version: 2 }),
        ("refused-stored-with-a-changed-bit", damaged, DecodeError::Checksum),
        ("refused-stored-cut-short", whole[..whole.len() - 1].to_vec(), DecodeError::Checksum),
        ("refused-stored-that-goes-on", super::with_checksum(&[&whole[9..], &[0]].concat()), DecodeError::Malformed),
    ]
}

#[test]
fn every_message_has_its_golden_bytes_and_is_read_from_them() {
    for (name, frame) in frames() {
        let bytes = frame.encode();
        compare(name, &bytes);
        assert_eq!(Frame::decode(&bytes), Ok(frame), "{name}");
    }
}

#[test]
fn every_stored_batch_has_its_golden_bytes_and_is_read_from_them() {
    for (name, records) in stored_batches() {
        let bytes = encode_batch(&records);
        compare(name, &bytes);
        assert_eq!(decode_batch(&bytes), Ok(records), "{name}");
    }
}

#[test]
fn every_body_of_a_write_has_its_golden_bytes_and_is_read_from_them() {
    for (name, kind) in bodies() {
        let body = Body::new(&kind).unwrap();
        compare(name, &body.bytes);
        assert_eq!(Body::parse(body.bytes.clone()).map(|(body, _)| body), Ok(body), "{name}");
    }
}

#[test]
fn a_session_has_its_golden_bytes_and_is_read_from_them() {
    let bytes = session().to_bytes();
    compare("session", &bytes);
    assert_eq!(SessionToken::from_bytes(&bytes), Ok(session()));
}

#[test]
fn golden_bytes_that_are_to_be_refused_are_refused() {
    for (name, bytes, expected) in refused_frames() {
        compare(name, &bytes);
        assert_eq!(Frame::decode(&bytes), Err(expected), "{name}");
    }
    for (name, bytes, expected) in refused_batches() {
        compare(name, &bytes);
        assert_eq!(decode_batch(&bytes), Err(expected), "{name}");
    }
}

#[test]
fn every_golden_file_is_of_something() {
    if is_blessing() {
        // The other tests are writing the files.
        return;
    }
    let names = frames().into_iter().map(|(name, _)| name).chain(stored_batches().into_iter().map(|(name, _)| name));
    let names = names.chain(bodies().into_iter().map(|(name, _)| name));
    let names = names.chain(refused_frames().into_iter().chain(refused_batches()).map(|(name, ..)| name));
    let names = names.chain(files::files().into_iter().map(|(name, _)| name));
    let names = names.chain(files::refused_files().into_iter().map(|(name, ..)| name));
    let names = names.chain(files::reader_states().into_iter().map(|(name, _)| name)).chain(["session"]);
    let expected: BTreeSet<String> = names.map(|name| format!("{name}.hex")).chain(["README.md".into()]).collect();
    let found = fs::read_dir(directory()).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    assert_eq!(found.collect::<BTreeSet<_>>(), expected);
}
