//! The links between the tabs of a browser: a state machine without a browser.
//!
//! What happened goes in with the time, and [`Action`]s come out, which the caller carries out in order. The machine
//! knows neither channels nor locks, only that somebody said something, answered, ended a link, or is gone.
//!
//! A tab *calls* another one, which answers: from then on both have the link, on a channel that belongs to it alone. Of
//! two tabs that can take part the one with the smaller id calls. One whose replica still has no id cannot be called: it
//! calls others itself, one at a time, for each that it asks may create an id for it.

use std::collections::{BTreeMap, BTreeSet};

use bayou_core::{DisconnectReason, Millis};

use super::{
    names::{LinkId, TabId},
    ring::neighbours,
};
use crate::link::backoff::Backoff;

/// How long a called tab may take to answer.
const ANSWER_MS_MAX: u64 = 5_000;
/// So often it is looked at who is there, should word of it have been lost.
const LOOK_MS: u64 = 30_000;
/// Likewise while somebody is wanted who can create this tab's replica, and after somebody has left.
const LOOK_SOON_MS: u64 = 1_000;

/// Why a link ends, where it is not the engine that ends it. The engine's codes are [`DisconnectReason::code`].
pub(super) mod code {
    /// It was switched off at the other end, which says so when that changes.
    pub(in crate::link::nearby) const SWITCHED_OFF: u16 = 1000;
    /// The tab takes part no longer, or has other neighbours.
    pub(in crate::link::nearby) const LEFT: u16 = 1001;
    /// The tab has no replica yet that could be linked.
    pub(in crate::link::nearby) const NOT_READY: u16 = 4503;
}

const RESYNC: u16 = DisconnectReason::Resync.code();

/// What is said on the channel that all tabs listen to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Word {
    /// This tab takes part from now on, or again.
    Here(TabId),
    /// `tab` has switched the link with `to` off: it will neither call nor answer.
    Off { tab: TabId, to: TabId },
    /// Whoever calls is on the link's channel and asks `to` to come there.
    Call { link: LinkId, to: TabId },
}

/// What is to be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Action {
    /// Say this to all.
    Say(Word),
    /// Listen on the link's channel, and watch whether the tab at its other end is alive.
    Open { link: LinkId, to: TabId },
    /// Say on the link's channel that this tab has come.
    Answer(LinkId),
    /// Say on the link's channel that it ends.
    End { link: LinkId, code: u16, reason: String },
    /// Tell the engine that it has this link.
    Up(LinkId),
    /// Tell the engine that it has it no more.
    Down(LinkId),
    /// Leave the link's channel.
    Close(LinkId),
    /// Find out which tabs are there, and tell [`Mesh::seen`].
    Look,
}

/// How a tab takes part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    /// Not at all.
    Away,
    /// Its replica asks to be created, or for a new id.
    Asking,
    /// Like all others.
    Present,
}

/// What there is to say of a link, or of the lack of one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum PeerState {
    /// Switched off here.
    Off,
    /// On the way, or the other side's turn.
    Connecting,
    /// Both replicas have said who they are.
    Open {
        /// The other one has sent all it held when the link came up.
        caught_up: bool,
    },
    /// The next attempt comes later.
    Waiting {
        /// When.
        until: Millis,
        /// What went wrong.
        reason: String,
    },
    /// No further attempt is made until the other side asks for it.
    Refused {
        /// What [`code`] or the engine calls it.
        code: u16,
        /// What went wrong.
        reason: String,
    },
}

#[derive(Debug)]
enum Phase {
    Idle,
    Calling { link: LinkId, until: Millis },
    Up { link: LinkId, is_greeted: bool, caught_up: bool },
    Waiting { until: Millis, reason: String },
    Refused { code: u16, reason: String },
}

#[derive(Debug)]
struct Peer {
    phase: Phase,
    backoff: Backoff,
}

impl Peer {
    fn link(&self) -> Option<&LinkId> {
        match &self.phase {
            Phase::Calling { link, .. } | Phase::Up { link, .. } => Some(link),
            Phase::Idle | Phase::Waiting { .. } | Phase::Refused { .. } => None,
        }
    }
}

impl Default for Peer {
    fn default() -> Self {
        Self { phase: Phase::Idle, backoff: Backoff::default() }
    }
}

/// The links of one tab with others.
pub(super) struct Mesh {
    own: TabId,
    stage: Stage,
    calls: u64,
    /// The other tabs that can be called, as far as is known.
    members: BTreeSet<TabId>,
    peers: BTreeMap<TabId, Peer>,
    /// Switched off one by one.
    off: BTreeSet<TabId>,
    next_look: Option<Millis>,
    /// An even draw from zero to its argument.
    draw: fn(u32) -> u32,
}

impl Mesh {
    pub(super) fn new(own: TabId, draw: fn(u32) -> u32) -> Self {
        Self {
            own,
            stage: Stage::Away,
            calls: 0,
            members: BTreeSet::new(),
            peers: BTreeMap::new(),
            off: BTreeSet::new(),
            next_look: None,
            draw,
        }
    }

    // --- Questions --------------------------------------------------------------------------------------------------

    pub(super) const fn own(&self) -> &TabId {
        &self.own
    }

    /// How many other tabs take part, be they linked with this one or with others.
    pub(super) fn others(&self) -> usize {
        self.members.len()
    }

    /// Whether another replica is being asked to create this one.
    pub(super) fn is_asking(&self) -> bool {
        self.stage == Stage::Asking && self.peers.values().any(|peer| matches!(peer.phase, Phase::Up { .. }))
    }

    pub(super) fn is_switched_on(&self, tab: &TabId) -> bool {
        !self.off.contains(tab)
    }

    /// The tabs that this one is linked with or would be, were all well.
    pub(super) fn near(&self) -> BTreeSet<TabId> {
        let is_told = |(_, peer): &(&TabId, &Peer)| !matches!(peer.phase, Phase::Idle);
        let mut near: BTreeSet<TabId> = self.peers.iter().filter(is_told).map(|(tab, _)| tab.clone()).collect();
        if self.stage == Stage::Present {
            near.extend(neighbours(&self.own, &self.members));
        }
        near
    }

    pub(super) fn state(&self, tab: &TabId) -> PeerState {
        if self.off.contains(tab) {
            return PeerState::Off;
        }
        match self.peers.get(tab).map(|peer| &peer.phase) {
            None | Some(Phase::Idle | Phase::Calling { .. } | Phase::Up { is_greeted: false, .. }) => {
                PeerState::Connecting
            }
            Some(Phase::Up { caught_up, .. }) => PeerState::Open { caught_up: *caught_up },
            Some(Phase::Waiting { until, reason }) => PeerState::Waiting { until: *until, reason: reason.clone() },
            Some(Phase::Refused { code, reason }) => PeerState::Refused { code: *code, reason: reason.clone() },
        }
    }

    /// When [`Mesh::timeout`] wants to be called.
    pub(super) fn next_timeout(&self) -> Option<Millis> {
        let of_peers = self.peers.values().filter_map(|peer| match peer.phase {
            Phase::Calling { until, .. } | Phase::Waiting { until, .. } => Some(until),
            Phase::Idle | Phase::Up { .. } | Phase::Refused { .. } => None,
        });
        of_peers.chain(self.next_look).min()
    }

    // --- What this tab does -----------------------------------------------------------------------------------------

    /// Takes part from now on in another way. Links of the former one end.
    pub(super) fn enter(&mut self, stage: Stage, now: Millis) -> Vec<Action> {
        // One that asked keeps its link when it is what it asked to be.
        let mut actions =
            if stage == Stage::Present && self.stage == Stage::Asking { Vec::new() } else { self.leave() };
        self.stage = stage;
        match stage {
            Stage::Away => self.next_look = None,
            Stage::Asking => self.look(now, &mut actions),
            Stage::Present => {
                actions.push(Action::Say(Word::Here(self.own.clone())));
                self.look(now, &mut actions);
            }
        }
        actions
    }

    fn leave(&mut self) -> Vec<Action> {
        let mut actions = Vec::new();
        for (_, peer) in std::mem::take(&mut self.peers) {
            hang_up(&peer.phase, Some((code::LEFT, "The tab takes part no longer.")), &mut actions);
        }
        self.members.clear();
        actions
    }

    /// Switches the link with one tab on or off.
    pub(super) fn switch(&mut self, tab: &TabId, is_on: bool, now: Millis) -> Vec<Action> {
        let mut actions = Vec::new();
        let changed = if is_on { self.off.remove(tab) } else { self.off.insert(tab.clone()) };
        if !changed || self.stage == Stage::Away {
            return actions;
        }
        let peer = self.peers.remove(tab).unwrap_or_default();
        hang_up(&peer.phase, Some((code::SWITCHED_OFF, OFF_THERE)), &mut actions);
        if is_on && self.stage == Stage::Present {
            // The other one may have been told that it was off.
            actions.push(Action::Say(Word::Here(self.own.clone())));
        }
        self.settle(now, &mut actions);
        actions
    }

    /// The engine has ended a session and forgotten it.
    pub(super) fn disconnected(&mut self, link: &LinkId, code: u16, reason: String, now: Millis) -> Vec<Action> {
        let mut actions = Vec::new();
        if let Some(tab) = self.tab_of(link) {
            actions.push(Action::End { link: link.clone(), code, reason: reason.clone() });
            actions.push(Action::Close(link.clone()));
            self.after_link(&tab, code, reason, now, &mut actions);
        }
        actions
    }

    /// The other replica has said who it is, and fits.
    pub(super) fn greeted(&mut self, link: &LinkId) {
        if let Some(Phase::Up { is_greeted, .. }) = self.phase_of(link) {
            *is_greeted = true;
        }
    }

    /// The other replica has sent all that it held.
    pub(super) fn caught_up(&mut self, link: &LinkId) {
        if let Some(Phase::Up { caught_up, .. }) = self.phase_of(link) {
            *caught_up = true;
        }
        if let Some(peer) = self.tab_of(link).and_then(|tab| self.peers.get_mut(&tab)) {
            peer.backoff = Backoff::default();
        }
    }

    // --- What others do ---------------------------------------------------------------------------------------------

    /// These other tabs are there.
    pub(super) fn seen(&mut self, mut present: BTreeSet<TabId>, now: Millis) -> Vec<Action> {
        let mut actions = Vec::new();
        if self.stage != Stage::Away {
            present.remove(&self.own);
            self.members = present;
            self.settle(now, &mut actions);
        }
        actions
    }

    /// Something was said to all.
    pub(super) fn heard(&mut self, word: Word, now: Millis) -> Vec<Action> {
        let mut actions = Vec::new();
        match word {
            Word::Here(tab) if tab != self.own && self.stage != Stage::Away => {
                if let Some(peer) = self.peers.get_mut(&tab)
                    && !matches!(peer.phase, Phase::Up { .. })
                {
                    // It may not have been there to hear a call.
                    hang_up(&peer.phase, Some((code::LEFT, "It is called anew.")), &mut actions);
                    *peer = Peer::default();
                }
                if self.off.contains(&tab) {
                    // Should it be this tab's turn to call, the other one would wait in vain.
                    actions.push(Action::Say(Word::Off { tab: self.own.clone(), to: tab }));
                }
                self.look(now, &mut actions);
            }
            Word::Off { tab, to } if to == self.own && tab != self.own && self.stage != Stage::Away => {
                let peer = self.peers.entry(tab).or_default();
                if !matches!(peer.phase, Phase::Up { .. }) {
                    hang_up(&peer.phase, None, &mut actions);
                    peer.phase = Phase::Refused { code: code::SWITCHED_OFF, reason: OFF_THERE.to_owned() };
                }
                self.settle(now, &mut actions);
            }
            Word::Call { link, to } if to == self.own && link.caller != self.own => {
                self.called(link, now, &mut actions);
            }
            Word::Here(_) | Word::Off { .. } | Word::Call { .. } => {}
        }
        actions
    }

    fn called(&mut self, link: LinkId, now: Millis, actions: &mut Vec<Action>) {
        let caller = link.caller.clone();
        let refusal = match self.stage {
            Stage::Away => return,
            Stage::Asking => Some((code::NOT_READY, "That tab has no copy of the database yet.")),
            Stage::Present if self.off.contains(&caller) => Some((code::SWITCHED_OFF, OFF_THERE)),
            Stage::Present => None,
        };
        if let Some((code, reason)) = refusal {
            actions.push(Action::Open { link: link.clone(), to: caller });
            actions.push(Action::End { link: link.clone(), code, reason: reason.to_owned() });
            actions.push(Action::Close(link));
            return;
        }
        let peer = self.peers.entry(caller.clone()).or_default();
        if matches!(peer.phase, Phase::Calling { .. }) && self.own < caller {
            // Both have called. The other one answers this tab's call.
            return;
        }
        // It would not call if it had a link.
        hang_up(&peer.phase, None, actions);
        peer.phase = Phase::Up { link: link.clone(), is_greeted: false, caught_up: false };
        actions.push(Action::Open { link: link.clone(), to: caller });
        actions.push(Action::Answer(link.clone()));
        actions.push(Action::Up(link));
        self.settle(now, actions);
    }

    /// The called tab has come to the link's channel.
    pub(super) fn answered(&mut self, link: &LinkId) -> Vec<Action> {
        match self.phase_of(link) {
            Some(phase @ Phase::Calling { .. }) => {
                *phase = Phase::Up { link: link.clone(), is_greeted: false, caught_up: false };
                vec![Action::Up(link.clone())]
            }
            _ => Vec::new(),
        }
    }

    /// The other end has ended the link.
    pub(super) fn ended(&mut self, link: &LinkId, code: u16, reason: String, now: Millis) -> Vec<Action> {
        let mut actions = Vec::new();
        if let Some(tab) = self.tab_of(link) {
            hang_up(&self.peers[&tab].phase, None, &mut actions);
            self.after_link(&tab, code, reason, now, &mut actions);
        }
        actions
    }

    /// The tab at the other end is gone.
    pub(super) fn vanished(&mut self, link: &LinkId, now: Millis) -> Vec<Action> {
        let mut actions = Vec::new();
        if let Some(tab) = self.tab_of(link) {
            hang_up(&self.peers[&tab].phase, None, &mut actions);
            self.peers.remove(&tab);
            self.members.remove(&tab);
            self.look(now, &mut actions);
            self.settle(now, &mut actions);
        }
        actions
    }

    /// Time has passed.
    pub(super) fn timeout(&mut self, now: Millis) -> Vec<Action> {
        let mut actions = Vec::new();
        let mut silent = Vec::new();
        for (tab, peer) in &mut self.peers {
            match &peer.phase {
                Phase::Calling { until, .. } if *until <= now => silent.push(tab.clone()),
                Phase::Waiting { until, .. } if *until <= now => peer.phase = Phase::Idle,
                _ => {}
            }
        }
        for tab in silent {
            hang_up(&self.peers[&tab].phase, Some((code::LEFT, "It took too long to answer.")), &mut actions);
            self.after_link(
                &tab,
                DisconnectReason::Silent { silence_ms: 0 }.code(),
                NO_ANSWER.to_owned(),
                now,
                &mut actions,
            );
        }
        if self.next_look.is_some_and(|at| at <= now) {
            self.look(now, &mut actions);
        }
        self.settle(now, &mut actions);
        actions
    }

    // --- Within ------------------------------------------------------------------------------------------------------

    fn tab_of(&self, link: &LinkId) -> Option<TabId> {
        self.peers.iter().find(|(_, peer)| peer.link() == Some(link)).map(|(tab, _)| tab.clone())
    }

    fn phase_of(&mut self, link: &LinkId) -> Option<&mut Phase> {
        self.peers.values_mut().find(|peer| peer.link() == Some(link)).map(|peer| &mut peer.phase)
    }

    fn look(&mut self, now: Millis, actions: &mut Vec<Action>) {
        self.next_look = Some(later(now, if self.stage == Stage::Asking { LOOK_SOON_MS } else { LOOK_MS }));
        actions.push(Action::Look);
    }

    /// The link with a tab is over: what comes next.
    fn after_link(&mut self, tab: &TabId, code: u16, reason: String, now: Millis, actions: &mut Vec<Action>) {
        let peer = self.peers.entry(tab.clone()).or_default();
        let wait_ms = match code {
            code::LEFT => {
                peer.phase = Phase::Idle;
                self.members.remove(tab);
                self.look(now, actions);
                // It says goodbye before the browser has freed its lock, and may seem to be there still.
                self.next_look = Some(later(now, LOOK_SOON_MS));
                return;
            }
            _ if code == code::SWITCHED_OFF || DisconnectReason::is_final_code(code) => {
                peer.phase = Phase::Refused { code, reason };
                return self.settle(now, actions);
            }
            RESYNC => peer.backoff.next_anew_ms(self.draw),
            _ => peer.backoff.next_ms(self.draw),
        };
        peer.phase =
            if wait_ms == 0 { Phase::Idle } else { Phase::Waiting { until: later(now, u64::from(wait_ms)), reason } };
        self.settle(now, actions);
    }

    /// Calls who is to be called, and ends what this tab has called for and is of no use.
    fn settle(&mut self, now: Millis, actions: &mut Vec<Action>) {
        match self.stage {
            Stage::Away => {}
            Stage::Asking => {
                let is_busy = self.peers.values().any(|peer| peer.link().is_some());
                let all_round = self.members.range(self.own.clone()..).chain(self.members.range(..self.own.clone()));
                let next = { all_round }.find(|tab| self.may_call(tab)).cloned();
                if let (false, Some(next)) = (is_busy, next) {
                    self.call(next, now, actions);
                }
            }
            Stage::Present => {
                let near = neighbours(&self.own, &self.members);
                let to_call: Vec<TabId> =
                    near.iter().filter(|tab| self.own < **tab && self.may_call(tab)).cloned().collect();
                for tab in to_call {
                    self.call(tab, now, actions);
                }
                for (_, peer) in self.peers.iter_mut().filter(|(tab, _)| !near.contains(tab)) {
                    if peer.link().is_some_and(|link| link.caller == self.own) {
                        hang_up(&peer.phase, Some((code::LEFT, "It has other neighbours.")), actions);
                        peer.phase = Phase::Idle;
                    }
                }
            }
        }
        let Self { members, peers, .. } = self;
        peers.retain(|tab, peer| peer.link().is_some() || members.contains(tab));
    }

    fn may_call(&self, tab: &TabId) -> bool {
        let is_idle = self.peers.get(tab).is_none_or(|peer| matches!(peer.phase, Phase::Idle));
        is_idle && !self.off.contains(tab)
    }

    fn call(&mut self, to: TabId, now: Millis, actions: &mut Vec<Action>) {
        self.calls += 1;
        let link = LinkId { caller: self.own.clone(), number: self.calls };
        let peer = self.peers.entry(to.clone()).or_default();
        peer.phase = Phase::Calling { link: link.clone(), until: later(now, ANSWER_MS_MAX) };
        // First there, then calling: the answer must not come before somebody listens.
        actions.push(Action::Open { link: link.clone(), to: to.clone() });
        actions.push(Action::Say(Word::Call { link, to }));
    }
}

const fn later(now: Millis, milliseconds: u64) -> Millis {
    Millis(now.0.saturating_add(milliseconds))
}

const OFF_THERE: &str = "It was switched off in the other tab.";
const NO_ANSWER: &str = "The tab does not answer.";

/// Gives up the link of a phase, if it has one: with a word to the other side, unless that side knows.
fn hang_up(phase: &Phase, farewell: Option<(u16, &str)>, actions: &mut Vec<Action>) {
    let (link, is_up) = match phase {
        Phase::Calling { link, .. } => (link, false),
        Phase::Up { link, .. } => (link, true),
        Phase::Idle | Phase::Waiting { .. } | Phase::Refused { .. } => return,
    };
    if is_up {
        actions.push(Action::Down(link.clone()));
    }
    if let Some((code, reason)) = farewell {
        actions.push(Action::End { link: link.clone(), code, reason: reason.to_owned() });
    }
    actions.push(Action::Close(link.clone()));
}

#[cfg(test)]
mod tests;
