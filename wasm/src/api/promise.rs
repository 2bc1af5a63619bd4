//! Promises that are settled in any case: by what they wait for, or, if this instance panics, by that.

use std::{cell::RefCell, collections::VecDeque, pin::Pin, rc::Rc};

use js_sys::Promise;
use wasm_bindgen::JsValue;

use super::ApiError;
use crate::wait::{Deferred, spawn};

thread_local! {
    /// In the order in which they were made, which is mostly that in which they are settled.
    static PENDING: RefCell<VecDeque<Rc<Deferred>>> = const { RefCell::new(VecDeque::new()) };
}

/// The promise of what a future gives.
pub(super) fn promise(future: impl Future<Output = Result<JsValue, ApiError>> + 'static) -> Promise {
    // Boxed, so that what follows is compiled once and not once for each kind of future.
    promise_of_boxed(Box::pin(future))
}

fn promise_of_boxed(future: Pin<Box<dyn Future<Output = Result<JsValue, ApiError>>>>) -> Promise {
    let deferred = Rc::new(Deferred::new());
    let promise = deferred.promise.clone();
    PENDING.with_borrow_mut(|pending| pending.push_back(Rc::clone(&deferred)));
    spawn(async move {
        let result = future.await;
        PENDING.with_borrow_mut(|pending| {
            let index = pending.iter().position(|other| Rc::ptr_eq(other, &deferred));
            index.map(|index| pending.remove(index))
        });
        match result {
            Ok(value) => deferred.resolve(&value),
            Err(error) => deferred.reject(&error.into()),
        }
    });
    promise
}

/// Rejects every promise that is still open: what it waits for may have panicked, and nobody should wait for ever.
pub(crate) fn reject_all(error: &JsValue) {
    for deferred in PENDING.take() {
        deferred.reject(error);
    }
}
