//! A few replicas on one thread, with links that deliver when they are told to and storage that never fails.

#![allow(dead_code, reason = "each test uses its part")]
#![allow(clippy::unwrap_used, reason = "a helper that fails fails the test")]

use std::collections::{BTreeMap, VecDeque};

use bayou_core::{
    DatabaseId, DatabaseName, Draft, Event, Millis, Options, Output, Outputs, PeerId, PeerKind, Replica, StoredBatch,
    WriteId,
};

/// A replica with its storage and what its host was told.
pub(crate) struct Host {
    pub(crate) replica: Replica,
    pub(crate) stored: Vec<StoredBatch>,
    pub(crate) events: Vec<Event>,
    pub(crate) disconnects: Vec<(PeerId, String)>,
}

type LinkEnd = (usize, PeerId);
type Frames = VecDeque<Vec<u8>>;

/// Hosts by number, and the links between them.
#[derive(Default)]
pub(crate) struct Network {
    pub(crate) hosts: Vec<Host>,
    /// For each end of a link, the host and peer at the other end, and the frames under way to it.
    links: BTreeMap<LinkEnd, (usize, PeerId, Frames)>,
    links_made: u64,
}

pub(crate) fn name() -> DatabaseName {
    DatabaseName::parse("demo").unwrap()
}

const NOW: Millis = Millis(1);

impl Network {
    /// A network with the first replica of a new database, the primary, as host 0.
    pub(crate) fn new() -> Self {
        let mut network = Self::default();
        let (replica, outputs) = Replica::found(Options::default(), DatabaseId::from_random([7; 16]), name());
        network.add(replica);
        network.carry_out(0, outputs);
        network
    }

    /// A network with a primary and so many replicas that it has created, none of them linked to another.
    pub(crate) fn with_replicas(count: usize) -> Self {
        let mut network = Self::new();
        for _ in 0..count {
            network.join();
        }
        network
    }

    /// A new replica, created by the primary; its host's number.
    pub(crate) fn join(&mut self) -> usize {
        let host = self.add(Replica::join(Options::default(), name()));
        self.exchange(0, host);
        assert!(self.hosts[host].replica.is_ready());
        host
    }

    /// A new replica that nobody has created yet; its host's number.
    pub(crate) fn add_joining(&mut self) -> usize {
        self.add(Replica::join(Options::default(), name()))
    }

    fn add(&mut self, replica: Replica) -> usize {
        self.hosts.push(Host { replica, stored: Vec::new(), events: Vec::new(), disconnects: Vec::new() });
        self.hosts.len() - 1
    }

    pub(crate) fn submit(&mut self, host: usize, draft: Draft) -> WriteId {
        let (id, outputs) = self.hosts[host].replica.submit(draft).unwrap();
        self.carry_out(host, outputs);
        id
    }

    /// A whole anti-entropy session in both directions: links, delivers until nothing moves, and unlinks.
    pub(crate) fn exchange(&mut self, left: usize, right: usize) {
        self.link(left, right);
        self.settle();
        self.unlink(left, right);
    }

    pub(crate) fn link(&mut self, left: usize, right: usize) {
        self.links_made += 1;
        let peer = PeerId(self.links_made);
        self.links.insert((left, peer), (right, peer, VecDeque::new()));
        self.links.insert((right, peer), (left, peer, VecDeque::new()));
        for host in [left, right] {
            let outputs = self.hosts[host].replica.handle_link_up(NOW, peer, PeerKind::Elsewhere);
            self.carry_out(host, outputs);
        }
    }

    pub(crate) fn unlink(&mut self, left: usize, right: usize) {
        let ends: Vec<_> = self.links.iter().map(|(end, (other, ..))| (*end, *other)).collect();
        for ((host, peer), other) in ends {
            if (host, other) == (left, right) || (host, other) == (right, left) {
                self.links.remove(&(host, peer));
                let outputs = self.hosts[host].replica.handle_link_down(NOW, peer);
                self.carry_out(host, outputs);
            }
        }
    }

    /// Delivers until nothing is under way.
    pub(crate) fn settle(&mut self) {
        while self.deliver_one(0) {}
    }

    /// Delivers one frame, of the n-th link end that has one (modulo how many there are); says whether there was one.
    pub(crate) fn deliver_one(&mut self, choice: usize) -> bool {
        let waiting: Vec<_> =
            self.links.iter().filter(|(_, (.., frames))| !frames.is_empty()).map(|(end, _)| *end).collect();
        if waiting.is_empty() {
            return false;
        }
        let end = waiting[choice % waiting.len()];
        let (host, peer, frame) = {
            let (host, peer, frames) = self.links.get_mut(&end).unwrap();
            (*host, *peer, frames.pop_front().unwrap())
        };
        let outputs = self.hosts[host].replica.handle_frame(NOW, peer, &frame);
        self.carry_out(host, outputs);
        true
    }

    pub(crate) fn carry_out(&mut self, host: usize, outputs: Outputs) {
        let mut waiting = VecDeque::from([outputs]);
        while let Some(outputs) = waiting.pop_front() {
            for output in outputs {
                match output {
                    Output::Persist(batch) => {
                        let number = batch.number;
                        self.hosts[host].stored.push(batch);
                        waiting.push_back(self.hosts[host].replica.handle_persisted(number));
                    }
                    Output::Transmit { peer, frame } => {
                        if let Some((.., frames)) = self.links.get_mut(&(host, peer)) {
                            frames.push_back(frame);
                        }
                    }
                    Output::Disconnect { peer, reason } => {
                        self.hosts[host].disconnects.push((peer, reason.to_string()));
                        let other = self.links.remove(&(host, peer)).map(|(other, ..)| other);
                        if let Some(other) = other
                            && self.links.remove(&(other, peer)).is_some()
                        {
                            let outputs = self.hosts[other].replica.handle_link_down(NOW, peer);
                            self.carry_out(other, outputs);
                        }
                    }
                    Output::Event(event) => self.hosts[host].events.push(event),
                }
            }
        }
    }

    /// Stops a host's replica as a crash would and recovers it from what it had stored.
    pub(crate) fn restart(&mut self, host: usize) {
        let others: Vec<usize> =
            self.links.iter().filter(|((end, _), _)| *end == host).map(|(_, (other, ..))| *other).collect();
        others.into_iter().for_each(|other| self.unlink(host, other));
        let stored = self.hosts[host].stored.clone();
        self.hosts[host].replica = Replica::recover(Options::default(), stored).unwrap();
    }
}
