//! Links come and go.

use bayou_core::{DisconnectReason, PeerId};

use super::{Happening, NodeId, Outcome, World};
use crate::{
    dice::Dice,
    faults::Fault,
    net::{End, Item, Link, LinkId, PairId},
};

/// Between two attempts to link, at least.
const RETRY_MS: u64 = 50;
/// And so much more at most.
const RETRY_JITTER_MS: u64 = 400;
/// How often a link that flaps is lost.
const FLAPS: u64 = 4;

impl World {
    /// Lets two nodes try to link, unless they do already.
    pub(super) fn want(&mut self, pair: PairId, after_ms: u64) {
        if !self.pairs[pair].connecting {
            self.pairs[pair].connecting = true;
            self.schedule(after_ms, Happening::Connect(pair));
        }
    }

    pub(super) fn want_again(&mut self, pair: PairId) {
        let after_ms = RETRY_MS + self.dice.below(RETRY_JITTER_MS);
        self.want(pair, after_ms);
    }

    pub(super) fn connect(&mut self, pair: PairId) -> Outcome {
        self.pairs[pair].connecting = false;
        let [left, right] = self.pairs[pair].nodes;
        if !self.nodes[left].is_running() || !self.nodes[right].is_running() {
            // Whoever starts asks again.
            return Ok(());
        }
        if self.pairs[pair].cut_until > self.now {
            let after_ms = self.pairs[pair].cut_until - self.now;
            self.want(pair, after_ms);
            return Ok(());
        }
        let links = &self.links;
        let up = self.pairs[pair].links.iter().filter(|link| links[**link].ends.iter().any(|end| end.is_up)).count();
        if up >= self.pairs[pair].wanted {
            return Ok(());
        }
        let kind = self.pairs[pair].kind;
        let link = self.links.len();
        let end = |node: NodeId| End {
            node,
            life: self.nodes[node].life,
            items: std::collections::VecDeque::new(),
            last_at: self.now,
            is_up: true,
        };
        let ends = [end(left), end(right)];
        self.links.push(Link { pair, ends, frames: 0, is_damaged: false, damages_next: false });
        self.pairs[pair].links.push(link);
        if up > 0 {
            self.counters.count(Fault::LinkDoubled);
        }
        self.trace.note(self.now, &[7, left as u64, right as u64], || format!("link {link} joins {left} and {right}"));
        self.oracle.met(&self.nodes, left, right, &mut self.counters);
        for node in [left, right] {
            let now = self.clock(node);
            self.tell(node, |replica| replica.handle_link_up(now, PeerId(link as u64), kind))?;
        }
        if up + 1 < self.pairs[pair].wanted {
            self.want_again(pair);
        }
        Ok(())
    }

    pub(super) fn send(&mut self, node: NodeId, peer: PeerId, mut frame: Vec<u8>) {
        let link = usize::try_from(peer.0).expect("the number of a link");
        let from = self.links[link].end_of(node);
        if self.links[link].ends[from].life != self.nodes[node].life || !self.links[link].ends[from].is_up {
            return;
        }
        self.links[link].frames += 1;
        let mut dice = Dice::of(self.seed, &[2, link as u64, from as u64, self.links[link].frames]);
        if core::mem::take(&mut self.links[link].damages_next) {
            self.counters.count(Fault::FrameDamaged);
            self.links[link].is_damaged = true;
            damage(&mut frame, &mut dice);
        }
        let delay_ms = dice.below(self.pairs[self.links[link].pair].delay_ms_max + 1);
        self.put(link, 1 - from, Item::Frame { bytes: frame, sent_at: self.now }, delay_ms);
    }

    /// Sends something on its way to an end.
    fn put(&mut self, link: LinkId, end: usize, item: Item, delay_ms: u64) {
        let end_of_link = &mut self.links[link].ends[end];
        let at = end_of_link.last_at.max(self.now + delay_ms);
        end_of_link.last_at = at;
        end_of_link.items.push_back(item);
        self.schedule_at(at, Happening::Arrive(link, end));
    }

    /// The replica of a node has ended a session. What it said before still arrives.
    pub(super) fn disconnected(&mut self, node: NodeId, peer: PeerId, reason: &DisconnectReason) -> Outcome {
        let link = usize::try_from(peer.0).expect("the number of a link");
        self.trace.note(self.now, &[8, node as u64, link as u64], || format!("{node} ends link {link}: {reason}"));
        let other = self.links[link].ends[1 - self.links[link].end_of(node)].node;
        let other_database = [node, other].iter().any(|node| self.nodes[*node].is_other_database);
        if other_database {
            if matches!(reason, DisconnectReason::OtherDatabase { .. }) {
                self.counters.count(Fault::OtherDatabase);
            }
        } else if !self.links[link].is_damaged && !is_expected(reason) {
            return Err(self.violated(
                "no-fault-of-peers",
                &format!("{node} blames {other}: {reason}\n{}\n{}", self.describe(node), self.describe(other)),
            ));
        }
        let here = self.links[link].end_of(node);
        self.links[link].ends[here].is_up = false;
        self.links[link].ends[here].items.clear();
        self.put(link, 1 - here, Item::Down, 0);
        self.want_again(self.links[link].pair);
        Ok(())
    }

    /// A link is lost, with all that is under way.
    pub(super) fn lose(&mut self, link: LinkId) {
        let under_way = self.links[link].ends.iter().flat_map(|end| &end.items);
        let frames = under_way.filter_map(|item| match item {
            Item::Frame { bytes, .. } => Some(bytes),
            Item::Down => None,
        });
        if self.links[link].is_up() && frames.clone().next().is_some() {
            self.counters.count(Fault::LinkLost);
        }
        if frames.into_iter().any(|bytes| is_part_of_transfer(bytes)) {
            self.counters.count(Fault::TransferInterrupted);
        }
        for end in 0..2 {
            self.links[link].ends[end].items.clear();
            self.links[link].ends[end].last_at = self.now;
            if self.links[link].ends[end].is_up {
                self.put(link, end, Item::Down, 0);
            }
        }
    }

    /// A node is gone or down: the other ends find out, after what was under way to them or instead of it.
    pub(super) fn hang_up(&mut self, node: NodeId) {
        for link in 0..self.links.len() {
            let here = self.links[link].end_of(node);
            if self.links[link].ends[here].node != node || !self.links[link].ends[here].is_up {
                continue;
            }
            self.links[link].ends[here].is_up = false;
            self.links[link].ends[here].items.clear();
            if self.dice.one_in(3) {
                self.links[link].ends[1 - here].items.clear();
            }
            self.put(link, 1 - here, Item::Down, 0);
        }
    }

    pub(super) fn links_of_pair(&self, pair: PairId) -> Vec<LinkId> {
        let up = |link: &&LinkId| self.links[**link].ends.iter().any(|end| end.is_up);
        self.pairs[pair].links.iter().filter(up).copied().collect()
    }

    /// Loses the links of a pair, and several times again once they have had the time to come up.
    pub(super) fn flap(&mut self, pair: PairId) {
        self.flap_again(pair, FLAPS);
    }

    pub(super) fn flap_again(&mut self, pair: PairId, left: u64) {
        let links = self.links_of_pair(pair);
        if self.is_calm || links.is_empty() || left == 0 {
            return;
        }
        if left < FLAPS {
            self.counters.count(Fault::Flapping);
        }
        links.into_iter().for_each(|link| self.lose(link));
        self.schedule(RETRY_MS + RETRY_JITTER_MS, Happening::Flap(pair, left - 1));
    }

    pub(super) fn cut_pair(&mut self, pair: PairId, for_ms: u64) {
        self.pairs[pair].cut_until = self.pairs[pair].cut_until.max(self.now + for_ms);
        for link in self.links_of_pair(pair) {
            self.lose(link);
        }
    }
}

/// Whether a frame is a part of a state transfer: its kind stands behind the version.
fn is_part_of_transfer(frame: &[u8]) -> bool {
    const SNAPSHOT: u8 = 3;
    frame.get(1) == Some(&SNAPSHOT)
}

/// Makes a frame that no version can read.
fn damage(frame: &mut Vec<u8>, dice: &mut Dice) {
    match dice.below(4) {
        0 => frame.truncate(usize::try_from(dice.below(frame.len() as u64)).expect("a length")),
        1 => frame.push(0),
        2 => frame[0] = frame[0].wrapping_add(1),
        _ => frame.resize(bayou_core::limits::FRAME_BYTES_MAX + 1, 0),
    }
}

/// Whether a replica that makes no mistake may end a session with one that makes none for this reason.
const fn is_expected(reason: &DisconnectReason) -> bool {
    matches!(
        reason,
        DisconnectReason::Resync
            | DisconnectReason::Silent { .. }
            | DisconnectReason::Farewell
            | DisconnectReason::NothingToJoin
            | DisconnectReason::CannotCreate
            | DisconnectReason::SameReplica(_)
    )
}
