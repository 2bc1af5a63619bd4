//! A panic of this crate or the engine is a defect. WebAssembly cannot unwind: the call that panicked throws a
//! `RuntimeError` and leaves behind what it had borrowed. From then on nothing is written or sent; see
//! [`Host::trapped`].

use std::{
    cell::{Cell, RefCell},
    panic, ptr,
    rc::Rc,
    sync::Once,
};

use gloo::timers::callback::Timeout;
use wasm_bindgen::JsValue;

use super::{Failure, Host};
use crate::api::{self, ApiError};

thread_local! {
    static HOSTS: RefCell<Vec<Rc<Host>>> = const { RefCell::new(Vec::new()) };
    static HAS_TRAPPED: Cell<bool> = const { Cell::new(false) };
}

/// Keeps a host alive, whether or not the page holds on to its replica, and lets it know of a panic.
pub(super) fn watch(host: &Rc<Host>) {
    static INSTALLED: Once = Once::new();
    INSTALLED.call_once(|| panic::set_hook(Box::new(|info| on_panic(&info.to_string()))));
    HOSTS.with_borrow_mut(|hosts| hosts.push(Rc::clone(host)));
}

/// Lets go of a host that was closed.
pub(super) fn forget(host: &Host) {
    HOSTS.with_borrow_mut(|hosts| hosts.retain(|other| !ptr::eq(Rc::as_ptr(other), host)));
}

/// Whether anything in this instance has panicked.
pub(super) fn has_trapped() -> bool {
    HAS_TRAPPED.get()
}

/// Does as little as it can: the state is whatever the panic left.
fn on_panic(message: &str) {
    web_sys::console::error_1(&JsValue::from_str(message));
    if !HAS_TRAPPED.replace(true) {
        Timeout::new(0, tell_hosts).forget();
    }
}

fn tell_hosts() {
    api::reject_all(&ApiError::Stopped(Failure::trap()).into());
    // Telling one may let go of another.
    let hosts = HOSTS.with_borrow(Clone::clone);
    for host in hosts {
        host.trapped();
    }
}
