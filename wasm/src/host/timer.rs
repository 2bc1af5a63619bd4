//! The engine's one timer.

use std::cell::RefCell;

use bayou_core::Millis;
use gloo::timers::callback::Timeout;

use crate::wait::{Turns, spawn};

/// At most one pending wake-up, for the earliest time asked for.
#[derive(Default)]
pub(super) struct Timer {
    pending: RefCell<Option<(Millis, Pending)>>,
}

enum Pending {
    /// Dropped, it does not wake.
    Later { _timeout: Timeout },
    /// Wakes all the same when it is dropped: a host that has stopped hears of nothing.
    NextTurn,
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
        let pending = if due <= now {
            // Work in steps: a hidden page's timer would come a second later, and a minute later after a while.
            spawn(async move {
                Turns::new().next().await;
                wake();
            });
            Pending::NextTurn
        } else {
            let wait_ms = u32::try_from(due.0 - now.0).unwrap_or(u32::MAX);
            // Browsers read waits beyond 2^31 as none.
            Pending::Later { _timeout: Timeout::new(wait_ms.min(i32::MAX.unsigned_abs()), wake) }
        };
        self.pending.replace(Some((due, pending)));
    }

    /// The wake-up came, or is not wanted any more.
    pub(super) fn clear(&self) {
        self.pending.replace(None);
    }
}
