//! Retirement \[97 §4.3\].

use thiserror::Error;

use crate::{
    execution,
    id::{ReplicaId, WriteId},
    output::Output,
    output::{Event, Outputs, PeerId},
    planted::{self, Bug},
    vector::Knowledge,
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
        self.accept_retirement()?;
        if planted::is(Bug::RetiredTooEarly) {
            self.tell_retired();
        }
        Ok(self.finish())
    }

    pub(super) fn accept_retirement(&mut self) -> Result<WriteId, SubmitError> {
        self.accept(retirement())
    }

    /// An id that was created for this replica while it got another one.
    pub(super) fn note_unused(&mut self, peer: PeerId, id: ReplicaId) {
        let Some(session) = self.peers.get(&peer) else { return };
        let was_asked = session.told_id.as_ref() != self.id();
        let creator = id.creation().map(|creation| creation.replica);
        let is_own = self.id() == Some(&id) || self.former.contains(&id);
        if was_asked && creator.is_some() && creator == session.replica && !is_own {
            self.unused.insert(id);
        }
    }

    /// Retires the ids that were created for this replica in vain, as soon as it knows of their creation: nobody else has
    /// them, and they would stand in every version vector for ever.
    pub(super) fn retire_unused(&mut self) {
        if self.unused.is_empty() || !self.ready || self.has_retired() {
            return;
        }
        for id in self.unused.iter().filter(|id| self.log.holds_creation(id)).cloned().collect::<Vec<_>>() {
            self.unused.remove(&id);
            let Some(creation) = id.creation() else { continue };
            let is_untouched = self.log.vector().entry(&id).is_some_and(|entry| entry.stamp == creation.stamp);
            // A stamp from an absurd future is not followed, and where the clock has come to its end nothing is accepted:
            // there the id stays.
            if is_untouched && creation.stamp <= self.clock.stamp() {
                let _ = self.accept_as(id, retirement());
            }
        }
    }

    /// Whether this replica has retired.
    #[must_use]
    pub fn has_retired(&self) -> bool {
        let knowledge = self.id().map(|own| self.log.vector().knowledge_of(own));
        self.ready && knowledge == Some(Knowledge::Retired)
    }

    /// The peer vouches that it has stored this replica's retirement, and all that was sent before it. Writes that were held
    /// back from it are still to be decided upon, and may have to be offered again.
    pub(super) fn note_retirement_known(&mut self, peer: PeerId) {
        let Some(session) = self.peers.get(&peer) else { return };
        let is_held_back = |id: &WriteId| session.forked.contains(&id.replica);
        if !self.log.tentative().keys().any(is_held_back) {
            self.tell_retired();
        }
    }

    pub(super) fn tell_retired(&mut self) {
        if self.has_retired() && !core::mem::replace(&mut self.retirement_known, true) {
            self.journal.say(Output::Event(Event::Retired));
        }
    }
}

fn retirement() -> Body {
    Body::new(&WriteKind::RetireReplica).expect("a retirement is within all limits")
}
