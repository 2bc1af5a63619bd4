//! The engine against a reference model small enough to be obviously right.
//!
//! Whatever a few replicas do - write, talk in any order, lose links, wait for their storage, crash, pause - at every
//! moment each shows what the model makes of that replica's log, and the logs are as Bayou says \[95 §5, 97 §3\]. At
//! the end, once all can talk again, all agree and everything is committed.

#![allow(clippy::unwrap_used, reason = "a helper that fails fails the test")]

mod support;

use std::collections::{BTreeMap, BTreeSet};

use bayou_core::{
    Digest, Draft, Event, Inspection, LogRow, PeerKind, Predicate, Query, Replica, ReplicaId, SubmitError, Term, View,
    Write, WriteId, WriteKind,
};
use proptest::{collection::vec, prelude::*};

use support::{
    Network,
    generate::{cases, draft, query, relations},
    model::{Model, Story, plain_rows},
};

/// Something that happens. Hosts and choices are taken modulo what there is.
#[derive(Clone, Debug)]
enum Step {
    Submit(usize, Box<Draft>),
    Link(usize, usize, PeerKind),
    Unlink(usize, usize),
    /// Delivers one frame after the other, each chosen by the next number.
    Deliver(Vec<usize>),
    /// A storage becomes slow.
    Slow(usize),
    /// A slow storage confirms so many batches.
    Store(usize, usize),
    /// A crash, when so many unconfirmed batches had reached the storage.
    Crash(usize, usize),
    Pause(bool),
}

fn step() -> impl Strategy<Value = Step> {
    let host = 0..5_usize;
    let kind = prop_oneof![3 => Just(PeerKind::Elsewhere), 1 => Just(PeerKind::SameDevice)];
    prop_oneof![
        6 => (host.clone(), draft().prop_map(Box::new)).prop_map(|(host, draft)| Step::Submit(host, draft)),
        4 => (host.clone(), host.clone(), kind).prop_map(|(left, right, kind)| Step::Link(left, right, kind)),
        2 => (host.clone(), host.clone()).prop_map(|(left, right)| Step::Unlink(left, right)),
        9 => vec(any::<usize>(), 1..12).prop_map(Step::Deliver),
        1 => host.clone().prop_map(Step::Slow),
        2 => (host.clone(), 1..4_usize).prop_map(|(host, batches)| Step::Store(host, batches)),
        1 => (host, 0..3_usize).prop_map(|(host, reached)| Step::Crash(host, reached)),
        1 => any::<bool>().prop_map(Step::Pause),
    ]
}

/// A case: who creates each replica after the first, whether one more is still to be created, what happens, and what
/// is asked on the way.
type Case = (Vec<usize>, bool, Vec<Step>, Vec<Query>);

fn case() -> impl Strategy<Value = Case> {
    (vec(0..4_usize, 1..4), any::<bool>(), vec(step(), 1..60), vec(query(), 3))
}

proptest! {
    #![proptest_config(cases(250))]

    #[test]
    fn every_replica_shows_what_the_model_makes_of_its_log_and_in_the_end_all_agree(
        (creators, late, steps, queries) in case()
    ) {
        let mut run = Run::new(&creators, late, queries);
        steps.into_iter().for_each(|step| run.take(step));
        run.end();
    }
}

/// A network under observation.
struct Run {
    network: Network,
    queries: Vec<Query>,
    /// The committed order as far as it is on any stable storage, with the data and the stories after each write.
    committed: Vec<WriteId>,
    models: Vec<Model>,
    stories: Vec<Story>,
    /// What was submitted, under the id it got.
    submitted: BTreeMap<WriteId, Draft>,
    /// What a replica has seen that did not accept it itself.
    seen: BTreeMap<WriteId, Digest>,
}

impl Run {
    fn new(creators: &[usize], late: bool, queries: Vec<Query>) -> Self {
        let mut network = Network::new();
        for (before, creator) in creators.iter().enumerate() {
            network.join_through(creator % (before + 1));
        }
        if late {
            network.add_joining();
        }
        let mut run = Self {
            network,
            queries,
            committed: Vec::new(),
            models: vec![Model::default()],
            stories: Vec::new(),
            submitted: BTreeMap::new(),
            seen: BTreeMap::new(),
        };
        run.check_all();
        run
    }

    fn take(&mut self, step: Step) {
        let count = self.network.hosts.len();
        match step {
            Step::Submit(host, draft) => self.submit(host % count, *draft),
            Step::Link(left, right, kind) => {
                let (left, right) = (left % count, right % count);
                if left != right && !self.network.is_linked(left, right) {
                    self.network.link_as(kind, left, right);
                    self.check(left);
                    self.check(right);
                }
            }
            Step::Unlink(left, right) => self.network.unlink(left % count, right % count),
            Step::Deliver(choices) => {
                for choice in choices {
                    if let Some(host) = self.network.deliver_one(choice) {
                        self.check(host);
                    }
                }
            }
            Step::Slow(host) => self.network.hosts[host % count].slow_storage = true,
            Step::Store(host, batches) => {
                self.network.store(host % count, batches);
                self.check(host % count);
            }
            Step::Crash(host, reached) => self.crash(host % count, reached),
            Step::Pause(true) => self.network.pause(),
            Step::Pause(false) => {
                self.network.resume();
                self.check(0);
            }
        }
    }

    fn submit(&mut self, host: usize, draft: Draft) {
        let replica = &mut self.network.hosts[host].replica;
        if !replica.is_ready() {
            assert_eq!(replica.submit(draft).map(drop), Err(SubmitError::NotReady));
            return;
        }
        let (id, outputs) = replica.submit(draft.clone()).unwrap();
        self.network.carry_out(host, outputs);
        assert!(!self.seen.contains_key(&id), "{id}: this stamp was used before, and others know that write");
        self.submitted.insert(id, draft);
        self.check(host);
    }

    /// What was said to be saved or committed still is.
    fn crash(&mut self, host: usize, reached: usize) {
        let id = self.network.hosts[host].replica.id().cloned();
        self.network.crash(host, reached);
        let host = &self.network.hosts[host];
        for event in &host.events {
            match event {
                Event::Ready => {
                    assert!(host.replica.is_ready(), "it was ready");
                    assert_eq!(host.replica.id(), id.as_ref());
                }
                Event::Saved { write } => {
                    assert!(host.replica.status(write).is_some_and(|status| status.saved), "{write} was saved");
                }
                Event::Committed { write } => {
                    assert!(host.replica.status(write).is_some_and(|status| status.csn.is_some()), "{write}");
                }
                _ => {}
            }
        }
        self.check_all();
    }

    /// Everything heals. A round to the primary brings it all writes, another one takes its commits back.
    fn end(mut self) {
        let count = self.network.hosts.len();
        self.network.unlink_all();
        self.network.resume();
        (0..count).for_each(|host| self.network.store_at_once(host));
        for host in (1..count).chain(1..count) {
            self.network.exchange(host, 0);
            self.check(host);
        }
        self.check_all();
        let first = self.network.hosts[0].replica.inspect(usize::MAX);
        for host in &self.network.hosts {
            let inspection = host.replica.inspect(usize::MAX);
            assert!(host.replica.is_ready());
            assert_eq!(ids(&inspection), self.committed, "everything is committed everywhere");
            assert!(inspection.log.iter().all(|row| row.saved && row.committed.is_some()));
            assert_eq!(inspection.vector, first.vector);
            assert_eq!(host.disconnects, [], "nobody was accused of anything");
        }
        let submitted: BTreeSet<&WriteId> = self.submitted.keys().collect();
        let committed: BTreeSet<&WriteId> = self.committed.iter().collect();
        let saved = self.network.hosts.iter().flat_map(|host| &host.events).filter_map(|event| match event {
            Event::Saved { write } => Some(write),
            _ => None,
        });
        assert!(saved.collect::<BTreeSet<_>>().is_subset(&committed), "what was saved is committed in the end");
        assert!(
            self.committed.iter().all(|id| submitted.contains(id) || self.is_creation(id) || self.gives_back(id)),
            "nothing is committed that nobody wrote"
        );
    }

    fn is_creation(&self, id: &WriteId) -> bool {
        matches!(self.network.hosts[0].replica.write(id).unwrap().kind(), WriteKind::CreateReplica)
    }

    /// Whether it is the retirement of an id that a replica got beside its own.
    fn gives_back(&self, id: &WriteId) -> bool {
        let primary = &self.network.hosts[0].replica;
        let retires = primary.write(id).is_some_and(|write| matches!(write.kind(), WriteKind::RetireReplica));
        retires && self.network.hosts.iter().all(|host| host.replica.id() != Some(&id.replica))
    }

    fn check_all(&mut self) {
        (0..self.network.hosts.len()).for_each(|host| self.check(host));
    }

    /// Everything that holds of a replica at every moment.
    fn check(&mut self, host: usize) {
        let replica = &self.network.hosts[host].replica;
        let inspection = replica.inspect(usize::MAX);
        check_order(replica, &inspection);
        check_vector(replica, &inspection);
        for row in &inspection.log {
            let write = replica.write(&row.id).unwrap();
            if let WriteKind::Update(draft) = write.kind() {
                assert_eq!(Some(&draft), self.submitted.get(&row.id), "{}: it is what was written", row.id);
            }
            if Some(&row.id.replica) != replica.id() {
                let seen = *self.seen.entry(row.id.clone()).or_insert(write.chain);
                assert_eq!(seen, write.chain, "{}: one id, one write", row.id);
            }
        }

        // The committed prefix is one and the same everywhere, and only grows.
        let csn = usize::try_from(inspection.csn.get()).unwrap();
        let (committed, tentative) = inspection.log.split_at(csn);
        let agreed = self.committed.len().min(csn);
        assert!(committed.iter().map(|row| &row.id).take(agreed).eq(&self.committed[..agreed]));
        let mut model = self.models[agreed].clone();
        for (row, story) in committed.iter().zip(&self.stories) {
            check_story(replica, row, story);
        }
        let is_stored = self.network.hosts[host].unstored.is_empty() || host != 0;
        for row in &committed[agreed..] {
            let story = model.execute(replica.write(&row.id).unwrap());
            check_story(replica, row, &story);
            // What the primary has not stored may yet come to nothing, and nobody else knows it.
            if is_stored {
                self.committed.push(row.id.clone());
                self.models.push(model.clone());
                self.stories.push(story);
            }
        }
        check_data(replica, View::Committed, &model, &self.queries);
        for row in tentative {
            let story = model.execute(replica.write(&row.id).unwrap());
            check_story(replica, row, &story);
        }
        check_data(replica, View::Tentative, &model, &self.queries);

        let summary = replica.summary();
        let of_application = |row: &&LogRow| replica.write(&row.id).unwrap().kind().draft().is_some();
        let waiting: Vec<&LogRow> = tentative.iter().filter(of_application).collect();
        assert_eq!((summary.csn, summary.tentative), (inspection.csn, waiting.len()));
        assert_eq!(summary.only_here, waiting.iter().filter(|row| !row.known_elsewhere).count());
        if replica.is_primary() && !replica.commits_paused() {
            assert!(tentative.is_empty(), "a primary that is not paused commits on first receipt");
        }
        for row in inspection.log.iter().filter(|row| row.known_elsewhere) {
            let others = self.network.hosts.iter().enumerate().filter(|(other, _)| *other != host);
            let known = others.into_iter().any(|(_, other)| other.replica.write(&row.id).is_some());
            assert!(known, "{}: somebody else does hold it", row.id);
        }
    }
}

fn ids(inspection: &Inspection) -> Vec<WriteId> {
    inspection.log.iter().map(|row| row.id.clone()).collect()
}

/// Committed writes by dense CSNs, then tentative ones by (accept stamp, replica); each replica's in its accept order.
fn check_order(replica: &Replica, inspection: &Inspection) {
    let committed: Vec<_> = inspection.log.iter().map_while(|row| row.committed).collect();
    assert!(committed.iter().map(|(csn, _)| csn.get()).eq(1..=inspection.csn.get()), "CSNs are dense");
    assert!(committed.iter().all(|(_, term)| *term == Term::FIRST));
    let tentative = &inspection.log[committed.len()..];
    assert!(tentative.iter().all(|row| row.committed.is_none()), "the committed prefix comes first");
    let place = |row: &LogRow| (row.id.stamp.get(), path(&row.id.replica));
    assert!(tentative.is_sorted_by_key(place) && tentative.windows(2).all(|pair| place(&pair[0]) != place(&pair[1])));

    let mut last: BTreeMap<Vec<u64>, u64> = BTreeMap::from([(Vec::new(), 0)]);
    for row in &inspection.log {
        let write: &Write = replica.write(&row.id).unwrap();
        let before = last.insert(path(&row.id.replica), row.id.stamp.get());
        let before = before.or_else(|| path(&row.id.replica).last().copied());
        assert_eq!(before, Some(write.previous.get()), "{}: no write of its replica is left out", row.id);
    }
}

/// The vector says of each replica how far its writes are held, and of nobody else anything.
fn check_vector(replica: &Replica, inspection: &Inspection) {
    let mut expected = BTreeMap::new();
    if replica.is_primary() {
        expected.insert(Vec::new(), 0);
    }
    for row in &inspection.log {
        expected.insert(path(&row.id.replica), row.id.stamp.get());
    }
    for row in &inspection.log {
        if matches!(replica.write(&row.id).unwrap().kind(), WriteKind::CreateReplica) {
            let mut created = path(&row.id.replica);
            created.push(row.id.stamp.get());
            expected.entry(created).or_insert(row.id.stamp.get());
        }
    }
    for row in &inspection.log {
        if matches!(replica.write(&row.id).unwrap().kind(), WriteKind::RetireReplica) {
            expected.remove(&path(&row.id.replica));
        }
    }
    let vector: BTreeMap<_, _> = inspection.vector.iter().map(|(id, stamp)| (path(id), stamp.get())).collect();
    assert_eq!(vector, expected);
}

fn check_story(replica: &Replica, row: &LogRow, story: &Story) {
    assert_eq!(&Story::told(&row.outcome), story, "{}", row.id);
    let status = replica.status(&row.id).unwrap();
    assert_eq!(status.outcome.as_ref(), Some(&row.outcome));
    assert_eq!(status.csn, row.committed.map(|(csn, _)| csn));
    assert_eq!((status.saved, status.known_elsewhere), (row.saved, row.known_elsewhere));
}

fn check_data(replica: &Replica, view: View, model: &Model, queries: &[Query]) {
    let all = relations().into_iter().map(|relation| Query::new(relation, Predicate::All));
    for query in all.chain(queries.iter().cloned()) {
        assert_eq!(plain_rows(&replica.read(view, &query).unwrap()), model.find(&query), "{view:?}: {query:?}");
    }
}

/// The stamps that a replica's id is made of, read from what it displays.
fn path(id: &ReplicaId) -> Vec<u64> {
    let text = id.to_string();
    text.split('.').skip(1).map(|stamp| stamp.parse().unwrap()).collect()
}
