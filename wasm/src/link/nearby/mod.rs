//! The links with other tabs of this browser: sessions over `BroadcastChannel`, without the relay.
//!
//! | module | what it knows |
//! |---|---|
//! | `names` | what tabs, links, channels and locks are called |
//! | `ring` | which tabs are linked with which |
//! | `mesh` | how links come about and end: a state machine without a browser |
//! | `message` | what is posted |
//! | `channel` | a `BroadcastChannel` |
//!
//! This file carries out what `mesh` decides. Who is there is told by Web Locks, which the browser takes from a tab that is
//! closed or crashes: it can be asked who holds them, and it tells a waiting tab when one is free.

mod channel;
mod mesh;
mod message;
mod names;
mod ring;

pub(crate) use mesh::PeerState;
pub(crate) use names::TabId;

use std::{
    cell::{Cell, RefCell},
    collections::{BTreeMap, VecDeque},
    rc::{Rc, Weak},
};

use bayou_core::{DatabaseName, DisconnectReason, Millis, PeerId, PeerKind};
use gloo::{events::EventListener, timers::callback::Timeout};
use wasm_bindgen::{JsCast, JsValue};
use web_sys::EventTarget;

use self::{
    channel::Channel,
    mesh::{Action, Mesh, Stage},
    message::{LinkMessage, answer_to_js, end_to_js, frame_to_js, link_message_from_js, word_from_js, word_to_js},
    names::{LinkId, Names},
};
use super::{LinkState, Traffic};
use crate::{
    host::Host,
    locks::{self, StoreLock, Watch},
    platform,
    wait::spawn,
};

/// How long a replica that has none waits for the relay to give it its id: those that other tabs give are longer, and
/// a second one is given in vain.
const RELAY_CHANCE_MS: u64 = 2_000;
/// And for its data, once the relay has answered.
const RELAY_DATA_MS: u64 = 10_000;
/// Asked again after that, should the browser be slow.
const LOCK_PATIENCE_MS: u32 = 5_000;

/// This end of a link.
struct Line {
    tab: TabId,
    channel: Channel,
    /// What the engine calls it, while it has it.
    peer: Option<PeerId>,
    /// Tells when the tab at the other end is gone.
    _watch: Option<Watch>,
}

/// What was heard of a tab, over all links with it.
#[derive(Default)]
struct About {
    replica: Option<String>,
    traffic: Traffic,
}

/// What takes part for this tab, while it does.
struct Place {
    common: Channel,
    _life: StoreLock,
}

/// All links with other tabs of this browser. It never borrows anything of its own while it calls the host, which may
/// call back.
pub(crate) struct NearbyLinks {
    host: Weak<Host>,
    this: Weak<Self>,
    names: Names,
    is_enabled: Cell<bool>,
    /// The replica has stopped.
    is_stopped: Cell<bool>,
    /// The browser has put the page to sleep, or is about to.
    is_asleep: Cell<bool>,
    /// Since when the replica lacks an id.
    unready_since: Cell<Option<Millis>>,
    /// And that the relay could not be reached or asked meanwhile: it has had its chance.
    relay_failed: Cell<bool>,
    /// How it is to take part; the state machine follows as soon as the browser has given the locks for it.
    stage: Cell<Stage>,
    mesh: RefCell<Mesh>,
    place: RefCell<Option<Place>>,
    /// Held while this tab can be called.
    presence: RefCell<Option<StoreLock>>,
    /// Rises whenever what is under way is not wanted any more.
    epoch: Cell<u64>,
    lines: RefCell<BTreeMap<LinkId, Line>>,
    about: RefCell<BTreeMap<TabId, About>>,
    actions: RefCell<VecDeque<Action>>,
    is_acting: Cell<bool>,
    timer: RefCell<Option<Timeout>>,
    recheck: RefCell<Option<Timeout>>,
    _events: Vec<EventListener>,
}

impl NearbyLinks {
    /// Links that are not made until they are enabled.
    pub(crate) fn new(database: &DatabaseName, host: Weak<Host>) -> Rc<Self> {
        let mut bytes = [0; 8];
        platform::fill_random(&mut bytes);
        let own = TabId::from_random(bytes);
        Rc::new_cyclic(|this: &Weak<Self>| Self {
            host,
            this: this.clone(),
            names: Names::new(database),
            is_enabled: Cell::default(),
            is_stopped: Cell::default(),
            is_asleep: Cell::default(),
            unready_since: Cell::default(),
            relay_failed: Cell::default(),
            stage: Cell::new(Stage::Away),
            mesh: RefCell::new(Mesh::new(own, platform::random_up_to)),
            place: RefCell::default(),
            presence: RefCell::default(),
            epoch: Cell::default(),
            lines: RefCell::default(),
            about: RefCell::default(),
            actions: RefCell::default(),
            is_acting: Cell::default(),
            timer: RefCell::default(),
            recheck: RefCell::default(),
            _events: sleep_listeners(this),
        })
    }

    // --- Questions --------------------------------------------------------------------------------------------------

    pub(crate) fn is_enabled(&self) -> bool {
        self.is_enabled.get()
    }

    /// Whether another tab is being asked to create this tab's replica.
    pub(crate) fn is_asking(&self) -> bool {
        self.mesh.borrow().is_asking()
    }

    /// How many other tabs take part.
    pub(crate) fn others(&self) -> usize {
        self.mesh.borrow().others()
    }

    /// The tabs that this one is linked with, or would be if it could.
    pub(crate) fn tabs(&self) -> Vec<TabId> {
        self.mesh.borrow().near().into_iter().collect()
    }

    pub(crate) fn state(&self, tab: &TabId) -> PeerState {
        self.mesh.borrow().state(tab)
    }

    pub(crate) fn is_switched_on(&self, tab: &TabId) -> bool {
        self.mesh.borrow().is_switched_on(tab)
    }

    /// The replica of that tab, if it ever said who it is.
    pub(crate) fn replica(&self, tab: &TabId) -> Option<String> {
        self.about.borrow().get(tab)?.replica.clone()
    }

    pub(crate) fn traffic(&self, tab: &TabId) -> Traffic {
        self.about.borrow().get(tab).map(|about| about.traffic).unwrap_or_default()
    }

    // --- Switches ---------------------------------------------------------------------------------------------------

    /// Makes links with other tabs and keeps them, or closes them all at once.
    pub(crate) fn set_enabled(&self, enabled: bool) {
        if self.is_enabled.replace(enabled) != enabled {
            self.update();
            self.tell_host();
        }
    }

    /// The same for the link with one tab.
    pub(crate) fn switch(&self, tab: &TabId, is_on: bool) {
        self.act(|mesh, now| mesh.switch(tab, is_on, now));
        self.tell_host();
    }

    /// Closes all links for good.
    pub(crate) fn stop(&self) {
        self.is_stopped.set(true);
        self.update();
    }

    // --- What the host says -----------------------------------------------------------------------------------------

    /// The relay's link, the replica or a switch is not as it was: takes part as that demands.
    pub(crate) fn update(&self) {
        let stage = self.wanted_stage();
        if self.stage.replace(stage) == stage {
            return;
        }
        self.epoch.set(self.epoch.get() + 1);
        self.presence.take();
        match stage {
            Stage::Away => {
                self.act(|mesh, now| mesh.enter(Stage::Away, now));
                self.place.take();
            }
            Stage::Asking | Stage::Present => self.come(stage),
        }
    }

    /// Sends a frame, if that is a link with a tab. Says whether it is.
    pub(crate) fn transmit(&self, peer: PeerId, frame: &[u8]) -> bool {
        let lines = self.lines.borrow();
        let Some(line) = lines.values().find(|line| line.peer == Some(peer)) else { return false };
        line.channel.post(&frame_to_js(frame));
        self.about.borrow_mut().entry(line.tab.clone()).or_default().traffic.sent(frame.len());
        true
    }

    /// The engine ends a session. Says whether it was one with a tab.
    pub(crate) fn disconnect(&self, peer: PeerId, reason: &DisconnectReason) -> bool {
        let Some(link) = self.forget(peer) else { return false };
        self.act(|mesh, now| mesh.disconnected(&link, reason.code(), reason.to_string(), now));
        true
    }

    /// The other replica ended the session and said why. Says whether it was one with a tab.
    pub(crate) fn peer_refused(&self, peer: PeerId, code: u16, reason: &str) -> bool {
        let Some(link) = self.forget(peer) else { return false };
        self.act(|mesh, now| mesh.ended(&link, code, reason.to_owned(), now));
        true
    }

    /// The other replica's hello was accepted. Says whether it is a tab's.
    pub(crate) fn ready(&self, peer: PeerId, replica: Option<String>) -> bool {
        let Some((link, tab)) = self.link_of(peer) else { return false };
        self.about.borrow_mut().entry(tab).or_default().replica = replica;
        self.mesh.borrow_mut().greeted(&link);
        true
    }

    /// The other replica has sent all that it held. Says whether it is a tab's.
    pub(crate) fn caught_up(&self, peer: PeerId) -> bool {
        let Some((link, _)) = self.link_of(peer) else { return false };
        self.mesh.borrow_mut().caught_up(&link);
        true
    }

    // --- Taking part ------------------------------------------------------------------------------------------------

    fn wanted_stage(&self) -> Stage {
        let Some(host) = self.host.upgrade() else { return Stage::Away };
        if !self.is_enabled.get() || self.is_stopped.get() || self.is_asleep.get() {
            return Stage::Away;
        }
        if host.is_ready() {
            self.unready_since.set(None);
            self.relay_failed.set(false);
            return Stage::Present;
        }
        let now = platform::now();
        let since = self.unready_since.get().unwrap_or(now);
        self.unready_since.set(Some(since));
        let patience_ms = match host.relay().state() {
            LinkState::Open { .. } => RELAY_DATA_MS,
            LinkState::Connecting if self.relay_failed.get() => 0,
            LinkState::Connecting => RELAY_CHANCE_MS,
            LinkState::Off | LinkState::Waiting { .. } | LinkState::Refused(_) => {
                self.relay_failed.set(true);
                0
            }
        };
        let waited_ms = now.0 - since.0;
        if waited_ms >= patience_ms {
            return Stage::Asking;
        }
        let this = self.this.clone();
        let wait_ms = u32::try_from(patience_ms - waited_ms).unwrap_or(u32::MAX);
        self.recheck.replace(Some(Timeout::new(wait_ms, move || {
            if let Some(links) = this.upgrade() {
                links.update();
            }
        })));
        // It goes on asking whom it asks; otherwise it waits for the relay.
        if self.mesh.borrow().is_asking() { Stage::Asking } else { Stage::Away }
    }

    /// Takes part from now on, as soon as the browser has given this tab its locks.
    fn come(&self, stage: Stage) {
        let Some(this) = self.this.upgrade() else { return };
        let epoch = self.epoch.get();
        spawn(async move {
            // A browser without channels, or a page that may have no locks, has no nearby tabs.
            let own = this.mesh.borrow().own().clone();
            if this.place.borrow().is_none() {
                let Some(life) = this.lock(&this.names.life_lock(&own), epoch).await else { return };
                let Some(common) = this.listen() else { return };
                this.place.replace(Some(Place { common, _life: life }));
            }
            if stage == Stage::Present {
                let Some(presence) = this.lock(&this.names.presence_lock(&own), epoch).await else { return };
                this.presence.replace(Some(presence));
            }
            this.act(|mesh, now| mesh.enter(stage, now));
            this.tell_host();
        });
    }

    /// One of this tab's own locks. Nobody else wants it, but it may be on its way back from an earlier epoch; `None` if
    /// the present one ends before, or the page can have no locks.
    async fn lock(&self, name: &str, epoch: u64) -> Option<StoreLock> {
        while self.epoch.get() == epoch {
            match StoreLock::acquire(name, LOCK_PATIENCE_MS).await {
                Ok(Some(lock)) if self.epoch.get() == epoch => return Some(lock),
                Ok(_) => {}
                Err(_) => return None,
            }
        }
        None
    }

    fn listen(&self) -> Option<Channel> {
        let this = self.this.clone();
        Channel::open(self.names.common_channel(), move |message| {
            if let Some(links) = this.upgrade()
                && let Some(word) = word_from_js(&message)
            {
                links.act(|mesh, now| mesh.heard(word, now));
            }
        })
    }

    /// Finds out who is there.
    fn look(&self) {
        let Some(this) = self.this.upgrade() else { return };
        let epoch = self.epoch.get();
        spawn(async move {
            let held = locks::held().await;
            if this.epoch.get() == epoch {
                let present = held.iter().filter_map(|lock| this.names.present_tab(lock)).collect();
                this.act(|mesh, now| mesh.seen(present, now));
                this.tell_host();
            }
        });
    }

    // --- Carrying out -----------------------------------------------------------------------------------------------

    /// Tells the state machine what happened, and does what follows, in order.
    fn act(&self, happened: impl FnOnce(&mut Mesh, Millis) -> Vec<Action>) {
        let actions = happened(&mut self.mesh.borrow_mut(), platform::now());
        self.actions.borrow_mut().extend(actions);
        if self.is_acting.replace(true) {
            return;
        }
        loop {
            let Some(action) = self.actions.borrow_mut().pop_front() else { break };
            self.perform(action);
        }
        self.is_acting.set(false);
        self.set_timer();
    }

    fn perform(&self, action: Action) {
        match action {
            Action::Say(word) => {
                if let Some(place) = &*self.place.borrow() {
                    place.common.post(&word_to_js(&word));
                }
            }
            Action::Open { link, to } => self.open(link, to),
            Action::Answer(link) => self.post(&link, &answer_to_js()),
            Action::End { link, code, reason } => self.post(&link, &end_to_js(code, &reason)),
            Action::Up(link) => {
                let Some(host) = self.host.upgrade() else { return };
                let peer = host.new_peer();
                if let Some(line) = self.lines.borrow_mut().get_mut(&link) {
                    line.peer = Some(peer);
                }
                host.link_up(peer, PeerKind::SameDevice);
            }
            Action::Down(link) => {
                let peer = self.lines.borrow_mut().get_mut(&link).and_then(|line| line.peer.take());
                if let (Some(peer), Some(host)) = (peer, self.host.upgrade()) {
                    host.link_down(peer);
                }
            }
            Action::Close(link) => {
                self.lines.borrow_mut().remove(&link);
                self.tell_host();
            }
            Action::Look => self.look(),
        }
    }

    fn open(&self, link: LinkId, tab: TabId) {
        let on_message = {
            let (this, link) = (self.this.clone(), link.clone());
            move |message: JsValue| {
                if let Some(links) = this.upgrade()
                    && let Some(message) = link_message_from_js(&message)
                {
                    links.on_message(&link, message);
                }
            }
        };
        let watch = {
            let (this, link) = (self.this.clone(), link.clone());
            Watch::of(&self.names.life_lock(&tab), move || {
                if let Some(links) = this.upgrade() {
                    links.act(|mesh, now| mesh.vanished(&link, now));
                }
            })
        };
        if let Some(channel) = Channel::open(&self.names.link_channel(&link), on_message) {
            self.lines.borrow_mut().insert(link, Line { tab, channel, peer: None, _watch: watch });
        }
    }

    fn post(&self, link: &LinkId, message: &JsValue) {
        if let Some(line) = self.lines.borrow().get(link) {
            line.channel.post(message);
        }
    }

    fn on_message(&self, link: &LinkId, message: LinkMessage) {
        match message {
            LinkMessage::Frame(frame) => {
                let Some((tab, peer)) = self.lines.borrow().get(link).map(|line| (line.tab.clone(), line.peer)) else {
                    return;
                };
                self.about.borrow_mut().entry(tab).or_default().traffic.received(frame.len());
                // The engine ended the session; what was on its way is of no interest.
                if let (Some(peer), Some(host)) = (peer, self.host.upgrade()) {
                    host.frame(peer, &frame);
                }
            }
            LinkMessage::Answer => self.act(|mesh, _| mesh.answered(link)),
            LinkMessage::End { code, reason } => self.act(|mesh, now| mesh.ended(link, code, reason, now)),
        }
    }

    fn link_of(&self, peer: PeerId) -> Option<(LinkId, TabId)> {
        let lines = self.lines.borrow();
        lines.iter().find(|(_, line)| line.peer == Some(peer)).map(|(link, line)| (link.clone(), line.tab.clone()))
    }

    /// The link that the engine calls so, and has forgotten.
    fn forget(&self, peer: PeerId) -> Option<LinkId> {
        let (link, _) = self.link_of(peer)?;
        if let Some(line) = self.lines.borrow_mut().get_mut(&link) {
            line.peer = None;
        }
        Some(link)
    }

    fn set_timer(&self) {
        let due = self.mesh.borrow().next_timeout();
        let timer = due.map(|due| {
            let this = self.this.clone();
            let wait_ms = u32::try_from(due.0.saturating_sub(platform::now().0)).unwrap_or(u32::MAX);
            Timeout::new(wait_ms, move || {
                if let Some(links) = this.upgrade() {
                    links.act(Mesh::timeout);
                    links.tell_host();
                }
            })
        });
        self.timer.replace(timer);
    }

    /// The browser puts the page to sleep, or wakes it up. Asleep it answers nobody, so it says goodbye before.
    fn set_asleep(&self, is_asleep: bool) {
        self.is_asleep.set(is_asleep);
        self.update();
    }

    fn tell_host(&self) {
        if let Some(host) = self.host.upgrade() {
            host.nearby_changed();
        }
    }
}

fn sleep_listeners(links: &Weak<NearbyLinks>) -> Vec<EventListener> {
    let listen = |target: EventTarget, name: &'static str, is_asleep: bool| {
        let links = links.clone();
        EventListener::new(&target, name, move |_| {
            if let Some(links) = links.upgrade() {
                links.set_asleep(is_asleep);
            }
        })
    };
    let scope = || js_sys::global().unchecked_into::<EventTarget>();
    let mut listeners = vec![listen(scope(), "pagehide", true), listen(scope(), "pageshow", false)];
    if let Some(document) = platform::document() {
        listeners.push(listen(document.clone(), "freeze", true));
        listeners.push(listen(document, "resume", false));
    }
    listeners
}
