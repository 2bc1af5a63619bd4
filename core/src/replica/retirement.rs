//! Retirement \[97 §4.3\].

use thiserror::Error;

use crate::{
    execution,
    output::Output,
    output::{Event, Outputs, PeerId},
    planted::{self, Bug},
    vector::{Knowledge, VersionVector},
    write::{Body, WriteKind},
};

use super::{Replica, SubmitError};

/// Why a replica cannot retire. Nothing has changed.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum RetireError {
    /// It holds the primary role, which is to be handed over first.
    #[error("the primary cannot retire before it has handed its role over")]
    Primary,
    /// It has consented to become the primary.
    #[error("this replica has consented to become the primary, and stays until the role has moved")]
    Consented,
    /// Its retirement cannot be accepted.
    #[error(transparent)]
    Submit(#[from] SubmitError),
}

impl Replica {
    /// Retires this replica: it accepts nothing afterwards, and its entry leaves every version vector. It goes on syncing
    /// until another replica has stored its retirement, which [`Event::Retired`] tells.
    ///
    /// # Errors
    /// When it holds the primary role or may get it, or is not ready; then nothing has changed.
    pub fn retire(&mut self) -> Result<Outputs, RetireError> {
        if self.primary.is_some() {
            return Err(RetireError::Primary);
        }
        if self.has_retired() {
            return Err(SubmitError::Retired.into());
        }
        let own = self.id().filter(|_| self.ready).ok_or(SubmitError::NotReady)?.clone();
        if execution::has_consented(&self.store.tentative, &own) {
            return Err(RetireError::Consented);
        }
        let body = Body::new(&WriteKind::RetireReplica).expect("a retirement is within all limits");
        self.accept(body)?;
        if planted::is(Bug::RetiredTooEarly) {
            self.tell_retired();
        }
        Ok(self.finish())
    }

    /// Whether this replica has retired.
    #[must_use]
    pub fn has_retired(&self) -> bool {
        let knowledge = self.id().map(|own| self.log.vector().knowledge_of(own));
        self.ready && knowledge == Some(Knowledge::Retired)
    }

    /// A peer that knows of the retirement keeps it, and all that was written before it.
    pub(super) fn note_retirement_known(&mut self, peer: PeerId, vector: &VersionVector) {
        let of_peer = self.peers.get(&peer).and_then(|session| session.replica.as_ref());
        if of_peer.is_some_and(|replica| vector.knowledge_of(replica) == Knowledge::Retired) {
            // It is about to leave, too.
            return;
        }
        let known = self.id().is_some_and(|own| vector.knowledge_of(own) == Knowledge::Retired);
        if known {
            self.tell_retired();
        }
    }

    pub(super) fn tell_retired(&mut self) {
        if self.has_retired() && !core::mem::replace(&mut self.retirement_known, true) {
            self.journal.say(Output::Event(Event::Retired));
        }
    }
}
