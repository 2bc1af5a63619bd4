//! The primary role: paused and resumed, handed over, taken, and found to be an old copy.

use std::sync::Arc;

use thiserror::Error;

use crate::{
    anti_entropy::Peer,
    commit::Primary,
    execution,
    id::{ReplicaId, WriteId},
    output::{DisconnectReason, Event, Outputs},
    planted::{self, Bug},
    stamp::{Csn, Stamp, Term},
    vector::Knowledge,
    wire::{frame::Frame, record::Record, snapshot},
    write::{Body, Write, WriteKind},
    write_log::{Place, Reigns},
};

use super::{Replica, SubmitError};

/// This replica does not hold the primary role.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("this replica does not hold the primary role")]
pub struct NotPrimary;

/// Why commits are not resumed. Nothing has changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ResumeError {
    /// This replica does not hold the primary role.
    #[error(transparent)]
    NotPrimary(#[from] NotPrimary),
    /// The role was taken, and this replica has to get a new id from a peer before it can commit writes of its own.
    #[error("this replica has lost its id and needs a new one from another replica first")]
    NotReady,
    /// The role was taken, and this replica cannot commit writes of its own: one that stands before them is of a kind that
    /// this version does not know.
    #[error("a write of a newer version has to be committed first; bring this program up to date")]
    TooOld,
}

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
    /// The hand-over cannot be committed before a write of a kind that this version does not know.
    #[error("a write of a newer version has to be committed first; bring this program up to date")]
    TooOld,
    /// The hand-over cannot be accepted.
    #[error(transparent)]
    Submit(#[from] SubmitError),
}

/// Why the primary role is not taken. Nothing has changed.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum TakeOverError {
    /// This replica cannot commit writes of its own: one that stands before them is of a kind that this version does not
    /// know.
    #[error("a write of a newer version has to be committed first; bring this program up to date")]
    TooOld,
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
    /// When another replica is the primary, or a role that was taken cannot begin.
    pub fn resume_commits(&mut self) -> Result<Outputs, ResumeError> {
        let primary = self.primary.as_ref().ok_or(NotPrimary)?;
        if primary.is_active() {
            return Ok(self.finish());
        }
        if primary.taking_over {
            if !self.ready {
                return Err(ResumeError::NotReady);
            }
            if self.waits_for_newer() {
                return Err(ResumeError::TooOld);
            }
            self.begin_term();
        } else {
            self.journal.record(Record::Paused(false));
            self.primary = Some(Primary::new(primary.term));
            self.commit_waiting();
        }
        self.tell_pause();
        Ok(self.finish())
    }

    /// Consents to become the primary. From now on this replica does not retire until the role has moved.
    ///
    /// # Errors
    /// When the replica accepts no writes.
    pub fn consent(&mut self) -> Result<(WriteId, Outputs), SubmitError> {
        let id = self.accept_own(&WriteKind::Consent)?;
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
        if self.waits_for_newer() {
            return Err(HandOverError::TooOld);
        }
        let term = self.log.term().next();
        let id = self.accept_own(&WriteKind::HandOver { to: to.clone(), term })?;
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
        if !self.ready {
            return Err(SubmitError::NotReady.into());
        }
        if self.waits_for_newer() {
            return Err(TakeOverError::TooOld);
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

    /// The last term that is known to have begun.
    #[must_use]
    pub fn term(&self) -> Term {
        self.log.term()
    }

    /// The primary, as far as is known here; `None` while a role that was taken has not said whose it is.
    #[must_use]
    pub fn primary(&self) -> Option<&ReplicaId> {
        self.log.reigns().last().primary.as_ref()
    }

    pub(super) fn begin_taking_over(&mut self) {
        let goes_on = self.primary.is_some() && planted::is(Bug::CsnReuseAfterRestore);
        if self.is_taking_over() || goes_on {
            return;
        }
        let changed = self.primary.is_none();
        let term = self.log.term();
        self.primary = Some(Primary { term, paused: true, taking_over: true });
        self.journal.record(Record::TakingOver);
        if changed {
            self.journal.tell(Event::RoleChanged { primary: true });
            self.resync_role();
        }
        self.tell_pause();
    }

    /// Begins the term of a role that was taken, with what waited, in log order, and then the write that says whose it is.
    fn begin_term(&mut self) {
        let term = self.log.term().next();
        let after = self.log.csn();
        // What they hold beyond is void, and they are to hear of it before they hear of other commits there.
        self.resync |= !self.peers_where(|session| session.csn > after).is_empty();
        self.primary = Some(Primary::new(term));
        self.commit_waiting();
        self.accept_own(&WriteKind::TakeOver { term }).expect("whether writes can be accepted was asked before");
        // Last, so that a crash in between leaves the term to be begun again, as the next one.
        self.journal.record(Record::Paused(false));
    }

    /// Whether writes of this replica's own cannot be committed before one of a kind that this version does not know.
    fn waits_for_newer(&self) -> bool {
        let Some(mut replica) = self.id().cloned() else { return true };
        let mut through = Stamp::LAST;
        loop {
            let stands_before = |write: &&Arc<Write>| write.id.replica == replica && write.id.stamp <= through;
            if self.log.tentative().values().filter(stands_before).any(|write| write.is_unknown()) {
                return true;
            }
            match replica.creation() {
                Some(creation) => (replica, through) = (creation.replica, creation.stamp),
                None => return false,
            }
        }
    }

    fn accept_own(&mut self, kind: &WriteKind) -> Result<WriteId, SubmitError> {
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
        let own = !self.id_lost && self.ready && self.is_named();
        let forgotten = own && self.primary.is_none() && !self.was_handed_over();
        let term = self.log.term();
        match &mut self.primary {
            Some(primary) if primary.taking_over => {}
            Some(primary) if own || planted::is(Bug::TwoPrimaries) => primary.term = term,
            None if forgotten => {
                // It took the role, began this term and has forgotten both: its storage was set back.
                self.journal.tell(Event::PrimaryRestored);
                self.begin_taking_over();
            }
            None if own => {
                self.primary = Some(Primary::new(term));
                self.journal.tell(Event::RoleChanged { primary: true });
                self.commit_waiting();
                self.resync_role();
            }
            Some(primary) => {
                if primary.paused {
                    // If the role comes back, it comes back active.
                    self.journal.record(Record::Paused(false));
                }
                self.primary = None;
                self.journal.tell(Event::RoleChanged { primary: false });
                self.resync_role();
            }
            None => {}
        }
    }

    /// Whether the last term that is known to have begun is this replica's, and it holds all that came before.
    pub(super) fn is_named(&self) -> bool {
        let reign = self.log.reigns().last();
        self.id().is_some() && reign.primary.as_ref() == self.id() && reign.after <= self.log.csn()
    }

    /// Whether the last term began with a hand-over, as far as the log tells: what was truncated may have been one.
    pub(super) fn was_handed_over(&self) -> bool {
        let after = self.log.reigns().last().after;
        self.log.at(after).is_none_or(|entry| matches!(entry.write.kind(), WriteKind::HandOver { .. }))
    }

    /// Peers know from the hello who is the primary.
    fn resync_role(&mut self) {
        self.resync = true;
    }

    /// Compares the reigns of a peer with those known here. The CSN up to which the peer will stand by its commits, and
    /// whether sessions begin anew, because commits here or at other peers became void.
    pub(super) fn compare_reigns(&mut self, theirs: &Reigns, csn: Csn) -> Result<(Csn, bool), DisconnectReason> {
        let ours = self.log.reigns();
        let parting = ours.parting(theirs);
        let (our_last, their_last) = (ours.last(), theirs.last());
        if their_last.term > our_last.term {
            let parting = parting.unwrap_or(Csn::ZERO);
            return Ok((csn, self.adopt_reigns(theirs, parting)?));
        }
        if parting.is_none() && our_last.primary.is_none() && their_last.primary.is_some() {
            self.adopt_reigns(theirs, self.log.csn())?;
        }
        if parting.is_none()
            && csn > self.log.csn()
            && self.primary.as_ref().is_some_and(|primary| !primary.taking_over)
        {
            // Commits of this replica's own line, which it has not given out: it did so before its storage was set back.
            self.journal.tell(Event::PrimaryRestored);
            self.begin_taking_over();
        }
        Ok((parting.map_or(csn, |parting| csn.min(parting)), false))
    }

    /// A later term has begun, whether its commits are known here or not: there are never two primaries. Commits beyond
    /// the parting are of a line that has ended.
    fn adopt_reigns(&mut self, theirs: &Reigns, parting: Csn) -> Result<bool, DisconnectReason> {
        let voids = self.log.csn() > parting;
        if voids {
            if !self.parts_at(theirs, parting) {
                return Err(DisconnectReason::CommittedOrdersDiffer(parting));
            }
            self.void_after(parting);
        }
        self.log.adopt(theirs.clone());
        if self.identity.is_some() {
            // A replica that is still to be created has nothing that it would commit.
            self.journal.record(Record::Reigns(snapshot::wire_reigns(theirs)));
        }
        self.follow_role();
        let beyond = |session: &Peer| session.open && session.csn > parting;
        Ok(voids || !self.peers_where(beyond).is_empty())
    }

    /// Whether the committed order here, as far as the parting, is known and is that of another history of reigns.
    pub(super) fn parts_at(&self, theirs: &Reigns, parting: Csn) -> bool {
        let begins = theirs.iter().find(|reign| reign.after == parting && reign.term > Term::FIRST);
        let here = self.log.prefix(parting);
        here.is_some() && begins.is_none_or(|reign| here == Some(reign.prefix))
    }

    /// Whether a commit is of another term than the reigns known here give it: one side has not heard of the last term.
    pub(super) fn is_of_another_reign(&self, place: &Place) -> bool {
        let reigns = self.log.reigns();
        if place.term <= reigns.last().term {
            let is_over = place.term < reigns.term_at(place.csn) && planted::is(Bug::OldTermAccepted);
            return place.term != reigns.term_at(place.csn) && !is_over;
        }
        // It begins a term that was taken.
        let leads = self.primary.as_ref().is_some_and(|primary| !primary.taking_over);
        leads || place.csn <= self.log.csn()
    }

    /// The commits beyond this one are void.
    fn void_after(&mut self, after: Csn) {
        let executed = self.schedule.csn();
        let count = self.log.csn().get() - after.get();
        self.journal.record_voided(after);
        if executed > after {
            let cost = self.schedule.void_after(after, &mut self.store);
            self.last_reorder = Some(cost);
        }
        self.log.void_after(after);
        self.journal.tell(Event::CommitsVoided { after, count });
    }
}
