//! Ownership of a replica: an exclusive Web Lock.
//!
//! Two running replicas with one id would hide each other's writes from every version vector. The browser grants a lock
//! to one holder at a time, over all tabs and workers of the origin, and frees it when its holder is closed or crashes.

use futures_channel::oneshot;
use js_sys::{Array, Function, Promise, Reflect};
use thiserror::Error;
use wasm_bindgen::{JsCast, JsValue, prelude::Closure};
use wasm_bindgen_futures::JsFuture;
use web_sys::AbortController;

use crate::{
    platform::{self, object},
    wait::{Either, either, spawn, within},
};

/// How long the browser may take to say whether a lock is free.
const ANSWER_MS_MAX: u32 = 5_000;

/// A lock could not even be asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub(crate) enum LockError {
    /// The page has no Web Locks, so that nothing would keep two tabs from using one replica id.
    #[error(
        "This address is not secure, so the browser keeps back what Bayou needs to store bookings safely. Open it as \
         http://localhost, or by an address that begins with https://."
    )]
    Insecure,
    /// The browser refused: the document is going away, or its origin is opaque.
    #[error("The browser gives this page no locks. Open it in a tab of its own and reload.")]
    Refused,
}

/// An exclusive lock. It is released when this is dropped, or by the browser when the tab goes away.
pub(crate) struct StoreLock {
    release: Function,
}

impl Drop for StoreLock {
    fn drop(&mut self) {
        // Settles the promise for whose life the browser holds the lock; that never throws.
        let _ = self.release.call0(&JsValue::UNDEFINED);
    }
}

impl StoreLock {
    /// The lock with this name, or `None` if somebody else holds it for the next `patience_ms`.
    pub(crate) async fn acquire(name: &str, patience_ms: u32) -> Result<Option<Self>, LockError> {
        let locks = platform::locks().ok_or(LockError::Insecure)?;
        let controller = AbortController::new().map_err(|_| LockError::Refused)?;
        let options = if patience_ms == 0 {
            object(&[("ifAvailable", true.into())])
        } else {
            object(&[("signal", controller.signal().into())])
        };

        let (sender, mut granted) = oneshot::channel();
        // If the lock is never granted, the callback is collected together with the request that holds it.
        let callback = Closure::once_into_js(move |lock: JsValue| -> JsValue {
            if lock.is_null() {
                return JsValue::UNDEFINED;
            }
            let mut release = None;
            let held = Promise::new(&mut |resolve, _| release = Some(resolve));
            let release = release.expect("a promise calls its executor before its constructor returns");
            // If nobody waits any longer, the lock comes back here and is released by being dropped.
            drop(sender.send(Self { release }));
            held.into()
        });
        let request = JsFuture::from(locks.request(name, &options, callback.unchecked_ref()));

        let answer_ms_max = if patience_ms == 0 { ANSWER_MS_MAX } else { patience_ms };
        match within(answer_ms_max, either(&mut granted, request)).await {
            Some(Either::First(granted)) => Ok(granted.ok()),
            Some(Either::Second(Ok(_))) => Ok(None),
            Some(Either::Second(Err(_))) => Err(LockError::Refused),
            None => {
                controller.abort();
                // It may have been granted in this very moment.
                Ok(granted.try_recv().ok().flatten())
            }
        }
    }
}

/// Waits for a lock that somebody else holds to become free. Dropping it ends the wait.
pub(crate) struct Watch {
    controller: AbortController,
}

impl Watch {
    /// Calls back, once, when nobody holds the lock with this name. `None` where the page can have no locks.
    pub(crate) fn of(name: &str, on_free: impl FnOnce() + 'static) -> Option<Self> {
        let locks = platform::locks()?;
        let controller = AbortController::new().ok()?;
        let options = object(&[("signal", controller.signal().into())]);
        // What it returns is no promise, so that the lock is free again at once, for the next one who waits.
        let callback = Closure::once_into_js(move |_lock: JsValue| on_free());
        let request = JsFuture::from(locks.request(name, &options, callback.unchecked_ref()));
        // It rejects when the wait is ended.
        spawn(async move { drop(request.await) });
        Some(Self { controller })
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.controller.abort();
    }
}

/// The names of all locks that tabs of this origin hold.
pub(crate) async fn held() -> Vec<String> {
    let Some(locks) = platform::locks() else { return Vec::new() };
    let Ok(snapshot) = JsFuture::from(locks.query()).await else { return Vec::new() };
    let field = |value: &JsValue, name: &str| Reflect::get(value, &JsValue::from_str(name)).ok();
    let held = field(&snapshot, "held").and_then(|held| held.dyn_into::<Array>().ok()).unwrap_or_default();
    held.iter().filter_map(|lock| field(&lock, "name")?.as_string()).collect()
}
