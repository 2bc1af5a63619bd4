//! The host of one replica: it owns the engine, does what the engine asks for, and tells the engine what happened.
//!
//! Everything happens in three steps. Something comes from outside: a call of the page, a frame, a stored batch, the
//! timer. The engine is borrowed for exactly one method call, and gives back its [`Outputs`]. Then, with nothing
//! borrowed, the outputs are carried out in order. The page's own code is never called from within any of this: its
//! promises are settled, which runs nothing at once, and its callbacks come in a task of their own.

mod awake;
mod departure;
mod drive;
mod failure;
mod files;
mod listeners;
mod loss;
mod timer;
mod trap;
mod upkeep;
mod waiters;
mod writer;

pub(crate) use departure::Departure;
pub(crate) use failure::{Failure, FailureKind};
pub(crate) use listeners::Listeners;
pub(crate) use waiters::Waiter;

use std::{
    cell::{Cell, OnceCell, RefCell},
    collections::VecDeque,
    rc::{Rc, Weak},
};

use bayou_core::{DatabaseName, Draft, Options, Output, Outputs, Replica, RetireError, SubmitError, WriteId};
use js_sys::Promise;
use wasm_bindgen::JsValue;

use self::{awake::AwakeClock, timer::Timer, upkeep::Upkeep, waiters::Waiters, writer::Writer};
use crate::{
    api::{self, ApiError},
    damage::DamagedStores,
    link::{LinkState, NearbyLinks, RelayLink, RelayUrl},
    locks::StoreLock,
    orphans::{self, Pipe, Rounds},
    recovery::recover_batches,
    store::{Entry, Registry, ReplicaStore},
    wait::spawn,
};

/// How the replicas of this browser behave. What became of others' writes they leave to the relay to remember.
pub(crate) const REPLICA_OPTIONS: Options =
    Options { ping_interval_ms: 8_000, silence_ms_max: 25_000, keeps_outcomes: false };

/// What makes a replica this page's.
pub(crate) struct Ownership {
    pub(crate) lock: StoreLock,
    pub(crate) entry: Entry,
    /// When it is to be given up.
    pub(crate) departure: Departure,
}

/// Which links are made at once.
#[derive(Clone, Copy)]
pub(crate) struct Enabled {
    pub(crate) relay: bool,
    pub(crate) nearby: bool,
}

/// One open replica.
pub(crate) struct Host {
    this: Weak<Self>,
    /// Replaced as a whole after a panic, which may leave the old one borrowed.
    engine: RefCell<Rc<RefCell<Replica>>>,
    name: DatabaseName,
    writer: Writer,
    upkeep: RefCell<Upkeep>,
    relay: Rc<RelayLink>,
    nearby: Rc<NearbyLinks>,
    /// Sessions with idle replicas of this browser.
    pipes: RefCell<Vec<Rc<Pipe>>>,
    rounds: Rounds,
    damaged: DamagedStores,
    outputs: RefCell<VecDeque<Output>>,
    is_performing: Cell<bool>,
    is_keeping_up: Cell<bool>,
    last_peer: Cell<u64>,
    timer: Timer,
    clock: AwakeClock,
    waiters: Waiters,
    listeners: Rc<Listeners>,
    failure: OnceCell<Failure>,
    /// The engine is not driven any more.
    is_stopped: Cell<bool>,
    has_trapped: Cell<bool>,
    is_closed: Cell<bool>,
    entry: RefCell<Entry>,
    lock: RefCell<Option<StoreLock>>,
    departure: Departure,
}

impl Host {
    /// Puts a replica to work that was just recovered from its store, or is new and has an empty one.
    pub(crate) fn start(
        replica: Replica,
        store: ReplicaStore,
        stored_bytes: usize,
        Ownership { lock, entry, departure }: Ownership,
        relay: RelayUrl,
        enabled: Enabled,
    ) -> Rc<Self> {
        let host = Rc::new_cyclic(|this: &Weak<Self>| Self {
            this: this.clone(),
            name: replica.name().clone(),
            nearby: NearbyLinks::new(replica.name(), this.clone()),
            upkeep: RefCell::new(Upkeep::new(stored_bytes, &replica.log_size())),
            engine: RefCell::new(Rc::new(RefCell::new(replica))),
            writer: Writer::new(store),
            relay: RelayLink::new(relay, this.clone()),
            pipes: RefCell::default(),
            rounds: Rounds::default(),
            damaged: DamagedStores::default(),
            outputs: RefCell::default(),
            is_performing: Cell::default(),
            is_keeping_up: Cell::default(),
            last_peer: Cell::default(),
            timer: Timer::default(),
            clock: AwakeClock::default(),
            waiters: Waiters::default(),
            listeners: Listeners::new(),
            failure: OnceCell::new(),
            is_stopped: Cell::default(),
            has_trapped: Cell::default(),
            is_closed: Cell::default(),
            entry: RefCell::new(entry),
            lock: RefCell::new(Some(lock)),
            departure,
        });
        trap::watch(&host);
        host.watch_store();
        host.relay.set_enabled(enabled.relay);
        host.nearby.set_enabled(enabled.nearby);
        if host.is_ready() {
            orphans::visit(&host);
        }
        host.rounds.repeat(&host);
        let this = Rc::downgrade(&host);
        host.departure.on_leaving(move || {
            if let Some(host) = this.upgrade() {
                host.let_go();
            }
        });
        host
    }

    // --- Questions --------------------------------------------------------------------------------------------------

    /// Asks the engine something. It fails only after a panic, until the replica was read back from its store.
    pub(crate) fn read<T>(&self, question: impl FnOnce(&Replica) -> T) -> Result<T, ApiError> {
        let engine = Rc::clone(&self.engine.borrow());
        let Ok(replica) = engine.try_borrow() else {
            self.trapped();
            return Err(ApiError::Stopped(Failure::trap()));
        };
        Ok(question(&replica))
    }

    pub(crate) fn name(&self) -> &DatabaseName {
        &self.name
    }

    pub(crate) fn is_ready(&self) -> bool {
        self.read(Replica::is_ready).unwrap_or(false)
    }

    pub(crate) fn failure(&self) -> Option<&Failure> {
        self.failure.get()
    }

    /// Whether this is over: another tab may run the replica.
    pub(crate) fn is_closed(&self) -> bool {
        self.is_closed.get()
    }

    pub(crate) fn relay(&self) -> &RelayLink {
        &self.relay
    }

    pub(crate) fn nearby(&self) -> &NearbyLinks {
        &self.nearby
    }

    pub(crate) fn listeners(&self) -> &Rc<Listeners> {
        &self.listeners
    }

    pub(crate) fn entry(&self) -> Entry {
        self.entry.borrow().clone()
    }

    /// Which replicas of this browser are visited, and when.
    pub(crate) fn rounds(&self) -> &Rounds {
        &self.rounds
    }

    /// The stores of this browser that cannot be recovered.
    pub(crate) fn damaged(&self) -> &DamagedStores {
        &self.damaged
    }

    /// Whether the relay is at hand, and has told all that it held.
    pub(crate) fn is_caught_up(&self) -> bool {
        matches!(self.relay.state(), LinkState::Open { caught_up: true })
    }

    /// Whether everything the engine wanted stored is stored.
    pub(crate) fn is_all_stored(&self) -> bool {
        self.writer.is_idle()
    }

    /// To be told when the replica can accept writes, or that it will not.
    pub(crate) fn when_ready(&self) -> Result<Waiter, ApiError> {
        self.check_writable()?;
        match self.relay.state() {
            LinkState::Refused(refusal) => Err(ApiError::NotReady { reason: Some(refusal.to_string()) }),
            _ => Ok(self.waiters.for_ready()),
        }
    }

    /// The promise of a write's outcome when it is committed.
    pub(crate) fn when_committed(&self, write: &WriteId) -> Result<Promise, ApiError> {
        match self.read(|replica| replica.status(write))? {
            Some(status) if status.is_committed() => Ok(Promise::resolve(&api::outcome_to_js(&status))),
            _ => self.check_writable().map(|()| self.waiters.for_committed(write.clone())),
        }
    }

    // --- What the application wants -----------------------------------------------------------------------------------

    /// Hands a draft to the engine. The waiter is told when it is stored.
    pub(crate) fn submit(&self, draft: Draft) -> Result<(WriteId, Waiter), ApiError> {
        self.check_writable()?;
        let write = self.drive(|replica| match replica.submit(draft) {
            Ok((write, outputs)) => (Ok(write), outputs),
            Err(error) => (Err(error), Outputs::default()),
        })??;
        // It cannot have been stored yet: a transaction takes at least one more task.
        let waiter = self.waiters.for_saved(write.clone());
        Ok((write, waiter))
    }

    /// Retires the replica, and deletes its store once another one has its retirement.
    pub(crate) async fn retire(&self) -> Result<(), ApiError> {
        self.check_writable()?;
        let retired = self.waiters.for_retired();
        let known = self.drive(|replica| match replica.retire() {
            Ok(outputs) => (Ok(()), outputs),
            Err(error) => (Err(error), Outputs::default()),
        })?;
        match known {
            // Somebody has asked for it before.
            Ok(()) | Err(RetireError::Submit(SubmitError::Retired)) => {}
            Err(error) => return Err(error.into()),
        }
        match retired.await {
            Ok(Ok(())) => {}
            Ok(Err(_)) | Err(_) => return Err(self.failure().cloned().map_or(ApiError::Closed, ApiError::Stopped)),
        }
        self.shut().await;
        let forgotten = orphans::forget(&self.entry()).await;
        self.release();
        forgotten.map_err(ApiError::Storage)
    }

    /// Closes the replica: what was submitted is stored, then its links and its store are closed and its lock is freed.
    pub(crate) async fn close(&self) {
        if self.is_closed.get() {
            return;
        }
        self.shut().await;
        let mut entry = self.entry();
        entry.last_used = js_sys::Date::now();
        // The list of replicas is a help for the next opening; that it could not be updated is no reason to complain.
        let _ = Registry::put(&entry).await;
        self.release();
    }

    /// Stores what was submitted and closes links and store.
    async fn shut(&self) {
        self.is_closed.set(true);
        self.relay.stop();
        self.nearby.stop();
        self.rounds.end();
        self.listeners.clear();
        self.writer.rest().await;
        self.end();
    }

    /// Leaves the replica to the next tab at once, without waiting for anything: whoever was told that a write is stored
    /// was told so when it was. A transaction that was begun is completed by the browser before the next tab's first.
    fn let_go(&self) {
        if self.is_closed.replace(true) {
            return;
        }
        self.relay.stop();
        self.nearby.stop();
        self.rounds.end();
        self.end();
        self.release();
        self.listeners.notify();
    }

    fn end(&self) {
        self.stop(&ApiError::Closed.into());
        self.writer.end();
    }

    /// Leaves the replica to the next tab.
    fn release(&self) {
        self.lock.replace(None);
        trap::forget(self);
    }

    /// Closes the replica for good: no tab of this browser opens a replica of this very database again. What is stored
    /// stays stored; should the database come back, what only these replicas hold is taken over as ever.
    pub(crate) async fn leave(&self) {
        self.entry.borrow_mut().is_abandoned = true;
        let left = self.entry();
        self.close().await;
        // A list that cannot be read or written leaves the others to be left in the same way when they are opened.
        let Ok(entries) = Registry::replicas_of(self.name.as_str()).await else { return };
        for entry in entries.into_iter().filter(|entry| entry.database_id == left.database_id) {
            let _ = Registry::put(&Entry { is_abandoned: true, ..entry }).await;
        }
    }

    // --- The end ------------------------------------------------------------------------------------------------------

    /// Something in this instance panicked. What the engine holds in memory is not to be trusted: nothing is written or
    /// sent any more, and reading goes on from what is stored.
    pub(crate) fn trapped(&self) {
        self.fail(Failure::trap());
        if self.has_trapped.replace(true) {
            return;
        }
        self.read_back();
    }

    /// Shows what is stored, in place of what is in memory.
    fn read_back(&self) {
        let Some(host) = self.this.upgrade() else { return };
        spawn(async move {
            if let Ok(batches) = host.writer.store().read().await
                && let Ok(recovery) = recover_batches(batches).await
            {
                host.engine.replace(Rc::new(RefCell::new(recovery.replica)));
                host.listeners.notify();
            }
        });
    }

    fn check_writable(&self) -> Result<(), ApiError> {
        match self.failure.get() {
            Some(failure) => Err(ApiError::Stopped(failure.clone())),
            None if self.is_closed.get() => Err(ApiError::Closed),
            None => Ok(()),
        }
    }

    /// Stops writing. The first failure is the one that is told.
    fn fail(&self, failure: Failure) {
        let error = ApiError::Stopped(failure.clone()).into();
        let kind = failure.kind;
        let _ = self.failure.set(failure);
        self.relay.stop();
        if kind == FailureKind::Refused {
            // What was submitted before can still be saved.
            self.waiters.never_ready(&error);
            self.waiters.never_committed(&error);
        } else if !self.is_stopped.get() {
            self.stop(&error);
        }
        self.nearby.stop();
        self.listeners.notify();
    }

    /// Lets the engine rest: it is told nothing more, so that it wants nothing more.
    fn stop(&self, error: &JsValue) {
        self.is_stopped.set(true);
        self.outputs.take();
        self.timer.clear();
        for pipe in self.pipes.take() {
            pipe.end();
        }
        self.waiters.end(error);
    }

    /// Brings this device's list of replicas up to date.
    fn register(&self) {
        let Ok(entry) = self.read(|replica| self.entry().of(replica)) else { return };
        self.entry.replace(entry.clone());
        spawn(async move {
            if let Err(error) = Registry::put(&entry).await {
                web_sys::console::warn_1(&JsValue::from_str(&error.to_string()));
            }
        });
    }
}
