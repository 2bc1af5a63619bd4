//! When the idle replicas of this browser are visited: one round at a time.

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
};

use bayou_core::Replica;
use gloo::timers::callback::Interval;

use super::{
    Visit,
    agenda::{Agenda, LOOK_MS},
    lacking::Lacking,
    visit_one, warn,
};
use crate::{
    damage,
    host::Host,
    locks, platform,
    store::{Entry, Registry, StorageError},
    wait::spawn,
};

/// Idle replicas that a browser keeps of one database.
const IDLE_KEPT_MAX: usize = 3;

/// The rounds of a tab.
#[derive(Default)]
pub(crate) struct Rounds {
    state: Cell<Round>,
    agenda: RefCell<Agenda>,
    looks: RefCell<Option<Interval>>,
    /// What the one that is being visited is telling.
    lacking: RefCell<Option<Lacking>>,
}

impl Rounds {
    /// Makes a round when a tab has left its replica, and every few minutes. Only tabs that somebody sees do: of all tabs
    /// they are few, and one of them is enough.
    pub(crate) fn repeat(&self, host: &Rc<Host>) {
        let host = Rc::downgrade(host);
        let interval = Interval::new(LOOK_MS, move || {
            if let Some(host) = host.upgrade()
                && platform::is_visible()
            {
                spawn(async move { look(&host).await });
            }
        });
        self.looks.replace(Some(interval));
    }

    pub(super) fn begin_taking_over(&self, lacking: Lacking) {
        self.lacking.replace(Some(lacking));
    }

    pub(super) fn end_taking_over(&self) {
        self.lacking.take();
    }

    /// How many writes are being taken over, and how many of these a replica still lacks.
    pub(crate) fn taking_over(&self, own: &Replica) -> Option<(usize, usize)> {
        let lacking = self.lacking.borrow();
        let lacking = lacking.as_ref().filter(|lacking| lacking.count() > 0)?;
        Some((lacking.count(), lacking.left(own)))
    }

    /// Makes no more of them.
    pub(crate) fn end(&self) {
        self.looks.take();
    }
}

#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Round {
    #[default]
    None,
    Running,
    /// And when it is over, another one.
    Again,
}

/// Takes over, in the background, what idle replicas of this database hold, and retires those that are surplus.
pub(crate) fn visit(host: &Rc<Host>) {
    let state = &host.rounds().state;
    if state.get() != Round::None {
        return state.set(Round::Again);
    }
    state.set(Round::Running);
    let host = Rc::clone(host);
    spawn(async move {
        loop {
            let left_surplus = visit_all(&host).await;
            let Rounds { agenda, state, .. } = host.rounds();
            agenda.borrow_mut().round_is_over(platform::now().0, left_surplus);
            match state.get() {
                Round::Again => state.set(Round::Running),
                Round::None | Round::Running => return state.set(Round::None),
            }
        }
    });
}

/// The same, if this tab's replica can take anything over.
pub(crate) fn visit_if_ready(host: &Rc<Host>) {
    if host.is_ready() {
        visit(host);
    }
}

/// Makes a round if one is due.
async fn look(host: &Rc<Host>) {
    // That the storage fails at present, a round would say.
    let Ok(mut idle) = others(host).await else { return };
    let held = locks::held().await;
    idle.retain(|entry| !held.contains(&entry.store.full_name(&entry.database)));
    let rounds = host.rounds();
    if rounds.state.get() == Round::None && rounds.agenda.borrow_mut().look(platform::now().0, &idle) {
        visit_if_ready(host);
    }
}

/// The other replicas on this device that are of this database, or may be, the most recently used first.
async fn others(host: &Host) -> Result<Vec<Entry>, StorageError> {
    let own = host.entry();
    let mut entries = Registry::replicas_of(host.name().as_str()).await?;
    // A tab may have been closed before it could note which database it was.
    let may_be_of = |id: &Option<String>| id.is_none() || *id == own.database_id;
    entries.retain(|entry| entry.store != own.store && may_be_of(&entry.database_id));
    Ok(entries)
}

/// Makes a round. Returns whether it left surplus replicas.
async fn visit_all(host: &Host) -> bool {
    let others = match others(host).await {
        Ok(others) => others,
        Err(error) => {
            warn("The replicas on this device cannot be listed", &error.to_string());
            return false;
        }
    };
    host.damaged().keep(&others);
    let may_retire = host.is_caught_up();
    let mut kept = 0;
    let mut left_surplus = false;
    for entry in others {
        let is_surplus = may_retire && kept >= IDLE_KEPT_MAX;
        match visit_one(host, &entry, is_surplus).await {
            // It is visited when its tab leaves it.
            Ok(Visit::Busy) => continue,
            Ok(Visit::Foreign | Visit::Gone) => {}
            Ok(Visit::Kept) => {
                kept += 1;
                left_surplus |= is_surplus;
            }
            // Nobody but the list says of which database a damaged store is.
            Err(error) if error.is_damage() && entry.database_id.is_some() => {
                damage::take_over(host, &entry, &error.to_string()).await;
            }
            Err(error) => {
                warn(&["Replica store ", &entry.store.to_string(), " is left alone"].concat(), &error.to_string());
            }
        }
        host.rounds().agenda.borrow_mut().was_visited(entry);
    }
    left_surplus
}
