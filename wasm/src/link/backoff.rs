//! When to try again: exponential backoff with jitter, so that a relay that comes back is not met by all tabs at once.

const FIRST_MS: u32 = 500;
const MAX_MS: u32 = 15_000;

/// The wait before the next attempt, which grows from failure to failure. A session that came about starts a new one.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Backoff {
    failures: u32,
}

impl Backoff {
    /// The wait after one more failure: between half and the whole of 0.5 s, 1 s, 2 s, ... 15 s.
    ///
    /// `draw` gives an even draw from zero to its argument.
    pub(super) fn next_ms(&mut self, draw: impl FnOnce(u32) -> u32) -> u32 {
        let whole = FIRST_MS.saturating_mul(1 << self.failures.min(10)).min(MAX_MS);
        self.failures = self.failures.saturating_add(1);
        whole / 2 + draw(whole / 2)
    }

    /// The wait before a session that is to be begun anew, for no fault of either side: none, unless it has just happened.
    pub(super) fn next_anew_ms(&mut self, draw: impl FnOnce(u32) -> u32) -> u32 {
        let wait_ms = self.next_ms(draw);
        if self.failures > 1 { wait_ms } else { 0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_up_to_a_bound() {
        let mut backoff = Backoff::default();
        let longest: Vec<u32> = (0..8).map(|_| backoff.next_ms(|max| max)).collect();
        assert_eq!(longest, [500, 1_000, 2_000, 4_000, 8_000, 15_000, 15_000, 15_000]);
        assert_eq!(Backoff::default().next_ms(|_| 0), 250);
    }

    #[test]
    fn a_session_is_begun_anew_at_once_but_not_again_and_again() {
        let mut backoff = Backoff::default();
        let waits: Vec<u32> = (0..3).map(|_| backoff.next_anew_ms(|max| max)).collect();
        assert_eq!(waits, [0, 1_000, 2_000]);
        let mut backoff = Backoff::default();
        backoff.next_ms(|max| max);
        assert_eq!(backoff.next_anew_ms(|max| max), 1_000, "the relay cannot be reached just now");
    }
}
