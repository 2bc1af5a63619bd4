//! Calls of the engine, and what it asks for.

use bayou_core::{Csn, Event, Output, Outputs, Replica};

use super::{Happening, NodeId, OTHER, Outcome, World, database};
use crate::{faults::Fault, net::Item, node::State, oracle::Violation};

impl World {
    /// Calls the replica of a node, if it runs, and carries out what it asks for.
    pub(super) fn call<T>(
        &mut self,
        node: NodeId,
        call: impl FnOnce(&mut Replica) -> (T, Outputs),
    ) -> Outcome<Option<T>> {
        self.enter(node);
        self.calls += 1;
        let Some(replica) = &mut self.nodes[node].replica else { return Ok(None) };
        let (value, outputs) = call(replica);
        self.perform(node, outputs)?;
        self.after_call(node)?;
        Ok(Some(value))
    }

    /// Like [`call`](Self::call), for what may be refused.
    pub(super) fn try_call<T, E>(
        &mut self,
        node: NodeId,
        call: impl FnOnce(&mut Replica) -> Result<(T, Outputs), E>,
    ) -> Outcome<Option<Result<T, E>>> {
        self.enter(node);
        self.calls += 1;
        let Some(replica) = &mut self.nodes[node].replica else { return Ok(None) };
        match call(replica) {
            Ok((value, outputs)) => {
                self.perform(node, outputs)?;
                self.after_call(node)?;
                Ok(Some(Ok(value)))
            }
            Err(error) => Ok(Some(Err(error))),
        }
    }

    pub(super) fn tell(&mut self, node: NodeId, call: impl FnOnce(&mut Replica) -> Outputs) -> Outcome {
        self.call(node, |replica| ((), call(replica)))?;
        Ok(())
    }

    pub(super) fn perform(&mut self, node: NodeId, outputs: Outputs) -> Outcome {
        let life = self.nodes[node].life;
        for output in outputs {
            if self.nodes[node].life != life || !self.nodes[node].is_running() {
                // It crashed; what is left was never done.
                continue;
            }
            if let Some(left) = &mut self.nodes[node].crash_in {
                if *left == 0 {
                    self.counters.count(Fault::CrashBetweenOutputs);
                    self.crash(node)?;
                    continue;
                }
                *left -= 1;
            }
            self.carry_out(node, output)?;
        }
        Ok(())
    }

    fn carry_out(&mut self, node: NodeId, output: Output) -> Outcome {
        match output {
            Output::Persist(batch) => {
                let number = batch.number;
                self.trace.add(&batch.bytes);
                self.trace.note(self.now, &[1, node as u64, number], || format!("{node} stores batch {number}"));
                self.nodes[node].disk.begin(batch);
                let store_ms = self.dice.below(self.plan.setup.store_ms_max + 1);
                let at = self.nodes[node].stored_at.max(self.now + store_ms);
                self.nodes[node].stored_at = at;
                self.schedule_at(at, Happening::Stored(node, self.nodes[node].life));
            }
            Output::Transmit { peer, frame } => self.send(node, peer, frame),
            Output::Disconnect { peer, reason } => self.disconnected(node, peer, &reason)?,
            Output::Forget { before } => {
                self.nodes[node].in_checkpoint = false;
                self.nodes[node].disk.forget(before);
            }
            Output::Event(event) => self.event(node, &event)?,
        }
        Ok(())
    }

    fn event(&mut self, node: NodeId, event: &Event) -> Outcome {
        if !matches!(event, Event::Changed) {
            self.trace.note(self.now, &[2, node as u64], || format!("{node} {event:?}"));
        }
        let count = match event {
            Event::IdLost { .. } => Some(Fault::IdLost),
            Event::Displaced { .. } => Some(Fault::Displaced),
            Event::Installed { .. } => Some(Fault::TransferInstalled),
            Event::CommitsVoided { .. } => Some(Fault::CommitsVoided),
            Event::Reordered { .. } => Some(Fault::Reordered),
            Event::SessionReady { .. } => Some(Fault::SessionWaited),
            _ => None,
        };
        count.into_iter().for_each(|fault| self.counters.count(fault));
        if self.nodes[node].is_other_database {
            return Ok(());
        }
        match event {
            Event::Retired => {
                self.counters.count(Fault::Retired);
                self.leave(node);
                return Ok(());
            }
            Event::RoleChanged { primary: true } => {
                self.counters.count(Fault::HandedOver);
                let known_after = self.nodes[node].replica.as_ref().map(Replica::outcomes_known_after);
                self.has_uninformed_primary |= known_after > Some(Csn::ZERO);
            }
            Event::SessionReady { wait } => return self.session_ready(node, *wait),
            _ => {}
        }
        self.oracle.heard(&self.nodes, node, event)
    }

    /// What is looked at after every call.
    pub(super) fn after_call(&mut self, node: NodeId) -> Outcome {
        if !self.nodes[node].is_running() {
            return Ok(());
        }
        self.set_timer(node);
        let holds_other = self.nodes[node].replica.as_ref().and_then(Replica::database) == Some(database(OTHER));
        // One that had nothing any more may have joined the wrong one.
        self.nodes[node].is_other_database |= holds_other;
        if self.nodes[node].is_other_database {
            return Ok(());
        }
        if let Some(id) = self.nodes[node].id()
            && self.nodes[node].ids.last() != Some(id)
        {
            let id = id.clone();
            let creator = id.creation().map(|creation| creation.replica);
            let leads = |node: &NodeId| self.nodes[*node].id() == creator.as_ref();
            if creator.is_some() && !self.primaries().iter().any(leads) {
                self.counters.count(Fault::CreatedByTab);
            }
            self.nodes[node].ids.push(id);
        }
        self.enter(node);
        let Self { oracle, nodes, counters, dice, .. } = self;
        oracle.observe(nodes, node, counters, dice)
    }

    fn set_timer(&mut self, node: NodeId) {
        let Some(due) = self.nodes[node].replica.as_ref().and_then(Replica::poll_timeout) else { return };
        let at = due.0.saturating_sub(self.nodes[node].clock_ahead_ms).max(self.now + 1);
        if self.nodes[node].timer_at.is_none_or(|timer| timer > at || timer <= self.now) {
            self.nodes[node].timer_at = Some(at);
            self.schedule_at(at, Happening::Timer(node, self.nodes[node].life));
        }
    }

    pub(super) fn timer(&mut self, node: NodeId, life: u64) -> Outcome {
        if self.nodes[node].life != life || self.nodes[node].timer_at.is_none_or(|at| at > self.now) {
            return Ok(());
        }
        self.nodes[node].timer_at = None;
        let now = self.clock(node);
        match self.nodes[node].replica.as_ref().and_then(Replica::poll_timeout) {
            Some(due) if due <= now => self.tell(node, |replica| replica.handle_timeout(now)),
            Some(_) => {
                self.set_timer(node);
                Ok(())
            }
            None => Ok(()),
        }
    }

    pub(super) fn stored(&mut self, node: NodeId, life: u64) -> Outcome {
        if self.nodes[node].life != life || !self.nodes[node].is_running() {
            return Ok(());
        }
        if self.nodes[node].disk.broken {
            self.trace.note(self.now, &[3, node as u64], || format!("{node} storage fails"));
            return self.crash(node);
        }
        let Some(number) = self.nodes[node].disk.complete() else { return Ok(()) };
        self.trace.note(self.now, &[4, node as u64, number], || format!("{node} has stored batch {number}"));
        self.tell(node, |replica| replica.handle_persisted(number))
    }

    pub(super) fn arrive(&mut self, link: usize, end: usize) -> Outcome {
        let stopped_until = self.pairs[self.links[link].pair].stopped_until[end];
        if stopped_until > self.now {
            self.schedule_at(stopped_until, Happening::Arrive(link, end));
            return Ok(());
        }
        let Some(item) = self.links[link].ends[end].items.pop_front() else { return Ok(()) };
        let (node, life) = (self.links[link].ends[end].node, self.links[link].ends[end].life);
        if self.nodes[node].life != life || !self.links[link].ends[end].is_up {
            return Ok(());
        }
        let now = self.clock(node);
        let peer = bayou_core::PeerId(link as u64);
        match item {
            Item::Frame { bytes, sent_at } => {
                if self.now - sent_at > 15_000 {
                    self.counters.count(Fault::DelayedLong);
                }
                self.trace.add(&bytes);
                let length = bytes.len();
                self.trace.note(self.now, &[5, node as u64, link as u64], || {
                    format!("{node} hears {length} bytes over link {link}: {}", describe(&bytes))
                });
                self.tell(node, |replica| replica.handle_frame(now, peer, &bytes))
            }
            Item::Down => {
                self.links[link].ends[end].is_up = false;
                self.trace.note(self.now, &[6, node as u64, link as u64], || format!("{node} loses link {link}"));
                self.tell(node, |replica| replica.handle_link_down(now, peer))?;
                self.want_again(self.links[link].pair);
                Ok(())
            }
        }
    }

    /// A retired replica's storage is deleted.
    fn leave(&mut self, node: NodeId) {
        self.nodes[node].state = State::Gone;
        self.nodes[node].life += 1;
        self.nodes[node].disk.evict();
        self.nodes[node].replica = None;
        self.hang_up(node);
    }

    pub(super) fn violated(&self, property: &'static str, what: &str) -> Violation {
        Violation { property, what: format!("at {} ms: {what}", self.now) }
    }
}

/// The kind of a frame, for the trace.
fn describe(bytes: &[u8]) -> &'static str {
    const KINDS: [&str; 10] = [
        "hello",
        "created",
        "batch",
        "snapshot part",
        "decline commits",
        "progress",
        "caught up",
        "primary",
        "ping",
        "farewell",
    ];
    bytes.get(1).and_then(|kind| KINDS.get(usize::from(*kind))).copied().unwrap_or("?")
}
