//! A host: a replica with its disk, and what the host knows of itself.

use bayou_core::{Options, Replica, ReplicaId};

use crate::disk::Disk;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A server, with a long log.
    Relay,
    /// A tab, with a short one.
    Tab,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    Running,
    /// It comes back by itself.
    Down,
    /// It has retired, and its storage is deleted; or it never was.
    Gone,
}

#[derive(Debug)]
pub(crate) struct Node {
    pub(crate) kind: Kind,
    pub(crate) state: State,
    /// There while it runs.
    pub(crate) replica: Option<Replica>,
    pub(crate) disk: Disk,
    pub(crate) browser: u64,
    /// Rises with each start: what was meant for an earlier one is void.
    pub(crate) life: u64,
    pub(crate) options: Options,
    /// It runs a program that is one version newer.
    pub(crate) newer: bool,
    /// What its clock of the day is ahead.
    pub(crate) clock_ahead_ms: u64,
    /// It crashes once it has carried out so many further outputs.
    pub(crate) crash_in: Option<u64>,
    /// When its next timer goes off.
    pub(crate) timer_at: Option<u64>,
    /// When the last batch under way is stored.
    pub(crate) stored_at: u64,
    /// A checkpoint has begun and not ended.
    pub(crate) in_checkpoint: bool,
    /// It led when its storage was set back, and has not started since.
    pub(crate) was_set_back_as_primary: bool,
    /// It holds another database of the same name.
    pub(crate) is_other_database: bool,
    /// The ids that it has had.
    pub(crate) ids: Vec<ReplicaId>,
}

impl Node {
    pub(crate) fn new(kind: Kind, browser: u64, newer: bool) -> Self {
        Self {
            kind,
            state: State::Running,
            replica: None,
            disk: Disk::default(),
            browser,
            life: 0,
            options: Options { ping_interval_ms: 8_000, silence_ms_max: 25_000, keeps_outcomes: kind == Kind::Relay },
            newer,
            clock_ahead_ms: 0,
            crash_in: None,
            timer_at: None,
            stored_at: 0,
            in_checkpoint: false,
            was_set_back_as_primary: false,
            is_other_database: false,
            ids: Vec::new(),
        }
    }

    pub(crate) fn id(&self) -> Option<&ReplicaId> {
        self.replica.as_ref().and_then(Replica::id)
    }

    pub(crate) fn is_running(&self) -> bool {
        self.state == State::Running
    }
}
