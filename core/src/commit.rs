//! The primary's part: giving each write its place in the committed order \[97 §3.2\].

use crate::{
    execution,
    id::WriteId,
    journal::Journal,
    stamp::Term,
    tuple_store::Tables,
    value::Text,
    write::Write,
    write_log::{LogError, Place, WriteLog},
};

/// The primary role, held.
#[derive(Clone, Debug)]
pub(crate) struct Primary {
    pub(crate) term: Term,
    pub(crate) paused: bool,
    /// The role was taken, by an operator's will, and not begun: commits of the term before it still count.
    pub(crate) taking_over: bool,
}

impl Primary {
    pub(crate) const fn new(term: Term) -> Self {
        Self { term, paused: false, taking_over: false }
    }

    /// Whether it gives out commits.
    pub(crate) const fn is_active(&self) -> bool {
        !self.paused && !self.taking_over
    }

    /// Gives a write the next place.
    pub(crate) fn commit(
        &self,
        id: &WriteId,
        refused: Option<Text>,
        log: &mut WriteLog,
        journal: &mut Journal,
    ) -> Result<(), LogError> {
        let place = Place { csn: log.csn().next(), term: self.term, refused };
        log.commit(id, &place)?;
        journal.record_commit(id, &place);
        Ok(())
    }
}

/// A write of an unknown kind waits until this program knows it, and what its accepter wrote afterwards waits for it.
pub(crate) fn can_be_judged(log: &WriteLog, write: &Write) -> bool {
    !write.is_unknown() && log.follows_committed(write)
}

/// Why the protocol itself refuses a write, if it does.
pub(crate) fn refusal(write: &Write, log: &WriteLog, committed: &Tables) -> Option<Text> {
    if write.moves_role() {
        // The primary's own are committed when they are accepted, and are never judged.
        return Some(Text::new_static("only the primary hands its role over"));
    }
    let mut replica = write.id.replica.clone();
    while let Some(creation) = replica.creation() {
        let refused = match log.position(&creation).and_then(|csn| log.at(csn)) {
            Some(entry) => entry.refused.clone(),
            None => execution::refusal_of(committed, &replica),
        };
        if refused.is_some() {
            return refused;
        }
        replica = creation.replica;
    }
    None
}
