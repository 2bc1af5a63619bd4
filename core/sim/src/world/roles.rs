//! What operators do with the primary role, each at a time at which it may be done: a take-over or a resume does not begin
//! before all that could contradict it is known where it begins.

use bayou_core::{Csn, Replica, Term};

use super::{Happening, NodeId, Outcome, World};
use crate::{
    faults::Fault,
    node::{Kind, Node, State},
};

/// What an operator knows of a node, running or not.
#[derive(Clone, Copy, Debug)]
struct Standing {
    term: Term,
    omitted: Csn,
    is_taking_over: bool,
}

impl World {
    /// What is on the nodes, also on those that do not run.
    fn standings(&self) -> Vec<(NodeId, Standing)> {
        let of = |replica: &Replica| Standing {
            term: replica.term(),
            omitted: replica.omitted_csn(),
            is_taking_over: replica.is_taking_over(),
        };
        let members = self.nodes.iter().enumerate().filter(|(_, node)| !node.is_other_database);
        let standing = |(number, node): (NodeId, &Node)| {
            self.enter(number);
            match (&node.replica, node.state) {
                (Some(replica), _) => Some((number, of(replica))),
                (None, State::Down) => {
                    let recovery = Replica::recover(node.options, node.disk.read()).ok()?;
                    Some((number, of(&recovery.replica)))
                }
                _ => None,
            }
        };
        members.filter_map(standing).collect()
    }

    fn last_term(&self) -> Term {
        self.standings().iter().map(|(_, standing)| standing.term).max().unwrap_or(Term::FIRST)
    }

    /// Whether a node knows the last term and all that others have truncated.
    fn is_current(&self, node: NodeId) -> bool {
        let Some(replica) = &self.nodes[node].replica else { return false };
        let standings = self.standings();
        standings.iter().all(|(_, other)| other.term <= replica.term() && other.omitted <= replica.csn())
    }

    pub(super) fn someone_takes_over(&self) -> bool {
        self.standings().iter().any(|(_, standing)| standing.is_taking_over)
    }

    pub(super) fn primaries(&self) -> Vec<NodeId> {
        let holds = |node: &NodeId| self.nodes[*node].replica.as_ref().is_some_and(Replica::is_primary);
        self.running().into_iter().filter(holds).collect()
    }

    pub(super) fn pause_primary(&mut self, pick: u64) -> Outcome {
        let Some(node) = choose(&self.primaries(), pick) else { return Ok(()) };
        if self.try_call(node, |replica| replica.pause_commits().map(|outputs| ((), outputs)))?.is_some() {
            self.counters.count(Fault::PrimaryPaused);
            self.schedule(pick % 20_000, Happening::Resume(node));
        }
        Ok(())
    }

    /// Lets a primary go on. A role that was taken begins its term only with all that is known of the last one.
    pub(super) fn resume_if_sound(&mut self, node: NodeId) -> Outcome {
        if !self.nodes[node].is_running() || self.nodes[node].is_other_database {
            return Ok(());
        }
        let Some(replica) = &self.nodes[node].replica else { return Ok(()) };
        if !replica.is_primary() || !replica.commits_paused() {
            return Ok(());
        }
        if replica.is_taking_over() && !(replica.is_ready() && self.is_current(node)) {
            self.schedule(2_000, Happening::Resume(node));
            return Ok(());
        }
        self.trace.note(self.now, &[11, node as u64], || format!("{node} is to resume commits"));
        self.try_call(node, |replica| replica.resume_commits().map(|outputs| ((), outputs)))?;
        Ok(())
    }

    pub(super) fn consent(&mut self, pick: u64) -> Outcome {
        let candidates: Vec<NodeId> = self.running().into_iter().filter(|node| self.may_lead(*node)).collect();
        if let Some(node) = choose(&candidates, pick) {
            if let Some(id) = self.nodes[node].id() {
                self.oracle.consented.insert(id.clone());
            }
            self.try_call(node, Replica::consent)?;
        }
        Ok(())
    }

    /// Who runs on a storage that was copied, or may have been, is not given the role.
    fn may_lead(&self, node: NodeId) -> bool {
        let replica = self.nodes[node].replica.as_ref();
        // A primary's word is the last one, also on what became of writes that it has truncated.
        let is_sound = self.nodes[node].options.keeps_outcomes;
        let of_relay = self.is_calm && self.nodes[node].kind == Kind::Relay;
        is_sound
            && replica.is_some_and(|replica| replica.is_ready() && !replica.is_primary() && !replica.has_retired())
            && self.nodes[node].id().is_some_and(|id| of_relay || !self.oracle.tainted.contains(id))
    }

    pub(super) fn hand_over(&mut self, pick: u64) -> Outcome {
        let Some(node) = choose(&self.primaries(), pick) else { return Ok(()) };
        let known = self.nodes[node].replica.as_ref().map(Replica::term);
        if self.someone_takes_over() || known != Some(self.last_term()) {
            return Ok(());
        }
        let successors: Vec<_> = self.running().into_iter().filter(|other| self.may_lead(*other)).collect();
        for successor in successors {
            let Some(to) = self.nodes[successor].id().cloned() else { continue };
            if let Some(Ok(_)) = self.try_call(node, |replica| replica.hand_over(&to))? {
                self.trace.note(self.now, &[12, node as u64], || format!("{node} hands the role over to {successor}"));
                return Ok(());
            }
        }
        Ok(())
    }

    pub(super) fn take_over(&mut self, pick: u64) -> Outcome {
        if self.someone_takes_over() {
            return Ok(());
        }
        let sound = |node: &NodeId| self.may_lead(*node) && self.is_current(*node);
        let candidates: Vec<NodeId> = self.running().into_iter().filter(sound).collect();
        let Some(node) = choose(&candidates, pick) else { return Ok(()) };
        if let Some(Ok(())) = self.try_call(node, |replica| replica.take_over().map(|outputs| ((), outputs)))? {
            self.trace.note(self.now, &[13, node as u64], || format!("{node} takes the role"));
            self.counters.count(Fault::TakenOver);
            self.schedule(1_000 + pick % 9_000, Happening::Resume(node));
        }
        Ok(())
    }

    /// After the storage of the primary was set back, be it to a time when it was not the primary yet, and before anybody
    /// is met: it would give out its numbers again, and takes its role anew.
    pub(super) fn restore_role(&mut self, node: NodeId) -> Outcome {
        self.try_call(node, |replica| replica.take_over().map(|outputs| ((), outputs)))?;
        self.counters.count(Fault::PrimaryRestored);
        self.schedule(1_000, Happening::Resume(node));
        Ok(())
    }

    pub(super) fn truncate(&mut self, pick: u64) -> Outcome {
        let Some(node) = choose(&self.running(), pick) else { return Ok(()) };
        // An operator who has given the role to somebody waits until everybody has heard of it.
        let known = self.nodes[node].replica.as_ref().map(Replica::term);
        let is_busy = self.nodes[node].disk.is_writing();
        if is_busy || self.someone_takes_over() || known != Some(self.last_term()) {
            return Ok(());
        }
        let kept = if self.nodes[node].kind == Kind::Relay { (pick >> 8) % 20 } else { (pick >> 8) % 6 };
        let csn = self.nodes[node].replica.as_ref().map_or(0, |replica| replica.csn().get());
        let through = Csn::new(csn.saturating_sub(kept)).expect("below a CSN");
        if csn > kept && self.has_link(node) {
            self.counters.count(Fault::TruncatedInSession);
        }
        self.tell(node, |replica| replica.truncate(through))
    }

    pub(super) fn checkpoint(&mut self, pick: u64) -> Outcome {
        let Some(node) = choose(&self.running(), pick) else { return Ok(()) };
        self.nodes[node].in_checkpoint = true;
        self.tell(node, Replica::checkpoint)
    }
}

/// One of them, if there are any.
pub(super) fn choose<T: Copy>(from: &[T], pick: u64) -> Option<T> {
    let count = u64::try_from(from.len()).expect("a length");
    let index = pick.checked_rem(count)?;
    from.get(usize::try_from(index).expect("an index")).copied()
}
