//! Hosts start, crash, and lose what they stored.

use bayou_core::{ProposedWrite, RecoverError, Recovery, Refusal, Replica, Rights, RightsData, WriteKind};

use super::{Happening, NodeId, Outcome, World, name};
use crate::{
    faults::Fault,
    node::{Kind, State},
};

/// Refuses some creations and some writes, each by what it is alone, so that it does not matter when it is asked.
struct Rules;

impl Rights for Rules {
    fn judge(&self, write: &ProposedWrite<'_>, _: &RightsData<'_>) -> Result<(), Refusal> {
        let refused = match (write.kind, write.id) {
            // Where it is accepted it has no id yet, and is let in.
            (WriteKind::CreateReplica, Some(id)) => id.stamp.get() % 5 == 4,
            (WriteKind::Update(_), Some(id)) => id.stamp.get() % 11 == 7,
            _ => false,
        };
        if refused { Err(Refusal::new("by the rules of this run")) } else { Ok(()) }
    }
}

impl World {
    pub(super) fn set_rights(&mut self, node: NodeId) {
        if self.plan.setup.rights
            && let Some(replica) = &mut self.nodes[node].replica
        {
            replica.set_rights(Box::new(Rules));
        }
    }

    /// The host stops in the midst of what it does. It starts again after a while.
    pub(super) fn crash(&mut self, node: NodeId) -> Outcome {
        if !self.nodes[node].is_running() {
            return Ok(());
        }
        self.trace.note(self.now, &[9, node as u64], || format!("{node} crashes"));
        let Self { nodes, dice, counters, .. } = self;
        if nodes[node].replica.as_ref().is_some_and(Replica::is_primary) {
            counters.count(Fault::PrimaryCrashed);
        }
        if core::mem::take(&mut nodes[node].in_checkpoint) {
            counters.count(Fault::CheckpointCut);
        }
        self.oracle.crashed(nodes, node);
        nodes[node].disk.crash(dice, counters);
        nodes[node].replica = None;
        nodes[node].state = State::Down;
        nodes[node].life += 1;
        nodes[node].crash_in = None;
        nodes[node].timer_at = None;
        nodes[node].stored_at = self.now;
        self.hang_up(node);
        let down_ms = 1 + self.dice.below(3_000);
        self.schedule(down_ms, Happening::Start(node, self.nodes[node].life));
        Ok(())
    }

    /// The host starts with what is stored.
    pub(super) fn start(&mut self, node: NodeId, life: u64) -> Outcome {
        if self.nodes[node].life != life || self.nodes[node].state != State::Down {
            return Ok(());
        }
        if self.nodes[node].disk.broken {
            self.schedule(1_000, Happening::Start(node, life));
            return Ok(());
        }
        self.trace.note(self.now, &[10, node as u64], || format!("{node} starts"));
        self.enter(node);
        if !self.is_calm && self.dice.one_in(8) {
            self.counters.count(Fault::ClockOff);
            self.nodes[node].clock_ahead_ms = self.dice.below(20) * 31_536_000_000;
        }
        let options = self.options(node);
        let replica = match Replica::recover(options, self.nodes[node].disk.read()) {
            Ok(Recovery { replica, torn }) => {
                if let Some(torn) = torn {
                    self.nodes[node].disk.drop_torn(torn);
                }
                replica
            }
            Err(RecoverError::Empty) => {
                self.nodes[node].disk.evict();
                Replica::join(options, name())
            }
            Err(error) => {
                // A store whose only batch is torn never told anything of it.
                if self.nodes[node].disk.read().len() > 1 {
                    return Err(self.violated("recovery", &format!("{node} cannot be recovered: {error}")));
                }
                self.nodes[node].disk.evict();
                Replica::join(options, name())
            }
        };
        self.nodes[node].replica = Some(replica);
        self.nodes[node].state = State::Running;
        self.set_rights(node);
        if core::mem::take(&mut self.nodes[node].was_set_back_as_primary) {
            self.restore_role(node)?;
        }
        self.oracle.started(&self.nodes, node)?;
        self.after_call(node)?;
        for pair in 0..self.pairs.len() {
            if self.pairs[pair].has(node) {
                self.want_again(pair);
            }
        }
        Ok(())
    }

    /// The host stops, and its storage is as it was when it was copied.
    pub(super) fn set_back(&mut self, node: NodeId) -> Outcome<bool> {
        if !self.nodes[node].disk.has_copy() || core::mem::replace(&mut self.has_copied, true) {
            return Ok(false);
        }
        let led = self.nodes[node].replica.as_ref().is_some_and(Replica::is_primary);
        self.oracle.storage_lost(&self.nodes, node);
        self.crash(node)?;
        let is_set_back = self.nodes[node].disk.set_back();
        self.nodes[node].was_set_back_as_primary |= is_set_back && led;
        Ok(is_set_back)
    }

    pub(super) fn evict(&mut self, node: NodeId) -> Outcome {
        self.oracle.storage_lost(&self.nodes, node);
        self.crash(node)?;
        self.nodes[node].disk.evict();
        self.counters.count(Fault::Evicted);
        Ok(())
    }

    /// Another host runs on a copy of this one's storage.
    pub(super) fn clone_host(&mut self, node: NodeId) -> Outcome {
        if self.nodes[node].disk.is_empty() || core::mem::replace(&mut self.has_copied, true) {
            return Ok(());
        }
        self.oracle.cloned(&self.nodes, node);
        self.counters.count(Fault::Cloned);
        let (browser, newer) = (self.nodes[node].browser + 100, self.nodes[node].newer);
        let clone = self.add(Kind::Tab, browser, newer);
        self.nodes[clone].disk = self.nodes[node].disk.cloned();
        self.nodes[clone].state = State::Down;
        self.nodes[clone].ids = self.nodes[node].ids.clone();
        self.link_with_others(clone);
        self.schedule(1, Happening::Start(clone, self.nodes[clone].life));
        Ok(())
    }
}
