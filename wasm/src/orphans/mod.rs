//! Taking over the writes of idle replicas, and retiring those that are surplus.
//!
//! When a tab is closed, what only its replica holds would seem to have vanished until a tab happens to resume it. So a
//! tab takes the lock of each idle replica of its database in turn, and runs anti-entropy with it, as with any other
//! replica, over a pipe in memory. What the idle replica receives is stored in its own store. One that cannot be opened
//! is left as it is and stops nothing.
//!
//! All are visited when this tab's replica is ready, whenever the relay's link has come up, soon after a tab was closed, and
//! every few minutes.
//!
//! A few idle replicas are kept for the tabs to come. Of more, the least recently used are retired while the relay is at
//! hand, if all that they hold is known outside this browser: their ids leave every version vector, and their stores are
//! deleted once this tab's replica has stored their retirement.

mod agenda;
mod lacking;
mod rounds;

use std::{
    cell::{Cell, RefCell},
    collections::VecDeque,
    rc::Rc,
    task::{Poll, Waker},
};

use bayou_core::{Event, Output, Outputs, PeerId, PeerKind, RecoverError, Replica, StoredBatch};
use thiserror::Error;
use wasm_bindgen::JsValue;

pub(crate) use rounds::{Rounds, visit, visit_if_ready};

use self::lacking::Lacking;
use crate::{
    damage::is_damaged,
    host::Host,
    locks::{LockError, StoreLock},
    platform,
    recovery::{Recovered, UnrecoveredError, recover},
    store::{Entry, Registry, ReplicaStore, StorageError, StorageErrorKind},
    wait::{Slices, within},
};

/// Two replicas in one page exchange thousands of writes in this time.
const SESSION_MS_MAX: u32 = 30_000;
/// How long a pipe may be silent before it is looked at whether anything is left to do.
const SILENCE_MS: u32 = 20;

/// Why the writes of an idle replica could not be taken over.
#[derive(Debug, Error)]
enum OrphanError {
    #[error(transparent)]
    Lock(#[from] LockError),
    #[error("{0}")]
    Storage(StorageError),
    #[error(transparent)]
    Recover(RecoverError),
    #[error("what can be read of it was taken over before")]
    Salvaged,
    #[error("the exchange with it took too long")]
    TooLong,
}

impl OrphanError {
    /// Whether the store holds no replica, and will hold none the next time.
    fn is_damage(&self) -> bool {
        match self {
            Self::Storage(error) => error.kind == StorageErrorKind::Corrupted,
            Self::Recover(error) => is_damaged(error),
            Self::Salvaged => true,
            Self::Lock(_) | Self::TooLong => false,
        }
    }
}

impl From<StorageError> for OrphanError {
    fn from(error: StorageError) -> Self {
        Self::Storage(error)
    }
}

impl From<UnrecoveredError> for OrphanError {
    fn from(error: UnrecoveredError) -> Self {
        match error {
            UnrecoveredError::Storage(error) => Self::Storage(error),
            UnrecoveredError::Recover(error) => Self::Recover(error),
        }
    }
}

/// What came of looking at a replica.
enum Visit {
    /// Another tab runs it.
    Busy,
    /// It is there for the next tab.
    Kept,
    /// It is of another database of this name.
    Foreign,
    /// It held nothing, or has retired, and is deleted.
    Gone,
}

async fn visit_one(host: &Host, entry: &Entry, is_surplus: bool) -> Result<Visit, OrphanError> {
    if entry.salvaged.is_some() {
        return Err(OrphanError::Salvaged);
    }
    let name = entry.store.full_name(&entry.database);
    let Some(_lock) = StoreLock::acquire(&name, 0).await? else { return Ok(Visit::Busy) };
    let Some(Recovered { replica: idle, store, .. }) = recover(name, &|_| {}).await? else {
        forget(entry).await?;
        return Ok(Visit::Gone);
    };
    if entry.database_id.is_none() {
        // Its tab was closed before it could note this, which is no more than a help.
        let _ = Registry::put(&entry.clone().of(&idle)).await;
    }
    if !host.read(|own| idle.database() == own.database()).unwrap_or(false) {
        return Ok(Visit::Foreign);
    }
    let retires = is_surplus || idle.has_retired();
    if !retires && host.read(|own| holds_all_of(own, &idle)).unwrap_or(true) {
        return Ok(Visit::Kept);
    }
    if let Ok(lacking) = host.read(|own| Lacking::of(own, &idle)) {
        host.rounds().begin_taking_over(lacking);
    }
    let pipe = Rc::new(Pipe::new(host.new_peer()));
    let mut session = Session {
        idle,
        store,
        unstored: Vec::new(),
        pipe: &pipe,
        host,
        idle_caught_up: false,
        retires,
        has_retired: false,
        slices: Slices::new(),
    };
    host.attach(&pipe);
    let ran = within(SESSION_MS_MAX, session.run()).await.unwrap_or(Err(OrphanError::TooLong));
    host.detach(&pipe);
    host.rounds().end_taking_over();
    host.listeners().notify();
    let has_retired = session.has_retired;
    drop(session);
    ran?;
    if !has_retired {
        return Ok(Visit::Kept);
    }
    forget(entry).await?;
    Ok(Visit::Gone)
}

/// Whether a replica has nothing to learn from another.
fn holds_all_of(own: &Replica, other: &Replica) -> bool {
    own.csn() >= other.csn() && own.version_vector().dominates(other.version_vector())
}

/// Deletes the store of a replica that never came to hold anything, was cleared, or has retired.
pub(crate) async fn forget(entry: &Entry) -> Result<(), StorageError> {
    // As long as somebody holds it open it is not deleted, nor can it be opened: no tab is to wait for that. If it cannot be
    // noted, for want of room perhaps, it is deleted all the same.
    let _ = Registry::put(&Entry { is_abandoned: true, ..entry.clone() }).await;
    ReplicaStore::delete(&entry.store.full_name(&entry.database)).await?;
    Registry::remove(&entry.store).await
}

/// The own replica's end of a link within this page.
pub(crate) struct Pipe {
    peer: PeerId,
    to_idle: RefCell<VecDeque<Vec<u8>>>,
    reader: RefCell<Option<Waker>>,
    own_caught_up: Cell<bool>,
    has_ended: Cell<bool>,
}

impl Pipe {
    fn new(peer: PeerId) -> Self {
        Self {
            peer,
            to_idle: RefCell::default(),
            reader: RefCell::default(),
            own_caught_up: Cell::default(),
            has_ended: Cell::default(),
        }
    }

    pub(crate) fn peer(&self) -> PeerId {
        self.peer
    }

    /// A frame from the own replica to the idle one.
    pub(crate) fn push(&self, frame: Vec<u8>) {
        self.to_idle.borrow_mut().push_back(frame);
        self.wake();
    }

    /// The own replica has all that the idle one held.
    pub(crate) fn caught_up(&self) {
        self.own_caught_up.set(true);
        self.wake();
    }

    /// The own replica ended the session.
    pub(crate) fn end(&self) {
        self.has_ended.set(true);
        self.wake();
    }

    fn wake(&self) {
        if let Some(reader) = self.reader.take() {
            reader.wake();
        }
    }

    /// The next frame for the idle replica; `None` when the session has ended.
    async fn next(&self) -> Option<Vec<u8>> {
        std::future::poll_fn(|context| {
            if self.has_ended.get() {
                return Poll::Ready(None);
            }
            let frame = self.to_idle.borrow_mut().pop_front();
            if frame.is_none() {
                self.reader.replace(Some(context.waker().clone()));
            }
            frame.map_or(Poll::Pending, |frame| Poll::Ready(Some(frame)))
        })
        .await
    }
}

/// The idle replica's side of the exchange.
struct Session<'a> {
    idle: Replica,
    store: ReplicaStore,
    unstored: Vec<StoredBatch>,
    pipe: &'a Pipe,
    host: &'a Host,
    idle_caught_up: bool,
    /// The idle replica is to be retired, or has been.
    retires: bool,
    /// Another replica has stored its retirement.
    has_retired: bool,
    /// Nothing else in this page is to wait until all is told.
    slices: Slices,
}

impl Session<'_> {
    /// The idle replica has but this one link.
    const PEER: PeerId = PeerId(0);

    /// Runs until both sides have told all, and have stored what they were told.
    async fn run(&mut self) -> Result<(), OrphanError> {
        let outputs = self.idle.handle_link_up(platform::now(), Self::PEER, PeerKind::SameDevice);
        self.perform(outputs).await?;
        loop {
            match within(SILENCE_MS, self.pipe.next()).await {
                Some(Some(frame)) => {
                    let outputs = self.idle.handle_frame(platform::now(), Self::PEER, &frame);
                    self.perform(outputs).await?;
                }
                Some(None) => return Ok(()),
                None if self.has_retired => return Ok(()),
                // The other side is still to store it.
                None if self.idle.has_retired() => {}
                None if self.is_done() => {
                    if !(self.retires && self.may_retire()) {
                        return Ok(());
                    }
                    let Ok(outputs) = self.idle.retire() else { return Ok(()) };
                    self.perform(outputs).await?;
                }
                None => {}
            }
        }
    }

    /// Whether nothing would be lost with the idle replica: the own replica holds all of it, and what is not committed is
    /// known outside this browser.
    fn may_retire(&self) -> bool {
        let log = self.idle.inspect(usize::MAX).log;
        let is_safe = |own: &Replica| {
            let mut tentative = log.iter().filter(|row| row.committed.is_none());
            own.version_vector().dominates(self.idle.version_vector())
                && tentative.all(|row| {
                    own.status(&row.id).is_some_and(|status| status.is_committed() || status.known_elsewhere)
                })
        };
        self.idle.is_ready() && self.host.read(is_safe).unwrap_or(false)
    }

    fn is_done(&self) -> bool {
        self.idle_caught_up && self.pipe.own_caught_up.get() && self.host.is_all_stored()
    }

    async fn perform(&mut self, outputs: Outputs) -> Result<(), OrphanError> {
        self.perform_in_slices(outputs).await;
        while !self.unstored.is_empty() {
            let batches = std::mem::take(&mut self.unstored);
            self.store.append(&batches).await?;
            let outputs = self.idle.handle_persisted(batches[batches.len() - 1].number);
            self.perform_in_slices(outputs).await;
        }
        Ok(())
    }

    async fn perform_in_slices(&mut self, outputs: Outputs) {
        for output in outputs {
            if self.slices.is_over() {
                self.slices.next().await;
            }
            match output {
                Output::Persist(batch) => self.unstored.push(batch),
                Output::Transmit { frame, .. } => self.host.frame(self.pipe.peer(), &frame),
                Output::Disconnect { .. } => self.pipe.end(),
                Output::Forget { .. } => {}
                Output::Event(Event::CaughtUp { .. }) => self.idle_caught_up = true,
                Output::Event(Event::Retired) => self.has_retired = true,
                Output::Event(_) => {}
            }
        }
    }
}

pub(crate) fn warn(what: &str, why: &str) {
    web_sys::console::warn_1(&JsValue::from_str(&[what, ": ", why].concat()));
}
