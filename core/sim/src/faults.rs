//! What can go wrong, each with a counter: a set of runs in which one of them never happened has shown nothing of it.

use core::fmt;
use std::collections::BTreeMap;

macro_rules! faults {
    ($($(#[doc = $doc:literal])+ $name:ident,)+) => {
        /// Something that goes wrong, or at least seldom happens.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Fault {
            $($(#[doc = $doc])+ $name,)+
        }

        impl Fault {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$name,)+];
        }
    };
}

faults! {
    /// A link was lost with frames under way.
    LinkLost,
    /// Two links between the same replicas were up at once, so that what one sends arrives twice and in another order.
    LinkDoubled,
    /// A frame was under way for more than a quarter of a minute, and its link was not given up.
    DelayedLong,
    /// A link carried frames one way only.
    OneWay,
    /// A replica was cut off from all others.
    Partition,
    /// A link was lost again as soon as it had come up.
    Flapping,
    /// A frame arrived damaged.
    FrameDamaged,
    /// A replica crashed between two outputs of one call.
    CrashBetweenOutputs,
    /// A crash lost batches that were given to the storage and not yet confirmed.
    UnstoredLost,
    /// A crash left a batch half stored.
    TornBatch,
    /// The storage failed.
    StorageFailed,
    /// The storage was full for a while.
    StorageFull,
    /// The storage was evicted.
    Evicted,
    /// The storage was set back to an old copy.
    SetBack,
    /// A replica was run twice, from a copy of its storage.
    Cloned,
    /// An id was found to be used twice, and given up.
    IdLost,
    /// A write lost its place to another of the same id.
    Displaced,
    /// The primary crashed.
    PrimaryCrashed,
    /// The primary was paused.
    PrimaryPaused,
    /// The primary role was handed over.
    HandedOver,
    /// The primary role was taken.
    TakenOver,
    /// The primary was restored from an old copy.
    PrimaryRestored,
    /// Commits were made void by a later term.
    CommitsVoided,
    /// A log was truncated while one of its links was up.
    TruncatedInSession,
    /// A state transfer was interrupted.
    TransferInterrupted,
    /// A state transfer was installed.
    TransferInstalled,
    /// A checkpoint was cut by a crash.
    CheckpointCut,
    /// A replica was created by another one than the primary.
    CreatedByTab,
    /// A replica retired.
    Retired,
    /// A replica whose retirement one side knew and the other did not was named when they met \[97 §4.3\].
    RetirementMet,
    /// A creation was refused by the primary.
    CreationRefused,
    /// A write was refused by the primary.
    WriteRefused,
    /// A replica met a database of the same name that is another one.
    OtherDatabase,
    /// A replica held a write of a kind that it does not know.
    UnknownKind,
    /// A commit of a kind that the replica does not know was held back.
    HeldBack,
    /// A stamp was beyond what clocks follow.
    StampLeapt,
    /// A replica's clock of the day was years off.
    ClockOff,
    /// A session was refused for what the replica lacked.
    SessionRefused,
    /// A session waited until the replica had what it lacked.
    SessionWaited,
    /// A session went from one replica to another.
    SessionMoved,
    /// A booking was placed by an alternative.
    Merged,
    /// A booking found no place.
    Reported,
    /// A write was lost with the only storage that held it.
    LostWithStorage,
    /// Committed and tentative order differed.
    Reordered,
}

/// How often each happened.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counters(BTreeMap<Fault, u64>);

impl Counters {
    pub(crate) fn count(&mut self, fault: Fault) {
        *self.0.entry(fault).or_default() += 1;
    }

    /// Adds those of another run.
    pub fn add(&mut self, other: &Self) {
        for (fault, count) in &other.0 {
            *self.0.entry(*fault).or_default() += count;
        }
    }

    /// How often it happened.
    #[must_use]
    pub fn of(&self, fault: Fault) -> u64 {
        self.0.get(&fault).copied().unwrap_or(0)
    }

    /// Those that never happened.
    #[must_use]
    pub fn missing(&self) -> Vec<Fault> {
        Fault::ALL.iter().copied().filter(|fault| self.of(*fault) == 0).collect()
    }
}

impl fmt::Display for Counters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for fault in Fault::ALL {
            writeln!(f, "  {:<22} {}", format!("{fault:?}"), self.of(*fault))?;
        }
        Ok(())
    }
}
