//! When the data follows the log.
//!
//! It does after every call, but for one case: a peer that catches up sends many batches, as a large file brings them, each
//! of which may land before all that is tentative here. To replay that after each would cost batches times writes. So while it goes on, and the
//! rollback would be large, the data stays as it was until what has come in amounts to a part of what would be rolled
//! back, the peer has caught up, or some time has passed: a write is then replayed a few times at most, however many
//! batches arrive. What is inserted is stored and acknowledged all the same.

use std::borrow::Cow;

use crate::{
    limits::{REPLAY_DELAY_MS_MAX, REPLAY_WRITES_MIN},
    output::{Event, Outputs},
    schedule::ReorderCost,
    stamp::Millis,
    vector::VersionVector,
};

use super::Replica;

impl Replica {
    /// As [`finish`](Self::finish), at the end of a call that only took something in.
    pub(super) fn finish_receiving(&mut self) -> Outputs {
        let more_to_come = self.peers.values().any(|session| session.open && !session.caught_up);
        self.finish_amid(more_to_come)
    }

    /// The same, where it is known whether there is more to come.
    pub(super) fn finish_amid(&mut self, more_to_come: bool) -> Outputs {
        self.settle_role();
        if more_to_come && self.may_defer_replay() {
            self.replay_due.get_or_insert(self.now.after(REPLAY_DELAY_MS_MAX));
        } else {
            self.follow_log();
        }
        self.put_out()
    }

    fn may_defer_replay(&self) -> bool {
        let due = self.replay_due.is_some_and(|due| due <= self.now);
        let (undone, behind) = self.schedule.rollback(&self.log);
        !due && undone > REPLAY_WRITES_MIN && undone > 2 * behind
    }

    /// When the data follows the log, if it has not yet.
    pub(super) const fn replay_due(&self) -> Option<Millis> {
        self.replay_due
    }

    pub(super) fn follow_log(&mut self) {
        self.replay_due = None;
        let csn_before = self.schedule.csn();
        let cost = self.schedule.follow(&mut self.log, &mut self.store);
        if cost.undone > 0 {
            let ReorderCost { undone, redone, outcomes_changed } = cost;
            self.journal.tell(Event::Reordered { undone, redone, outcomes_changed });
            self.last_reorder = Some(cost);
        }
        self.tell_own_commits(csn_before);
    }

    /// The version vector of the writes that the tentative view rests on: that of the log, unless the data is still to
    /// follow.
    pub(super) fn executed_vector(&self) -> Cow<'_, VersionVector> {
        if self.replay_due.is_none() {
            return Cow::Borrowed(self.log.vector());
        }
        let commits = self.log.committed_after(self.schedule.csn()).iter().map(|commit| &commit.write);
        let behind = commits.chain(self.log.tentative().values());
        Cow::Owned(self.vector_without(behind.filter(|write| self.schedule.tentative_outcome(&write.id).is_none())))
    }
}
