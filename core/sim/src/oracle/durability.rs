//! **What was reported saved survives every crash, and every write ends** as applied, merged, reported or refused
//! \[95 §7\].
//!
//! No false alarm: what was on a storage that was evicted or set back is excused where no other running replica had it
//! stored, and counted.

use std::collections::{BTreeMap, BTreeSet};

use bayou_core::{Branch, Digest, Replica, ReplicaId, Write, WriteId, WriteKind};

use super::{History, Violation, ownership::descends};
use crate::{node::Node, world::NodeId};

#[derive(Debug)]
struct Saved {
    node: NodeId,
    /// What it offers: itself, or if it offers a lost write again, that one.
    offers: Digest,
    /// The only storage that held it was lost.
    is_excused: bool,
}

#[derive(Debug, Default)]
pub(crate) struct Durability {
    /// By id and chain: of two writes of one id each counts.
    saved: BTreeMap<(WriteId, Digest), Saved>,
    /// Writes that were lost with the only storage that held them.
    pub(crate) lost: u64,
}

impl Durability {
    pub(super) fn saved(&mut self, node: NodeId, write: &Write) {
        let offers = match write.kind() {
            WriteKind::Again { tag, .. } => tag,
            WriteKind::Update(_) | WriteKind::Unknown(_) => write.chain,
            // What concerns a replica alone, its creation or its role, ends with it.
            _ => return,
        };
        let saved = Saved { node, offers, is_excused: false };
        self.saved.entry((write.id.clone(), write.chain)).or_insert(saved);
    }

    /// A node has started again.
    pub(super) fn survived(
        &self,
        nodes: &[Node],
        node: NodeId,
        tainted: &BTreeSet<ReplicaId>,
    ) -> Result<(), Violation> {
        let Some(replica) = &nodes[node].replica else { return Ok(()) };
        for (id, chain) in self.saved.iter().filter(|(_, saved)| saved.node == node).map(|(write, _)| write) {
            if descends(&id.replica, tainted) {
                continue;
            }
            let held = replica.write(id).map(|write| write.chain);
            let omitted = held.is_none() && replica.omitted().1.covers(id);
            if held != Some(*chain) && !omitted {
                return Err(Violation::of(
                    "saved-survives",
                    format!("{node} was told that {id} is saved, and lost it"),
                ));
            }
        }
        Ok(())
    }

    /// What this node alone has stored is gone.
    pub(super) fn storage_lost(&mut self, nodes: &[Node], node: NodeId, tainted: &BTreeSet<ReplicaId>) {
        for ((id, chain), saved) in &mut self.saved {
            let is_one = !descends(&id.replica, tainted);
            // One that has retired may leave at any moment, and may rely on the storage that is lost.
            let stays = |other: &Node| other.replica.as_ref().is_some_and(|replica| !replica.has_retired());
            let has = |(number, other): (NodeId, &Node)| {
                number != node && !other.disk.is_writing() && stays(other) && holds(other, id, *chain, is_one)
            };
            // Where it was accepted it may have lost its place already, and not be offered again yet.
            let was_here = saved.node == node || holds(&nodes[node], id, *chain, true);
            saved.is_excused |= was_here && !nodes.iter().enumerate().any(has);
        }
    }

    /// Whether a replica of this id has accepted something that counts.
    pub(super) fn has_saved_of(&self, replica: &ReplicaId) -> bool {
        self.saved.keys().any(|(id, _)| id.replica == *replica)
    }

    /// At the end, when all is committed.
    pub(crate) fn check_ended(&mut self, history: &History, prefix: Digest) -> Result<(), Violation> {
        let mut ended: BTreeSet<Digest> = BTreeSet::new();
        for state in history.line(prefix) {
            ended.insert(state.chain);
            ended.extend(state.again);
        }
        for ((id, chain), saved) in &self.saved {
            if ended.contains(chain) || ended.contains(&saved.offers) {
                continue;
            }
            if !saved.is_excused {
                return Err(Violation::of(
                    "every-write-ends",
                    format!("{id} of {} was saved and has no end", saved.node),
                ));
            }
            self.lost += 1;
        }
        Ok(())
    }

    /// At the end, each accepter can tell what became of its writes.
    pub(crate) fn check_told(replica: &Replica, history: &History, prefix: Digest) -> Result<(), Violation> {
        let Some(own) = replica.id() else { return Ok(()) };
        let of_own = history.line(prefix).filter(|state| state.write.replica == *own);
        for state in of_own {
            let told = replica.status(&state.write).and_then(|status| status.outcome).map(|outcome| outcome.branch);
            // What a program does not know it cannot tell the outcome of.
            if told != Some(state.branch) && told != Some(Branch::Unknown) {
                let what = format!("{own} tells {told:?} of its write {}, which is {:?}", state.write, state.branch);
                return Err(Violation::of("outcome-known", what));
            }
        }
        Ok(())
    }
}

/// Whether a node that runs has a write. That it truncated one of this id proves it only where the id names one write.
fn holds(node: &Node, id: &WriteId, chain: Digest, is_one: bool) -> bool {
    let Some(replica) = node.replica.as_ref().filter(|_| !node.is_other_database) else { return false };
    replica.write(id).is_some_and(|write| write.chain == chain) || (is_one && replica.omitted().1.covers(id))
}
