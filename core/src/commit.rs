//! The primary's part: giving each write its place in the committed order \[97 §3.2\].

use crate::{
    id::WriteId,
    journal::Journal,
    stamp::Term,
    write_log::{LogError, WriteLog},
};

/// The primary role, held.
#[derive(Debug)]
pub(crate) struct Primary {
    pub(crate) term: Term,
    pub(crate) paused: bool,
}

impl Primary {
    /// Commits a write on first receipt, unless commits are paused.
    pub(crate) fn commit_received(
        &self,
        write: &WriteId,
        log: &mut WriteLog,
        journal: &mut Journal,
    ) -> Result<(), LogError> {
        if self.paused { Ok(()) } else { self.commit(write, log, journal) }
    }

    /// Commits, in log order, what waited while commits were paused.
    pub(crate) fn commit_waiting(&self, log: &mut WriteLog, journal: &mut Journal) -> Result<(), LogError> {
        let waiting: Vec<WriteId> = log.tentative().keys().cloned().collect();
        waiting.iter().try_for_each(|write| self.commit(write, log, journal))
    }

    fn commit(&self, write: &WriteId, log: &mut WriteLog, journal: &mut Journal) -> Result<(), LogError> {
        let csn = log.csn().next();
        log.commit(write, csn, self.term)?;
        journal.record_commit(write, csn, self.term);
        Ok(())
    }
}
