//! The life of the link to the relay, from attempt to attempt.

use std::{
    cell::{Cell, RefCell},
    rc::{Rc, Weak},
};

use bayou_core::{DatabaseName, DisconnectReason, PeerId, PeerKind};
use gloo::{events::EventListener, timers::callback::Timeout};
use thiserror::Error;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{DomException, Url};

use super::{
    backoff::Backoff,
    refusal::Refusal,
    socket::{Socket, SocketEvent},
    traffic::Traffic,
};
use crate::{host::Host, platform};

/// The code of a session that is to be begun anew at once.
const RESYNC: u16 = DisconnectReason::Resync.code();

/// So long after the last word of a relay, which says something every 8 s, its socket is not to be trusted. By the clock on
/// the wall, for others may stand still while the machine sleeps; that one is set at times, which costs a connection at
/// most.
const STALE_MS: f64 = 12_000.0;

/// A text that is no address of a relay.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("a relay's address looks like ws://127.0.0.1:8787 or wss://bayou.example")]
pub(crate) struct RelayUrlError;

/// The address of a relay's socket for one database.
pub(crate) struct RelayUrl(String);

impl RelayUrl {
    /// The socket of `database` at the relay at `address`.
    pub(crate) fn new(address: &str, database: &DatabaseName) -> Result<Self, RelayUrlError> {
        let url = Url::new(address).map_err(|_| RelayUrlError)?;
        let is_plain = url.search().is_empty() && url.hash().is_empty();
        if !is_plain || !["ws:", "wss:"].contains(&url.protocol().as_str()) {
            return Err(RelayUrlError);
        }
        let base = url.href();
        Ok(Self([base.trim_end_matches('/'), "/v1/databases/", database.as_str(), "/socket"].concat()))
    }
}

/// What there is to say of a link.
pub(crate) enum LinkState {
    /// Switched off, or closed because the replica stopped.
    Off,
    /// On the way: no word from the other side yet.
    Connecting,
    /// The other side was accepted.
    Open {
        /// It has sent all it held when the link came up.
        caught_up: bool,
    },
    /// The next attempt comes later.
    Waiting {
        /// When, in `Date.now()` milliseconds.
        retry_at: f64,
        /// What went wrong, as a sentence.
        reason: String,
    },
    /// The two sides do not fit; trying again would not help.
    Refused(Refusal),
}

enum Phase {
    Off,
    Connecting { socket: Socket, peer: Option<PeerId> },
    Open { socket: Socket, peer: PeerId, caught_up: bool },
    Waiting { retry_at: f64, reason: String, _timer: Timeout },
    Refused(Refusal),
}

impl Phase {
    fn peer(&self) -> Option<PeerId> {
        match self {
            Self::Connecting { peer, .. } => *peer,
            Self::Open { peer, .. } => Some(*peer),
            Self::Off | Self::Waiting { .. } | Self::Refused(_) => None,
        }
    }

    fn socket(&self) -> Option<&Socket> {
        match self {
            Self::Connecting { socket, .. } | Self::Open { socket, .. } => Some(socket),
            Self::Off | Self::Waiting { .. } | Self::Refused(_) => None,
        }
    }
}

/// The link to the relay. It never borrows its own phase while it calls the host, which may call back.
pub(crate) struct RelayLink {
    url: RelayUrl,
    host: Weak<Host>,
    this: Weak<Self>,
    enabled: Cell<bool>,
    /// The replica has stopped: nothing is sent any more.
    stopped: Cell<bool>,
    backoff: Cell<Backoff>,
    traffic: Cell<Traffic>,
    phase: RefCell<Phase>,
    /// When the socket was begun or last brought something, in `Date.now()` milliseconds.
    last_heard: Cell<f64>,
    _listeners: [EventListener; 2],
}

impl RelayLink {
    /// A link that does nothing until it is enabled.
    pub(crate) fn new(url: RelayUrl, host: Weak<Host>) -> Rc<Self> {
        Rc::new_cyclic(|this: &Weak<Self>| {
            let scope = platform::event_target();
            let online = {
                let this = this.clone();
                // The browser's word for being online proves nothing, but it is a good moment to try.
                EventListener::new(&scope, "online", move |_| {
                    if let Some(link) = this.upgrade() {
                        link.retry_early();
                    }
                })
            };
            let visible = {
                let this = this.clone();
                // The machine may have slept, and timers of hidden pages are late.
                EventListener::new(&scope, "visibilitychange", move |_| {
                    if platform::is_visible()
                        && let Some(link) = this.upgrade()
                    {
                        link.retry_early();
                        link.replace_if_stale();
                    }
                })
            };
            Self {
                url,
                host,
                this: this.clone(),
                enabled: Cell::new(false),
                stopped: Cell::new(false),
                backoff: Cell::default(),
                traffic: Cell::default(),
                phase: RefCell::new(Phase::Off),
                last_heard: Cell::default(),
                _listeners: [online, visible],
            }
        })
    }

    pub(crate) fn is_enabled(&self) -> bool {
        self.enabled.get()
    }

    /// Opens the link and keeps it open, or closes it at once.
    pub(crate) fn set_enabled(&self, enabled: bool) {
        if self.enabled.replace(enabled) == enabled || self.stopped.get() {
            return;
        }
        if enabled {
            self.backoff.set(Backoff::default());
            self.connect();
        } else {
            self.leave(Phase::Off);
        }
    }

    /// Closes the link for good: the replica is closed or may not be written any longer.
    pub(crate) fn stop(&self) {
        self.stopped.set(true);
        // Why it was refused stays to be read.
        if !matches!(*self.phase.borrow(), Phase::Refused(_)) {
            self.phase.replace(Phase::Off);
        }
    }

    pub(crate) fn state(&self) -> LinkState {
        match &*self.phase.borrow() {
            Phase::Off => LinkState::Off,
            Phase::Connecting { .. } => LinkState::Connecting,
            Phase::Open { caught_up, .. } => LinkState::Open { caught_up: *caught_up },
            Phase::Waiting { retry_at, reason, .. } => {
                LinkState::Waiting { retry_at: *retry_at, reason: reason.clone() }
            }
            Phase::Refused(refusal) => LinkState::Refused(refusal.clone()),
        }
    }

    pub(crate) fn traffic(&self) -> Traffic {
        self.traffic.get()
    }

    fn count(&self, happened: impl FnOnce(&mut Traffic)) {
        let mut traffic = self.traffic.get();
        happened(&mut traffic);
        self.traffic.set(traffic);
    }

    /// Whether this is the peer at the other end.
    pub(crate) fn is_to(&self, peer: PeerId) -> bool {
        self.phase.borrow().peer() == Some(peer)
    }

    /// Sends a frame, if the link to that peer is still up.
    pub(crate) fn transmit(&self, peer: PeerId, frame: &[u8]) {
        let phase = self.phase.borrow();
        if phase.peer() == Some(peer)
            && let Some(socket) = phase.socket()
        {
            socket.send(frame);
            self.count(|traffic| traffic.sent(frame.len()));
        }
    }

    /// The engine ends the session: it has nothing more to say to that peer and forgot it.
    pub(crate) fn disconnect(&self, peer: PeerId, reason: &DisconnectReason) {
        if !self.is_to(peer) {
            return;
        }
        let (code, words) = (reason.code(), reason.to_string());
        if let Some(socket) = self.phase.borrow().socket() {
            socket.close_with(code, &words);
        }
        self.after_session(code, words);
    }

    /// The peer's hello was accepted.
    pub(crate) fn ready(&self, peer: PeerId) {
        let phase = self.phase.replace(Phase::Off);
        self.phase.replace(match phase {
            Phase::Connecting { socket, peer: Some(of) } if of == peer => {
                Phase::Open { socket, peer, caught_up: false }
            }
            other => other,
        });
    }

    /// The peer has sent all that it held.
    pub(crate) fn caught_up(&self, peer: PeerId) {
        if let Phase::Open { peer: of, caught_up, .. } = &mut *self.phase.borrow_mut()
            && *of == peer
        {
            *caught_up = true;
            self.backoff.set(Backoff::default());
        }
    }

    /// The peer ended the session and said why, before it closes the socket.
    pub(crate) fn peer_refused(&self, peer: PeerId, code: u16, reason: String) {
        if self.is_to(peer) {
            self.after_session(code, reason);
        }
    }

    fn connect(&self) {
        self.last_heard.set(js_sys::Date::now());
        let this = self.this.clone();
        let socket = Socket::connect(&self.url.0, move |event| {
            if let Some(link) = this.upgrade() {
                link.on_event(event);
            }
        });
        match socket {
            Ok(socket) => {
                self.phase.replace(Phase::Connecting { socket, peer: None });
                self.tell_host();
            }
            // The browser forbids this address outright: a plain socket from a page loaded over https, for example.
            Err(error) => self.refused(&Refusal::by_browser(words_of(&error))),
        }
    }

    fn on_event(&self, event: SocketEvent) {
        let Some(host) = self.host.upgrade() else { return };
        let peer = self.phase.borrow().peer();
        self.last_heard.set(js_sys::Date::now());
        match (event, peer) {
            // Of two ids, one would be given in vain.
            (SocketEvent::Opened, _) if host.nearby().is_asking() => {
                self.after_session(RESYNC, "Another tab of this browser is asked first.".to_owned());
            }
            (SocketEvent::Opened, _) => {
                let new_peer = host.new_peer();
                if let Phase::Connecting { peer, .. } = &mut *self.phase.borrow_mut() {
                    *peer = Some(new_peer);
                }
                host.link_up(new_peer, PeerKind::Elsewhere);
            }
            (SocketEvent::Frame(frame), Some(peer)) => {
                self.count(|traffic| traffic.received(frame.len()));
                host.frame(peer, &frame);
            }
            // The engine ended the session; what was on its way is of no interest.
            (SocketEvent::Frame(_), None) => {}
            (SocketEvent::Closed { code, reason }, peer) => {
                self.after_session(code, closing_words(peer, reason));
                if let Some(peer) = peer {
                    host.link_down(peer);
                }
            }
        }
    }

    /// The socket is gone or to be given up: waits and tries again, unless the two sides do not fit.
    fn after_session(&self, code: u16, reason: String) {
        if let Some(refusal) = Refusal::from_close(code, &reason) {
            return self.refused(&refusal);
        }
        let mut backoff = self.backoff.get();
        let wait_ms = if code == RESYNC {
            backoff.next_anew_ms(platform::random_up_to)
        } else {
            backoff.next_ms(platform::random_up_to)
        };
        self.backoff.set(backoff);
        let this = self.this.clone();
        let timer = Timeout::new(wait_ms, move || {
            if let Some(link) = this.upgrade() {
                link.connect();
            }
        });
        let retry_at = js_sys::Date::now() + f64::from(wait_ms);
        self.phase.replace(Phase::Waiting { retry_at, reason, _timer: timer });
        self.tell_host();
    }

    fn refused(&self, refusal: &Refusal) {
        self.phase.replace(Phase::Refused(refusal.clone()));
        if let Some(host) = self.host.upgrade() {
            host.link_refused(refusal);
        }
        self.tell_host();
    }

    fn retry_early(&self) {
        let is_waiting = matches!(*self.phase.borrow(), Phase::Waiting { .. });
        if is_waiting {
            self.connect();
        }
    }

    /// Begins a new session in place of one of which nothing was heard for too long.
    fn replace_if_stale(&self) {
        let is_stale = (js_sys::Date::now() - self.last_heard.get()).abs() > STALE_MS;
        let is_open = self.phase.borrow().socket().is_some();
        if is_stale && is_open {
            self.leave(Phase::Off);
            self.connect();
        }
    }

    /// Ends the session, if there is one, and says so to the engine.
    fn leave(&self, next: Phase) {
        let left = self.phase.replace(next);
        if let (Some(peer), Some(host)) = (left.peer(), self.host.upgrade()) {
            host.link_down(peer);
        }
        self.tell_host();
    }

    fn tell_host(&self) {
        if let Some(host) = self.host.upgrade() {
            host.link_changed();
        }
    }
}

/// What to say of a socket that closed by itself.
fn closing_words(peer: Option<PeerId>, reason: String) -> String {
    match (reason.is_empty(), peer) {
        (false, _) => reason,
        (true, Some(_)) => "The connection to the relay was lost.".to_owned(),
        (true, None) => "The relay cannot be reached.".to_owned(),
    }
}

fn words_of(error: &JsValue) -> String {
    error
        .dyn_ref::<DomException>()
        .map_or_else(|| "The browser forbids this connection.".to_owned(), DomException::message)
}
