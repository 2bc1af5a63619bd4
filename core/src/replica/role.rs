//! The primary role: paused and resumed, handed over, taken, and found to be an old copy.

use thiserror::Error;

use crate::{
    commit::Primary,
    execution,
    id::{ReplicaId, WriteId},
    output::{DisconnectReason, Event, Outputs},
    stamp::Csn,
    vector::Knowledge,
    wire::{frame::Frame, record::Record},
    write::{Body, WriteKind},
    write_log::{Reign, Reigns},
};

use super::{Replica, SubmitError};

/// This replica does not hold the primary role.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("this replica does not hold the primary role")]
pub struct NotPrimary;

/// Why the primary role is not handed over. Nothing has changed.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum HandOverError {
    /// This replica does not hold the role.
    #[error("this replica does not hold the primary role")]
    NotPrimary,
    /// It gives out no commits at present, and the hand-over would be one.
    #[error("commits are paused; resume them before the role is handed over")]
    Paused,
    /// The successor has not consented, or its consent is not committed yet.
    #[error("replica {0} has not consented to become the primary")]
    NoConsent(ReplicaId),
    /// The role has moved too often.
    #[error("the primary role has moved as often as it can")]
    TooManyTerms,
    /// The hand-over cannot be accepted.
    #[error(transparent)]
    Submit(#[from] SubmitError),
}

/// Why the primary role is not taken. Nothing has changed.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum TakeOverError {
    /// The replica's own creation is not committed, so that none of its writes can be.
    #[error("this replica's own creation is not committed yet, so it cannot commit anything")]
    NotCommitted,
    /// The role has moved too often.
    #[error("the primary role has moved as often as it can")]
    TooManyTerms,
    /// The replica accepts no writes.
    #[error(transparent)]
    Submit(#[from] SubmitError),
}

impl Replica {
    /// Stops giving out commits; writes stay tentative. The pause is stored and told to all.
    ///
    /// # Errors
    /// When another replica is the primary.
    pub fn pause_commits(&mut self) -> Result<Outputs, NotPrimary> {
        let primary = self.primary.as_mut().ok_or(NotPrimary)?;
        if !primary.paused {
            primary.paused = true;
            self.journal.record(Record::Paused(true));
            self.tell_pause();
        }
        Ok(self.finish())
    }

    /// Goes on giving out commits, first, in log order, to what waited. A role that was taken begins its term here.
    ///
    /// # Errors
    /// When another replica is the primary.
    pub fn resume_commits(&mut self) -> Result<Outputs, NotPrimary> {
        let primary = self.primary.as_mut().ok_or(NotPrimary)?;
        if primary.is_active() || (primary.taking_over && !self.ready) {
            return Ok(self.finish());
        }
        let begins = primary.taking_over;
        if !begins {
            self.journal.record(Record::Paused(false));
        }
        *primary = Primary::new(if begins { self.log.term().next() } else { primary.term });
        if begins {
            self.begin_term();
        }
        self.commit_waiting();
        if begins {
            // Last, so that a crash in between leaves the term to be begun again.
            self.journal.record(Record::Paused(false));
        }
        self.tell_pause();
        Ok(self.finish())
    }

    /// Consents to become the primary. From now on this replica does not retire until the role has moved.
    ///
    /// # Errors
    /// When the replica accepts no writes.
    pub fn consent(&mut self) -> Result<(WriteId, Outputs), SubmitError> {
        let id = self.accept_own(WriteKind::Consent)?;
        Ok((id, self.finish()))
    }

    /// Hands the primary role to a replica that has consented. The hand-over is the last write that this one commits.
    ///
    /// # Errors
    /// When this replica is not the active primary or the other one has not consented.
    pub fn hand_over(&mut self, to: &ReplicaId) -> Result<(WriteId, Outputs), HandOverError> {
        let primary = self.primary.as_ref().ok_or(HandOverError::NotPrimary)?;
        if !primary.is_active() {
            return Err(HandOverError::Paused);
        }
        let known = matches!(self.log.vector().knowledge_of(to), Knowledge::Through(_));
        if !known || self.id() == Some(to) || !execution::has_consented(&self.store.committed, to) {
            return Err(HandOverError::NoConsent(to.clone()));
        }
        if !self.log.reigns().has_room() {
            return Err(HandOverError::TooManyTerms);
        }
        let term = self.log.term().next();
        let id = self.accept_own(WriteKind::HandOver { to: to.clone(), term })?;
        Ok((id, self.finish()))
    }

    /// Gives this replica the primary role because the primary is gone for good, or because this is the primary and its
    /// storage was restored from an old copy. It begins paused, and takes what commits of the old term it still meets;
    /// its own term begins with [`resume_commits`](Self::resume_commits). Commits of the old term that it has not met by
    /// then are void: whoever holds them puts them back among the tentative writes.
    ///
    /// # Errors
    /// When the replica cannot commit writes of its own.
    pub fn take_over(&mut self) -> Result<Outputs, TakeOverError> {
        if self.has_retired() {
            return Err(SubmitError::Retired.into());
        }
        let own = self.id().filter(|_| self.ready).ok_or(SubmitError::NotReady)?;
        if own.creation().is_some_and(|creation| !self.log.is_committed(&creation)) {
            return Err(TakeOverError::NotCommitted);
        }
        if !self.log.reigns().has_room() {
            return Err(TakeOverError::TooManyTerms);
        }
        self.begin_taking_over();
        Ok(self.finish())
    }

    /// Whether this replica has taken the primary role and not begun its term.
    #[must_use]
    pub fn is_taking_over(&self) -> bool {
        self.primary.as_ref().is_some_and(|primary| primary.taking_over)
    }

    /// The term of the last commit held, or of the hand-over that follows it.
    #[must_use]
    pub fn term(&self) -> crate::stamp::Term {
        self.log.term()
    }

    /// The primary, as far as is known here.
    #[must_use]
    pub fn primary(&self) -> &ReplicaId {
        &self.log.reigns().last().primary
    }

    pub(super) fn begin_taking_over(&mut self) {
        if self.is_taking_over() {
            return;
        }
        let changed = self.primary.is_none();
        let term = self.log.term();
        self.primary = Some(Primary { term, paused: true, taking_over: true });
        self.journal.record(Record::TakingOver);
        if changed {
            self.journal.tell(Event::RoleChanged { primary: true });
        }
        self.tell_pause();
    }

    /// The first commits of a term that was taken are of this replica's own writes.
    fn begin_term(&mut self) {
        let Self { primary: Some(primary), log, journal, identity: Some(identity), .. } = self else { return };
        let own = log.tentative().keys().filter(|id| id.replica == identity.replica);
        for id in own.cloned().collect::<Vec<_>>() {
            let known = log.tentative().get(&id).is_some_and(|write| !write.is_unknown());
            if known {
                primary.commit(&id, None, log, journal).expect("own writes follow the own creation");
            }
        }
        let term = primary.term;
        self.accept_own(WriteKind::TakeOver { term }).expect("whether writes can be accepted was asked before");
    }

    fn accept_own(&mut self, kind: WriteKind) -> Result<WriteId, SubmitError> {
        if self.has_retired() {
            return Err(SubmitError::Retired);
        }
        if !self.ready {
            return Err(SubmitError::NotReady);
        }
        self.accept(Body::new(kind)?)
    }

    fn tell_pause(&mut self) {
        let paused = self.commits_paused();
        for peer in self.open_peers() {
            self.transmit(peer, &Frame::Primary { paused });
        }
        self.journal.tell(Event::PrimaryPaused { paused });
    }

    /// The role follows the log: who is named by the last hand-over has it, and nobody else, unless an operator wills it.
    pub(super) fn follow_role(&mut self) {
        let reign = self.log.reigns().last();
        let own = !self.id_lost && self.ready && self.id() == Some(&reign.primary);
        match &mut self.primary {
            Some(primary) if primary.taking_over => {}
            Some(primary) if own => primary.term = reign.term,
            None if own => {
                self.primary = Some(Primary::new(reign.term));
                self.journal.tell(Event::RoleChanged { primary: true });
                self.commit_waiting();
                self.resync_role();
            }
            Some(_) => {
                self.primary = None;
                self.journal.tell(Event::RoleChanged { primary: false });
                self.resync_role();
            }
            None => {}
        }
    }

    /// Peers know from the hello who is the primary.
    fn resync_role(&mut self) {
        self.resync = true;
    }

    /// Compares the reigns of a peer with those known here. The CSN up to which the peer will stand by its commits, and
    /// whether commits here became void.
    pub(super) fn compare_reigns(&mut self, theirs: &Reigns, csn: Csn) -> Result<(Csn, bool), DisconnectReason> {
        let ours = self.log.reigns();
        if let Some(reign) = theirs.first_unknown_to(ours).cloned() {
            let voided = self.log.csn() > reign.after;
            if voided {
                self.void_after(&reign)?;
            }
            return Ok((csn, voided));
        }
        let stands = ours.first_unknown_to(theirs).map_or(csn, |reign| csn.min(reign.after));
        if stands == csn
            && theirs.last().term == ours.last().term
            && csn > self.log.csn()
            && self.primary.as_ref().is_some_and(|primary| !primary.taking_over)
        {
            // Commits of this replica's own line, which it has not given out: it did so before its storage was set back.
            self.journal.tell(Event::PrimaryRestored);
            self.begin_taking_over();
        }
        Ok((stands, false))
    }

    /// A term that is later than any known here begins after this commit: those beyond it are void.
    fn void_after(&mut self, reign: &Reign) -> Result<(), DisconnectReason> {
        let after = reign.after;
        if self.log.prefix(after) != Some(reign.prefix) {
            return Err(DisconnectReason::CommittedOrdersDiffer(after));
        }
        let executed = self.schedule.csn();
        let count = self.log.csn().get() - after.get();
        self.journal.record_voided(after);
        if executed > after {
            let cost = self.schedule.void_after(after, &mut self.store);
            self.last_reorder = Some(cost);
        }
        self.log.void_after(after);
        self.journal.tell(Event::CommitsVoided { after, count });
        self.resync = true;
        Ok(())
    }
}
