//! A `BroadcastChannel`: what is posted to it reaches everybody else who has one of that name, each sender's in order.

use gloo::events::EventListener;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{BroadcastChannel, MessageEvent};

/// An open channel. Dropping it closes it, and nothing is heard of it afterwards.
pub(super) struct Channel {
    channel: BroadcastChannel,
    _on_message: EventListener,
}

impl Channel {
    /// Opens it, and hears what is posted from now on. `None` where the browser has no such channels.
    pub(super) fn open(name: &str, on_message: impl Fn(JsValue) + 'static) -> Option<Self> {
        let channel = BroadcastChannel::new(name).ok()?;
        let listener = EventListener::new(&channel, "message", move |event| {
            if let Some(event) = event.dyn_ref::<MessageEvent>() {
                on_message(event.data());
            }
        });
        Some(Self { channel, _on_message: listener })
    }

    pub(super) fn post(&self, message: &JsValue) {
        // It throws only for values that cannot be copied, and none of this crate's is such.
        let _ = self.channel.post_message(message);
    }
}

impl Drop for Channel {
    fn drop(&mut self) {
        self.channel.close();
    }
}
