//! One WebSocket from its opening to its end.

use bayou_core::{SUBPROTOCOL, limits::FRAME_BYTES_MAX};
use gloo::{events::EventListener, timers::callback::Timeout};
use js_sys::{ArrayBuffer, Uint8Array};
use std::rc::Rc;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{BinaryType, CloseEvent, MessageEvent, WebSocket};

/// How long the browser may try to connect; on its own it would for minutes.
const CONNECT_MS_MAX: u32 = 10_000;

/// WebSocket close code: done, nothing is wrong.
const NORMAL: u16 = 1000;

/// A longer reason does not fit into a close frame (RFC 6455, 5.5).
const REASON_BYTES_MAX: usize = 123;

/// What happens to a socket.
pub(super) enum SocketEvent {
    /// It is open and speaks the sub-protocol.
    Opened,
    /// A message arrived.
    Frame(Vec<u8>),
    /// It is gone; nothing follows.
    Closed {
        /// The WebSocket close code; 1006 if the connection just broke.
        code: u16,
        /// The other side's words, or ours.
        reason: String,
    },
}

impl SocketEvent {
    /// The connection broke, or never came about.
    const fn broken() -> Self {
        Self::Closed { code: 1006, reason: String::new() }
    }
}

/// An open or opening socket. Dropping it closes it, and nothing is heard of it afterwards.
pub(super) struct Socket {
    socket: WebSocket,
    _listeners: [EventListener; 4],
    _deadline: Timeout,
}

impl Socket {
    /// Begins to connect. Events come in later tasks, never from within this call.
    pub(super) fn connect(url: &str, on_event: impl Fn(SocketEvent) + 'static) -> Result<Self, JsValue> {
        let socket = WebSocket::new_with_str(url, SUBPROTOCOL)?;
        socket.set_binary_type(BinaryType::Arraybuffer);
        let on_event = Rc::new(on_event);

        let opened = {
            let on_event = Rc::clone(&on_event);
            EventListener::new(&socket, "open", move |_| on_event(SocketEvent::Opened))
        };
        let message = {
            let (socket, on_event) = (socket.clone(), Rc::clone(&on_event));
            EventListener::new(&socket.clone(), "message", move |event| {
                match event.dyn_ref::<MessageEvent>().and_then(|event| frame_of(&event.data())) {
                    Some(frame) => on_event(SocketEvent::Frame(frame)),
                    // Not from a relay: text, or more than it may send. The close event tells the rest.
                    None => close(&socket, 4000, "This is no message of a Bayou relay."),
                }
            })
        };
        let closed = {
            let on_event = Rc::clone(&on_event);
            EventListener::new(&socket, "close", move |event| {
                let event = event.dyn_ref::<CloseEvent>();
                on_event(event.map_or_else(SocketEvent::broken, |event| SocketEvent::Closed {
                    code: event.code(),
                    reason: event.reason(),
                }));
            })
        };
        let broken = {
            let on_event = Rc::clone(&on_event);
            // A `close` event without a code of its own follows, except where the page's policy blocks the connection.
            EventListener::new(&socket, "error", move |_| on_event(SocketEvent::broken()))
        };
        let deadline = {
            let socket = socket.clone();
            Timeout::new(CONNECT_MS_MAX, move || {
                if socket.ready_state() == WebSocket::CONNECTING {
                    on_event(SocketEvent::broken());
                }
            })
        };
        Ok(Self { socket, _listeners: [opened, message, broken, closed], _deadline: deadline })
    }

    /// Sends one message. What a closing socket does not carry any longer, the next session sends again.
    pub(super) fn send(&self, frame: &[u8]) {
        // It throws only while connecting, when the engine has not been told of this link.
        let _ = self.socket.send_with_u8_array(frame);
    }

    /// Closes with a code and a reason for the other side.
    pub(super) fn close_with(&self, code: u16, reason: &str) {
        close(&self.socket, code, &reason[..reason.floor_char_boundary(REASON_BYTES_MAX)]);
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        close(&self.socket, NORMAL, "");
    }
}

fn close(socket: &WebSocket, code: u16, reason: &str) {
    // It throws only for codes and reasons out of bounds, and does nothing to a socket that is closed.
    let _ = socket.close_with_code_and_reason(code, reason);
}

fn frame_of(data: &JsValue) -> Option<Vec<u8>> {
    let buffer = data.dyn_ref::<ArrayBuffer>()?;
    (buffer.byte_length() as usize <= FRAME_BYTES_MAX).then(|| Uint8Array::new(buffer).to_vec())
}
