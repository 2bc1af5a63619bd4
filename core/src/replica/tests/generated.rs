//! Peers and stores that say anything whatever that can be decoded: nothing of it stops a replica, and what it has
//! stored is always what it is.

use proptest::{collection::vec, prelude::*, sample::Index};

use crate::{
    output::StoredBatch,
    replica::Recovery,
    wire::{
        record::{Identity, Log, LogRecord, Record, encode_batch},
        tests::cases,
    },
};

use super::*;

/// One message, or what is to be made into one from the pool of writes.
#[derive(Clone, Debug)]
enum Saying {
    Hello {
        csn: u64,
        honest_prefix: bool,
        vector: Vec<(usize, u64)>,
        replica: usize,
    },
    Created(usize),
    Batch {
        after: u64,
        commits: Vec<(Index, Mode, u8)>,
        tentative: Vec<Index>,
    },
    Progress {
        raised: Vec<(usize, u64)>,
        csn: u64,
        batches: u64,
    },
    Primary(bool),
    CaughtUp,
    /// The replica writes something itself.
    Submit,
    /// The primary pauses or goes on.
    Pause(bool),
}

#[derive(Clone, Copy, Debug)]
pub(super) enum Mode {
    Whole,
    Notification,
    /// With the digest of another write.
    WrongDigest,
}

pub(super) const REPLICAS: [&str; 5] = ["0", "0.1", "0.2", "0.1.5", "0.9"];

pub(super) fn mode() -> impl Strategy<Value = Mode> {
    prop_oneof![Just(Mode::Whole), Just(Mode::Notification), Just(Mode::WrongDigest)]
}

fn saying() -> impl Strategy<Value = Saying> {
    let vector = || vec((0..REPLICAS.len(), 0..12_u64), 0..4);
    let after = || prop_oneof![8 => 0..8_u64, 1 => STAMP_MAX - 3..=STAMP_MAX];
    prop_oneof![
        2 => (0..6_u64, any::<bool>(), vector(), 0..REPLICAS.len()).prop_map(|(csn, honest_prefix, vector, replica)| {
            Saying::Hello { csn, honest_prefix, vector, replica }
        }),
        1 => (0..REPLICAS.len()).prop_map(Saying::Created),
        9 => (after(), vec((any::<Index>(), mode(), 0..3_u8), 0..4), vec(any::<Index>(), 0..5))
            .prop_map(|(after, commits, tentative)| Saying::Batch { after, commits, tentative }),
        1 => (vector(), after(), 0..4_u64)
            .prop_map(|(raised, csn, batches)| Saying::Progress { raised, csn, batches }),
        1 => any::<bool>().prop_map(Saying::Primary),
        1 => Just(Saying::CaughtUp),
        2 => Just(Saying::Submit),
        1 => any::<bool>().prop_map(Saying::Pause),
    ]
}

/// Writes of several replicas, some of which contradict each other.
pub(super) fn pool() -> Vec<Write> {
    let mut first = Author::first();
    let mut writes = vec![first.write(1, WriteKind::CreateReplica), first.write(2, WriteKind::CreateReplica)];
    let mut other_first = first.clone();
    let mut authors = [Author::created_by(&writes[0]), Author::created_by(&writes[1])];
    writes.extend([first.write(3, put("a")), first.write(8, put("b")), other_first.write(3, put("fork"))]);
    for author in &mut authors {
        let mut other = author.clone();
        writes.extend([
            author.write(5, WriteKind::CreateReplica),
            author.write(7, put("c")),
            author.write(9, put("d")),
        ]);
        writes.extend([other.write(4, put("another fork")), other.write(7, put("e"))]);
    }
    let mut grandchild = Author::created_by(writes.iter().find(|write| write.id.to_string() == "5@0.1").unwrap());
    writes.extend([grandchild.write(6, put("f")), grandchild.write(STAMP_MAX, put("the last stamp"))]);
    // Of a replica whose creation is a plain write, and of one that nobody created.
    for id in ["0.3", "0.9"] {
        writes.push(Author { id: id.parse().unwrap(), last: stamp(3), chain: Digest::EMPTY }.write(10, put("g")));
    }
    writes
}

pub(super) fn batch_of(pool: &[Write], after: u64, commits: &[(Index, Mode, u8)], tentative: &[Index]) -> Frame {
    let mut writing = Writing::after(after);
    for (index, mode, number) in commits {
        let write = index.get(pool);
        writing = match mode {
            Mode::Whole => writing.commit(write),
            Mode::Notification => writing.notify_of(write, term(*number), write.chain),
            Mode::WrongDigest => writing.notify_of(write, term(*number), Digest::EMPTY),
        };
    }
    tentative.iter().fold(writing, |writing, index| writing.tentative(index.get(pool))).frame()
}

/// A replica with its store, and one peer that keeps to the rules and hears everything.
pub(super) struct Victim {
    pub(super) replica: Replica,
    /// The id of the peer that keeps to the rules.
    good: &'static str,
    store: Vec<StoredBatch>,
}

impl Victim {
    pub(super) fn carry_out(&mut self, outputs: Outputs) -> Vec<(PeerId, DisconnectReason)> {
        let mut reasons = Vec::new();
        let mut waiting = vec![outputs];
        while let Some(outputs) = waiting.pop() {
            for output in outputs {
                match output {
                    Output::Persist(batch) => {
                        waiting.push(self.replica.handle_persisted(batch.number));
                        self.store.push(batch);
                    }
                    Output::Disconnect { peer, reason } => {
                        let fault = reason != DisconnectReason::Resync;
                        assert!(peer == BAD || !fault, "only who breaks the rules loses its session: {reason}");
                        reasons.push((peer, reason));
                    }
                    Output::Transmit { .. } | Output::Event(_) | Output::Forget { .. } => {}
                }
            }
        }
        reasons
    }

    fn link(&mut self, peer: PeerId, hello: Hello) {
        let outputs = self.replica.handle_link_up(NOW, peer, PeerKind::Elsewhere);
        self.carry_out(outputs);
        let outputs = self.replica.handle_frame(NOW, peer, &Frame::Hello(Box::new(hello)).encode());
        self.carry_out(outputs);
    }

    pub(super) fn primary() -> Self {
        let (replica, outputs) = Replica::found(Options::default(), database(), name());
        let mut victim = Self { replica, good: "0.1", store: Vec::new() };
        victim.carry_out(outputs);
        // It creates its two peers, as the pool of writes has it.
        for peer in [BAD, GOOD] {
            victim.link(peer, Hello { replica: None, vector: WireVector::default(), ..hello("0.1") });
        }
        victim
    }

    pub(super) fn laptop() -> Self {
        let mut victim = Self { replica: Replica::join(Options::default(), name()), good: "0", store: Vec::new() };
        for peer in [BAD, GOOD] {
            victim.link(peer, hello("0"));
        }
        let pool = pool();
        let state = Writing::after(0).commit(&pool[0]).commit(&pool[1]).frame();
        for frame in [Frame::Created(Laptop::ID.parse().unwrap()), state] {
            let outputs = victim.replica.handle_frame(NOW, GOOD, &frame.encode());
            victim.carry_out(outputs);
        }
        assert!(victim.replica.is_ready());
        victim
    }

    fn hear(&mut self, saying: Saying, pool: &[Write]) {
        let prefix = |replica: &Replica, number: u64| replica.log.prefix(csn(number)).unwrap_or_default();
        let vector_of = |entries: Vec<(usize, u64)>| {
            let named: Vec<(&str, u64)> =
                entries.into_iter().map(|(index, number)| (REPLICAS[index], number)).collect();
            vector(&named)
        };
        let frame = match saying {
            Saying::Hello { csn: number, honest_prefix, vector, replica } => {
                let prefix = if honest_prefix { prefix(&self.replica, number) } else { Digest::EMPTY };
                let hello = Hello { csn: csn(number), prefix, vector: vector_of(vector), ..hello(REPLICAS[replica]) };
                let outputs = self.replica.handle_link_up(NOW, BAD, PeerKind::Elsewhere);
                self.carry_out(outputs);
                Frame::Hello(Box::new(hello))
            }
            Saying::Created(index) => Frame::Created(REPLICAS[index].parse().unwrap()),
            Saying::Batch { after, commits, tentative } => batch_of(pool, after, &commits, &tentative),
            Saying::Progress { raised, csn: number, batches } => Frame::Progress(Progress {
                raised: vector_of(raised),
                csn: csn(number),
                batches,
                ..Progress::default()
            }),
            Saying::Primary(paused) => Frame::Primary { paused },
            Saying::CaughtUp => Frame::CaughtUp,
            Saying::Submit => {
                if let Ok((_, outputs)) = self.replica.submit(Draft::default()) {
                    self.carry_out(outputs);
                }
                return;
            }
            Saying::Pause(paused) => {
                let outputs = if paused {
                    self.replica.pause_commits().map_err(crate::ResumeError::from)
                } else {
                    self.replica.resume_commits()
                };
                if let Ok(outputs) = outputs {
                    self.carry_out(outputs);
                }
                return;
            }
        };
        let outputs = self.replica.handle_frame(NOW, BAD, &frame.encode());
        for (peer, _) in self.carry_out(outputs) {
            self.link(peer, hello(if peer == BAD { "0.2" } else { self.good }));
        }
    }

    /// What is stored is what is there.
    pub(super) fn check(&self) {
        let recovered = Replica::recover(Options::default(), self.store.clone()).unwrap().replica;
        let log = |replica: &Replica| {
            let rows = replica.inspect(usize::MAX).log.into_iter();
            rows.map(|row| (row.id, row.committed, row.outcome)).collect::<Vec<_>>()
        };
        assert_eq!(log(&recovered), log(&self.replica));
        assert_eq!(data(&recovered), data(&self.replica));
        assert_eq!(recovered.version_vector(), self.replica.version_vector());
        assert_eq!(recovered.inspect(0).clock, self.replica.inspect(0).clock);
    }
}

proptest! {
    #![proptest_config(cases(150))]

    #[test]
    fn nothing_that_a_peer_can_say_stops_a_replica_or_another_session(
        is_primary in any::<bool>(), sayings in vec(saying(), 1..30)
    ) {
        let pool = pool();
        let mut victim = if is_primary { Victim::primary() } else { Victim::laptop() };
        for saying in sayings {
            victim.hear(saying, &pool);
        }
        victim.check();
        prop_assert!(victim.replica.poll_timeout().is_some(), "the peer that keeps the rules is still there");
    }

    #[test]
    fn nothing_that_can_be_stored_stops_a_recovery(
        is_primary in any::<bool>(),
        batches in vec((vec((any::<Index>(), any::<bool>(), 0..6_u64, 0..3_u8), 0..8), any::<Option<bool>>()), 0..4),
    ) {
        let pool = pool();
        let replica = if is_primary { ReplicaId::first() } else { Laptop::ID.parse().unwrap() };
        let mut records = vec![vec![Record::Identity(Identity { database: database(), name: name(), replica })]];
        for (entries, paused) in batches {
            let mut interner = Interner::default();
            let mut log = Vec::new();
            for (index, is_commit, number, of_term) in entries {
                let write = index.get(&pool);
                log.push(if is_commit {
                    LogRecord::Commit(interner.id(&write.id), csn(number), term(of_term), None)
                } else {
                    LogRecord::Write(interner.write(write))
                });
            }
            let log = Record::Log(Log { replicas: interner.finish(), entries: log });
            records.push([vec![log], paused.map(Record::Paused).into_iter().collect()].concat());
        }
        let store = (1..).zip(&records).map(|(number, records)| StoredBatch { number, bytes: encode_batch(records) });
        if let Ok(Recovery { mut replica, .. }) = Replica::recover(Options::default(), store) {
            // It works.
            let outputs = replica.handle_link_up(NOW, GOOD, PeerKind::Elsewhere);
            carry_out(&mut replica, outputs);
            if let Ok((_, outputs)) = replica.submit(Draft::default()) {
                carry_out(&mut replica, outputs);
            }
        }
    }
}
