//! Hosts, links and time, on one thread. All that happens follows from the plan.

mod act;
mod describe;
mod drive;
mod end;
mod hosts;
mod links;
mod roles;
mod sessions;

use std::collections::BTreeMap;

use bayou_core::{DatabaseId, DatabaseName, Millis, Options, PeerKind, Replica, sim};

use crate::{
    dice::Dice,
    faults::Counters,
    net::{Link, LinkId, Pair, PairId},
    node::{Kind, Node},
    oracle::{Oracle, Violation},
    plan::Plan,
    trace::Trace,
    workload::Workload,
};

pub(crate) type NodeId = usize;

/// Why a run ends early.
pub(crate) type Outcome<T = ()> = Result<T, Violation>;

#[derive(Clone, Copy, Debug)]
enum Happening {
    /// The next step of the plan.
    Step(usize),
    /// What is first on its way to an end of a link arrives.
    Arrive(LinkId, usize),
    /// The oldest batch of a node's life is stored.
    Stored(NodeId, u64),
    /// A node's timer goes off.
    Timer(NodeId, u64),
    /// A node starts again.
    Start(NodeId, u64),
    /// Two nodes try to link.
    Connect(PairId),
    /// Two nodes' links are lost once more, and so often yet.
    Flap(PairId, u64),
    /// The operator lets the primary go on.
    Resume(NodeId),
    /// A database of the same name that is another one goes away.
    OtherGoes(NodeId),
    /// A disk has room again.
    Mended(NodeId),
}

#[derive(Debug)]
pub(crate) struct World {
    pub(crate) now: u64,
    seed: u64,
    queue: BTreeMap<(u64, u64), Happening>,
    queued: u64,
    pub(crate) nodes: Vec<Node>,
    links: Vec<Link>,
    pairs: Vec<Pair>,
    pub(crate) dice: Dice,
    pub(crate) counters: Counters,
    pub(crate) oracle: Oracle,
    pub(crate) trace: Trace,
    pub(crate) workload: Workload,
    plan: Plan,
    waiting: Vec<sessions::Waiting>,
    /// A storage was copied, set back or restored in this run. One of these is enough: a second, before the first has
    /// healed, can leave no replica that could give another an id, or one write in two histories that nobody can compare.
    has_copied: bool,
    /// A primary got its data without the outcomes of what was truncated before.
    has_uninformed_primary: bool,
    /// Nothing fails any more.
    pub(crate) is_calm: bool,
    pub(crate) calls: u64,
}

pub(crate) const NAME: &str = "sim";

/// The database of a run, and one of the same name that is another one.
const OURS: u8 = 7;
const OTHER: u8 = 9;

fn database(number: u8) -> DatabaseId {
    DatabaseId::from_random([number; 16])
}

fn name() -> DatabaseName {
    DatabaseName::parse(NAME).expect("a literal that is a name")
}

impl World {
    pub(crate) fn new(plan: Plan, with_trace: bool) -> Outcome<Self> {
        let seed = plan.seed;
        let setup = plan.setup.clone();
        let mut world = Self {
            now: 0,
            seed,
            queue: BTreeMap::new(),
            queued: 0,
            nodes: Vec::new(),
            links: Vec::new(),
            pairs: Vec::new(),
            dice: Dice::of(seed, &[1]),
            counters: Counters::default(),
            oracle: Oracle::default(),
            trace: Trace::new(with_trace),
            workload: Workload::new(seed, setup.rooms),
            plan,
            waiting: Vec::new(),
            has_copied: false,
            has_uninformed_primary: false,
            is_calm: false,
            calls: 0,
        };
        world.nodes.push(Node::new(Kind::Relay, 1_000, setup.newer));
        let (replica, outputs) = Replica::found(world.nodes[0].options, database(OURS), name());
        world.nodes[0].replica = Some(replica);
        world.set_rights(0);
        world.perform(0, outputs)?;
        world.after_call(0)?;
        // A founder that crashes before it has stored anything founds another database.
        let life = world.nodes[0].life;
        while world.nodes[0].disk.is_writing() {
            world.stored(0, life)?;
        }
        if let Some(rooms) = world.workload.rooms() {
            world.submit(0, rooms)?;
        }
        if setup.second_relay {
            world.join(Kind::Relay, 1_001);
        }
        for tab in 0..setup.tabs {
            world.join(Kind::Tab, tab / 2);
        }
        Ok(world)
    }

    /// Lets everything happen, then, without faults, lets it come to rest.
    pub(crate) fn run(&mut self) -> Outcome {
        match self.plan.steps.first().map(|step| step.after_ms) {
            Some(after_ms) => self.schedule(after_ms, Happening::Step(0)),
            None => self.is_calm = true,
        }
        while !self.is_calm {
            let Some(happening) = self.next() else { break };
            self.happen(happening)?;
        }
        self.come_to_rest()
    }

    fn next(&mut self) -> Option<Happening> {
        let ((at, _), happening) = self.queue.pop_first()?;
        self.now = self.now.max(at);
        Some(happening)
    }

    fn schedule(&mut self, after_ms: u64, happening: Happening) {
        self.schedule_at(self.now + after_ms, happening);
    }

    fn schedule_at(&mut self, at: u64, happening: Happening) {
        self.queued += 1;
        self.queue.insert((at, self.queued), happening);
    }

    fn happen(&mut self, happening: Happening) -> Outcome {
        match happening {
            Happening::Step(index) => {
                self.act(index)?;
                match self.plan.steps.get(index + 1) {
                    Some(step) => {
                        let after_ms = step.after_ms;
                        self.schedule(after_ms, Happening::Step(index + 1));
                    }
                    None => self.is_calm = true,
                }
                Ok(())
            }
            Happening::Arrive(link, end) => self.arrive(link, end),
            Happening::Stored(node, life) => self.stored(node, life),
            Happening::Timer(node, life) => self.timer(node, life),
            Happening::Start(node, life) => self.start(node, life),
            Happening::Connect(pair) => self.connect(pair),
            Happening::Flap(pair, left) => {
                self.flap_again(pair, left);
                Ok(())
            }
            Happening::Resume(node) => self.resume_if_sound(node),
            Happening::OtherGoes(node) => {
                self.other_database_goes(node);
                Ok(())
            }
            Happening::Mended(node) => {
                self.nodes[node].disk.broken = false;
                Ok(())
            }
        }
    }

    /// The time as this node's clock tells it.
    fn clock(&self, node: NodeId) -> Millis {
        Millis(self.now + self.nodes[node].clock_ahead_ms)
    }

    /// Adds a replica that is still to be created.
    fn join(&mut self, kind: Kind, browser: u64) -> NodeId {
        let newer = self.plan.setup.newer && self.dice.one_in(2);
        let node = self.add(kind, browser, newer);
        if kind == Kind::Tab {
            self.nodes[node].options.keeps_outcomes = self.dice.one_in(2);
        }
        let options = self.nodes[node].options;
        self.nodes[node].replica = Some(Replica::join(options, name()));
        self.set_rights(node);
        self.link_with_others(node);
        node
    }

    fn add(&mut self, kind: Kind, browser: u64, newer: bool) -> NodeId {
        self.nodes.push(Node::new(kind, browser, newer));
        self.nodes.len() - 1
    }

    /// Relays are linked with all, tabs of one browser with each other.
    fn link_with_others(&mut self, node: NodeId) {
        let delay_ms_max = self.plan.setup.delay_ms_max;
        for other in 0..self.nodes.len() {
            if other == node || self.nodes[other].is_other_database {
                continue;
            }
            let with_relay = [node, other].iter().any(|node| self.nodes[*node].kind == Kind::Relay);
            let nearby = self.plan.setup.nearby && self.nodes[node].browser == self.nodes[other].browser;
            if with_relay || nearby {
                let kind = if with_relay { PeerKind::Elsewhere } else { PeerKind::SameDevice };
                self.pairs.push(Pair::new([node, other], kind, delay_ms_max));
                self.want(self.pairs.len() - 1, 0);
            }
        }
    }

    fn link_with_all(&mut self, node: NodeId) {
        for other in self.running() {
            let linked = |pair: &Pair| pair.has(node) && pair.has(other);
            if other != node && !self.pairs.iter().any(linked) {
                self.pairs.push(Pair::new([node, other], PeerKind::Elsewhere, 100));
                self.want(self.pairs.len() - 1, 0);
            }
        }
    }

    pub(crate) fn into_lines(self) -> Vec<String> {
        self.trace.into_lines()
    }

    fn options(&self, node: NodeId) -> Options {
        self.nodes[node].options
    }

    /// Nodes that run and hold the database of this run.
    pub(crate) fn running(&self) -> Vec<NodeId> {
        let runs = |node: &NodeId| self.nodes[*node].is_running() && !self.nodes[*node].is_other_database;
        (0..self.nodes.len()).filter(runs).collect()
    }

    /// Sets what the program of this node knows, for the calls that follow.
    pub(crate) fn enter(&self, node: NodeId) {
        sim::set_newer(self.nodes[node].newer);
    }
}
