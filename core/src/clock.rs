//! The logical clock that accept stamps come from.

use crate::{limits::STAMP_JUMP_MAX, stamp::Stamp};

/// A counter that runs ahead of every stamp seen, so that a new write is ordered after all that its accepter knew.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Clock(Stamp);

impl Clock {
    pub(crate) const fn stamp(self) -> Stamp {
        self.0
    }

    /// The stamp for a new write; `None` once the counter is exhausted.
    pub(crate) fn tick(&mut self) -> Option<Stamp> {
        self.0 = self.0.next()?;
        Some(self.0)
    }

    /// Takes note of a stamp that this replica gave out itself.
    pub(crate) fn pass(&mut self, own: Stamp) {
        self.0 = self.0.max(own);
    }

    /// Takes note of a received stamp. One from an absurd future is ordered as it stands but is not followed: a single
    /// hostile write must not use up the counter of every replica.
    pub(crate) fn observe(&mut self, received: Stamp) {
        if received.get().saturating_sub(self.0.get()) <= STAMP_JUMP_MAX {
            self.0 = self.0.max(received);
        }
    }
}
