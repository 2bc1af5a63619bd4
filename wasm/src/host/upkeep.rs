//! How short a tab keeps its log, and when it writes what is stored anew: decisions alone, from numbers.
//!
//! A tab has the relay to ask for what it lacks and hardly anybody asks it, so that a short log is enough; and what it
//! stores is read whenever it is opened, so that it pays to keep that small.

use bayou_core::{Csn, LogSize};

/// Commits that the log may hold. Beyond it, half are truncated.
const COMMITS_MAX: usize = 2_000;
/// So many are truncated at a time, which takes some milliseconds.
const TRUNCATED_AT_ONCE: usize = 1_000;
/// Bytes of these commits' bodies, likewise.
const COMMITTED_BYTES_MAX: usize = 2 * 1024 * 1024;
/// So much that is stored and not needed is read in no time.
const SURPLUS_BYTES_MIN: usize = 1024 * 1024;
/// To replay a byte of the log takes about so many times as long as to read a byte of data: as long as there is less
/// surplus than this part of the data, it does not make opening much slower.
const DATA_PER_SURPLUS: usize = 8;
/// While much arrives, data is not written anew all the time: the surplus may be so many times what is needed.
const SURPLUS_PER_NEEDED_MAX: usize = 2;
/// What a stored write costs beside its body, with its commit, as an estimate.
const RECORD_BYTES: usize = 64;

/// What is to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Chore {
    /// The log is too long.
    Truncate { through: Csn },
    /// Most of what is stored is not needed.
    Checkpoint,
}

/// What is stored of one replica, counted as batches come and go.
#[derive(Debug)]
pub(super) struct Upkeep {
    stored_bytes: usize,
    /// Of these, what the data took at the last checkpoint.
    data_bytes: usize,
    /// What was stored when the checkpoint began that is under way.
    before_checkpoint: Option<usize>,
}

impl Upkeep {
    /// For a replica whose batches take so many bytes. Its log reaches back to the last checkpoint: what is no part of it
    /// is data.
    pub(super) fn new(stored_bytes: usize, log: &LogSize) -> Self {
        let data_bytes = stored_bytes.saturating_sub(log_bytes(log));
        Self { stored_bytes, data_bytes, before_checkpoint: None }
    }

    pub(super) fn stored(&mut self, bytes: usize) {
        self.stored_bytes += bytes;
    }

    /// What is due for a log that ends with this commit; `is_catching_up` while much is still to come.
    pub(super) fn chore(&self, csn: Csn, log: &LogSize, is_catching_up: bool) -> Option<Chore> {
        if log.committed > COMMITS_MAX || log.committed_bytes > COMMITTED_BYTES_MAX {
            let by_bytes = match log.committed_bytes {
                0 => log.committed,
                // As if all were equally large; if the last ones are larger, the next look truncates more.
                bytes => log.committed.saturating_mul(COMMITTED_BYTES_MAX / 2) / bytes,
            };
            let kept = by_bytes.min(COMMITS_MAX / 2).min(log.committed);
            let truncated = (log.committed - kept).min(TRUNCATED_AT_ONCE);
            let through = Csn::new(csn.get() - (log.committed - truncated) as u64)?;
            return Some(Chore::Truncate { through });
        }
        let needed = self.data_bytes + log_bytes(log);
        let surplus = self.stored_bytes.saturating_sub(needed);
        let allowed = if is_catching_up { needed * SURPLUS_PER_NEEDED_MAX } else { self.data_bytes / DATA_PER_SURPLUS };
        let is_due = surplus > allowed.max(SURPLUS_BYTES_MIN);
        (is_due && self.before_checkpoint.is_none()).then_some(Chore::Checkpoint)
    }

    /// A checkpoint begins: all that is stored from here on is needed.
    pub(super) fn checkpoint_begins(&mut self) {
        self.before_checkpoint = Some(self.stored_bytes);
    }

    /// The checkpoint is given up; what was written of it is of no use.
    pub(super) fn checkpoint_given_up(&mut self) {
        self.before_checkpoint = None;
    }

    /// The checkpoint is complete.
    pub(super) fn checkpoint_ends(&mut self, log: &LogSize) {
        self.stored_bytes -= self.before_checkpoint.take().unwrap_or(0);
        self.data_bytes = self.stored_bytes.saturating_sub(log_bytes(log));
    }
}

fn log_bytes(log: &LogSize) -> usize {
    log.committed_bytes + log.tentative_bytes + RECORD_BYTES * (log.committed + log.tentative)
}

#[cfg(test)]
mod tests {
    use super::*;

    const KIB: usize = 1024;
    const MIB: usize = 1024 * KIB;

    fn log(committed: usize, committed_bytes: usize) -> LogSize {
        LogSize { committed, committed_bytes, tentative: 0, tentative_bytes: 0, outcomes: 0 }
    }

    fn csn(csn: u64) -> Csn {
        Csn::new(csn).unwrap()
    }

    #[test]
    fn a_short_log_is_left_alone() {
        let upkeep = Upkeep::new(300 * KIB, &log(2_000, 200 * KIB));
        assert_eq!(upkeep.chore(csn(9_000), &log(2_000, 2 * MIB), false), None);
        assert_eq!(upkeep.chore(csn(0), &log(0, 0), false), None);
    }

    #[test]
    fn of_a_long_log_half_of_what_it_may_hold_is_kept_in_the_end() {
        let upkeep = Upkeep::new(0, &log(0, 0));
        let through = |csn| Some(Chore::Truncate { through: Csn::new(csn).unwrap() });
        assert_eq!(upkeep.chore(csn(9_000), &log(2_001, 200 * KIB), false), through(7_999));
        assert_eq!(upkeep.chore(csn(9_000), &log(1_900, 3 * MIB), false), through(8_100));
        assert_eq!(upkeep.chore(csn(9_000), &log(9_000, MIB), true), through(1_000));
        assert_eq!(upkeep.chore(csn(9_000), &log(400, 4 * MIB), false), through(8_900), "a quarter of the bytes");
        assert_eq!(upkeep.chore(csn(1), &log(1, 3 * MIB), false), through(1));
    }

    #[test]
    fn a_store_is_written_anew_when_it_holds_much_that_is_not_needed_and_not_again_meanwhile() {
        let kept = log(1_000, 200 * KIB);
        let mut upkeep = Upkeep::new(16 * MIB, &kept);
        assert_eq!(upkeep.chore(csn(4_000), &kept, false), None, "it is data");
        upkeep.stored(2 * MIB - 64 * KIB);
        assert_eq!(upkeep.chore(csn(8_000), &kept, false), None, "an eighth of the data");
        upkeep.stored(64 * KIB);
        assert_eq!(upkeep.chore(csn(8_000), &kept, false), Some(Chore::Checkpoint));
        upkeep.checkpoint_begins();
        assert_eq!(upkeep.chore(csn(8_000), &kept, false), None);
        upkeep.stored(17 * MIB);
        upkeep.checkpoint_ends(&kept);
        assert_eq!(upkeep.chore(csn(8_000), &kept, false), None);
    }

    #[test]
    fn small_data_is_not_written_anew_for_little() {
        let kept = log(1_000, 200 * KIB);
        let mut upkeep = Upkeep::new(MIB, &kept);
        upkeep.stored(MIB);
        assert_eq!(upkeep.chore(csn(8_000), &kept, false), None);
        upkeep.stored(1);
        assert_eq!(upkeep.chore(csn(8_000), &kept, false), Some(Chore::Checkpoint));
    }

    #[test]
    fn while_it_catches_up_data_is_written_anew_less_often() {
        let kept = log(1_000, 200 * KIB);
        let mut upkeep = Upkeep::new(16 * MIB, &kept);
        upkeep.stored(32 * MIB);
        assert_eq!(upkeep.chore(csn(8_000), &kept, true), None);
        upkeep.stored(MIB);
        assert_eq!(upkeep.chore(csn(8_000), &kept, true), Some(Chore::Checkpoint));
    }

    #[test]
    fn what_is_tentative_is_needed_and_is_no_data() {
        let waiting = LogSize { tentative: 30, tentative_bytes: 2 * MIB, ..log(10, KIB) };
        let mut upkeep = Upkeep::new(0, &log(0, 0));
        upkeep.stored(3 * MIB);
        assert_eq!(upkeep.chore(csn(10), &waiting, false), None);
        upkeep.checkpoint_begins();
        upkeep.stored(2 * MIB + 4 * KIB);
        upkeep.checkpoint_ends(&waiting);
        assert_eq!(upkeep.data_bytes, 3 * KIB - 40 * RECORD_BYTES);
    }

    #[test]
    fn a_checkpoint_that_was_given_up_is_begun_again() {
        let kept = log(10, KIB);
        let mut upkeep = Upkeep::new(0, &log(0, 0));
        upkeep.stored(2 * MIB);
        upkeep.checkpoint_begins();
        upkeep.checkpoint_given_up();
        assert_eq!(upkeep.chore(csn(10), &kept, false), Some(Chore::Checkpoint));
    }
}
