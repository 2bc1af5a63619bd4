//! What is to happen in a run: a list of steps that follows from the seed alone.
//!
//! Each step is carried out as well as it can be on whatever it finds, so that a plan without some of its steps is a plan,
//! too, and a failure can be shrunk to those that matter.

use crate::dice::Dice;

/// A choice among what there is when the step is taken.
pub(crate) type Pick = u64;

/// What is drawn once for a run.
#[derive(Clone, Debug)]
pub(crate) struct Setup {
    pub(crate) tabs: u64,
    /// A second server, which keeps a long log as the first does.
    pub(crate) second_relay: bool,
    /// Tabs of one browser reach each other without a relay.
    pub(crate) nearby: bool,
    pub(crate) delay_ms_max: u64,
    pub(crate) store_ms_max: u64,
    pub(crate) rooms: u64,
    /// The primary asks rules before it commits.
    pub(crate) rights: bool,
    /// Some tabs run a program that is one version newer.
    pub(crate) newer: bool,
}

#[derive(Clone, Debug)]
pub(crate) struct Step {
    /// Milliseconds after the step before it.
    pub(crate) after_ms: u64,
    pub(crate) action: Action,
    pub(crate) pick: Pick,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Action {
    Book,
    Cancel,
    Write,
    WriteNewer,
    SessionRead,
    SessionWrite,
    SessionMove,
    SessionWait,
    Cut,
    CutInMidFrame,
    Isolate,
    OneWay,
    Slow,
    Flap,
    Double,
    Damage,
    Crash,
    CrashBetweenOutputs,
    StorageFails,
    StorageFull,
    Evict,
    BackUp,
    SetBack,
    Clone,
    PausePrimary,
    ResumePrimary,
    CrashPrimary,
    Consent,
    HandOver,
    TakeOver,
    RestorePrimary,
    Truncate,
    Checkpoint,
    Join,
    Retire,
    RetireThroughOne,
    RetireIntoCrash,
    OtherDatabase,
    LeapStamp,
    LeapClock,
    Upgrade,
}

/// How often each is drawn, where it is drawn at all.
const WEIGHTS: &[(Action, u64)] = &[
    (Action::Book, 60),
    (Action::Cancel, 12),
    (Action::Write, 30),
    (Action::WriteNewer, 8),
    (Action::SessionRead, 12),
    (Action::SessionWrite, 12),
    (Action::SessionMove, 10),
    (Action::SessionWait, 6),
    (Action::Cut, 14),
    (Action::CutInMidFrame, 10),
    (Action::Isolate, 8),
    (Action::OneWay, 5),
    (Action::Slow, 5),
    (Action::Flap, 4),
    (Action::Double, 5),
    (Action::Damage, 4),
    (Action::Crash, 10),
    (Action::CrashBetweenOutputs, 12),
    (Action::StorageFails, 5),
    (Action::StorageFull, 3),
    (Action::Evict, 3),
    (Action::BackUp, 8),
    (Action::SetBack, 4),
    (Action::Clone, 3),
    (Action::PausePrimary, 5),
    (Action::ResumePrimary, 8),
    (Action::CrashPrimary, 5),
    (Action::Consent, 4),
    (Action::HandOver, 6),
    (Action::TakeOver, 2),
    (Action::RestorePrimary, 3),
    (Action::Truncate, 16),
    (Action::Checkpoint, 8),
    (Action::Join, 5),
    (Action::Retire, 5),
    (Action::RetireThroughOne, 4),
    (Action::RetireIntoCrash, 4),
    (Action::OtherDatabase, 2),
    (Action::LeapStamp, 2),
    (Action::LeapClock, 2),
    (Action::Upgrade, 5),
];

/// What every run does, whatever else is left out.
const ALWAYS: &[Action] = &[Action::Book, Action::Write];

#[derive(Clone, Debug)]
pub(crate) struct Plan {
    pub(crate) seed: u64,
    pub(crate) setup: Setup,
    pub(crate) steps: Vec<Step>,
}

impl Plan {
    pub(crate) fn of(seed: u64) -> Self {
        let mut dice = Dice::of(seed, &[0]);
        let setup = Setup {
            tabs: dice.between(2, 4),
            second_relay: dice.one_in(3),
            nearby: dice.one_in(2),
            delay_ms_max: *dice.pick(&[0, 5, 50, 400]),
            store_ms_max: *dice.pick(&[0, 2, 20, 200]),
            rooms: dice.between(1, 2),
            rights: dice.one_in(3),
            newer: dice.one_in(4),
        };
        // Not everything goes wrong in every run: what is left out cannot hide what is left in.
        let share = dice.between(2, 10);
        let chosen = |(action, weight): &(Action, u64), dice: &mut Dice| {
            (ALWAYS.contains(action) || dice.below(10) < share).then_some((*action, *weight))
        };
        let weights: Vec<(Action, u64)> = WEIGHTS.iter().filter_map(|entry| chosen(entry, &mut dice)).collect();
        let total = weights.iter().map(|(_, weight)| weight).sum();
        let pace_ms = *dice.pick(&[20, 200, 1_500]);
        let count = dice.between(15, 70);
        let step = |_| {
            let mut at = dice.below(total);
            let drawn = weights.iter().find(|(_, weight)| {
                let here = at < *weight;
                at = at.saturating_sub(*weight);
                here
            });
            let action = drawn.map_or(Action::Book, |(action, _)| *action);
            Step { after_ms: dice.below(pace_ms), action, pick: dice.next() }
        };
        let steps = (0..count).map(step).collect();
        Self { seed, setup, steps }
    }
}
