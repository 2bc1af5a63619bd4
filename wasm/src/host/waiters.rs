//! Who waits for what: promises that are settled as the engine reports events.

use std::cell::{Cell, RefCell};

use bayou_core::WriteId;
use futures_channel::oneshot;
use js_sys::Promise;
use wasm_bindgen::{JsValue, prelude::Closure};

use crate::wait::Deferred;

/// Comes with `Ok` when what was waited for happens, or with the error that stops it from ever happening.
pub(crate) type Waiter = oneshot::Receiver<Result<(), JsValue>>;

type Waiting = oneshot::Sender<Result<(), JsValue>>;

/// Everyone who waits for this replica.
#[derive(Default)]
pub(super) struct Waiters {
    ready: RefCell<Vec<Waiting>>,
    // Lists, not maps: writes are saved, and mostly committed, in the order in which they were submitted, so that the one
    // looked for stands at the front.
    saved: RefCell<Vec<(WriteId, Waiting)>>,
    committed: RefCell<Vec<(WriteId, Deferred)>>,
    stored: RefCell<Vec<(u64, Waiting)>>,
    /// The last batch that is known to be stored.
    stored_through: Cell<u64>,
    retired: RefCell<Vec<Waiting>>,
}

impl Waiters {
    /// To be told when the replica is ready. Whoever does not want to know any longer drops it.
    pub(super) fn for_ready(&self) -> Waiter {
        let (sender, waiter) = oneshot::channel();
        let mut ready = self.ready.borrow_mut();
        ready.retain(|waiting| !waiting.is_canceled());
        ready.push(sender);
        waiter
    }

    /// To be told when another replica has this one's retirement.
    pub(super) fn for_retired(&self) -> Waiter {
        let (sender, waiter) = oneshot::channel();
        self.retired.borrow_mut().push(sender);
        waiter
    }

    /// To be told when a write is stored.
    pub(super) fn for_saved(&self, write: WriteId) -> Waiter {
        let (sender, waiter) = oneshot::channel();
        self.saved.borrow_mut().push((write, sender));
        waiter
    }

    /// To be told when the batches through a number are stored.
    pub(super) fn for_stored(&self, through: u64) -> Waiter {
        let (sender, waiter) = oneshot::channel();
        if through <= self.stored_through.get() {
            settle([sender], &Ok(()));
        } else {
            self.stored.borrow_mut().push((through, sender));
        }
        waiter
    }

    /// The promise for a write's commit; one for all who ask. Nothing is kept for writes whose commit nobody asked for.
    pub(super) fn for_committed(&self, write: WriteId) -> Promise {
        let mut committed = self.committed.borrow_mut();
        if let Some((_, deferred)) = committed.iter().find(|(of, _)| *of == write) {
            return deferred.promise.clone();
        }
        let deferred = Deferred::new();
        ignore_rejection(&deferred.promise);
        let promise = deferred.promise.clone();
        committed.push((write, deferred));
        promise
    }

    pub(super) fn ready(&self) {
        settle(self.ready.take(), &Ok(()));
    }

    /// The replica will not become ready as things stand.
    pub(super) fn never_ready(&self, error: &JsValue) {
        settle(self.ready.take(), &Err(error.clone()));
    }

    pub(super) fn saved(&self, write: &WriteId) {
        let waiting = take(&self.saved, write);
        settle(waiting, &Ok(()));
    }

    /// The batches through a number are stored.
    pub(super) fn stored(&self, through: u64) {
        self.stored_through.set(through);
        let is_stored = |(number, _): &mut (u64, Waiting)| *number <= through;
        let waiting: Vec<_> = self.stored.borrow_mut().extract_if(.., is_stored).collect();
        settle(waiting.into_iter().map(|(_, waiting)| waiting), &Ok(()));
    }

    /// Settles the promise for this commit, if anybody asked for it.
    pub(super) fn committed(&self, write: &WriteId, outcome: impl FnOnce() -> JsValue) {
        let deferred = take(&self.committed, write);
        if let Some(deferred) = deferred {
            deferred.resolve(&outcome());
        }
    }

    /// A write lost its place. Whoever waits for it waits for the one by which it was offered again, if there is one.
    pub(super) fn displaced(&self, write: &WriteId, again: Option<WriteId>, lost: impl FnOnce() -> JsValue) {
        let mut committed = self.committed.borrow_mut();
        let Some(index) = committed.iter().position(|(of, _)| of == write) else { return };
        match again {
            Some(again) => committed[index].0 = again,
            None => committed.remove(index).1.reject(&lost()),
        }
    }

    pub(super) fn retired(&self) {
        settle(self.retired.take(), &Ok(()));
    }

    /// No write will be committed as things stand.
    pub(super) fn never_committed(&self, error: &JsValue) {
        for (_, deferred) in self.committed.take() {
            deferred.reject(error);
        }
    }

    /// Nothing more will come: all who wait are told so and forgotten.
    pub(super) fn end(&self, error: &JsValue) {
        self.never_ready(error);
        settle(self.retired.take(), &Err(error.clone()));
        settle(self.saved.take().into_iter().map(|(_, waiting)| waiting), &Err(error.clone()));
        settle(self.stored.take().into_iter().map(|(_, waiting)| waiting), &Err(error.clone()));
        self.never_committed(error);
    }
}

fn take<T>(waiting: &RefCell<Vec<(WriteId, T)>>, write: &WriteId) -> Option<T> {
    let mut waiting = waiting.borrow_mut();
    let index = waiting.iter().position(|(of, _)| of == write)?;
    Some(waiting.remove(index).1)
}

fn settle(waiting: impl IntoIterator<Item = Waiting>, result: &Result<(), JsValue>) {
    for waiting in waiting {
        // Those who went away meanwhile need not be told.
        let _ = waiting.send(result.clone());
    }
}

/// Whoever looks at a promise without awaiting it has not asked for an "unhandled rejection" when the replica is closed.
fn ignore_rejection(promise: &Promise) {
    thread_local! {
        static NOTHING: Closure<dyn FnMut(JsValue)> = Closure::new(drop);
    }
    NOTHING.with(|nothing| drop(promise.catch(nothing)));
}
