//! Tabs in a browser that is made of queues: what is posted arrives late, in an order of its own for each channel, and
//! tabs come, go, fall asleep and crash meanwhile.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::*;

type Place = usize;

#[derive(Clone, Debug)]
enum Message {
    Word(Word),
    Answer(LinkId),
    End(LinkId, u16),
    Seen(BTreeSet<TabId>),
    Vanished(LinkId),
}

struct Tab {
    mesh: Mesh,
    is_alive: bool,
    /// It does nothing, and does not know it.
    is_stuck: bool,
    /// The channels that it listens to, each with the tab at the other end.
    channels: BTreeMap<LinkId, TabId>,
    /// The links that its engine has.
    up: BTreeSet<LinkId>,
}

struct Browser {
    tabs: Vec<Tab>,
    /// What is under way, by sender, receiver and channel.
    posts: BTreeMap<(Place, Place, Option<LinkId>), VecDeque<Message>>,
    now: Millis,
    random: u64,
}

fn tab_id(number: usize) -> TabId {
    // Not in the order in which they are opened.
    TabId::from_random(((number as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15)).to_be_bytes())
}

impl Browser {
    fn new(seed: u64) -> Self {
        Self { tabs: Vec::new(), posts: BTreeMap::new(), now: Millis(1_000), random: seed | 1 }
    }

    fn draw(&mut self, below: usize) -> usize {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        usize::try_from(self.random % below as u64).unwrap()
    }

    fn open(&mut self, stage: Stage) -> Place {
        let place = self.tabs.len();
        let mesh = Mesh::new(tab_id(place), |max| max);
        let (channels, up) = (BTreeMap::new(), BTreeSet::new());
        self.tabs.push(Tab { mesh, is_alive: true, is_stuck: false, channels, up });
        self.act(place, |mesh, now| mesh.enter(stage, now));
        place
    }

    fn act(&mut self, place: Place, happened: impl FnOnce(&mut Mesh, Millis) -> Vec<Action>) {
        let now = self.now;
        for action in happened(&mut self.tabs[place].mesh, now) {
            self.perform(place, action);
        }
    }

    fn perform(&mut self, place: Place, action: Action) {
        match action {
            Action::Say(word) => {
                for to in 0..self.tabs.len() {
                    if to != place && self.tabs[to].is_alive && self.tabs[to].mesh.stage != Stage::Away {
                        self.post((place, to, None), Message::Word(word.clone()));
                    }
                }
            }
            Action::Open { link, to } => {
                let before = self.tabs[place].channels.insert(link, to);
                assert_eq!(before, None, "a channel is opened once");
            }
            Action::Answer(link) => self.post_on(place, &link, &Message::Answer(link.clone())),
            Action::End { link, code, .. } => self.post_on(place, &link, &Message::End(link.clone(), code)),
            Action::Up(link) => {
                assert!(self.tabs[place].channels.contains_key(&link), "first the channel, then the engine");
                assert!(self.tabs[place].up.insert(link), "a link comes up once");
            }
            Action::Down(link) => assert!(self.tabs[place].up.remove(&link), "only what is up goes down"),
            Action::Close(link) => {
                assert!(!self.tabs[place].up.contains(&link), "first the engine, then the channel");
                assert!(self.tabs[place].channels.remove(&link).is_some(), "only what is open is closed");
            }
            Action::Look => {
                let present = self.tabs.iter().filter(|tab| tab.is_alive && tab.mesh.stage == Stage::Present);
                let present = present.map(|tab| tab.mesh.own.clone()).collect();
                self.post((place, place, None), Message::Seen(present));
            }
        }
    }

    /// Whoever listens when something is posted gets it.
    fn post_on(&mut self, from: Place, link: &LinkId, message: &Message) {
        for to in 0..self.tabs.len() {
            if to != from && self.tabs[to].is_alive && self.tabs[to].channels.contains_key(link) {
                self.post((from, to, Some(link.clone())), message.clone());
            }
        }
    }

    fn post(&mut self, way: (Place, Place, Option<LinkId>), message: Message) {
        self.posts.entry(way).or_default().push_back(message);
    }

    /// Delivers one message of those under way, if there is one that can arrive.
    fn deliver(&mut self) -> bool {
        let tabs = &self.tabs;
        let ways: Vec<_> = self.posts.keys().filter(|(_, to, _)| !tabs[*to].is_stuck).cloned().collect();
        if ways.is_empty() {
            return false;
        }
        let way = ways[self.draw(ways.len())].clone();
        let waiting = self.posts.get_mut(&way).unwrap();
        let message = waiting.pop_front().unwrap();
        if waiting.is_empty() {
            self.posts.remove(&way);
        }
        let (_, to, channel) = way;
        let listens = channel.is_none_or(|link| self.tabs[to].channels.contains_key(&link));
        if self.tabs[to].is_alive && listens {
            self.act(to, |mesh, now| match message {
                Message::Word(word) => mesh.heard(word, now),
                Message::Answer(link) => mesh.answered(&link),
                Message::End(link, code) => mesh.ended(&link, code, String::new(), now),
                Message::Seen(present) => mesh.seen(present, now),
                Message::Vanished(link) => mesh.vanished(&link, now),
            });
        }
        true
    }

    /// Tells who watched that a tab's lock is free.
    fn free_locks(&mut self, gone: Place) {
        let gone_id = self.tabs[gone].mesh.own.clone();
        for place in 0..self.tabs.len() {
            let watched = self.tabs[place].channels.iter().filter(|(_, tab)| **tab == gone_id);
            for link in watched.map(|(link, _)| link.clone()).collect::<Vec<_>>() {
                self.post((place, place, None), Message::Vanished(link));
            }
        }
    }

    fn crash(&mut self, place: Place) {
        let tab = &mut self.tabs[place];
        (tab.is_alive, tab.is_stuck) = (false, false);
        tab.up.clear();
        tab.channels.clear();
        self.free_locks(place);
    }

    fn sleep(&mut self, place: Place) {
        self.act(place, |mesh, now| mesh.enter(Stage::Away, now));
        self.free_locks(place);
    }

    /// Each engine ends the sessions in which it hears nothing.
    fn notice_silence(&mut self) {
        for place in 0..self.tabs.len() {
            if self.tabs[place].is_stuck {
                continue;
            }
            for link in self.tabs[place].up.clone() {
                let answers = |tab: &Tab| tab.is_alive && !tab.is_stuck && tab.up.contains(&link);
                let other = self.tabs[place].channels[&link].clone();
                if !self.tabs.iter().any(|tab| tab.mesh.own == other && answers(tab)) {
                    self.end_session(place, &link, 4408);
                }
            }
        }
    }

    /// The engine forgets the session first, and then its host is told.
    fn end_session(&mut self, place: Place, link: &LinkId, code: u16) {
        self.tabs[place].up.remove(link);
        self.act(place, |mesh, now| mesh.disconnected(link, code, String::new(), now));
    }

    /// Until nothing is under way and nothing waits but the next look.
    fn rest(&mut self) {
        for _ in 0..60 {
            while self.deliver() {}
            self.notice_silence();
            while self.deliver() {}
            self.now = later(self.now, 5_000);
            for place in self.running() {
                self.act(place, Mesh::timeout);
            }
        }
        while self.deliver() {}
    }

    fn running(&self) -> Vec<Place> {
        let runs = |place: &Place| self.tabs[*place].is_alive && !self.tabs[*place].is_stuck;
        (0..self.tabs.len()).filter(runs).collect()
    }

    /// Both ends of each link have it, and the linked pairs are these.
    fn assert_linked(&self, expected: &BTreeSet<(Place, Place)>) {
        let mut linked = BTreeSet::new();
        for (place, tab) in self.tabs.iter().enumerate() {
            assert_eq!(tab.up, tab.channels.keys().cloned().collect(), "no channel is left open");
            for link in &tab.up {
                let other = self.tabs.iter().position(|other| other.mesh.own == tab.channels[link]).unwrap();
                assert!(self.tabs[other].up.contains(link), "{place} has {link}, and {other} does not");
                if place < other {
                    assert!(linked.insert((place, other)), "{place} and {other} have two links");
                }
            }
        }
        assert_eq!(&linked, expected);
    }

    /// The pairs that are near each other, except those that one of them has switched off.
    fn wanted(&self) -> BTreeSet<(Place, Place)> {
        let present: Vec<Place> =
            self.running().into_iter().filter(|place| self.tabs[*place].mesh.stage == Stage::Present).collect();
        let mut pairs = BTreeSet::new();
        for &one in &present {
            let others = present.iter().filter(|other| **other != one).map(|other| tab_id(*other)).collect();
            let near = neighbours(&tab_id(one), &others);
            for &other in present.iter().filter(|other| one < **other && near.contains(&tab_id(**other))) {
                let is_on = |from: Place, to: Place| self.tabs[from].mesh.is_switched_on(&tab_id(to));
                if is_on(one, other) && is_on(other, one) {
                    pairs.insert((one, other));
                }
            }
        }
        pairs
    }
}

fn browser_with(tabs: usize) -> Browser {
    let mut browser = Browser::new(7);
    for _ in 0..tabs {
        browser.open(Stage::Present);
    }
    browser.rest();
    browser
}

#[test]
fn five_tabs_opened_at_once_are_linked_each_with_all() {
    let browser = browser_with(5);
    let all = (0..5).flat_map(|one| (one + 1..5).map(move |other| (one, other))).collect();
    browser.assert_linked(&all);
}

#[test]
fn a_crashed_tab_leaves_nothing_behind() {
    let mut browser = browser_with(3);
    browser.crash(1);
    browser.rest();
    browser.assert_linked(&BTreeSet::from([(0, 2)]));
    assert_eq!(browser.tabs[0].mesh.near(), BTreeSet::from([tab_id(2)]));
}

#[test]
fn a_tab_that_left_and_seems_to_be_there_still_is_looked_for_again_soon() {
    let mut ids = [tab_id(0), tab_id(1)];
    ids.sort();
    let [own, other] = ids;
    let now = Millis(1_000);
    let mut mesh = Mesh::new(own, |max| max);
    mesh.enter(Stage::Present, now);
    let called = mesh.seen(BTreeSet::from([other.clone()]), now).into_iter();
    let link = { called }.find_map(|action| if let Action::Open { link, .. } = action { Some(link) } else { None });
    let link = link.unwrap();
    mesh.answered(&link);
    mesh.ended(&link, code::LEFT, String::new(), now);
    // Its lock is on its way back to the browser.
    mesh.seen(BTreeSet::from([other]), now);
    assert!(mesh.timeout(later(now, LOOK_SOON_MS)).contains(&Action::Look));
}

#[test]
fn a_link_that_is_switched_off_stays_closed_from_both_sides_until_it_is_switched_on() {
    for (here, there) in [(0, 1), (1, 0)] {
        let mut browser = browser_with(2);
        browser.act(here, |mesh, now| mesh.switch(&tab_id(there), false, now));
        assert!(browser.tabs[here].up.is_empty(), "at once");
        browser.rest();
        browser.assert_linked(&BTreeSet::new());
        assert_eq!(browser.tabs[here].mesh.state(&tab_id(there)), PeerState::Off);
        let state = browser.tabs[there].mesh.state(&tab_id(here));
        assert!(matches!(state, PeerState::Refused { code: code::SWITCHED_OFF, .. }), "{state:?}");
        // The other side can try as often as it likes, and is told each time.
        for is_on in [false, true] {
            browser.act(there, |mesh, now| mesh.switch(&tab_id(here), is_on, now));
        }
        browser.rest();
        browser.assert_linked(&BTreeSet::new());
        let state = browser.tabs[there].mesh.state(&tab_id(here));
        assert!(matches!(state, PeerState::Refused { code: code::SWITCHED_OFF, .. }), "{state:?}");

        browser.act(here, |mesh, now| mesh.switch(&tab_id(there), true, now));
        browser.rest();
        browser.assert_linked(&BTreeSet::from([(0, 1)]));
    }
}

#[test]
fn a_session_that_begins_anew_does_so_over_another_link_at_once() {
    for place in [0, 1] {
        let mut browser = browser_with(2);
        let before = browser.tabs[place].up.first().cloned().unwrap();
        browser.end_session(place, &before, RESYNC);
        while browser.deliver() {}
        browser.assert_linked(&BTreeSet::from([(0, 1)]));
        assert_ne!(browser.tabs[place].up.first(), Some(&before));
    }
}

#[test]
fn who_does_not_fit_is_not_called_again() {
    let mut browser = browser_with(2);
    let link = browser.tabs[0].up.first().cloned().unwrap();
    browser.end_session(0, &link, 4409);
    browser.rest();
    browser.assert_linked(&BTreeSet::new());
    for (here, there) in [(0, 1), (1, 0)] {
        let state = browser.tabs[here].mesh.state(&tab_id(there));
        assert!(matches!(state, PeerState::Refused { code: 4409, .. }), "{state:?}");
    }
}

#[test]
fn a_replica_without_an_id_asks_one_tab_at_a_time() {
    let mut browser = browser_with(4);
    let new = browser.open(Stage::Asking);
    while browser.deliver() {
        assert!(browser.tabs[new].channels.len() <= 1);
    }
    let link = browser.tabs[new].up.first().cloned().expect("somebody was asked");
    assert!(browser.tabs[new].mesh.is_asking());
    // The first one cannot create it: the next one is asked.
    let first = browser.tabs[new].channels[&link].clone();
    browser.end_session(new, &link, 4507);
    while browser.deliver() {
        assert!(browser.tabs[new].channels.len() <= 1);
    }
    let link = browser.tabs[new].up.first().cloned().expect("somebody else was asked");
    assert_ne!(browser.tabs[new].channels[&link], first);

    browser.act(new, |mesh, now| mesh.enter(Stage::Present, now));
    assert!(browser.tabs[new].up.contains(&link), "the link stays");
    browser.rest();
    browser.assert_linked(&browser.wanted());
}

#[test]
fn replicas_without_an_id_do_not_ask_each_other() {
    let mut browser = Browser::new(3);
    for _ in 0..3 {
        browser.open(Stage::Asking);
    }
    browser.rest();
    browser.assert_linked(&BTreeSet::new());
    browser.act(1, |mesh, now| mesh.enter(Stage::Present, now));
    browser.rest();
    browser.assert_linked(&BTreeSet::from([(0, 1), (1, 2)]));
}

#[test]
fn whatever_happens_both_ends_agree_in_the_end_and_the_right_tabs_are_linked() {
    for seed in 1..=400 {
        let mut browser = Browser::new(seed);
        for _ in 0..60 {
            let running = browser.running();
            let some = if running.is_empty() { None } else { Some(running[browser.draw(running.len())]) };
            match (browser.draw(12), some) {
                (0 | 1, _) if browser.tabs.len() < 9 => {
                    browser.open(Stage::Present);
                }
                (2, Some(place)) if browser.draw(3) == 0 => browser.crash(place),
                (3, Some(place)) => browser.sleep(place),
                (4, Some(place)) if browser.tabs[place].mesh.stage == Stage::Away => {
                    browser.act(place, |mesh, now| mesh.enter(Stage::Present, now));
                }
                (5, Some(place)) => {
                    let other = tab_id(browser.draw(browser.tabs.len()));
                    let is_on = browser.draw(2) == 0;
                    if other != tab_id(place) {
                        browser.act(place, |mesh, now| mesh.switch(&other, is_on, now));
                    }
                }
                (6, Some(place)) => {
                    if let Some(link) = browser.tabs[place].up.first().cloned() {
                        let code = [RESYNC, 4400][browser.draw(2)];
                        browser.end_session(place, &link, code);
                    }
                }
                (7, Some(place)) => browser.tabs[place].is_stuck = true,
                (8, _) => {
                    browser.tabs.iter_mut().for_each(|tab| tab.is_stuck = false);
                }
                (9, Some(place)) => {
                    browser.now = later(browser.now, 3_000);
                    browser.act(place, Mesh::timeout);
                }
                _ => {}
            }
            for _ in 0..browser.draw(8) {
                browser.deliver();
            }
        }
        browser.tabs.iter_mut().for_each(|tab| tab.is_stuck = false);
        browser.rest();
        let wanted = browser.wanted();
        let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| browser.assert_linked(&wanted)));
        assert!(outcome.is_ok(), "seed {seed}");
    }
}
