//! What must hold, whatever happens. Each property stands in a file of its own.
//!
//! A replica is looked at whenever all that it has put out is stored: what is not may yet be lost, and nothing of it was
//! told to anybody.

mod bounds;
mod data;
mod durability;
mod history;
mod overlap;
mod ownership;
mod pauses;
mod sessions;
mod vectors;

use std::collections::BTreeSet;

use bayou_core::{Csn, Digest, Event, Knowledge, Replica, ReplicaId, VersionVector, WriteId, sim};

pub(crate) use self::{
    durability::Durability,
    history::{History, State},
    sessions::{Client, Place, Sessions},
};
use self::{ownership::Ownership, pauses::Pauses};
use crate::{
    dice::Dice,
    faults::{Counters, Fault},
    node::Node,
    world::NodeId,
};

/// A property that does not hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// Which one.
    pub property: &'static str,
    /// What was seen.
    pub what: String,
}

impl Violation {
    pub(crate) const fn of(property: &'static str, what: String) -> Self {
        Self { property, what }
    }
}

/// What was last seen of a replica.
#[derive(Clone, Debug, Default)]
struct Seen {
    csn: Csn,
    prefix: Digest,
    shown: Csn,
    vector: VersionVector,
}

#[derive(Debug, Default)]
pub(crate) struct Oracle {
    pub(crate) history: History,
    pub(crate) durability: Durability,
    ownership: Ownership,
    pauses: Pauses,
    pub(crate) sessions: Sessions,
    /// The ids of replicas whose storage was copied, set back or evicted: another may have, or have had, the same.
    pub(crate) tainted: BTreeSet<ReplicaId>,
    /// The ids that may get the primary role.
    pub(crate) consented: BTreeSet<ReplicaId>,
    seen: Vec<Seen>,
}

impl Oracle {
    /// Looks at a replica after a call.
    pub(crate) fn observe(
        &mut self,
        nodes: &[Node],
        node: NodeId,
        counters: &mut Counters,
        dice: &mut Dice,
    ) -> Result<(), Violation> {
        let Some(replica) = &nodes[node].replica else { return Ok(()) };
        bounds::check(replica)?;
        self.pauses.look(node, replica, !nodes[node].disk.is_writing());
        if nodes[node].disk.is_writing() || replica.is_replay_due() {
            return Ok(());
        }
        if self.seen.len() <= node {
            self.seen.resize(node + 1, Seen::default());
        }
        let csn = replica.csn();
        let Some(prefix) = replica.prefix_through(csn) else {
            return Err(Violation::of("committed-order", "the end of the committed order has no digest".into()));
        };
        let seen = &self.seen[node];
        let now = Seen { csn, prefix, shown: replica.shown_csn(), vector: replica.version_vector().clone() };
        if (seen.csn, seen.prefix, seen.shown) == (now.csn, now.prefix, now.shown) && seen.vector == now.vector {
            return Ok(());
        }
        // What is committed means what the newest program makes of it.
        sim::set_newer(true);
        self.follow_commits(replica, node, counters)?;
        sim::set_newer(nodes[node].newer);
        self.seen[node] = now;
        self.ownership.look(replica, &self.tainted, counters)?;
        vectors::check(replica, &self.history)?;
        if dice.one_in(4) {
            data::check(replica, &self.history)?;
        }
        let kinds_differ = nodes.iter().any(|node| node.newer);
        let has_voided = counters.of(Fault::CommitsVoided) > 0;
        self.sessions.check_held(replica, &self.history, &self.tainted, kinds_differ, has_voided)
    }

    fn follow_commits(&mut self, replica: &Replica, node: NodeId, counters: &mut Counters) -> Result<(), Violation> {
        let (omitted, _, omitted_prefix) = replica.omitted();
        let seen = &self.seen[node];
        let goes_on = seen.csn >= omitted && replica.prefix_through(seen.csn) == Some(seen.prefix);
        let (from, mut parent) = if goes_on { (seen.csn, seen.prefix) } else { (omitted, omitted_prefix) };
        if self.history.state(parent).is_none() {
            return Err(Violation::of("committed-order", format!("{node} has data as of an order that nobody had")));
        }
        for entry in replica.committed_entries(from) {
            if let Some(state) = self.history.add(parent, &entry)? {
                overlap::check(&state)?;
                count(&state, counters);
            }
            parent = entry.prefix;
        }
        if replica.shown_csn() < replica.csn() {
            counters.count(Fault::HeldBack);
        }
        Ok(())
    }

    /// All that can be looked at of a replica, once more.
    pub(crate) fn look_closely(&mut self, nodes: &[Node], node: NodeId) -> Result<(), Violation> {
        let Some(replica) = &nodes[node].replica else { return Ok(()) };
        vectors::check(replica, &self.history)?;
        data::check(replica, &self.history)
    }

    /// What a replica has told its host.
    pub(crate) fn heard(&mut self, nodes: &[Node], node: NodeId, event: &Event) -> Result<(), Violation> {
        match event {
            Event::Saved { write } => {
                let Some(replica) = &nodes[node].replica else { return Ok(()) };
                let Some(write) = replica.write(write) else { return Ok(()) };
                self.durability.saved(node, write);
            }
            Event::IdLost { replica }
                if !ownership::descends(replica, &self.tainted) && self.durability.has_saved_of(replica) =>
            {
                let knows = |here: &Replica| here.version_vector().knowledge_of(replica);
                if nodes[node].replica.as_ref().map(knows) == Some(Knowledge::Retired) {
                    // It has retired and takes another, to offer what lost its place meanwhile.
                    return Ok(());
                }
                let what = format!("{node} gives up id {replica}, which nobody else can have");
                return Err(Violation::of("one-owner", what));
            }
            _ => {}
        }
        Ok(())
    }

    /// Before a replica is asked to accept a write: what the write must be ordered behind.
    pub(crate) fn before_accepting(&self, nodes: &[Node], node: NodeId) -> Vec<WriteId> {
        let Some(replica) = &nodes[node].replica else { return Vec::new() };
        // What is beyond what clocks follow is ordered as it stands.
        let end = replica.clock().get();
        replica.tentative_writes().map(|write| write.id.clone()).filter(|id| id.stamp.get() <= end).collect()
    }

    /// **Causal accept order**: a new write is ordered after all that its accepter held \[97 §3.1\].
    pub(crate) fn accepted(
        &mut self,
        nodes: &[Node],
        node: NodeId,
        write: &WriteId,
        before: &[WriteId],
    ) -> Result<(), Violation> {
        if let Some(later) = before.iter().find(|id| *id >= write) {
            return Err(Violation::of("causal-order", format!("{write} stands before {later}, which {node} held")));
        }
        let Some(replica) = &nodes[node].replica else { return Ok(()) };
        let omitted = replica.omitted().1.iter().map(|(_, entry)| entry.stamp);
        // No false alarm: a stamp that clocks did not follow is beyond a whole jump, and no other gets as far in a run.
        let followed = |stamp: &bayou_core::Stamp| stamp.get() < bayou_core::limits::STAMP_JUMP_MAX;
        match omitted.filter(followed).find(|stamp| *stamp > write.stamp) {
            Some(stamp) => {
                Err(Violation::of("causal-order", format!("{write} is not beyond stamp {stamp}, which was truncated")))
            }
            None => Ok(()),
        }
    }

    pub(crate) fn crashed(&mut self, nodes: &[Node], node: NodeId) {
        if let Some(replica) = &nodes[node].replica {
            self.pauses.look(node, replica, false);
        }
        if let Some(seen) = self.seen.get_mut(node) {
            *seen = Seen::default();
        }
    }

    pub(crate) fn started(&mut self, nodes: &[Node], node: NodeId) -> Result<(), Violation> {
        if let Some(replica) = &nodes[node].replica {
            self.pauses.started(node, replica)?;
            self.sessions.drop_unsaved(replica);
        }
        self.durability.survived(nodes, node, &self.tainted)
    }

    /// What a node has stored is lost, or is about to be.
    pub(crate) fn storage_lost(&mut self, nodes: &[Node], node: NodeId) {
        self.tainted.extend(nodes[node].ids.iter().cloned());
        self.pauses.storage_lost(node);
        self.durability.storage_lost(nodes, node, &self.tainted);
    }

    pub(crate) fn cloned(&mut self, nodes: &[Node], node: NodeId) {
        self.tainted.extend(nodes[node].ids.iter().cloned());
    }

    /// Two replicas are about to meet.
    pub(crate) fn met(&self, nodes: &[Node], left: NodeId, right: NodeId, counters: &mut Counters) {
        let (Some(left), Some(right)) = (&nodes[left].replica, &nodes[right].replica) else { return };
        let knows_more = |knows: &Replica, other: &Replica| {
            let retired = |id: &ReplicaId| knows.version_vector().knowledge_of(id) == Knowledge::Retired;
            other.version_vector().iter().any(|(id, _)| retired(id))
        };
        if knows_more(left, right) || knows_more(right, left) {
            counters.count(Fault::RetirementMet);
        }
    }
}

fn count(state: &State, counters: &mut Counters) {
    use bayou_core::Branch;
    let fault = match state.branch {
        Branch::Alternative(_) => Fault::Merged,
        Branch::Reported => Fault::Reported,
        Branch::Refused if state.model.refuses(&state.write) => Fault::CreationRefused,
        Branch::Refused => Fault::WriteRefused,
        _ => return,
    };
    counters.count(fault);
}
