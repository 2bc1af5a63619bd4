//! **Liveness**: once nothing fails any more, all replicas come to hold the same and everything is committed.
//!
//! Before that the operators set right what waits for them: disks are mended, old programs replaced, the role resumed, or
//! taken where its holder is gone.

use bayou_core::Replica;

use super::{Outcome, World, roles::choose};
use crate::{
    faults::Fault,
    node::State,
    oracle::{Durability, Violation},
};

/// How long it may take. Links are given up after 25 s of silence and tried again within half a second, so that this is
/// a matter of a few exchanges even where every replica takes a new id on the way.
const REST_WITHIN_MS: u64 = 300_000;
/// Between two looks at whether all is at rest.
const LOOK_EVERY_MS: u64 = 400;
/// Between two rounds of the operators.
const ROUND_EVERY_MS: u64 = 2_000;

impl World {
    pub(super) fn come_to_rest(&mut self) -> Outcome {
        self.is_calm = true;
        self.calm_down()?;
        let end = self.now + REST_WITHIN_MS;
        let (mut look_at, mut round_at) = (self.now + LOOK_EVERY_MS, self.now);
        loop {
            let next = self.queue.first_key_value().map_or(end, |((at, _), _)| *at);
            if next >= look_at || self.queue.is_empty() {
                self.now = self.now.max(look_at);
                look_at = self.now + LOOK_EVERY_MS;
                if self.is_at_rest() {
                    return self.check_rest();
                }
                if self.now >= end {
                    return Err(self.violated("liveness", &self.what_is_unsettled()));
                }
                if self.now >= round_at {
                    round_at = self.now + ROUND_EVERY_MS;
                    self.operators_round()?;
                }
                continue;
            }
            let Some(happening) = self.next() else { continue };
            self.happen(happening)?;
        }
    }

    fn calm_down(&mut self) -> Outcome {
        for pair in &mut self.pairs {
            pair.cut_until = 0;
            pair.stopped_until = [0; 2];
            pair.wanted = 1;
            pair.delay_ms_max = pair.delay_ms_max.min(100);
        }
        for node in 0..self.nodes.len() {
            self.nodes[node].disk.broken = false;
            self.nodes[node].crash_in = None;
            if self.nodes[node].is_other_database && self.nodes[node].state != State::Gone {
                self.other_database_goes(node);
            }
        }
        // What was slow is lost rather than waited for.
        for link in 0..self.links.len() {
            if self.links[link].ends.iter().any(|end| end.is_up) {
                self.links[link].damages_next = false;
                self.lose(link);
            }
        }
        for pair in 0..self.pairs.len() {
            self.want_again(pair);
        }
        if self.plan.setup.newer {
            for node in self.running() {
                if !self.nodes[node].newer {
                    self.crash(node)?;
                }
            }
            self.nodes.iter_mut().for_each(|node| node.newer = true);
        }
        Ok(())
    }

    fn operators_round(&mut self) -> Outcome {
        let primaries = self.primaries();
        if let [primary] = primaries[..] {
            // It alone may know what became of writes that others have truncated.
            self.link_with_all(primary);
        }
        for node in &primaries {
            self.resume_if_sound(*node)?;
        }
        let all_run = self.nodes.iter().all(|node| node.state != State::Down);
        if primaries.is_empty() && all_run && self.nobody_leads() {
            // The holder is gone for good.
            self.take_over(0)?;
        }
        Ok(())
    }

    /// Whether whom the log names as the primary is none of the nodes.
    fn nobody_leads(&self) -> bool {
        let running = self.running();
        let replicas = || running.iter().filter_map(|node| self.nodes[*node].replica.as_ref());
        let Some(last) = replicas().max_by_key(|replica| replica.term()) else { return false };
        !replicas().any(|replica| last.primary().is_some() && replica.id() == last.primary() && !replica.has_lost_id())
    }

    fn is_at_rest(&self) -> bool {
        if self.nodes.iter().any(|node| node.state == State::Down) {
            return false;
        }
        let running = self.running();
        let replicas = || running.iter().filter_map(|node| self.nodes[*node].replica.as_ref());
        let Some(first) = replicas().next() else { return false };
        let stored = running.iter().all(|node| !self.nodes[*node].disk.is_writing());
        let settled = |replica: &Replica| {
            replica.is_ready()
                && !replica.has_retired()
                && replica.tentative_writes().next().is_none()
                && replica.kept().lost == 0
                && replica.shown_csn() == first.csn()
                && replica.csn() == first.csn()
                && replica.version_vector() == first.version_vector()
        };
        stored && replicas().all(settled) && replicas().filter(|replica| replica.is_primary()).count() == 1
    }

    fn what_is_unsettled(&self) -> String {
        let nodes: String = self.running().into_iter().map(|node| format!("\n  {}", self.describe(node))).collect();
        format!("not at rest after {} s:{nodes}", REST_WITHIN_MS / 1_000)
    }

    fn check_rest(&mut self) -> Outcome {
        let running = self.running();
        let Some(first) = choose(&running, 0) else { return Ok(()) };
        let end = self.nodes[first].replica.as_ref().and_then(|replica| replica.prefix_through(replica.csn()));
        let Some(prefix) = end else { return Ok(()) };
        for node in &running {
            self.enter(*node);
            self.oracle.look_closely(&self.nodes, *node)?;
            let Some(replica) = &self.nodes[*node].replica else { continue };
            if replica.prefix_through(replica.csn()) != Some(prefix) {
                return Err(Violation::of("convergence", format!("{node} and {first} hold different orders")));
            }
            let is_copied = replica.id().is_some_and(|id| self.oracle.tainted.contains(id));
            let is_restored = self.counters.of(Fault::PrimaryRestored) > 0 || self.has_uninformed_primary;
            if !is_copied && !is_restored {
                // Of two replicas of one id, what one was told counts as told to the other; and a primary that got its data
                // from another replica has the last word, whether it knows the outcomes or not.
                Durability::check_told(replica, &self.oracle.history, prefix)?;
            }
        }
        let oracle = &mut self.oracle;
        oracle.durability.check_ended(&oracle.history, prefix)?;
        if !self.plan.setup.newer {
            let has_voided = self.counters.of(Fault::CommitsVoided) > 0;
            oracle.sessions.check_order(&oracle.history, prefix, &oracle.tainted, has_voided)?;
        }
        if oracle.durability.lost > 0 {
            self.counters.count(Fault::LostWithStorage);
        }
        Ok(())
    }
}
