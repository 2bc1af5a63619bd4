//! Session guarantees over random histories, held against their definitions \[94 §3\], which speak of sets of writes.
//!
//! Every write puts a tuple under a key of its own, so that the keys a read finds are the set of writes behind it, and
//! the set of writes that a replica holds is read off its log. No version vector plays a part. The checker is shown to
//! find what it looks for: sessions that lack one guarantee break its definition soon enough.

#![allow(clippy::unwrap_used, reason = "a helper that fails fails the test")]

mod support;

use std::{cell::Cell, collections::BTreeSet};

use bayou_core::{
    Guarantees, Operation, Predicate, Query, Session, SessionReadError, SessionRefusal, SessionSubmitError,
    SessionToken, SessionTokenError, View, WriteKind,
};
use proptest::{
    collection::vec,
    prelude::*,
    sample,
    test_runner::{TestError, TestRunner},
};

use support::{
    Network,
    generate::{cases, named, note},
};

/// At the beginning, and at most.
const HOSTS: usize = 4;
const HOSTS_MAX: usize = 7;
const SESSIONS: usize = 2;

#[derive(Clone, Debug)]
enum Step {
    /// Somebody writes outside any session.
    Submit(usize),
    Read(usize, usize, View),
    Write(usize, usize),
    /// Two hosts meet, and the link is lost after some frames.
    Meet(usize, usize, Vec<usize>),
    /// A host creates another replica.
    Join(usize),
    Pause,
    Resume,
    SlowStorage(usize),
    Store(usize, usize),
    Crash(usize, usize),
}

fn step() -> impl Strategy<Value = Step> {
    let view = sample::select(vec![View::Tentative, View::Committed]);
    prop_oneof![
        2 => (0..HOSTS_MAX).prop_map(Step::Submit),
        6 => (0..SESSIONS, 0..HOSTS_MAX, view).prop_map(|(session, host, view)| Step::Read(session, host, view)),
        5 => (0..SESSIONS, 0..HOSTS_MAX).prop_map(|(session, host)| Step::Write(session, host)),
        5 => (0..HOSTS_MAX, 0..HOSTS_MAX, vec(any::<usize>(), 0..14)).prop_map(|(a, b, frames)| Step::Meet(a, b, frames)),
        1 => (0..HOSTS_MAX).prop_map(Step::Join),
        1 => Just(Step::Pause),
        1 => Just(Step::Resume),
        3 => (0..HOSTS_MAX).prop_map(Step::SlowStorage),
        2 => (0..HOSTS_MAX, 0..4_usize).prop_map(|(host, batches)| Step::Store(host, batches)),
        2 => (0..HOSTS_MAX, 0..3_usize).prop_map(|(host, reached)| Step::Crash(host, reached)),
    ]
}

type Keys = BTreeSet<String>;

/// What the client of a session did, in the words of the definitions.
#[derive(Clone, Debug, Default)]
struct Deeds {
    written: Keys,
    /// The writes behind all reads so far, and behind those of the committed view.
    read: Keys,
    read_committed: Keys,
}

/// A client with its session, and what it fell back on if the replica crashed that it is at.
struct Client {
    at: usize,
    session: Session,
    deeds: Deeds,
    kept: (SessionToken, Deeds),
}

/// How often what was tried.
#[derive(Default)]
struct Tally {
    done: Cell<usize>,
    refused: Cell<usize>,
    not_saved: Cell<usize>,
    crashed: Cell<usize>,
}

fn count(cell: &Cell<usize>) {
    cell.set(cell.get() + 1);
}

/// A write that must nowhere be held without these, nor ordered before one of them.
type After = (String, Keys);

struct Play<'a> {
    network: Network,
    clients: Vec<Client>,
    after: Vec<After>,
    keys: usize,
    checked: Guarantees,
    tally: &'a Tally,
}

impl<'a> Play<'a> {
    fn new(asked: Guarantees, checked: Guarantees, tally: &'a Tally) -> Self {
        let mut network = Network::with_replicas(HOSTS - 1);
        (1..HOSTS).for_each(|host| network.exchange(host, 0));
        let session = Session::new(network.hosts[0].replica.database().unwrap(), asked);
        let token = network.hosts[0].replica.session_token(&session).unwrap();
        let client = |_| {
            let kept = (token.clone(), Deeds::default());
            Client { at: 0, session: session.clone(), deeds: Deeds::default(), kept }
        };
        Self { network, clients: (0..SESSIONS).map(client).collect(), after: Vec::new(), keys: 0, checked, tally }
    }

    fn new_key(&mut self) -> String {
        self.keys += 1;
        format!("w{:03}", self.keys)
    }

    fn step(&mut self, step: &Step) -> Result<(), TestCaseError> {
        // Not all of the hosts are there from the beginning.
        let hosts = self.network.hosts.len();
        match step {
            Step::Submit(host) => {
                let key = self.new_key();
                self.network.submit(host % hosts, note(&key, 1));
            }
            Step::Read(client, host, view) => {
                if self.go(*client, host % hosts) {
                    self.read(*client, *view)?;
                }
            }
            Step::Write(client, host) => {
                if self.go(*client, host % hosts) {
                    self.write(*client)?;
                }
            }
            Step::Meet(left, right, frames) if left % hosts != right % hosts => {
                let (left, right) = (left % hosts, right % hosts);
                self.network.link(left, right);
                for choice in frames {
                    self.network.deliver_one(*choice);
                    self.check_order()?;
                }
                self.network.unlink(left, right);
            }
            Step::Join(creator) if hosts < HOSTS_MAX && !self.network.hosts[creator % hosts].slow_storage => {
                self.network.join_through(creator % hosts);
            }
            Step::Meet(..) | Step::Join(_) => {}
            Step::Pause => self.network.pause(),
            Step::Resume => self.network.resume(),
            Step::SlowStorage(host) => self.network.hosts[host % hosts].slow_storage = true,
            Step::Store(host, batches) => self.network.store(host % hosts, *batches),
            Step::Crash(host, reached) => {
                let host = host % hosts;
                self.network.crash(host, *reached);
                self.network.hosts[host].slow_storage = false;
                for client in self.clients.iter_mut().filter(|client| client.at == host) {
                    count(&self.tally.crashed);
                    client.session = client.kept.0.clone().into();
                    client.deeds = client.kept.1.clone();
                }
            }
        }
        self.check_order()
    }

    /// Takes the client's session to a host, if it may leave where it is.
    fn go(&mut self, client: usize, host: usize) -> bool {
        let client = &mut self.clients[client];
        if client.at != host {
            match self.network.hosts[client.at].replica.session_token(&client.session) {
                Ok(token) => {
                    client.kept = (token.clone(), client.deeds.clone());
                    client.session = token.into();
                    client.at = host;
                }
                Err(SessionTokenError::NotSaved { .. }) => {
                    count(&self.tally.not_saved);
                    return false;
                }
                Err(error) => panic!("{error}"),
            }
        }
        true
    }

    /// Says whether the read took place.
    fn read(&mut self, client: usize, view: View) -> Result<bool, TestCaseError> {
        let Client { at, session, deeds, .. } = &mut self.clients[client];
        let all = Query::new(named("notes"), Predicate::All);
        let rows = match self.network.hosts[*at].replica.read_in(session, view, &all) {
            Ok(rows) => rows,
            Err(SessionReadError::Session(SessionRefusal::Lacking(_))) => {
                count(&self.tally.refused);
                return Ok(false);
            }
            Err(other) => panic!("{other}"),
        };
        count(&self.tally.done);
        let found: Keys = rows.into_iter().map(|row| row.key.to_string()).collect();
        if self.checked.read_your_writes {
            // If read R follows write W in a session, W is in the data that R finds.
            prop_assert!(deeds.written.is_subset(&found), "{:?} were written, {found:?} found", deeds.written);
        }
        if self.checked.monotonic_reads {
            // If read R1 comes before R2 in a session, what is behind R1 is in the data that R2 finds.
            let before = if view == View::Committed { &deeds.read_committed } else { &deeds.read };
            prop_assert!(before.is_subset(&found), "{before:?} were read, {found:?} found");
        }
        if view == View::Committed {
            deeds.read_committed.extend(found.iter().cloned());
        }
        deeds.read.extend(found);
        Ok(true)
    }

    /// Says whether the write was accepted.
    fn write(&mut self, client: usize) -> Result<bool, TestCaseError> {
        let key = self.new_key();
        let Client { at, session, deeds, .. } = &mut self.clients[client];
        let host = *at;
        let outputs = match self.network.hosts[host].replica.submit_in(session, note(&key, 1)) {
            Ok((_, outputs)) => outputs,
            Err(SessionSubmitError::Session(SessionRefusal::Lacking(_))) => {
                count(&self.tally.refused);
                return Ok(false);
            }
            Err(other) => panic!("{other}"),
        };
        count(&self.tally.done);
        // If read R precedes write W2 in a session, or write W1 does: wherever W2 is held, what is behind R, or W1, is
        // held too, and before it.
        if self.checked.writes_follow_reads {
            self.after.push((key.clone(), deeds.read.clone()));
        }
        if self.checked.monotonic_writes {
            self.after.push((key.clone(), deeds.written.clone()));
        }
        deeds.written.insert(key);
        self.network.carry_out(host, outputs);
        self.check_order()?;
        Ok(true)
    }

    fn check_order(&self) -> Result<(), TestCaseError> {
        for host in 0..self.network.hosts.len() {
            let log = self.log(host);
            let place = |key: &String| log.iter().position(|other| other == key);
            for (later, earlier) in &self.after {
                let Some(later_place) = place(later) else { continue };
                for earlier in earlier {
                    let fits = place(earlier).is_some_and(|earlier| earlier < later_place);
                    prop_assert!(fits, "host {host}: {later} is held, but not after {earlier}: {log:?}");
                }
            }
        }
        Ok(())
    }

    /// The keys of the writes that a host holds, in its order.
    fn log(&self, host: usize) -> Vec<String> {
        let replica = &self.network.hosts[host].replica;
        let rows = replica.inspect(usize::MAX).log.into_iter();
        let key = |id| match replica.write(&id).unwrap().kind() {
            WriteKind::Update(draft) => draft.update.0.first().map(Operation::key).map(ToString::to_string),
            _ => None,
        };
        rows.filter_map(|row| key(row.id)).collect()
    }

    /// A session that reads a view remembers the writes behind it and no other ones.
    fn check_what_is_remembered(&self) -> Result<(), TestCaseError> {
        let all = Query::new(named("notes"), Predicate::All);
        for host in &self.network.hosts {
            for view in [View::Tentative, View::Committed] {
                let mut session = Session::new(host.replica.database().unwrap(), Guarantees::ALL);
                host.replica.read_in(&mut session, view, &all).unwrap();
                for row in host.replica.inspect(usize::MAX).log {
                    let is_behind = view == View::Tentative || row.committed.is_some();
                    prop_assert_eq!(session.read_vector().covers(&row.id), is_behind, "{} {:?}", row.id, view);
                }
            }
        }
        Ok(())
    }

    /// Once everybody has heard everything, every replica serves every session.
    fn end(&mut self) -> Result<(), TestCaseError> {
        let hosts = self.network.hosts.len();
        (0..hosts).for_each(|host| self.network.store_at_once(host));
        self.network.resume();
        for host in (1..hosts).chain(1..hosts) {
            self.network.exchange(host, 0);
        }
        for client in 0..SESSIONS {
            for host in 0..hosts {
                prop_assert!(self.go(client, host), "all is stored");
                for view in [View::Tentative, View::Committed] {
                    prop_assert!(self.read(client, view)?, "all is known and committed");
                }
            }
            prop_assert!(self.write(client)?);
        }
        Ok(())
    }
}

fn play(
    config: ProptestConfig,
    asked: Guarantees,
    checked: Guarantees,
    tally: &Tally,
) -> Result<(), TestError<Vec<Step>>> {
    TestRunner::new(config).run(&vec(step(), 1..60), |steps| {
        let mut play = Play::new(asked, checked, tally);
        steps.iter().try_for_each(|step| play.step(step))?;
        play.check_what_is_remembered()?;
        play.end()
    })
}

#[test]
fn what_a_session_may_do_keeps_every_guarantee_by_its_definition() {
    let tally = Tally::default();
    if let Err(error) = play(cases(120), Guarantees::ALL, Guarantees::ALL, &tally) {
        panic!("{error}");
    }
    for (what, times) in [
        ("done", &tally.done),
        ("refused", &tally.refused),
        ("not saved", &tally.not_saved),
        ("crashed", &tally.crashed),
    ] {
        assert!(times.get() > 50, "{what}: {}", times.get());
    }
}

/// Each guarantee alone, with all the others.
const EACH: [(Guarantees, Guarantees); 4] = [
    (
        Guarantees { read_your_writes: true, ..Guarantees::NONE },
        Guarantees { read_your_writes: false, ..Guarantees::ALL },
    ),
    (
        Guarantees { monotonic_reads: true, ..Guarantees::NONE },
        Guarantees { monotonic_reads: false, ..Guarantees::ALL },
    ),
    (
        Guarantees { writes_follow_reads: true, ..Guarantees::NONE },
        Guarantees { writes_follow_reads: false, ..Guarantees::ALL },
    ),
    (
        Guarantees { monotonic_writes: true, ..Guarantees::NONE },
        Guarantees { monotonic_writes: false, ..Guarantees::ALL },
    ),
];

#[test]
fn each_guarantee_alone_keeps_its_definition() {
    for (alone, _) in EACH {
        if let Err(error) = play(cases(40), alone, alone, &Tally::default()) {
            panic!("{alone:?}: {error}");
        }
    }
}

#[test]
fn without_a_guarantee_its_definition_is_broken() {
    for (alone, others) in EACH {
        // What is found need not be the least.
        let config = ProptestConfig { max_shrink_iters: 0, ..cases(120) };
        let found = play(config, others, alone, &Tally::default());
        assert!(matches!(found, Err(TestError::Fail(..))), "{alone:?} is kept by the others");
    }
}
