//! How much of each log a relay keeps, and when it writes what is stored anew: decisions alone, from numbers.

use std::{collections::VecDeque, time::Duration};

use bayou_core::{Csn, LogSize};

/// What a relay keeps of each database's log. A replica that was away for longer than the log reaches back gets the data
/// instead of the writes: that costs more bytes, and nothing else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retention {
    /// Commits that a log may hold. Beyond it a quarter is truncated, so that not every commit truncates one.
    pub commits_max: usize,
    /// Bytes of these commits' bodies, likewise.
    pub bytes_max: usize,
    /// How old a commit in the log may become; `None`: as old as it likes. A relay knows no age from before its own start,
    /// so a restart makes commits younger.
    pub age_max: Option<Duration>,
    /// What is stored may be so many times as large as what a replica needs, which is its data with its log, before it is
    /// written anew.
    pub stored_per_needed_max: u64,
    /// Stores smaller than this are left alone.
    pub stored_bytes_min: u64,
}

impl Default for Retention {
    fn default() -> Self {
        Self {
            commits_max: 100_000,
            bytes_max: 64 * 1024 * 1024,
            age_max: None,
            stored_per_needed_max: 4,
            stored_bytes_min: 16 * 1024 * 1024,
        }
    }
}

/// What a stored write costs beside its body, with its commit, as an estimate.
const RECORD_BYTES: u64 = 64;

impl Retention {
    /// Through which commit a log is to be truncated, if at all. It ends with the commit `csn`; `expired` is the last one
    /// that is too old.
    #[must_use]
    pub fn truncate_through(&self, csn: Csn, size: &LogSize, expired: Csn) -> Option<Csn> {
        let (committed, bytes) = (size.committed as u64, size.committed_bytes as u64);
        let (commits_max, bytes_max) = (self.commits_max as u64, self.bytes_max as u64);
        let mut kept = committed;
        if committed > commits_max {
            kept = commits_max - commits_max / 4;
        }
        if bytes > bytes_max {
            // As if all were equally large; if the last ones are larger, the next look truncates more.
            let share = u128::from(committed) * u128::from(bytes_max - bytes_max / 4) / u128::from(bytes);
            kept = kept.min(u64::try_from(share).unwrap_or(kept));
        }
        let through = Csn::new(csn.get() - kept)?.max(expired);
        (through.get() > csn.get() - committed).then_some(through)
    }

    /// Whether what is stored is to be written anew. `data_bytes` is what the data takes as of the beginning of the log.
    #[must_use]
    pub fn wants_checkpoint(&self, stored_bytes: u64, data_bytes: u64, size: &LogSize) -> bool {
        let needed = data_bytes.saturating_add(log_bytes(size));
        stored_bytes >= self.stored_bytes_min && stored_bytes > needed.saturating_mul(self.stored_per_needed_max)
    }

    /// How many commits, or bytes stored, may come before it is worth while to measure the log again.
    #[must_use]
    pub const fn look_after(&self) -> (u64, u64) {
        let smaller =
            if (self.bytes_max as u64) < self.stored_bytes_min { self.bytes_max as u64 } else { self.stored_bytes_min };
        (self.commits_max as u64 / 64, smaller / 16)
    }
}

/// What a log takes in a store, as an estimate.
pub(crate) fn log_bytes(size: &LogSize) -> u64 {
    (size.committed_bytes + size.tentative_bytes) as u64 + RECORD_BYTES * (size.committed + size.tentative) as u64
}

/// When commits were first seen, coarsely.
#[derive(Debug, Default)]
pub(crate) struct Ages {
    /// At this time, counted from the start of the relay, so far was committed.
    seen: VecDeque<(Duration, Csn)>,
    expired: Csn,
}

impl Ages {
    /// An age is known to this part of the greatest.
    const PARTS: u32 = 16;

    /// Notes how far is committed, and tells which commit is the last that is older than `age_max`.
    pub(crate) fn expired(&mut self, now: Duration, csn: Csn, age_max: Duration) -> Csn {
        let grown = self.seen.back().is_none_or(|(_, last)| *last < csn);
        let due = self.seen.back().is_none_or(|(at, _)| *at + age_max / Self::PARTS <= now);
        if grown && due {
            self.seen.push_back((now, csn));
        }
        while let Some((_, csn)) = self.seen.pop_front_if(|(at, _)| *at + age_max < now) {
            self.expired = csn;
        }
        self.expired
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SMALL: Retention = Retention {
        commits_max: 100,
        bytes_max: 10_000,
        age_max: None,
        stored_per_needed_max: 4,
        stored_bytes_min: 1_000,
    };

    fn size(committed: usize, committed_bytes: usize) -> LogSize {
        LogSize { committed, committed_bytes, tentative: 0, tentative_bytes: 0, outcomes: 0 }
    }

    fn csn(csn: u64) -> Csn {
        Csn::new(csn).unwrap()
    }

    #[test]
    fn a_log_within_its_limits_is_left_alone() {
        for (committed, bytes) in [(0, 0), (1, 10_000), (100, 10_000)] {
            assert_eq!(SMALL.truncate_through(csn(1_000), &size(committed, bytes), Csn::ZERO), None);
        }
    }

    #[test]
    fn a_log_with_too_many_commits_keeps_three_quarters_of_the_limit() {
        assert_eq!(SMALL.truncate_through(csn(1_000), &size(101, 101), Csn::ZERO), Some(csn(925)));
        assert_eq!(SMALL.truncate_through(csn(1_000), &size(1_000, 1_000), Csn::ZERO), Some(csn(925)));
    }

    #[test]
    fn a_log_with_too_many_bytes_keeps_three_quarters_of_the_limit() {
        assert_eq!(SMALL.truncate_through(csn(50), &size(50, 15_000), Csn::ZERO), Some(csn(25)));
        assert_eq!(SMALL.truncate_through(csn(1), &size(1, 15_000), Csn::ZERO), Some(csn(1)));
    }

    #[test]
    fn what_is_too_old_goes_whatever_else_holds() {
        assert_eq!(SMALL.truncate_through(csn(50), &size(50, 100), csn(30)), Some(csn(30)));
        assert_eq!(SMALL.truncate_through(csn(50), &size(20, 100), csn(30)), None, "it has gone before");
        assert_eq!(SMALL.truncate_through(csn(1_000), &size(101, 101), csn(990)), Some(csn(990)));
    }

    #[test]
    fn a_limit_of_nothing_keeps_nothing() {
        let nothing = Retention { commits_max: 0, bytes_max: 0, ..SMALL };
        assert_eq!(nothing.truncate_through(csn(7), &size(7, 70), Csn::ZERO), Some(csn(7)));
        assert_eq!(nothing.truncate_through(csn(7), &size(0, 0), Csn::ZERO), None);
    }

    #[test]
    fn a_store_is_written_anew_when_most_of_it_is_not_needed() {
        let log = size(10, 360);
        assert!(!SMALL.wants_checkpoint(8_000, 1_000, &log), "four times what is needed");
        assert!(SMALL.wants_checkpoint(8_001, 1_000, &log));
        assert!(!SMALL.wants_checkpoint(999, 0, &size(0, 0)), "too small to matter");
    }

    #[test]
    fn commits_expire_when_they_were_seen_long_enough_ago() {
        let mut ages = Ages::default();
        let day = |days: u64| Duration::from_secs(days * 24 * 60 * 60);
        let age_max = day(16);
        assert_eq!(ages.expired(day(0), csn(5), age_max), Csn::ZERO);
        assert_eq!(ages.expired(day(1), csn(7), age_max), Csn::ZERO);
        assert_eq!(ages.expired(day(16), csn(9), age_max), Csn::ZERO);
        assert_eq!(ages.expired(day(17), csn(9), age_max), csn(5));
        assert_eq!(ages.expired(day(18), csn(9), age_max), csn(7));
        assert_eq!(ages.expired(day(30), csn(9), age_max), csn(7), "what is told stays told");
        assert_eq!(ages.expired(day(33), csn(9), age_max), csn(9));
    }
}
