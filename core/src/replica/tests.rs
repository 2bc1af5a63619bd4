//! Peers that break the rules: each costs itself its session, and nobody else anything.
//!
//! These tests play the peer by hand, message by message, because no replica would say what they say.

mod files;
mod generated;
mod role;
mod sessions;
mod transfers;

use crate::{
    digest::Digest,
    draft::{Draft, Operation, UpdateSet},
    id::{DatabaseId, DatabaseName, ReplicaId, WriteId},
    limits::{STAMP_JUMP_MAX, STAMP_MAX},
    output::{DisconnectReason, Event, Output, Outputs, PeerId, PeerKind},
    query::{Predicate, Query},
    replica::{Options, Replica, SubmitError},
    stamp::{Csn, Millis, Stamp, Term},
    tuple_store::View,
    value::{Fields, Key, Name},
    vector::VersionVector,
    wire::{
        Interner, WireVector,
        frame::{Batch, Commit, Frame, Hello, Progress},
        snapshot::wire_reigns,
    },
    write::{Body, Write, WriteKind},
    write_log::{LogError, Reigns},
};

const NOW: Millis = Millis(1);
/// The link to the peer that breaks the rules, and the one to a peer that keeps them.
const BAD: PeerId = PeerId(1);
const GOOD: PeerId = PeerId(2);
/// Where a laptop meets the primary for the first time.
const FIRST: PeerId = PeerId(3);

/// What a replica said to its host, storage aside.
#[derive(Debug, Default)]
struct Said {
    frames: Vec<(PeerId, Frame)>,
    disconnects: Vec<(PeerId, DisconnectReason)>,
    events: Vec<Event>,
}

/// Carries outputs out with storage that is done at once.
fn carry_out(replica: &mut Replica, outputs: Outputs) -> Said {
    let mut said = Said::default();
    let mut waiting = vec![outputs];
    while let Some(outputs) = waiting.pop() {
        for output in outputs {
            match output {
                Output::Persist(batch) => waiting.push(replica.handle_persisted(batch.number)),
                Output::Transmit { peer, frame } => said.frames.push((peer, Frame::decode(&frame).unwrap())),
                Output::Disconnect { peer, reason } => said.disconnects.push((peer, reason)),
                Output::Event(event) => said.events.push(event),
                Output::Forget { .. } => {}
            }
        }
    }
    said
}

fn database() -> DatabaseId {
    DatabaseId::from_random([7; 16])
}

fn name() -> DatabaseName {
    DatabaseName::parse("demo").unwrap()
}

fn stamp(number: u64) -> Stamp {
    Stamp::new(number).unwrap()
}

fn csn(number: u64) -> Csn {
    Csn::new(number).unwrap()
}

fn term(number: u8) -> Term {
    postcard::from_bytes(&[number]).unwrap()
}

fn put(key: &str) -> WriteKind {
    let operation = Operation::Put(Name::new("notes").unwrap(), Key::new(key).unwrap(), Fields::none());
    WriteKind::Update(Draft { update: UpdateSet(vec![operation]), ..Draft::default() })
}

fn hello(replica: &str) -> Hello {
    Hello {
        name: name(),
        database: Some(database()),
        replica: Some(replica.parse().unwrap()),
        primary: replica == "0",
        paused: false,
        renew: false,
        outcomes_after: Some(Csn::ZERO),
        reigns: wire_reigns(&Reigns::default()),
        csn: Csn::ZERO,
        prefix: Digest::EMPTY,
        vector: (&VersionVector::of_new_database()).into(),
        omitted_csn: Csn::ZERO,
        omitted_vector: WireVector::default(),
        incoming: None,
    }
}

fn vector(entries: &[(&str, u64)]) -> WireVector {
    entries.iter().map(|(id, number)| (id.parse().unwrap(), stamp(*number), Digest::EMPTY)).collect()
}

/// Writes of one replica, one after the other.
#[derive(Clone)]
struct Author {
    id: ReplicaId,
    last: Stamp,
    chain: Digest,
}

impl Author {
    fn first() -> Self {
        Self { id: ReplicaId::first(), last: Stamp::ZERO, chain: Digest::EMPTY }
    }

    fn created_by(creation: &Write) -> Self {
        let id = ReplicaId::created_by(&creation.id).unwrap();
        Self { id, last: creation.id.stamp, chain: creation.chain }
    }

    #[allow(clippy::needless_pass_by_value, reason = "it is made for this call")]
    fn write(&mut self, number: u64, kind: WriteKind) -> Write {
        let id = WriteId { stamp: stamp(number), replica: self.id.clone() };
        let write = Write::accepted(id, self.last, self.chain, Body::new(&kind).unwrap());
        (self.last, self.chain) = (write.id.stamp, write.chain);
        write
    }
}

/// A batch in the making.
#[derive(Default)]
struct Writing {
    interner: Interner,
    batch: Batch,
}

impl Writing {
    fn after(number: u64) -> Self {
        Self { batch: Batch { after: csn(number), ..Batch::default() }, ..Self::default() }
    }

    fn commit(mut self, write: &Write) -> Self {
        let commit = Commit::Whole(self.interner.write(write));
        self.batch.commits.push((Term::FIRST, commit, None));
        self
    }

    fn notify(self, write: &Write) -> Self {
        self.notify_of(write, Term::FIRST, write.chain)
    }

    fn notify_of(mut self, write: &Write, term: Term, chain: Digest) -> Self {
        let commit = Commit::Notification(self.interner.id(&write.id), chain);
        self.batch.commits.push((term, commit, None));
        self
    }

    fn tentative(mut self, write: &Write) -> Self {
        let write = self.interner.write(write);
        self.batch.tentative.push(write);
        self
    }

    fn frame(self) -> Frame {
        Frame::Batch(Batch { replicas: self.interner.finish(), ..self.batch })
    }
}

/// A laptop that the primary has created and that has two links up, on which both peers have greeted.
struct Laptop {
    replica: Replica,
    /// The primary, whose last write, committed as CSN 1, is the laptop's creation.
    primary: Author,
    creation: Write,
}

impl Laptop {
    const ID: &'static str = "0.1";

    fn new() -> Self {
        let mut primary = Author::first();
        let creation = primary.write(1, WriteKind::CreateReplica);
        let mut replica = Replica::join(Options::default(), name());
        let outputs = replica.handle_link_up(NOW, FIRST, PeerKind::Elsewhere);
        carry_out(&mut replica, outputs);
        let mut laptop = Self { replica, primary, creation };
        laptop.hear(FIRST, &Frame::Hello(Box::new(hello("0"))));
        laptop.hear(FIRST, &Frame::Created(Laptop::ID.parse().unwrap()));
        let said = laptop.hear(FIRST, &Writing::after(0).commit(&laptop.creation.clone()).frame());
        assert!(said.events.contains(&Event::Ready));
        for peer in [BAD, GOOD] {
            laptop.link_up(peer);
            let said = laptop.hear(peer, &Frame::Hello(Box::new(hello("0"))));
            assert!(said.events.contains(&Event::LinkReady { peer }));
        }
        laptop
    }

    fn link_up(&mut self, peer: PeerId) {
        let outputs = self.replica.handle_link_up(NOW, peer, PeerKind::Elsewhere);
        carry_out(&mut self.replica, outputs);
    }

    fn hear(&mut self, peer: PeerId, frame: &Frame) -> Said {
        let outputs = self.replica.handle_frame(NOW, peer, &frame.encode());
        carry_out(&mut self.replica, outputs)
    }

    /// A message that costs the peer its session. Everybody else goes on as before.
    #[track_caller]
    fn refuses(&mut self, frame: &Frame, expected: &DisconnectReason) {
        refuses(&mut self.replica, frame, expected);
    }
}

fn data(replica: &Replica) -> (Vec<crate::value::Row>, Vec<crate::value::Row>) {
    let all = Query::new(Name::new("notes").unwrap(), Predicate::All);
    (replica.read(View::Committed, &all).unwrap(), replica.read(View::Tentative, &all).unwrap())
}

#[track_caller]
fn refuses(replica: &mut Replica, frame: &Frame, expected: &DisconnectReason) {
    let before = (data(replica), replica.csn());
    let outputs = replica.handle_frame(NOW, BAD, &frame.encode());
    let said = carry_out(replica, outputs);
    assert_eq!(said.disconnects, [(BAD, expected.clone())]);
    let farewell = Frame::Farewell { code: expected.code(), reason: expected.sentence() };
    let last = said.frames.iter().rfind(|(peer, _)| *peer == BAD);
    assert_eq!(last, Some(&(BAD, farewell)));
    assert_eq!((data(replica), replica.csn()), before, "the data and the committed prefix are as they were");

    // What still arrives over the link that was given up is ignored, and the other link carries on.
    let outputs = replica.handle_frame(NOW, BAD, &Frame::Ping.encode());
    assert!(carry_out(replica, outputs).disconnects.is_empty());
    let Ok((_, outputs)) = replica.submit(Draft::default()) else { return };
    let said = carry_out(replica, outputs);
    assert!(said.frames.iter().any(|(peer, frame)| *peer == GOOD && matches!(frame, Frame::Batch(_))));
    assert!(said.frames.iter().all(|(peer, _)| *peer != BAD));
}

#[test]
fn a_second_hello_ends_the_session() {
    let expected = DisconnectReason::OutOfTurn("a second hello");
    Laptop::new().refuses(&Frame::Hello(Box::new(hello("0"))), &expected);
}

#[test]
fn a_message_before_the_hello_ends_the_session() {
    let expected = DisconnectReason::OutOfTurn("a message before the hello");
    let write = Author::first().write(1, put("x"));
    let frames = [
        Frame::Ping,
        Frame::CaughtUp,
        Frame::Primary { paused: true },
        Frame::Progress(Progress::default()),
        Frame::Created("0.9".parse().unwrap()),
        Writing::after(0).tentative(&write).frame(),
    ];
    for frame in frames {
        let mut laptop = Laptop::new();
        laptop.link_up(BAD);
        laptop.refuses(&frame, &expected);
    }
}

#[test]
fn a_hello_that_does_not_fit_ends_the_session() {
    let other = DatabaseId::from_random([8; 16]);
    let contradicting = Digest::EMPTY.chained(&[b"another history"]);
    let cases = [
        (Hello { name: DatabaseName::parse("other").unwrap(), ..hello("0") }, DisconnectReason::OtherName),
        (
            Hello { database: Some(other), ..hello("0") },
            DisconnectReason::OtherDatabase { ours: database(), theirs: other },
        ),
        (Hello { csn: csn(1), prefix: contradicting, ..hello("0") }, DisconnectReason::CommittedOrdersDiffer(csn(1))),
    ];
    for (hello, expected) in cases {
        let mut laptop = Laptop::new();
        laptop.link_up(BAD);
        laptop.refuses(&Frame::Hello(Box::new(hello)), &expected);
    }
}

#[test]
fn a_gap_in_a_replicas_writes_ends_the_session() {
    let mut laptop = Laptop::new();
    laptop.primary.write(2, put("withheld"));
    let write = laptop.primary.write(3, put("x"));
    let expected = LogError::Gap { write: write.id.clone(), previous: stamp(2), held: stamp(1) };
    laptop.refuses(&Writing::after(1).tentative(&write).frame(), &expected.into());
    assert!(!laptop.replica.version_vector().covers(&write.id));
}

#[test]
fn writes_of_a_replica_that_nobody_created_end_the_session() {
    let mut laptop = Laptop::new();
    let creation = laptop.primary.write(2, WriteKind::CreateReplica);
    let write = Author::created_by(&creation).write(3, put("x"));
    let expected = LogError::UnknownReplica { write: write.id.clone() };
    laptop.refuses(&Writing::after(1).tentative(&write).frame(), &expected.into());
}

/// What a replica does that finds its id used elsewhere: it says so, accepts nothing and asks the next peer for a new one.
#[track_caller]
fn loses_its_id(laptop: &mut Laptop, frame: &Frame) {
    let said = laptop.hear(BAD, frame);
    assert!(said.events.contains(&Event::IdLost { replica: Laptop::ID.parse().unwrap() }), "{said:?}");
    assert!(said.disconnects.contains(&(GOOD, DisconnectReason::Resync)));
    assert_eq!(laptop.replica.submit(Draft::default()).map(|_| ()), Err(SubmitError::NotReady));
    let outputs = laptop.replica.handle_link_up(NOW, GOOD, PeerKind::Elsewhere);
    let said = carry_out(&mut laptop.replica, outputs);
    assert!(matches!(&said.frames[..], [(GOOD, Frame::Hello(hello))] if hello.renew), "{said:?}");
}

#[test]
fn a_replica_that_meets_its_own_id_or_more_of_its_writes_than_it_holds_asks_for_a_new_id() {
    let knows_more = Hello { vector: vector(&[("0", 5), (Laptop::ID, 4)]), ..hello("0") };
    let another_history = Hello { vector: vector(&[("0", 1), (Laptop::ID, 1)]), ..hello("0") };
    for hello in [hello(Laptop::ID), knows_more, another_history] {
        let mut laptop = Laptop::new();
        laptop.link_up(BAD);
        loses_its_id(&mut laptop, &Frame::Hello(Box::new(hello)));
    }
    let mut laptop = Laptop::new();
    let write = Author::created_by(&laptop.creation).write(2, put("lost"));
    loses_its_id(&mut laptop, &Writing::after(1).tentative(&write).frame());
    assert!(laptop.replica.version_vector().covers(&write.id), "what was lost is kept");
}

#[test]
fn another_history_of_a_replica_is_left_out_until_the_primary_has_decided() {
    let mut laptop = Laptop::new();
    let mut twin = laptop.primary.clone();
    let write = laptop.primary.write(2, put("x"));
    laptop.hear(GOOD, &Writing::after(1).tentative(&write).frame());

    // The same stamp with another body, and what follows it.
    let fork = twin.write(2, put("y"));
    let later = twin.write(3, put("z"));
    let said = laptop.hear(BAD, &Writing::after(1).tentative(&fork).tentative(&later).frame());
    assert!(said.disconnects.is_empty(), "{said:?}");
    assert_eq!(laptop.replica.write(&write.id), Some(&write));
    assert_eq!(laptop.replica.write(&later.id), None);

    // The primary decides for the other one: it displaces the first, which is offered again.
    let said = laptop.hear(BAD, &Writing::after(1).commit(&fork).frame());
    assert_eq!(laptop.replica.write(&write.id), Some(&fork));
    assert_eq!(laptop.replica.csn(), csn(2));
    let again = said.events.iter().find_map(|event| match event {
        Event::Displaced { write: lost, again } if *lost == write.id => again.clone(),
        _ => None,
    });
    let again = laptop.replica.write(&again.expect("it is offered again")).unwrap().clone();
    assert!(matches!(again.kind(), WriteKind::Again { tag, .. } if tag == write.chain));
    assert!(said.disconnects.iter().all(|(_, reason)| *reason == DisconnectReason::Resync));
    assert_eq!(said.disconnects.len(), laptop_links(), "all sessions begin anew");
}

/// The links that a laptop has up: to both peers, and the one over which it was created.
const fn laptop_links() -> usize {
    3
}

#[test]
fn a_notification_of_another_write_than_the_one_held_displaces_it() {
    let mut laptop = Laptop::new();
    let mut twin = laptop.primary.clone();
    let write = laptop.primary.write(2, put("x"));
    let fork = twin.write(2, put("y"));
    laptop.hear(GOOD, &Writing::after(1).tentative(&write).frame());
    let said = laptop.hear(BAD, &Writing::after(1).notify(&fork).frame());
    assert!(said.disconnects.contains(&(BAD, DisconnectReason::Resync)), "{said:?}");
    assert_eq!(laptop.replica.write(&write.id), None);
    assert!(!laptop.replica.version_vector().covers(&write.id), "so that the peer sends the write itself");
    laptop.link_up(BAD);
    laptop.hear(BAD, &Frame::Hello(Box::new(hello("0"))));
    laptop.hear(BAD, &Writing::after(1).commit(&fork).frame());
    assert_eq!(laptop.replica.write(&fork.id), Some(&fork));
}

#[test]
fn a_commit_that_leaves_out_a_csn_is_refused() {
    let mut laptop = Laptop::new();
    let write = laptop.primary.write(2, put("x"));
    laptop.hear(GOOD, &Writing::after(1).tentative(&write).frame());
    let expected = LogError::CommitGap { csn: csn(3), held: csn(1) };
    laptop.refuses(&Writing::after(2).notify(&write).frame(), &expected.into());
}

#[test]
fn a_commit_of_a_write_that_is_not_held_is_refused() {
    let mut laptop = Laptop::new();
    let write = laptop.primary.write(2, put("x"));
    // The peer thinks that it is here; the hello of a new session tells what is.
    laptop.refuses(&Writing::after(1).notify(&write).frame(), &DisconnectReason::Resync);
}

#[test]
fn a_commit_that_contradicts_the_committed_order_is_refused() {
    let mut laptop = Laptop::new();
    let write = laptop.primary.write(2, put("x"));
    laptop.hear(GOOD, &Writing::after(1).tentative(&write).frame());
    let expected = LogError::CommitContradicts { csn: csn(1), write: write.id.clone() };
    laptop.refuses(&Writing::after(0).notify(&write).frame(), &expected.into());
}

#[test]
fn a_write_is_not_committed_twice() {
    let mut laptop = Laptop::new();
    let creation = laptop.creation.clone();
    let expected = LogError::CommitContradicts { csn: csn(2), write: creation.id.clone() };
    laptop.refuses(&Writing::after(1).notify(&creation).frame(), &expected.into());
}

#[test]
fn a_commit_of_a_reign_that_is_over_is_refused() {
    let mut laptop = Laptop::new();
    let first = laptop.primary.write(2, put("x"));
    let second = laptop.primary.write(3, put("y"));
    let frame = Writing::after(1).tentative(&first).tentative(&second);
    laptop.hear(GOOD, &frame.frame());
    laptop.hear(GOOD, &Writing::after(1).notify_of(&first, term(2), first.chain).frame());
    assert_eq!(laptop.replica.csn(), csn(2));
    // Who sends it has not heard of the second term. The hello of a new session tells.
    laptop.refuses(&Writing::after(2).notify(&second).frame(), &DisconnectReason::Resync);
}

#[test]
fn a_commit_that_overtakes_an_earlier_write_of_the_same_replica_is_refused() {
    let mut laptop = Laptop::new();
    let first = laptop.primary.write(2, put("x"));
    let second = laptop.primary.write(3, put("y"));
    laptop.hear(GOOD, &Writing::after(1).tentative(&first).tentative(&second).frame());
    let outputs = laptop.replica.handle_frame(NOW, BAD, &Writing::after(1).notify(&second).frame().encode());
    let said = carry_out(&mut laptop.replica, outputs);
    assert!(matches!(said.disconnects[..], [(BAD, DisconnectReason::Log(_))]), "{:?}", said.disconnects);
    assert_eq!(laptop.replica.csn(), csn(1));
}

#[test]
fn commits_beyond_the_last_commit_number_are_refused() {
    let mut laptop = Laptop::new();
    let write = laptop.primary.write(2, put("x"));
    let outputs = laptop.replica.handle_frame(NOW, BAD, &Writing::after(STAMP_MAX).commit(&write).frame().encode());
    let said = carry_out(&mut laptop.replica, outputs);
    assert_eq!(said.disconnects.len(), 1);
}

#[test]
fn an_acknowledgement_of_what_was_never_sent_ends_the_session() {
    let expected = DisconnectReason::OutOfTurn("an acknowledgement of what was never sent");
    let mut laptop = Laptop::new();
    laptop.refuses(&Frame::Progress(Progress { batches: 1_000, ..Progress::default() }), &expected);
}

#[test]
fn a_creation_that_was_not_asked_for_is_ignored() {
    let mut laptop = Laptop::new();
    let said = laptop.hear(BAD, &Frame::Created("0.9".parse().unwrap()));
    assert!(said.disconnects.is_empty());
    assert_eq!(laptop.replica.id(), Some(&Laptop::ID.parse().unwrap()));
}

#[test]
fn a_farewell_is_passed_on_and_not_answered() {
    let mut laptop = Laptop::new();
    let said = laptop.hear(BAD, &Frame::Farewell { code: 4409, reason: "another database".into() });
    assert_eq!(said.disconnects, [(BAD, DisconnectReason::Farewell)]);
    assert!(said.events.contains(&Event::PeerRefused { peer: BAD, code: 4409, reason: "another database".into() }));
    assert!(said.frames.is_empty());
}

#[test]
fn the_primary_takes_no_commits_from_others() {
    let (mut replica, outputs) = Replica::found(Options::default(), database(), name());
    carry_out(&mut replica, outputs);
    for peer in [BAD, GOOD] {
        let outputs = replica.handle_link_up(NOW, peer, PeerKind::Elsewhere);
        carry_out(&mut replica, outputs);
    }
    // It creates the peers, as CSN 1 and 2.
    for peer in [BAD, GOOD] {
        let hello = Frame::Hello(Box::new(Hello { replica: None, vector: WireVector::default(), ..hello("0.1") }));
        let outputs = replica.handle_frame(NOW, peer, &hello.encode());
        assert!(carry_out(&mut replica, outputs).frames.iter().any(|(_, frame)| matches!(frame, Frame::Created(_))));
    }
    let mut author = Author::first();
    let creation = author.write(1, WriteKind::CreateReplica);
    let write = Author::created_by(&creation).write(5, put("x"));
    let expected = DisconnectReason::OutOfTurn("a commit, to the primary");
    refuses(&mut replica, &Writing::after(2).commit(&write).frame(), &expected);
}

#[test]
fn a_new_write_under_a_commit_number_that_the_primary_has_given_to_another_is_refused() {
    let (mut replica, outputs) = Replica::found(Options::default(), database(), name());
    carry_out(&mut replica, outputs);
    let outputs = replica.handle_link_up(NOW, BAD, PeerKind::Elsewhere);
    carry_out(&mut replica, outputs);
    let joining = Frame::Hello(Box::new(Hello { replica: None, vector: WireVector::default(), ..hello("0.1") }));
    let outputs = replica.handle_frame(NOW, BAD, &joining.encode());
    carry_out(&mut replica, outputs);
    let mut author = Author::first();
    let creation = author.write(1, WriteKind::CreateReplica);
    let write = Author::created_by(&creation).write(2, put("x"));
    let outputs = replica.handle_frame(NOW, BAD, &Writing::after(0).commit(&write).frame().encode());
    let said = carry_out(&mut replica, outputs);
    assert_eq!(said.disconnects.len(), 1);
    assert_eq!(replica.summary().tentative, 0, "an active primary leaves nothing tentative");
}

#[test]
fn a_creation_by_another_than_the_peer_is_refused() {
    // Another than the one that greeted may be that one's new id, of which the next hello tells.
    for (id, reason) in [
        ("0", DisconnectReason::OutOfTurn("a creation")),
        ("0.5.7", DisconnectReason::Resync),
        ("0.9.10", DisconnectReason::Resync),
    ] {
        let mut replica = Replica::join(Options::default(), name());
        let outputs = replica.handle_link_up(NOW, BAD, PeerKind::Elsewhere);
        carry_out(&mut replica, outputs);
        let outputs = replica.handle_frame(NOW, BAD, &Frame::Hello(Box::new(hello("0"))).encode());
        carry_out(&mut replica, outputs);
        refuses(&mut replica, &Frame::Created(id.parse().unwrap()), &reason);
        assert_eq!(replica.id(), None);
    }
}

#[test]
fn a_batch_before_the_creation_ends_the_session() {
    let mut replica = Replica::join(Options::default(), name());
    let outputs = replica.handle_link_up(NOW, BAD, PeerKind::Elsewhere);
    carry_out(&mut replica, outputs);
    let outputs = replica.handle_frame(NOW, BAD, &Frame::Hello(Box::new(hello("0"))).encode());
    carry_out(&mut replica, outputs);
    let write = Author::first().write(1, put("x"));
    let expected = DisconnectReason::OutOfTurn("a batch before the creation");
    refuses(&mut replica, &Writing::after(0).tentative(&write).frame(), &expected);
    assert!(!replica.version_vector().covers(&write.id));
}

#[test]
fn a_new_write_is_ordered_after_all_that_its_replica_knew() {
    let mut laptop = Laptop::new();
    let far = laptop.primary.write(5_000, put("far"));
    laptop.hear(GOOD, &Writing::after(1).commit(&far).frame());
    let (own, outputs) = laptop.replica.submit(Draft::default()).unwrap();
    carry_out(&mut laptop.replica, outputs);
    assert_eq!(own.stamp, stamp(5_001));
}

#[test]
fn the_greatest_stamp_of_a_session_moves_the_clock_not_the_last_one() {
    let mut laptop = Laptop::new();
    let creation = laptop.primary.write(2, WriteKind::CreateReplica);
    let late = laptop.primary.write(900, put("late"));
    let early = Author::created_by(&creation).write(3, put("early"));
    laptop.hear(GOOD, &Writing::after(1).commit(&creation).commit(&late).tentative(&early).frame());
    let (own, outputs) = laptop.replica.submit(Draft::default()).unwrap();
    carry_out(&mut laptop.replica, outputs);
    assert_eq!(own.stamp, stamp(901));
}

#[test]
fn a_stamp_from_an_absurd_future_is_ordered_as_it_stands_and_does_not_move_the_clock() {
    let mut laptop = Laptop::new();
    let near = laptop.primary.write(1 + STAMP_JUMP_MAX, put("near"));
    laptop.hear(GOOD, &Writing::after(1).tentative(&near).frame());
    assert_eq!(laptop.replica.inspect(0).clock, near.id.stamp, "as far as a clock may jump");
    let absurd = laptop.primary.write(STAMP_MAX, put("absurd"));
    laptop.hear(GOOD, &Writing::after(1).tentative(&absurd).frame());
    assert_eq!(laptop.replica.inspect(0).clock, near.id.stamp);

    let (own, outputs) = laptop.replica.submit(Draft::default()).unwrap();
    carry_out(&mut laptop.replica, outputs);
    assert_eq!(own.stamp, stamp(2 + STAMP_JUMP_MAX));
    let order: Vec<WriteId> = laptop.replica.inspect(3).log.into_iter().map(|row| row.id).collect();
    assert_eq!(order, [near.id, own, absurd.id]);
}

#[test]
fn only_the_primary_is_believed_that_commits_are_paused() {
    let mut laptop = Laptop::new();
    laptop.link_up(BAD);
    laptop.hear(BAD, &Frame::Hello(Box::new(Hello { paused: true, ..hello("0.9") })));
    laptop.hear(BAD, &Frame::Primary { paused: true });
    assert!(!laptop.replica.commits_paused());
    let said = laptop.hear(GOOD, &Frame::Primary { paused: true });
    assert!(laptop.replica.commits_paused() && said.events.contains(&Event::PrimaryPaused { paused: true }));
    assert!(laptop.hear(GOOD, &Frame::Primary { paused: true }).events.is_empty(), "that is no news");
}

#[test]
fn the_good_part_of_a_batch_before_a_bad_write_is_kept() {
    let mut laptop = Laptop::new();
    let first = laptop.primary.write(2, put("first"));
    laptop.primary.write(3, put("withheld"));
    let third = laptop.primary.write(4, put("third"));
    let said = laptop.hear(BAD, &Writing::after(1).tentative(&first).tentative(&third).frame());
    assert_eq!(said.disconnects.len(), 1);
    assert!(laptop.replica.version_vector().covers(&first.id) && !laptop.replica.version_vector().covers(&third.id));
    // It is stored and offered to others as any write is.
    assert!(said.frames.iter().any(|(peer, frame)| *peer == GOOD && matches!(frame, Frame::Batch(_))));
    assert!(laptop.replica.status(&first.id).unwrap().saved);
}
