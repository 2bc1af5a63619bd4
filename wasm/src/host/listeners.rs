//! Telling the page that something changed.
//!
//! The page's callbacks run in a task of their own, never from inside a call: at that time nothing is borrowed, and the
//! callbacks may call back. However much happens before that task, they are called once.

use std::{
    cell::{Cell, RefCell},
    rc::{Rc, Weak},
};

use gloo::events::EventListener;
use js_sys::Function;
use wasm_bindgen::JsValue;
use web_sys::{AbortSignal, MessageChannel, MessagePort};

use crate::platform;

struct Listener {
    number: u64,
    callback: Function,
    signal: Option<AbortSignal>,
}

impl Listener {
    fn is_over(&self) -> bool {
        self.signal.as_ref().is_some_and(AbortSignal::aborted)
    }
}

/// The callbacks to be told of changes.
pub(crate) struct Listeners {
    listeners: RefCell<Vec<Rc<Listener>>>,
    last_number: Cell<u64>,
    is_due: Cell<bool>,
    /// A message to oneself is a task that, unlike a timer's, no browser delays in hidden tabs.
    port: MessagePort,
    _on_message: EventListener,
}

impl Listeners {
    pub(crate) fn new() -> Rc<Self> {
        let channel = MessageChannel::new().expect("a message channel can always be made");
        Rc::new_cyclic(|this: &Weak<Self>| {
            let this = this.clone();
            let on_message = EventListener::new(&channel.port2(), "message", move |_| {
                if let Some(listeners) = this.upgrade() {
                    listeners.tell();
                }
            });
            channel.port2().start();
            Self {
                listeners: RefCell::default(),
                last_number: Cell::default(),
                is_due: Cell::default(),
                port: channel.port1(),
                _on_message: on_message,
            }
        })
    }

    /// Adds a callback; the number takes it away again.
    pub(crate) fn add(&self, callback: Function, signal: Option<AbortSignal>) -> u64 {
        let number = self.last_number.get() + 1;
        self.last_number.set(number);
        self.listeners.borrow_mut().push(Rc::new(Listener { number, callback, signal }));
        number
    }

    pub(crate) fn remove(&self, number: u64) {
        self.listeners.borrow_mut().retain(|listener| listener.number != number);
    }

    /// Tells all callbacks, in a later task.
    pub(crate) fn notify(&self) {
        if !self.is_due.replace(true) {
            // It throws only for values that cannot be cloned.
            let _ = self.port.post_message(&JsValue::UNDEFINED);
        }
    }

    /// Ends all: no callback is called any more.
    pub(crate) fn clear(&self) {
        self.listeners.borrow_mut().clear();
        self.port.close();
    }

    fn tell(&self) {
        self.is_due.set(false);
        self.listeners.borrow_mut().retain(|listener| !listener.is_over());
        let listeners = self.listeners.borrow().clone();
        for listener in listeners {
            // A callback before this one may have taken it away.
            let still_there = self.listeners.borrow().iter().any(|other| other.number == listener.number);
            if still_there
                && !listener.is_over()
                && let Err(error) = listener.callback.call0(&JsValue::UNDEFINED)
            {
                platform::report_error(&error);
            }
        }
    }
}
