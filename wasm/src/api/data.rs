//! What the page is given, as plain data.

use bayou_core::{Branch, WriteStatus};
use serde::Serialize;
use tsify::{Ts, Tsify};
use wasm_bindgen::JsValue;

use crate::{host, link};

/// Plain data as the page gets it.
pub(super) fn plain<T: Tsify + Serialize>(data: &T) -> Ts<T> {
    // Only numbers beyond 2^53 could fail: stamps and CSNs stay below, and minutes are floats in these types.
    data.into_ts().expect("plain data can be converted")
}

/// Where the link to the relay stands.
#[derive(Serialize, Tsify)]
#[serde(tag = "kind", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum LinkState {
    /// Switched off, or closed because the replica stopped.
    Off,
    /// On the way.
    Connecting,
    /// Both sides have said who they are, and fit.
    Open {
        /// The relay has sent all it held when the link came up.
        caught_up: bool,
    },
    /// The next attempt comes later.
    Waiting {
        /// When, in `Date.now()` milliseconds.
        retry_at: f64,
        /// What went wrong, as a sentence.
        reason: String,
    },
    /// The two sides do not fit; trying again by itself would not help.
    Refused {
        /// The WebSocket close code; zero if the browser forbids the connection.
        code: u16,
        /// Why and what to do, as a sentence.
        reason: String,
    },
}

impl From<link::LinkState> for LinkState {
    fn from(state: link::LinkState) -> Self {
        match state {
            link::LinkState::Off => Self::Off,
            link::LinkState::Connecting => Self::Connecting,
            link::LinkState::Open { caught_up } => Self::Open { caught_up },
            link::LinkState::Waiting { retry_at, reason } => Self::Waiting { retry_at, reason },
            link::LinkState::Refused(refusal) => Self::Refused { code: refusal.code, reason: refusal.to_string() },
        }
    }
}

/// Why writing has stopped.
#[derive(Clone, Copy, Serialize, Tsify)]
#[serde(rename_all = "kebab-case")]
pub enum FailureKind {
    /// Saving failed.
    Storage,
    /// There is no room left.
    StorageFull,
    /// What had been saved was cleared or evicted.
    StorageLost,
    /// A newer version of the page has changed what is stored.
    StorageNewer,
    /// Tabs with another version of the page keep what is stored from being opened.
    StorageBlocked,
    /// There is no storage at all.
    StorageUnavailable,
    /// The page has no secure context.
    Insecure,
    /// The relay would never take what is written here.
    Refused,
    /// The engine met a defect of its own and stopped.
    Trap,
}

impl From<host::FailureKind> for FailureKind {
    fn from(kind: host::FailureKind) -> Self {
        match kind {
            host::FailureKind::Storage => Self::Storage,
            host::FailureKind::StorageFull => Self::StorageFull,
            host::FailureKind::StorageLost => Self::StorageLost,
            host::FailureKind::StorageNewer => Self::StorageNewer,
            host::FailureKind::StorageBlocked => Self::StorageBlocked,
            host::FailureKind::StorageUnavailable => Self::StorageUnavailable,
            host::FailureKind::Insecure => Self::Insecure,
            host::FailureKind::Refused => Self::Refused,
            host::FailureKind::Trap => Self::Trap,
        }
    }
}

/// Writing has stopped, for as long as this page lives. What was saved is kept, and reading goes on.
#[derive(Serialize, Tsify)]
pub struct Failure {
    /// Of which kind.
    pub kind: FailureKind,
    /// What happened and what to do, for a person.
    pub message: String,
}

impl From<&host::Failure> for Failure {
    fn from(failure: &host::Failure) -> Self {
        Self { kind: failure.kind.into(), message: failure.message.clone() }
    }
}

/// How far the writes have come.
#[derive(Serialize, Tsify)]
#[serde(rename_all = "camelCase")]
pub struct Summary {
    /// Writes of this replica that are not on this device's storage yet.
    pub saving: usize,
    /// The application's tentative writes that no replica outside this browser is known to hold.
    pub only_here: usize,
    /// The application's writes that are not committed, the former included.
    pub tentative: usize,
    /// Writes that are.
    pub csn: u64,
    /// How many more the relay and other tabs hold, as far as they have told.
    pub to_come: u64,
    /// Where the data comes in place of them: how many tuples of it have arrived.
    pub arrived: usize,
    /// The primary gives out no commits at present.
    pub commits_paused: bool,
    /// What is being taken over from a replica that belongs to no tab.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[tsify(optional)]
    pub taking_over: Option<TakingOver>,
}

/// How far the writes of a replica that belongs to no tab have come into this one.
#[derive(Serialize, Tsify)]
pub struct TakingOver {
    /// How many of the application's writes this replica lacked when it began.
    pub writes: usize,
    /// How many of them it still lacks.
    pub left: usize,
}

impl Summary {
    pub(super) fn new(summary: &bayou_core::Summary, taking_over: Option<(usize, usize)>) -> Self {
        Self {
            saving: summary.saving,
            only_here: summary.only_here,
            tentative: summary.tentative,
            csn: summary.csn.get(),
            to_come: summary.to_come,
            arrived: summary.arrived,
            commits_paused: summary.commits_paused,
            taking_over: taking_over.map(|(writes, left)| TakingOver { writes, left }),
        }
    }
}

/// What was applied of a write.
#[derive(Clone, Copy, Serialize, Tsify)]
#[serde(rename_all = "camelCase")]
pub enum OutcomeResult {
    /// The update set.
    Applied,
    /// An alternative.
    Merged,
    /// Nothing fitted: it stands in the error log.
    Reported,
    /// The primary refused it.
    Refused,
    /// Nothing: it is a lost write that had been offered again before.
    Duplicate,
    /// Not known here: the write is of a newer version, or its outcome was not kept when the log was truncated.
    Unknown,
}

/// What became of a write; of a tentative one, what would become of it at present.
#[derive(Clone, Serialize, Tsify)]
pub struct Outcome {
    /// What was applied.
    pub result: OutcomeResult,
    /// Which alternative, from 0.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[tsify(optional)]
    pub alternative: Option<u16>,
    /// Its position in the committed order, once it has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[tsify(optional)]
    pub csn: Option<u64>,
    /// Why not the update set.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[tsify(optional)]
    pub reason: Option<String>,
}

impl Outcome {
    pub(crate) fn new(outcome: &bayou_core::Outcome, csn: Option<u64>) -> Self {
        let (result, alternative) = match outcome.branch {
            Branch::Update => (OutcomeResult::Applied, None),
            Branch::Alternative(index) => (OutcomeResult::Merged, Some(index)),
            Branch::Reported => (OutcomeResult::Reported, None),
            Branch::Refused => (OutcomeResult::Refused, None),
            Branch::Duplicate => (OutcomeResult::Duplicate, None),
            Branch::Unknown => (OutcomeResult::Unknown, None),
        };
        let reasons: Vec<String> = outcome.attempts.iter().map(|attempt| attempt.conflict.to_string()).collect();
        let reason = (!reasons.is_empty()).then(|| reasons.join("; "));
        Self { result, alternative, csn, reason }
    }

    /// The outcome in a status, if it is known here.
    fn of(status: &WriteStatus) -> Option<Self> {
        status.outcome.as_ref().map(|outcome| Self::new(outcome, status.csn.map(bayou_core::Csn::get)))
    }
}

/// The outcome as a promise for it is settled with.
pub(crate) fn outcome_to_js(status: &WriteStatus) -> JsValue {
    let csn = status.csn.map(bayou_core::Csn::get);
    let unknown = Outcome { result: OutcomeResult::Unknown, alternative: None, csn, reason: None };
    plain(&Outcome::of(status).unwrap_or(unknown)).into()
}

/// What is known of a write.
#[derive(Serialize, Tsify)]
#[serde(rename_all = "camelCase")]
#[tsify(rename = "WriteStatus")]
pub struct Status {
    /// It is on this device's storage.
    pub saved: bool,
    /// A replica outside this browser has it on its storage, as far as is known here.
    pub known_elsewhere: bool,
    /// It is committed.
    pub committed: bool,
    /// It is committed, and the log was truncated beyond it.
    pub omitted: bool,
    /// Its position in the committed order, once it has one; of a write that the log was truncated beyond, only where it
    /// was kept.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[tsify(optional)]
    pub csn: Option<u64>,
    /// What became of it, or would at present; of a write that the log was truncated beyond, only where it was kept.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[tsify(optional)]
    pub outcome: Option<Outcome>,
}

impl From<WriteStatus> for Status {
    fn from(status: WriteStatus) -> Self {
        Self {
            saved: status.saved,
            known_elsewhere: status.known_elsewhere,
            committed: status.is_committed(),
            omitted: status.omitted,
            csn: status.csn.map(bayou_core::Csn::get),
            outcome: Outcome::of(&status),
        }
    }
}
