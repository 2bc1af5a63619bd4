//! The time for the engine: that in which this page was awake.
//!
//! Browsers let the timers of hidden pages wait, a minute and more, and stop pages altogether. While a page's own timer is
//! late the page has not listened either: others that were not heard meanwhile have not been silent. So time stands still
//! from a little after the moment for which the timer was set, until the timer is served.

use std::cell::Cell;

use bayou_core::Millis;

/// A timer that is late by no more than this is on time.
const GRACE_MS: u64 = 1_000;

#[derive(Debug, Default)]
pub(super) struct AwakeClock {
    /// Time that has passed and does not count.
    slept_ms: Cell<u64>,
}

impl AwakeClock {
    /// The time, when the page's clock shows `real`, and the timer is set for `due` or not at all.
    pub(super) fn now(&self, real: Millis, due: Option<Millis>) -> Millis {
        let now = real.0.saturating_sub(self.slept_ms.get());
        let latest = due.map_or(now, |due| due.0.saturating_add(GRACE_MS));
        self.slept_ms.set(self.slept_ms.get() + now.saturating_sub(latest));
        Millis(now.min(latest))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_passes_while_the_timer_is_on_time() {
        let clock = AwakeClock::default();
        let times = [(1_000, None), (5_000, Some(4_500)), (9_000, Some(20_000))];
        let shown = times.map(|(real, due)| clock.now(Millis(real), due.map(Millis)).0);
        assert_eq!(shown, [1_000, 5_000, 9_000]);
    }

    #[test]
    fn what_a_page_slept_through_does_not_count() {
        let clock = AwakeClock::default();
        assert_eq!(clock.now(Millis(60_000), Some(Millis(8_000))), Millis(9_000), "the timer came 52 s late");
        assert_eq!(clock.now(Millis(60_500), Some(Millis(17_000))), Millis(9_500));
        assert_eq!(clock.now(Millis(61_000), None), Millis(10_000));
    }

    #[test]
    fn time_stands_still_until_a_late_timer_is_served() {
        let clock = AwakeClock::default();
        let shown = [20_000, 30_000, 40_000].map(|real| clock.now(Millis(real), Some(Millis(8_000))).0);
        assert_eq!(shown, [9_000; 3]);
    }
}
