//! When the browser puts the page away: into the back/forward cache, or frozen with its tab.
//!
//! Such a page runs no code, for minutes or for days, and may be thrown away without being asked. With its lock it would
//! keep its replica from every other tab; so it lets go of it at once, while it still can. If it comes back, it opens a
//! replica again: the same one, or another if that was taken meanwhile.

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
};

use gloo::events::{EventListener, EventListenerOptions};
use wasm_bindgen::JsValue;

use crate::platform;

/// Watches from its creation on, so that a page that is put away while it opens a replica does not keep it either.
pub(crate) struct Departure {
    told: Rc<Told>,
    _listeners: [EventListener; 2],
}

#[derive(Default)]
struct Told {
    has_left: Cell<bool>,
    tell: RefCell<Option<Box<dyn Fn()>>>,
}

impl Told {
    fn leave(&self) {
        self.has_left.set(true);
        if let Some(tell) = &*self.tell.borrow() {
            tell();
        }
    }
}

impl Departure {
    pub(crate) fn watch() -> Self {
        let told = Rc::<Told>::default();
        let scope = platform::event_target();
        let page_hides = {
            let told = Rc::clone(&told);
            EventListener::new(&scope, "pagehide", move |event| {
                // Otherwise the page is at its end, and all that it holds is freed by the browser.
                let is_kept = js_sys::Reflect::get(event, &JsValue::from_str("persisted"));
                if is_kept.is_ok_and(|is_kept| is_kept.is_truthy()) {
                    told.leave();
                }
            })
        };
        let freezes = {
            let told = Rc::clone(&told);
            // It happens to the document; the capture phase begins at the window.
            let options = EventListenerOptions::run_in_capture_phase();
            EventListener::new_with_options(&scope, "freeze", options, move |_| told.leave())
        };
        Self { told, _listeners: [page_hides, freezes] }
    }

    /// Has `tell` called when the page is put away; at once, if it was.
    pub(super) fn on_leaving(&self, tell: impl Fn() + 'static) {
        if self.told.has_left.get() {
            tell();
        }
        self.told.tell.replace(Some(Box::new(tell)));
    }
}
