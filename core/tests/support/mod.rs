//! A few replicas on one thread, with links that deliver when they are told to and storage that never fails but may be
//! slow.

#![allow(dead_code, reason = "each test uses its part")]
#![allow(clippy::unwrap_used, reason = "a helper that fails fails the test")]

pub(crate) mod files;
pub(crate) mod generate;
pub(crate) mod model;

use std::collections::{BTreeMap, VecDeque};

use bayou_core::{
    DatabaseId, DatabaseName, DisconnectReason, Draft, Event, Millis, Options, Output, Outputs, PeerId, PeerKind,
    Replica, StoredBatch, WriteId,
};

/// A replica with its storage and what its host was told.
pub(crate) struct Host {
    pub(crate) replica: Replica,
    /// What is on stable storage.
    pub(crate) stored: Vec<StoredBatch>,
    /// What a slow storage has been given and not yet confirmed.
    pub(crate) unstored: VecDeque<StoredBatch>,
    /// Batches wait for [`Network::store`].
    pub(crate) slow_storage: bool,
    pub(crate) events: Vec<Event>,
    pub(crate) disconnects: Vec<(PeerId, DisconnectReason)>,
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
    /// How many bytes one host has sent another so far.
    pub(crate) bytes_sent: BTreeMap<(usize, usize), usize>,
}

pub(crate) fn name() -> DatabaseName {
    DatabaseName::parse("demo").unwrap()
}

pub(crate) const NOW: Millis = Millis(1);

impl Network {
    /// A network with the first replica of a new database, the primary, as host 0.
    pub(crate) fn new() -> Self {
        let mut network = Self::default();
        let (replica, outputs) = Replica::found(Options::default(), DatabaseId::from_random([7; 16]), name());
        network.add(replica);
        network.carry_out(0, outputs);
        network
    }

    /// The first replica of another database of the same name; its host's number.
    pub(crate) fn add_other_database(&mut self) -> usize {
        let (replica, outputs) = Replica::found(Options::default(), DatabaseId::from_random([9; 16]), name());
        let host = self.add(replica);
        self.carry_out(host, outputs);
        host
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
        self.join_through(0)
    }

    /// A new replica, created by the replica of this host; its host's number.
    pub(crate) fn join_through(&mut self, creator: usize) -> usize {
        let host = self.add_joining();
        self.exchange(creator, host);
        assert!(self.hosts[host].replica.is_ready());
        host
    }

    /// A new replica that nobody has created yet; its host's number.
    pub(crate) fn add_joining(&mut self) -> usize {
        self.add(Replica::join(Options::default(), name()))
    }

    fn add(&mut self, replica: Replica) -> usize {
        self.hosts.push(Host {
            replica,
            stored: Vec::new(),
            unstored: VecDeque::new(),
            slow_storage: false,
            events: Vec::new(),
            disconnects: Vec::new(),
        });
        self.hosts.len() - 1
    }

    /// The same hosts, recovered from copies of their storage, with no links between them.
    pub(crate) fn copy(&self) -> Self {
        let mut copy = Self::default();
        for host in &self.hosts {
            assert!(host.unstored.is_empty(), "only what is stored is copied");
            let number = copy.add(Replica::recover(Options::default(), host.stored.clone()).unwrap().replica);
            copy.hosts[number].stored = host.stored.clone();
        }
        copy
    }

    pub(crate) fn submit(&mut self, host: usize, draft: Draft) -> WriteId {
        let (id, outputs) = self.hosts[host].replica.submit(draft).unwrap();
        self.carry_out(host, outputs);
        id
    }

    pub(crate) fn pause(&mut self) {
        let outputs = self.hosts[0].replica.pause_commits().unwrap();
        self.carry_out(0, outputs);
    }

    pub(crate) fn resume(&mut self) {
        let outputs = self.hosts[0].replica.resume_commits().unwrap();
        self.carry_out(0, outputs);
    }

    /// A whole anti-entropy session in both directions: links, delivers until nothing moves, and unlinks.
    pub(crate) fn exchange(&mut self, left: usize, right: usize) {
        self.link(left, right);
        self.settle();
        self.unlink(left, right);
    }

    /// Exchanges until a session ends without being begun anew.
    pub(crate) fn exchange_anew(&mut self, left: usize, right: usize) {
        for _ in 0..8 {
            for host in [left, right] {
                self.hosts[host].disconnects.clear();
            }
            self.exchange(left, right);
            let again = |host: usize| {
                let mut reasons = self.hosts[host].disconnects.iter().map(|(_, reason)| reason);
                reasons.any(|reason| matches!(reason, DisconnectReason::Resync | DisconnectReason::Farewell))
            };
            if !again(left) && !again(right) {
                return;
            }
        }
        panic!("the sessions between {left} and {right} begin anew for ever");
    }

    pub(crate) fn link(&mut self, left: usize, right: usize) {
        self.link_as(PeerKind::Elsewhere, left, right);
    }

    pub(crate) fn link_as(&mut self, kind: PeerKind, left: usize, right: usize) {
        self.links_made += 1;
        let peer = PeerId(self.links_made);
        self.links.insert((left, peer), (right, peer, VecDeque::new()));
        self.links.insert((right, peer), (left, peer, VecDeque::new()));
        for host in [left, right] {
            let outputs = self.hosts[host].replica.handle_link_up(NOW, peer, kind);
            self.carry_out(host, outputs);
        }
    }

    pub(crate) fn is_linked(&self, left: usize, right: usize) -> bool {
        self.links.iter().any(|((host, _), (other, ..))| (*host, *other) == (left, right))
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

    pub(crate) fn unlink_all(&mut self) {
        while let Some((&(host, _), &(other, ..))) = self.links.first_key_value() {
            self.unlink(host, other);
        }
    }

    /// Delivers until nothing is under way, and no work is left that is done in steps.
    pub(crate) fn settle(&mut self) {
        let mut done = 0;
        while self.deliver_one(0).is_some() || (0..self.hosts.len()).any(|host| self.wake(host)) {
            done += 1;
            assert!(done < 100_000, "the replicas never come to an end");
        }
    }

    /// Calls a replica whose time has come; says whether it had.
    pub(crate) fn wake(&mut self, host: usize) -> bool {
        let is_due = self.hosts[host].replica.poll_timeout().is_some_and(|due| due <= NOW);
        if is_due {
            let outputs = self.hosts[host].replica.handle_timeout(NOW);
            self.carry_out(host, outputs);
        }
        is_due
    }

    /// Delivers one frame, of the n-th link end that has one (modulo how many there are); says to which host, if there
    /// was one.
    pub(crate) fn deliver_one(&mut self, choice: usize) -> Option<usize> {
        let waiting: Vec<_> =
            self.links.iter().filter(|(_, (.., frames))| !frames.is_empty()).map(|(end, _)| *end).collect();
        if waiting.is_empty() { None } else { Some(self.deliver(waiting[choice % waiting.len()])) }
    }

    /// Delivers one frame that is under way from one host to another; says whether there was one.
    pub(crate) fn deliver_between(&mut self, from: usize, to: usize) -> bool {
        let waiting = |((host, _), (other, _, frames)): &(&LinkEnd, &(usize, PeerId, Frames))| {
            (*host, *other) == (from, to) && !frames.is_empty()
        };
        let end = self.links.iter().find(waiting).map(|(end, _)| *end);
        end.map(|end| self.deliver(end)).is_some()
    }

    fn deliver(&mut self, end: LinkEnd) -> usize {
        let (host, peer, frame) = {
            let (host, peer, frames) = self.links.get_mut(&end).unwrap();
            (*host, *peer, frames.pop_front().unwrap())
        };
        let outputs = self.hosts[host].replica.handle_frame(NOW, peer, &frame);
        self.carry_out(host, outputs);
        host
    }

    /// The frames that are under way from one host to another.
    pub(crate) fn under_way(&self, from: usize, to: usize) -> Vec<&[u8]> {
        let ends = self.links.iter().filter(|((host, _), (other, ..))| (*host, *other) == (from, to));
        ends.flat_map(|(_, (.., frames))| frames.iter().map(Vec::as_slice)).collect()
    }

    pub(crate) fn carry_out(&mut self, host: usize, outputs: Outputs) {
        let mut waiting = VecDeque::from([outputs]);
        while let Some(outputs) = waiting.pop_front() {
            for output in outputs {
                match output {
                    Output::Persist(batch) if self.hosts[host].slow_storage => {
                        self.hosts[host].unstored.push_back(batch);
                    }
                    Output::Persist(batch) => {
                        let number = batch.number;
                        self.hosts[host].stored.push(batch);
                        waiting.push_back(self.hosts[host].replica.handle_persisted(number));
                    }
                    Output::Transmit { peer, frame } => {
                        if let Some((other, _, frames)) = self.links.get_mut(&(host, peer)) {
                            *self.bytes_sent.entry((host, *other)).or_default() += frame.len();
                            frames.push_back(frame);
                        }
                    }
                    Output::Disconnect { peer, reason } => {
                        self.hosts[host].disconnects.push((peer, reason));
                        let other = self.links.remove(&(host, peer)).map(|(other, ..)| other);
                        if let Some(other) = other
                            && self.links.remove(&(other, peer)).is_some()
                        {
                            let outputs = self.hosts[other].replica.handle_link_down(NOW, peer);
                            self.carry_out(other, outputs);
                        }
                    }
                    Output::Forget { before } => self.hosts[host].stored.retain(|batch| batch.number >= before),
                    Output::Event(event) => self.hosts[host].events.push(event),
                }
            }
        }
    }

    /// A slow storage confirms so many of the batches that wait for it.
    pub(crate) fn store(&mut self, host: usize, batches: usize) {
        let Host { stored, unstored, .. } = &mut self.hosts[host];
        let batches = batches.min(unstored.len());
        stored.extend(unstored.drain(..batches));
        if let (1.., Some(number)) = (batches, stored.last().map(|last| last.number)) {
            let outputs = self.hosts[host].replica.handle_persisted(number);
            self.carry_out(host, outputs);
        }
    }

    /// A slow storage becomes a fast one.
    pub(crate) fn store_at_once(&mut self, host: usize) {
        while !self.hosts[host].unstored.is_empty() {
            self.store(host, usize::MAX);
        }
        self.hosts[host].slow_storage = false;
    }

    /// Stops a host's replica as a crash would and recovers it from what it had stored.
    pub(crate) fn restart(&mut self, host: usize) {
        self.crash(host, 0);
    }

    /// As [`restart`](Self::restart), but of the batches that the storage had not confirmed so many had reached it.
    pub(crate) fn crash(&mut self, host: usize, reached: usize) {
        // What is under way when its sender stops does not arrive.
        let others: Vec<usize> =
            self.links.iter().filter(|((end, _), _)| *end == host).map(|(_, (other, ..))| *other).collect();
        let Host { stored, unstored, .. } = &mut self.hosts[host];
        let reached = reached.min(unstored.len());
        stored.extend(unstored.drain(..reached));
        unstored.clear();
        let stored = stored.clone();
        self.hosts[host].replica = if stored.is_empty() {
            Replica::join(Options::default(), name())
        } else {
            Replica::recover(Options::default(), stored).unwrap().replica
        };
        others.into_iter().for_each(|other| self.unlink(host, other));
    }
}
