//! What is timed, and what is counted.

use bayou_core::{Guarantees, Millis, Name, PeerId, Predicate, Query, Session, SessionNeed, StoredBatch, View};

use super::{Round, Workload, host::Host};

/// All that is timed.
pub const WORKLOADS: &[Workload] = &[
    Workload { name: "submit 10,000 bookings", units: 10_000, prepare: || submit(10_000) },
    Workload { name: "submit 100,000 bookings", units: 100_000, prepare: || submit(100_000) },
    Workload { name: "one late write before 10,000 pending", units: 10_000, prepare: || receive(1, 10_000) },
    Workload { name: "10,000 remote writes onto 1,000 pending", units: 10_000, prepare: || receive(10_000, 1_000) },
    Workload { name: "10,000 remote writes onto 10,000 pending", units: 10_000, prepare: || receive(10_000, 10_000) },
    Workload { name: "10,000 remote writes onto 50,000 pending", units: 10_000, prepare: || receive(10_000, 50_000) },
    Workload { name: "anti-entropy of 100,000 writes", units: 100_000, prepare: anti_entropy },
    Workload { name: "recovery of 100,000 writes from the log", units: 100_000, prepare: recovery_from_log },
    Workload { name: "recovery of 100,000 bookings from a snapshot", units: 100_000, prepare: recovery_from_snapshot },
    Workload { name: "state transfer of 100,000 bookings", units: 100_000, prepare: state_transfer },
    Workload { name: "1,000 sessions set up, 2 replicas known", units: 1_000, prepare: || sessions(1_000, 2) },
    Workload { name: "1,000 sessions set up, 100 replicas known", units: 1_000, prepare: || sessions(1_000, 100) },
    Workload { name: "10 sessions set up, 10,000 replicas known", units: 10, prepare: || sessions(10, 10_000) },
    Workload { name: "100 guaranteed reads among 1,000 replicas", units: 100, prepare: guaranteed_reads },
    Workload { name: "100 submits while 256 sessions wait", units: 100, prepare: submits_beside_waits },
];

/// How many bookings [`memory`] and [`bytes`] look at.
const COUNTED: u32 = 100_000;

/// What [`memory`] loads into memory.
pub const MEMORY: &str = "memory a tentative booking, of 100,000";

/// Loads 100,000 tentative bookings. The caller sees how much more memory is in use, beside the stored bytes, which it
/// is told.
#[must_use]
pub fn memory() -> (Box<dyn core::any::Any>, usize) {
    let mut tab = Host::primary().create();
    tab.book(COUNTED);
    let bytes = tab.stored.iter().map(|batch| batch.bytes.len()).sum();
    (Box::new(tab), bytes)
}

/// What [`bytes`] counts.
pub const BYTES: [&str; 4] = [
    "bytes a booking on the wire, in batches",
    "bytes a booking stored, as received",
    "bytes a booking stored, each submitted by itself",
    "bytes a booking in a checkpoint without log",
];

/// Bytes a booking.
#[must_use]
pub fn bytes() -> [f64; 4] {
    let mut primary = Host::primary();
    let (mut tab, mut other) = (primary.create(), primary.create());
    let stored = |host: &Host| host.stored.iter().map(|batch| batch.bytes.len()).sum::<usize>();
    let (tab_before, other_before) = (stored(&tab), stored(&other));
    tab.book(COUNTED);
    let submitted = stored(&tab) - tab_before;
    let sent = tab.exchange(&mut other);
    let received = stored(&other) - other_before;
    primary.exchange(&mut tab);
    checkpoint(&mut primary);
    [sent, received, submitted, stored(&primary)].map(|bytes| bytes as f64 / f64::from(COUNTED))
}

fn submit(count: u32) -> Box<dyn FnMut() -> Round> {
    let mut primary = Host::primary();
    Box::new(move || {
        let mut tab = primary.create();
        Box::new(move || {
            tab.book(count);
            Box::new(tab)
        })
    })
}

/// Writes that were made without knowledge of those that are pending where they arrive. They are recorded once, with what
/// else is said, so that only the receiver is timed.
fn receive(remote: u32, pending: u32) -> Box<dyn FnMut() -> Round> {
    let mut primary = Host::primary();
    let (mut tab, mut other) = (primary.create(), primary.create());
    tab.book(pending);
    other.book(remote);
    let stored = tab.stored;
    let peer = PeerId(1_000);
    let mut twin = Host::recover(stored.clone());
    twin.link_up(peer);
    other.link_up(peer);
    let mut frames = Vec::new();
    while !(twin.transmitted.is_empty() && other.transmitted.is_empty()) {
        for frame in other.transmitted.drain(..).collect::<Vec<_>>() {
            twin.receive(peer, &frame);
            frames.push(frame);
        }
        for frame in twin.transmitted.drain(..).collect::<Vec<_>>() {
            other.receive(peer, &frame);
        }
    }
    assert!(twin.redone >= u64::from(pending), "the writes came late");
    drop((twin, other));
    Box::new(move || {
        let mut tab = Host::recover(stored.clone());
        tab.link_up(peer);
        let mut frames = frames.clone();
        let greeting = frames.remove(0);
        tab.receive(peer, &greeting);
        tab.transmitted.clear();
        Box::new(move || {
            frames.iter().for_each(|frame| tab.receive(peer, frame));
            Box::new(tab)
        })
    })
}

/// From a replica that has written all of them to one that has none, until it has acknowledged the last.
fn anti_entropy() -> Box<dyn FnMut() -> Round> {
    let mut primary = Host::primary();
    let (mut tab, other) = (primary.create(), primary.create());
    // Of the other one's creation it is to know before it writes.
    primary.exchange(&mut tab);
    tab.book(100_000);
    let (from, to) = (tab.stored, other.stored);
    Box::new(move || {
        let (mut tab, mut other) = (Host::recover(from.clone()), Host::recover(to.clone()));
        Box::new(move || {
            tab.exchange(&mut other);
            Box::new((tab, other))
        })
    })
}

fn recovery(stored: Vec<StoredBatch>) -> Box<dyn FnMut() -> Round> {
    Box::new(move || {
        let stored = stored.clone();
        Box::new(move || Box::new(Host::recover(stored)))
    })
}

fn recovery_from_log() -> Box<dyn FnMut() -> Round> {
    let mut tab = Host::primary().create();
    tab.book(100_000);
    recovery(tab.stored)
}

fn recovery_from_snapshot() -> Box<dyn FnMut() -> Round> {
    recovery(truncated().stored)
}

/// A primary that has committed 100,000 bookings and keeps none of the writes.
fn truncated() -> Host {
    let mut primary = Host::primary();
    primary.book(100_000);
    checkpoint(&mut primary);
    primary
}

fn checkpoint(host: &mut Host) {
    let outputs = host.replica.truncate(host.replica.csn());
    host.carry_out(outputs);
    let outputs = host.replica.checkpoint();
    host.carry_out(outputs);
}

fn state_transfer() -> Box<dyn FnMut() -> Round> {
    let stored = truncated().stored;
    Box::new(move || {
        let mut primary = Host::recover(stored.clone());
        Box::new(move || {
            let created = primary.create();
            Box::new((primary, created))
        })
    })
}

/// Two replicas that hold the same, of so many replicas, meet: from link up to both having said that this is all.
fn sessions(count: u32, known: u32) -> Box<dyn FnMut() -> Round> {
    let mut primary = crowd(known - 2);
    let mut tab = primary.create();
    primary.exchange(&mut tab);
    let hosts = std::rc::Rc::new(core::cell::RefCell::new((primary, tab)));
    Box::new(move || {
        let hosts = std::rc::Rc::clone(&hosts);
        Box::new(move || {
            let (primary, tab) = &mut *hosts.borrow_mut();
            for _ in 0..count {
                primary.exchange(tab);
            }
            Box::new(())
        })
    })
}

/// A primary that has created so many replicas.
fn crowd(count: u32) -> Host {
    let mut primary = Host::primary();
    // All links come up while greetings are short.
    for peer in 0..u64::from(count) {
        primary.link_up(PeerId(peer));
    }
    let mut created = primary.blank();
    created.link_up(PeerId(0));
    let greeting = created.transmitted.pop_front().expect("a greeting");
    for peer in 0..u64::from(count) {
        primary.receive(PeerId(peer), &greeting);
        primary.link_down(PeerId(peer));
        primary.transmitted.clear();
    }
    primary
}

fn everything(relation: &str) -> Query {
    Query::new(Name::new(relation).expect("a valid name"), Predicate::All)
}

/// A primary that has created 1,000 replicas, with a session that has read there.
fn crowd_with_session() -> (Host, Session) {
    let primary = crowd(1_000);
    let mut session = Session::new(primary.replica.database().expect("it was founded"), Guarantees::ALL);
    primary.replica.read_in(&mut session, View::Tentative, &everything("rooms")).expect("a new session");
    (primary, session)
}

/// A session with all guarantees reads both views in turn: the query finds nothing, so that this is what the guarantees cost.
fn guaranteed_reads() -> Box<dyn FnMut() -> Round> {
    let (primary, session) = crowd_with_session();
    let primary = std::rc::Rc::new(primary);
    Box::new(move || {
        let (primary, mut session) = (std::rc::Rc::clone(&primary), session.clone());
        Box::new(move || {
            for view in [View::Tentative, View::Committed].into_iter().cycle().take(100) {
                primary.replica.read_in(&mut session, view, &everything("nothing")).expect("all is held");
            }
            Box::new(session)
        })
    })
}

/// 256 sessions wait for a write that does not come, while others do.
fn submits_beside_waits() -> Box<dyn FnMut() -> Round> {
    let (mut primary, session) = crowd_with_session();
    let mut tab = primary.create();
    tab.book(1);
    let mut waiting = Session::new(session.database(), Guarantees::ALL);
    tab.replica.read_in(&mut waiting, View::Tentative, &everything("bookings")).expect("a new session");
    let waiting = Session::from(tab.replica.session_token(&waiting).expect("all is stored"));
    for _ in 0..256 {
        let need = SessionNeed::Read(View::Tentative);
        let waits = primary.replica.wait_for(Millis(1), &waiting, need, Millis(1_000));
        let (_, outputs) = waits.expect("few wait");
        primary.carry_out(outputs);
    }
    let primary = std::rc::Rc::new(core::cell::RefCell::new(primary));
    Box::new(move || {
        let primary = std::rc::Rc::clone(&primary);
        Box::new(move || {
            primary.borrow_mut().book(100);
            Box::new(())
        })
    })
}
