//! The primary commits: what it accepts, what it receives, and what waited \[97 §3.2\].

use std::sync::Arc;

use crate::{
    commit::{self, Primary},
    id::WriteId,
    planted::{self, Bug},
    rights::ProposedWrite,
    value::Text,
    write::Write,
    write_log::LogError,
};

use super::Replica;

impl Replica {
    /// Commits a write that was just accepted here, if this is the active primary.
    pub(super) fn commit_accepted(&mut self, id: &WriteId) {
        let moves_role = self.log.tentative().get(id).is_some_and(|write| write.moves_role());
        let committed = match &self.primary {
            // What only the primary may write is not judged.
            Some(primary) if moves_role => primary.commit(id, None, &mut self.log, &mut self.journal),
            _ => self.commit_received(id),
        };
        committed.expect("a write that was just inserted can be committed");
    }

    /// Commits, on first receipt, a write that can be judged, if this is the active primary.
    pub(super) fn commit_received(&mut self, id: &WriteId) -> Result<(), LogError> {
        if !self.primary.as_ref().is_some_and(Primary::is_active) {
            return Ok(());
        }
        if !self.rights.is_open() {
            // A right that was granted or revoked by the write before counts.
            self.follow_log();
        }
        let write = self.log.tentative().get(id).map(Arc::clone);
        let Some(write) = write.filter(|write| commit::can_be_judged(&self.log, write)) else { return Ok(()) };
        let refused = self.refusal_of(&write);
        if refused.is_some() && planted::is(Bug::RefusedWithoutCsn) {
            return Ok(());
        }
        let Self { primary: Some(primary), log, journal, .. } = self else { return Ok(()) };
        primary.commit(id, refused, log, journal)
    }

    /// Commits, in log order, what waited while commits were not given out.
    pub(super) fn commit_waiting(&mut self) {
        self.commits_due = false;
        let waiting: Vec<WriteId> = self.log.tentative().keys().cloned().collect();
        for id in waiting {
            self.commit_received(&id).expect("what stands in the tentative log can be committed");
        }
    }

    fn refusal_of(&self, write: &Write) -> Option<Text> {
        let committed = &self.store.committed;
        commit::refusal(write, &self.log, committed).or_else(|| {
            if self.rights.is_open() {
                return None;
            }
            let kind = write.kind();
            let proposed = ProposedWrite::new(Some(&write.id), &write.id.replica, &kind);
            self.rights.judge(&proposed, committed).err().map(|refusal| refusal.reason().clone())
        })
    }
}
