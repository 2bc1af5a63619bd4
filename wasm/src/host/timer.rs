//! The engine's one timer.

use std::cell::RefCell;

use bayou_core::Millis;
use gloo::timers::callback::Timeout;

/// At most one pending wake-up, for the earliest time asked for.
#[derive(Default)]
pub(super) struct Timer {
    pending: RefCell<Option<(Millis, Timeout)>>,
}

impl Timer {
    /// When the wake-up is due.
    pub(super) fn due(&self) -> Option<Millis> {
        self.pending.borrow().as_ref().map(|(due, _)| *due)
    }

    /// Sees to it that `wake` is called at `due` or before; a wake-up for an earlier time that is no longer wanted
    /// costs less than to replace the browser's timer after every frame.
    pub(super) fn set(&self, now: Millis, due: Option<Millis>, wake: impl FnOnce() + 'static) {
        let Some(due) = due else { return };
        let covered = self.pending.borrow().as_ref().is_some_and(|(at, _)| *at <= due);
        if covered {
            return;
        }
        let wait_ms = u32::try_from(due.0.saturating_sub(now.0)).unwrap_or(u32::MAX);
        // Browsers read waits beyond 2^31 as none.
        let timeout = Timeout::new(wait_ms.min(i32::MAX.unsigned_abs()), wake);
        self.pending.replace(Some((due, timeout)));
    }

    /// The wake-up came, or is not wanted any more.
    pub(super) fn clear(&self) {
        self.pending.replace(None);
    }
}
