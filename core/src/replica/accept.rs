//! Accepting writes of one's own: the application's and creations.

use std::sync::Arc;

use crate::{
    id::{ReplicaId, WriteId},
    output::{Event, Output},
    write::{Body, Write},
};

use super::{Replica, SubmitError};

impl Replica {
    /// Gives a body the next id of this replica and inserts it; the primary commits it at once.
    pub(super) fn accept(&mut self, body: Body) -> Result<WriteId, SubmitError> {
        let own = self.id().ok_or(SubmitError::NotReady)?.clone();
        self.accept_as(own, body)
    }

    /// The same under an id that nobody else has.
    pub(super) fn accept_as(&mut self, replica: ReplicaId, body: Body) -> Result<WriteId, SubmitError> {
        let end = self.log.end_of_chain(&replica).ok_or(SubmitError::NotReady)?;
        let stamp = self.clock.tick().ok_or(SubmitError::ClockExhausted)?;
        let id = WriteId { stamp, replica };
        let write = Arc::new(Write::accepted(id.clone(), end.stamp, end.chain, body));
        self.journal.record_write(&write);
        let inserted = self.log.insert(write).expect("a new write of one's own continues its chain");
        debug_assert!(inserted, "a new stamp was never used before");
        self.arrivals.push(id.clone());
        self.commit_accepted(&id);
        self.unsaved.insert(id.clone(), self.journal.current());
        self.journal.tell(Event::Changed);
        self.journal.say(Output::Event(Event::Saved { write: id.clone() }));
        Ok(id)
    }
}
