//! What the engine costs: `cargo bench -p bayou-core`.
//!
//! Bookings have a dependency check and two alternatives, as the application writes them. Storage and links cost
//! nothing here; hosts are measured elsewhere.

use std::collections::VecDeque;

use bayou_core::{
    DatabaseId, DatabaseName, Event, Guarantees, Millis, Name, Options, Output, Outputs, PeerId, PeerKind, Predicate,
    Query, Replica, Session, SessionNeed, StoredBatch, View,
    rooms::{self, NewBooking, Slot},
};
use divan::Bencher;

fn main() {
    divan::main();
}

/// Accepts 10,000 bookings that conflict now and then.
#[divan::bench(sample_count = 10)]
fn submit_10_000_bookings(bencher: Bencher) {
    bencher.with_inputs(|| Host::primary().create()).bench_local_values(|mut tab| {
        tab.book(10_000);
        tab
    });
}

/// A write that is ordered before all but the first of 10,000 tentative ones arrives: they are taken back and executed
/// again.
#[divan::bench(sample_count = 10)]
fn one_late_write_before_10_000_tentative(bencher: Bencher) {
    let with_inputs = || {
        let mut primary = Host::primary();
        let (mut tab, mut other) = (primary.create(), primary.create());
        tab.book(10_000);
        other.book(1);
        tab.meet(PEER);
        other.meet(PEER);
        let frames = other.transmitted.drain(..).collect::<Vec<_>>();
        // The greetings; what they set off is offered in the frames after them.
        tab.receive(PEER, &frames[0]);
        other.receive(PEER, &tab.transmitted.pop_front().expect("a greeting"));
        (tab, other.transmitted.drain(..).collect::<Vec<_>>())
    };
    bencher.with_inputs(with_inputs).bench_local_values(|(mut tab, frames)| {
        frames.iter().for_each(|frame| tab.receive(PEER, frame));
        assert!(tab.undone >= 9_000, "the write came late");
        tab
    });
}

/// A replica starts from 10,000 bookings in its store.
#[divan::bench(sample_count = 10)]
fn recover_10_000_bookings(bencher: Bencher) {
    let with_inputs = || {
        let mut tab = Host::primary().create();
        tab.book(10_000);
        tab.stored
    };
    bencher.with_inputs(with_inputs).bench_local_values(|stored| {
        Replica::recover(Options::default(), stored).expect("what was stored can be recovered").replica
    });
}

/// A session with all guarantees reads both views of a database of 1,000 replicas: the query finds nothing, so that this
/// is what the guarantees cost.
#[divan::bench]
fn two_reads_in_a_session_among_1_000_replicas(bencher: Bencher) {
    let (primary, mut session) = crowd();
    let nothing = Query::new(Name::new("nothing").expect("a valid name"), Predicate::All);
    bencher.bench_local(|| {
        for view in [View::Tentative, View::Committed] {
            primary.replica.read_in(&mut session, view, &nothing).expect("all is held");
        }
    });
}

/// 256 sessions wait for a write that does not come, while another one does.
#[divan::bench(sample_count = 50)]
fn one_submit_while_256_sessions_wait_among_1_000_replicas(bencher: Bencher) {
    let (mut primary, session) = crowd();
    let mut tab = primary.create();
    tab.book(1);
    let mut waiting = Session::new(session.database(), Guarantees::ALL);
    let all = Query::new(Name::new("bookings").expect("a valid name"), Predicate::All);
    tab.replica.read_in(&mut waiting, View::Tentative, &all).expect("a new session");
    let waiting = Session::from(tab.replica.session_token(&waiting).expect("all is stored"));
    for _ in 0..256 {
        let need = SessionNeed::Read(View::Tentative);
        let (_, outputs) = primary.replica.wait_for(Millis(1), &waiting, need, Millis(1_000)).expect("few wait");
        primary.carry_out(outputs);
    }
    bencher.bench_local(|| primary.book(1));
}

/// A primary that has created 1,000 replicas, with a session that has read there.
fn crowd() -> (Host, Session) {
    let mut primary = Host::primary();
    for _ in 0..1_000 {
        drop(primary.create());
    }
    let mut session = Session::new(primary.replica.database().expect("it was founded"), Guarantees::ALL);
    let all = Query::new(Name::new("rooms").expect("a valid name"), Predicate::All);
    primary.replica.read_in(&mut session, View::Tentative, &all).expect("a new session");
    (primary, session)
}

const ROOMS: [&str; 6] = ["heron", "otter", "cypress", "pelican", "magnolia", "delta"];
/// Monday 5 January 2026, 00:00 UTC, in minutes.
const MONDAY: i64 = 29_459_520;
const PEER: PeerId = PeerId(1_000);

/// A replica whose storage and links are plain lists.
struct Host {
    replica: Replica,
    stored: Vec<StoredBatch>,
    transmitted: VecDeque<Vec<u8>>,
    undone: u32,
}

impl Host {
    fn new(replica: Replica) -> Self {
        Self { replica, stored: Vec::new(), transmitted: VecDeque::new(), undone: 0 }
    }

    fn primary() -> Self {
        let name = DatabaseName::parse("bench").expect("a valid name");
        let (replica, outputs) = Replica::found(Options::default(), DatabaseId::from_random([7; 16]), name);
        let mut primary = Self::new(replica);
        primary.carry_out(outputs);
        let draft = rooms::add_rooms(&rooms::sample_rooms("UTC")).expect("valid rooms");
        let (_, outputs) = primary.replica.submit(draft).expect("a ready replica");
        primary.carry_out(outputs);
        primary
    }

    /// A replica that this one creates and then is cut off from.
    fn create(&mut self) -> Self {
        let name = self.replica.name().clone();
        let mut created = Self::new(Replica::join(Options::default(), name));
        let peer = PeerId(self.stored.len() as u64);
        self.meet(peer);
        created.meet(peer);
        while !(self.transmitted.is_empty() && created.transmitted.is_empty()) {
            for frame in self.transmitted.drain(..).collect::<Vec<_>>() {
                created.receive(peer, &frame);
            }
            for frame in created.transmitted.drain(..).collect::<Vec<_>>() {
                self.receive(peer, &frame);
            }
        }
        for host in [self, &mut created] {
            let outputs = host.replica.handle_link_down(Millis(1), peer);
            host.carry_out(outputs);
        }
        created
    }

    fn book(&mut self, count: i64) {
        let own = self.replica.id().expect("a created replica").to_string();
        for index in 0..count {
            let start = MONDAY + index * 7 / 3;
            let slot = |shift: i64| {
                let room = ROOMS[usize::try_from(index + shift).expect("counts are positive") % ROOMS.len()];
                Slot { room: room.into(), start, end: start + 30 }
            };
            let booking = NewBooking {
                id: format!("{own}-{index}"),
                title: "Planning of the week".into(),
                person: "a3f2c8d17b".into(),
                name: "Ada Lovelace".into(),
                notes: String::new(),
                wanted: slot(0),
                alternatives: vec![slot(1), slot(2)],
            };
            let draft = rooms::book(&self.replica, &booking).expect("a valid booking");
            let (_, outputs) = self.replica.submit(draft).expect("a ready replica");
            self.carry_out(outputs);
        }
    }

    fn meet(&mut self, peer: PeerId) {
        let outputs = self.replica.handle_link_up(Millis(1), peer, PeerKind::Elsewhere);
        self.carry_out(outputs);
    }

    fn receive(&mut self, peer: PeerId, frame: &[u8]) {
        let outputs = self.replica.handle_frame(Millis(1), peer, frame);
        self.carry_out(outputs);
    }

    fn carry_out(&mut self, outputs: Outputs) {
        for output in outputs {
            match output {
                Output::Persist(batch) => {
                    let number = batch.number;
                    self.stored.push(batch);
                    let outputs = self.replica.handle_persisted(number);
                    self.carry_out(outputs);
                }
                Output::Transmit { frame, .. } => self.transmitted.push_back(frame),
                Output::Disconnect { reason, .. } => panic!("{reason}"),
                Output::Event(Event::Reordered { undone, .. }) => self.undone = undone,
                Output::Event(_) => {}
            }
        }
    }
}
