//! Between the outside and the engine: what happened goes in, what the engine asks for is carried out.

use std::rc::Rc;

use bayou_core::{Event, Millis, Output, Outputs, PeerId, PeerKind, Replica};
use wasm_bindgen::JsValue;

use super::{Failure, FailureKind, Host, trap, upkeep::Chore};
use crate::{
    api::{self, ApiError},
    link::{LinkState, Refusal},
    memory,
    orphans::{self, Pipe},
    platform,
    wait::{Turns, spawn},
};

impl Host {
    /// A name for a new link, never given before.
    pub(crate) fn new_peer(&self) -> PeerId {
        self.last_peer.set(self.last_peer.get() + 1);
        PeerId(self.last_peer.get())
    }

    pub(crate) fn link_up(&self, peer: PeerId, kind: PeerKind) {
        let now = self.now();
        self.tell_engine(|replica| replica.handle_link_up(now, peer, kind));
    }

    pub(crate) fn link_down(&self, peer: PeerId) {
        let now = self.now();
        self.tell_engine(|replica| replica.handle_link_down(now, peer));
    }

    pub(crate) fn frame(&self, peer: PeerId, frame: &[u8]) {
        let now = self.now();
        self.tell_engine(|replica| replica.handle_frame(now, peer, frame));
        // A hidden page's timer is late, but messages come: what is due, such as a sign of life, need not wait.
        if self.timer.due().is_some_and(|due| due <= now) {
            self.wake();
        }
    }

    /// What there is to say of the relay's link changed.
    pub(crate) fn link_changed(&self) {
        self.nearby.update();
        self.listeners.notify();
    }

    /// What there is to say of other tabs changed.
    pub(crate) fn nearby_changed(&self) {
        self.listeners.notify();
    }

    /// The relay and this replica do not fit, and a person has to act.
    pub(crate) fn link_refused(&self, refusal: &Refusal) {
        if !self.is_ready() {
            self.waiters.never_ready(&ApiError::NotReady { reason: Some(refusal.to_string()) }.into());
        }
        if refusal.stops_writing() {
            self.fail(Failure { kind: FailureKind::Refused, message: refusal.to_string() });
        }
    }

    /// Adds a session with a replica of this browser.
    pub(crate) fn attach(&self, pipe: &Rc<Pipe>) {
        self.pipes.borrow_mut().push(Rc::clone(pipe));
        self.link_up(pipe.peer(), PeerKind::SameDevice);
    }

    /// Ends it.
    pub(crate) fn detach(&self, pipe: &Pipe) {
        self.pipes.borrow_mut().retain(|other| other.peer() != pipe.peer());
        self.link_down(pipe.peer());
    }

    fn tell_engine(&self, happened: impl FnOnce(&mut Replica) -> Outputs) {
        // A replica that has stopped need not hear of anything any more.
        let _ = self.drive(|replica| ((), happened(replica)));
    }

    /// Calls the engine, once and with nothing else borrowed, and carries out what it asks for.
    pub(super) fn drive<T>(&self, call: impl FnOnce(&mut Replica) -> (T, Outputs)) -> Result<T, ApiError> {
        if trap::has_trapped() {
            self.trapped();
        }
        if self.is_stopped.get() {
            return Err(self.failure.get().map_or(ApiError::Closed, |failure| ApiError::Stopped(failure.clone())));
        }
        let engine = Rc::clone(&self.engine.borrow());
        // Nothing calls back while the engine is borrowed: if it is, an earlier call never returned.
        let Ok(mut replica) = engine.try_borrow_mut() else {
            self.trapped();
            return Err(ApiError::Stopped(Failure::trap()));
        };
        let (value, outputs) = call(&mut replica);
        let due = replica.poll_timeout();
        drop(replica);
        memory::keep_room();

        self.outputs.borrow_mut().extend(outputs);
        self.perform();
        self.set_timer(due);
        Ok(value)
    }

    fn set_timer(&self, due: Option<Millis>) {
        let this = self.this.clone();
        self.timer.set(self.now(), due, move || {
            if let Some(host) = this.upgrade() {
                host.wake();
            }
        });
    }

    /// The time that the engine asked for has come.
    fn wake(&self) {
        let now = self.now();
        self.timer.clear();
        self.tell_engine(|replica| replica.handle_timeout(now));
    }

    /// The time for the engine.
    fn now(&self) -> Millis {
        self.clock.now(platform::now(), self.timer.due())
    }

    fn perform(&self) {
        if self.is_performing.replace(true) {
            return;
        }
        loop {
            let Some(output) = self.outputs.borrow_mut().pop_front() else { break };
            match output {
                Output::Persist(batch) => {
                    self.upkeep.borrow_mut().stored(batch.bytes.len());
                    if self.writer.push(batch) {
                        self.run_writer();
                    }
                }
                Output::Transmit { peer, frame } => match self.pipe_to(peer) {
                    Some(pipe) => pipe.push(frame),
                    None if self.nearby.transmit(peer, &frame) => {}
                    None => self.relay.transmit(peer, &frame),
                },
                Output::Disconnect { peer, reason } => match self.pipe_to(peer) {
                    Some(pipe) => pipe.end(),
                    None if self.nearby.disconnect(peer, &reason) => {}
                    None => self.relay.disconnect(peer, &reason),
                },
                Output::Forget { before } => {
                    if let Ok(size) = self.read(Replica::log_size) {
                        self.upkeep.borrow_mut().checkpoint_ends(&size);
                    }
                    if self.writer.forget(before) {
                        self.run_writer();
                    }
                }
                Output::Event(event) => self.on_event(event),
            }
        }
        self.is_performing.set(false);
    }

    fn on_event(&self, event: Event) {
        match event {
            Event::Ready => {
                self.register();
                self.waiters.ready();
                self.nearby.update();
                self.listeners.notify();
                if let Some(host) = self.this.upgrade() {
                    orphans::visit(&host);
                }
            }
            Event::Changed | Event::PrimaryPaused { .. } => self.listeners.notify(),
            // Until it has a new id, which `Ready` tells of, it accepts nothing; all it holds stays.
            Event::IdLost { .. } => {
                self.nearby.update();
                self.listeners.notify();
            }
            Event::Saved { write } => self.waiters.saved(&write),
            Event::Committed { write } => self.waiters.committed(&write, || {
                let status = self.read(|replica| replica.status(&write)).ok().flatten();
                status.map_or(JsValue::UNDEFINED, |status| api::outcome_to_js(&status))
            }),
            Event::Displaced { write, again } => self.waiters.displaced(&write, again, || ApiError::Displaced.into()),
            Event::Retired => self.waiters.retired(),
            Event::Installed { .. } => self.upkeep.borrow_mut().checkpoint_given_up(),
            Event::LinkReady { peer } => {
                let replica = self.read(|own| own.peer_replica(peer).map(ToString::to_string)).ok().flatten();
                if !self.nearby.ready(peer, replica) {
                    self.relay.ready(peer);
                    self.nearby.update();
                }
                self.listeners.notify();
            }
            Event::CaughtUp { peer } => {
                match self.pipe_to(peer) {
                    Some(pipe) => pipe.caught_up(),
                    None if self.nearby.caught_up(peer) => {}
                    None => {
                        self.relay.caught_up(peer);
                        if let Some(host) = self.this.upgrade() {
                            orphans::visit_if_ready(&host);
                        }
                        self.keep_up();
                    }
                }
                self.listeners.notify();
            }
            Event::PeerRefused { peer, code, reason } => match self.pipe_to(peer) {
                Some(pipe) => pipe.end(),
                None if self.nearby.peer_refused(peer, code, &reason) => {}
                None => self.relay.peer_refused(peer, code, reason),
            },
            // What a reorder cost is part of `inspect`, and `Changed` comes with it.
            _ => {}
        }
    }

    fn run_writer(&self) {
        let Some(host) = self.this.upgrade() else { return };
        spawn(async move {
            let stored_through = |through| {
                host.tell_engine(|replica| replica.handle_persisted(through));
                host.waiters.stored(through);
            };
            let stored = host.writer.run(stored_through).await;
            match stored {
                Ok(()) => host.keep_up(),
                Err(error) => host.storing_failed(&error),
            }
        });
    }

    /// Keeps log and store short, a step at a time, with the browser's turn in between.
    fn keep_up(&self) {
        let Some(host) = self.this.upgrade().filter(|host| !host.is_keeping_up.replace(true)) else { return };
        spawn(async move {
            while host.keep_up_once() {
                Turns::new().next().await;
            }
            host.is_keeping_up.set(false);
        });
    }

    /// Whether there may be more to do. What is stored leads here again.
    fn keep_up_once(&self) -> bool {
        if self.is_stopped.get() || self.is_closed.get() || !self.writer.is_idle() {
            return false;
        }
        let Ok((csn, size)) = self.read(|replica| (replica.csn(), replica.log_size())) else { return false };
        let is_catching_up = matches!(self.relay.state(), LinkState::Open { caught_up: false });
        let chore = self.upkeep.borrow().chore(csn, &size, is_catching_up);
        match chore {
            Some(Chore::Truncate { through }) => {
                let before = self.read(Replica::omitted_csn).ok();
                self.tell_engine(|replica| replica.truncate(through));
                // It truncates nothing that it has not executed.
                self.read(Replica::omitted_csn).ok() != before
            }
            Some(Chore::Checkpoint) => {
                self.checkpoint();
                false
            }
            None => false,
        }
    }

    fn checkpoint(&self) {
        self.upkeep.borrow_mut().checkpoint_begins();
        self.tell_engine(Replica::checkpoint);
        if self.writer.is_idle() {
            // It is no time for one.
            self.upkeep.borrow_mut().checkpoint_given_up();
        }
    }

    fn pipe_to(&self, peer: PeerId) -> Option<Rc<Pipe>> {
        self.pipes.borrow().iter().find(|pipe| pipe.peer() == peer).cloned()
    }
}
