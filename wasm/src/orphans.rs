//! Taking over the writes of idle replicas.
//!
//! When a tab is closed, what only its replica holds would seem to have vanished until a tab happens to resume it. So a
//! tab takes the lock of each idle replica of its database in turn, and runs anti-entropy with it, as with any other
//! replica, over a pipe in memory. What the idle replica receives is stored in its own store. One that cannot be opened
//! is left as it is and stops nothing.

use std::{
    cell::{Cell, RefCell},
    collections::VecDeque,
    rc::Rc,
    task::{Poll, Waker},
};

use bayou_core::{Event, Options, Output, Outputs, PeerId, PeerKind, RecoverError, Recovery, Replica, StoredBatch};
use thiserror::Error;
use wasm_bindgen::JsValue;

use crate::{
    host::Host,
    locks::{LockError, StoreLock},
    memory, platform,
    store::{Entry, Registry, ReplicaStore, StorageError},
    wait::{spawn, within},
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
    Recover(#[from] RecoverError),
    #[error("the exchange with it took too long")]
    TooLong,
}

impl From<StorageError> for OrphanError {
    fn from(error: StorageError) -> Self {
        Self::Storage(error)
    }
}

/// Takes over, in the background, what idle replicas of this database hold.
pub(crate) fn take_over(host: &Rc<Host>) {
    let host = Rc::clone(host);
    spawn(async move {
        let own = host.entry().store;
        let entries = match Registry::replicas_of(host.name().as_str()).await {
            Ok(entries) => entries,
            Err(error) => return warn("The replicas on this device cannot be listed", &error.to_string()),
        };
        let database = host.entry().database_id;
        // One that was never created has nothing; one of another database of this name has nothing for this one.
        let others = entries.into_iter().filter(|entry| entry.store != own && entry.database_id == database);
        for entry in others {
            if let Err(error) = take_over_from(&host, &entry).await {
                warn(&["Replica store ", &entry.store.to_string(), " is left alone"].concat(), &error.to_string());
            }
        }
    });
}

async fn take_over_from(host: &Host, entry: &Entry) -> Result<(), OrphanError> {
    let name = entry.store.full_name(&entry.database);
    let Some(_lock) = StoreLock::acquire(&name, 0).await? else {
        // Another tab runs it.
        return Ok(());
    };
    let (store, batches) = ReplicaStore::open(name).await?;
    if batches.is_empty() {
        drop(store);
        return Ok(forget(entry).await?);
    }
    memory::reserve_for(&batches);
    let Recovery { replica: idle, torn } = Replica::recover(Options::default(), batches)?;
    if let Some(number) = torn {
        store.cut(number).await?;
    }
    let is_wanted = host.read(|own| idle.database() == own.database() && !holds_all_of(own, &idle));
    if is_wanted.unwrap_or(false) {
        let pipe = Rc::new(Pipe::new(host.new_peer()));
        let mut session = Session { idle, store, unstored: Vec::new(), pipe: &pipe, host, idle_caught_up: false };
        host.attach(&pipe);
        let ran = within(SESSION_MS_MAX, session.run()).await.unwrap_or(Err(OrphanError::TooLong));
        host.detach(&pipe);
        ran?;
    }
    Ok(())
}

/// Whether a replica has nothing to learn from another.
fn holds_all_of(own: &Replica, other: &Replica) -> bool {
    own.csn() >= other.csn() && own.version_vector().dominates(other.version_vector())
}

/// Deletes the store of a replica that never came to hold anything, or was cleared.
pub(crate) async fn forget(entry: &Entry) -> Result<(), StorageError> {
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
                None if self.is_done() => return Ok(()),
                None => {}
            }
        }
    }

    fn is_done(&self) -> bool {
        self.idle_caught_up && self.pipe.own_caught_up.get() && self.host.is_all_stored()
    }

    async fn perform(&mut self, outputs: Outputs) -> Result<(), OrphanError> {
        self.perform_at_once(outputs);
        while !self.unstored.is_empty() {
            let batches = std::mem::take(&mut self.unstored);
            self.store.append(&batches).await?;
            let outputs = self.idle.handle_persisted(batches[batches.len() - 1].number);
            self.perform_at_once(outputs);
        }
        Ok(())
    }

    fn perform_at_once(&mut self, outputs: Outputs) {
        for output in outputs {
            match output {
                Output::Persist(batch) => self.unstored.push(batch),
                Output::Transmit { frame, .. } => self.host.frame(self.pipe.peer(), &frame),
                Output::Disconnect { .. } => self.pipe.end(),
                Output::Forget { .. } => {}
                Output::Event(Event::CaughtUp { .. }) => self.idle_caught_up = true,
                Output::Event(_) => {}
            }
        }
    }
}

pub(crate) fn warn(what: &str, why: &str) {
    web_sys::console::warn_1(&JsValue::from_str(&[what, ": ", why].concat()));
}
