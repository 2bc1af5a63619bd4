//! Faults that the simulator plants in the engine to show that it finds them.
//!
//! Without the feature `sim` there are none: what is asked here is answered with "no" when the engine is compiled.

/// A mistake that an implementation of Bayou may well make.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[cfg_attr(not(feature = "sim"), allow(dead_code, reason = "most are named where they are planted only"))]
#[cfg_attr(not(feature = "sim"), allow(unreachable_pub, reason = "it is public where the simulator is"))]
pub enum Bug {
    /// Frames and events go out before what they reveal is stored.
    SpeakBeforePersist,
    /// Acknowledgements alone go out before what they acknowledge is stored.
    AcknowledgeBeforePersist,
    /// A restarted replica does not move its clock past its own stamps.
    StampReuseAfterRestart,
    /// A replica takes the order of stamps for the order of commits.
    CommitByStamp,
    /// Of a rollback the last write's effects stay.
    UndoSkipped,
    /// The vector rises with what a peer says that it holds.
    VectorFromAnnouncement,
    /// An absent entry means that a replica is not known, never that it has retired.
    PlainVectors,
    /// A replica's creation takes effect on vectors only if it is not refused.
    VectorEffectsOnExecution,
    /// A state transfer takes the data as of the sender's last commit, and says that it is as of the omitted one.
    TransferAtCsn,
    /// A state transfer replaces all writes that the receiver holds.
    TransferDropsTentative,
    /// A state transfer does not move the receiver's clock.
    TransferLeavesClock,
    /// Truncation forgets what became of the writes.
    OutcomeLostInTruncation,
    /// Who has handed the primary role over goes on giving out commits.
    TwoPrimaries,
    /// A primary restored from an old copy goes on in its old term.
    CsnReuseAfterRestore,
    /// Live mode follows the log instead of the arrivals.
    LiveCursorInLogOrder,
    /// A commit notification is believed although another write is held under the id.
    NotificationWithoutDigest,
    /// A write is committed although an earlier one of its accepter is not.
    CommitOvertakes,
    /// Data is taken that covers writes of one's own whose outcome its sender does not know any more.
    OutcomesNotAwaited,
    /// Commits of a term that is over are taken.
    OldTermAccepted,
    /// Commits that a later term made void keep their effects.
    VoidedKeepEffects,
    /// A write that lost its place takes effect each time it is offered again.
    AgainTwice,
    /// A write that lost its place is not offered again.
    LostNotOffered,
    /// A replica goes on under an id of which others know more than it does.
    ForkedIdKept,
    /// A retired replica's storage is given up before another replica is known to hold its retirement.
    RetiredTooEarly,
    /// The batches before a checkpoint are given up before its end is stored.
    ForgottenBeforeCheckpoint,
    /// The primary leaves a write that it refuses without a place.
    RefusedWithoutCsn,
    /// Sessions are let in whatever they lack.
    SessionsIgnored,
    /// A pause is forgotten by a restart.
    PauseForgotten,
}

#[cfg(feature = "sim")]
impl Bug {
    /// All of them.
    pub const ALL: [Self; 28] = [
        Self::SpeakBeforePersist,
        Self::AcknowledgeBeforePersist,
        Self::StampReuseAfterRestart,
        Self::CommitByStamp,
        Self::UndoSkipped,
        Self::VectorFromAnnouncement,
        Self::PlainVectors,
        Self::VectorEffectsOnExecution,
        Self::TransferAtCsn,
        Self::TransferDropsTentative,
        Self::TransferLeavesClock,
        Self::OutcomeLostInTruncation,
        Self::TwoPrimaries,
        Self::CsnReuseAfterRestore,
        Self::LiveCursorInLogOrder,
        Self::NotificationWithoutDigest,
        Self::CommitOvertakes,
        Self::OutcomesNotAwaited,
        Self::OldTermAccepted,
        Self::VoidedKeepEffects,
        Self::AgainTwice,
        Self::LostNotOffered,
        Self::ForkedIdKept,
        Self::RetiredTooEarly,
        Self::ForgottenBeforeCheckpoint,
        Self::RefusedWithoutCsn,
        Self::SessionsIgnored,
        Self::PauseForgotten,
    ];
}

#[cfg(feature = "sim")]
mod switches {
    use core::cell::Cell;

    use super::Bug;

    std::thread_local! {
        static PLANTED: Cell<Option<Bug>> = const { Cell::new(None) };
        static NEWER: Cell<bool> = const { Cell::new(false) };
    }

    /// Plants a bug in all replicas of this thread, or none.
    pub fn plant(bug: Option<Bug>) {
        PLANTED.set(bug);
    }

    /// Whether the replicas of this thread run, from now on, a program that is one version newer.
    pub fn set_newer(newer: bool) {
        NEWER.set(newer);
    }

    pub(crate) fn is(bug: Bug) -> bool {
        PLANTED.get() == Some(bug)
    }

    pub(crate) fn is_newer() -> bool {
        NEWER.get()
    }
}

#[cfg(feature = "sim")]
pub(crate) use self::switches::{is, is_newer};
#[cfg(feature = "sim")]
pub use self::switches::{plant, set_newer};

/// Whether this bug is planted.
#[cfg(not(feature = "sim"))]
pub(crate) const fn is(_: Bug) -> bool {
    false
}

/// Whether this program is to know what is one version newer.
#[cfg(not(feature = "sim"))]
pub(crate) const fn is_newer() -> bool {
    false
}
