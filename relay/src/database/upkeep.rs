//! What has to be known to keep a log and its store within their limits: counted as batches come and go.

use std::time::Duration;

use bayou_core::{Csn, Replica};

use crate::retention::{Ages, Retention, log_bytes};

/// The measures of one running database.
#[derive(Debug)]
pub(super) struct Upkeep {
    retention: Retention,
    /// Bytes of all batches in the store or on their way there.
    stored_bytes: u64,
    /// Of these, what the data took at the last checkpoint.
    data_bytes: u64,
    /// What was stored when the checkpoint began that is under way.
    before_checkpoint: Option<u64>,
    /// The last commit, and what was stored, when the log was last measured.
    looked_at: Option<(Csn, u64)>,
    pub(super) ages: Ages,
}

/// What is to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Chore {
    /// The log is too long.
    Truncate { through: Csn },
    /// Most of what is stored is not needed.
    Checkpoint,
}

impl Upkeep {
    /// For a replica whose batches take so many bytes in the store. Its log reaches back to the last checkpoint: what is
    /// no part of it is data.
    pub(super) fn new(retention: Retention, replica: &Replica, stored_bytes: u64, ages: Ages) -> Self {
        let data_bytes = stored_bytes.saturating_sub(log_bytes(&replica.log_size()));
        Self { retention, stored_bytes, data_bytes, before_checkpoint: None, looked_at: None, ages }
    }

    pub(super) fn issued(&mut self, bytes: usize) {
        self.stored_bytes += bytes as u64;
    }

    /// What is due, as seen at this time since the start of the relay.
    pub(super) fn chore(&mut self, now: Duration, replica: &Replica) -> Option<Chore> {
        let csn = replica.csn();
        let expired = self.retention.age_max.map_or(Csn::ZERO, |age_max| self.ages.expired(now, csn, age_max));
        let (commits, bytes) = self.retention.look_after();
        // To measure a log costs as much as it is long.
        let is_worth_while = self.looked_at.is_none_or(|(last_csn, last_bytes)| {
            csn.get().saturating_sub(last_csn.get()) > commits
                || self.stored_bytes.saturating_sub(last_bytes) > bytes
                || expired > replica.omitted_csn()
        });
        if !is_worth_while {
            return None;
        }
        let size = replica.log_size();
        if let Some(through) = self.retention.truncate_through(csn, &size, expired) {
            // What is left is to be looked at next time.
            self.looked_at = None;
            return Some(Chore::Truncate { through });
        }
        self.looked_at = Some((csn, self.stored_bytes));
        let is_due = self.retention.wants_checkpoint(self.stored_bytes, self.data_bytes, &size);
        (is_due && self.before_checkpoint.is_none()).then_some(Chore::Checkpoint)
    }

    /// A checkpoint begins: all that is issued from here on is needed.
    pub(super) fn checkpoint_begins(&mut self) {
        self.before_checkpoint = Some(self.stored_bytes);
    }

    /// The checkpoint is given up; what was written of it is of no use.
    pub(super) fn checkpoint_given_up(&mut self) {
        self.before_checkpoint = None;
    }

    /// The checkpoint is complete.
    pub(super) fn checkpoint_ends(&mut self, replica: &Replica) {
        self.stored_bytes -= self.before_checkpoint.take().unwrap_or(0);
        self.data_bytes = self.stored_bytes.saturating_sub(log_bytes(&replica.log_size()));
    }
}
