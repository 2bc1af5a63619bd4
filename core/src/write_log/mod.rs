//! The log: the committed prefix in CSN order, then the tentative suffix by (accept stamp, replica).
//!
//! Any beginning of the committed prefix may have been truncated; what is left of it here is the omitted vector and the
//! omitted CSN \[97 §3.3\].

mod displacement;
mod error;
#[cfg(any(test, debug_assertions))]
mod invariants;
mod reign;

pub use self::error::LogError;
pub(crate) use self::reign::{Reign, Reigns};

use std::{
    collections::{BTreeMap, btree_map::Entry},
    sync::Arc,
};

use crate::{
    digest::Digest,
    id::{ReplicaId, WriteId},
    planted::{self, Bug},
    stamp::{Csn, Stamp, Term},
    value::Text,
    vector::{VectorEntry, VersionVector},
    write::{Write, WriteKind},
};

/// A write of the committed prefix.
#[derive(Clone, Debug)]
pub(crate) struct CommittedWrite {
    pub(crate) write: Arc<Write>,
    pub(crate) term: Term,
    /// Why the primary refused the write, if it did.
    pub(crate) refused: Option<Text>,
    /// The digest of the committed order through this write.
    pub(crate) prefix: Digest,
}

/// A place in the committed order, as the primary gives it to a write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) csn: Csn,
    pub(crate) term: Term,
    /// Why the primary refused the write, if it did.
    pub(crate) refused: Option<Text>,
}

/// What was truncated: the paper's OSN and O.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Omitted {
    pub(crate) csn: Csn,
    pub(crate) vector: VersionVector,
    /// The digest of the committed order through `csn`.
    pub(crate) prefix: Digest,
}

/// The write log with the version vector that it amounts to.
#[derive(Debug, Default)]
pub(crate) struct WriteLog {
    omitted: Omitted,
    /// What follows `omitted` in the committed order.
    committed: Vec<CommittedWrite>,
    tentative: BTreeMap<WriteId, Arc<Write>>,
    positions: BTreeMap<WriteId, Csn>,
    vector: VersionVector,
    reigns: Reigns,
    /// The first place at which the tentative order changed since it was last asked for.
    changed_from: Option<WriteId>,
}

impl WriteLog {
    /// The log of the replica that begins a database.
    pub(crate) fn of_new_database() -> Self {
        let omitted = Omitted { vector: VersionVector::of_new_database(), ..Omitted::default() };
        Self { omitted, vector: VersionVector::of_new_database(), ..Self::default() }
    }

    /// A log that begins behind what was omitted.
    pub(crate) fn behind(omitted: Omitted, reigns: Reigns) -> Self {
        Self { vector: omitted.vector.clone(), omitted, reigns, ..Self::default() }
    }

    pub(crate) const fn vector(&self) -> &VersionVector {
        &self.vector
    }

    pub(crate) const fn omitted(&self) -> &Omitted {
        &self.omitted
    }

    pub(crate) const fn reigns(&self) -> &Reigns {
        &self.reigns
    }

    /// The last CSN held; every lower one is held or was omitted, too.
    pub(crate) fn csn(&self) -> Csn {
        Csn::new(self.omitted.csn.get() + self.committed.len() as u64).expect("a log holds fewer than 2^53 writes")
    }

    /// The last term that is known to have begun.
    pub(crate) fn term(&self) -> Term {
        self.reigns.last().term
    }

    /// The digest of the committed order through this CSN, if it is known.
    pub(crate) fn prefix(&self, csn: Csn) -> Option<Digest> {
        if csn == self.omitted.csn { Some(self.omitted.prefix) } else { Some(self.at(csn)?.prefix) }
    }

    pub(crate) fn at(&self, csn: Csn) -> Option<&CommittedWrite> {
        let index = csn.get().checked_sub(self.omitted.csn.get())?.checked_sub(1)?;
        self.committed.get(usize::try_from(index).ok()?)
    }

    /// The committed writes beyond a CSN, as far as they are held.
    pub(crate) fn committed_after(&self, csn: Csn) -> &[CommittedWrite] {
        let from = csn.get().saturating_sub(self.omitted.csn.get());
        &self.committed[usize::try_from(from).unwrap_or(usize::MAX).min(self.committed.len())..]
    }

    pub(crate) const fn tentative(&self) -> &BTreeMap<WriteId, Arc<Write>> {
        &self.tentative
    }

    /// The place of a committed write that is held.
    pub(crate) fn position(&self, write: &WriteId) -> Option<Csn> {
        self.positions.get(write).copied()
    }

    /// Whether a write is committed, held or omitted.
    pub(crate) fn is_committed(&self, write: &WriteId) -> bool {
        self.positions.contains_key(write) || self.omitted.vector.covers(write)
    }

    pub(crate) fn write(&self, id: &WriteId) -> Option<&Arc<Write>> {
        match self.position(id) {
            Some(csn) => self.at(csn).map(|entry| &entry.write),
            None => self.tentative.get(id),
        }
    }

    /// Whether the write that created a replica is held, or was. What bears that id in another history of the creator is
    /// another write.
    pub(crate) fn holds_creation(&self, replica: &ReplicaId) -> bool {
        replica.creation().is_none_or(|creation| match self.write(&creation) {
            Some(write) => write.creates_replica(),
            None => self.omitted.vector.covers(&creation),
        })
    }

    /// Where a replica's chain of writes ends here.
    ///
    /// The database's first replica has no creation write that could begin its chain.
    pub(crate) fn end_of_chain(&self, replica: &ReplicaId) -> Option<VectorEntry> {
        let beginning = VectorEntry { stamp: Stamp::ZERO, chain: Digest::EMPTY };
        self.vector.entry(replica).copied().or_else(|| replica.creation().is_none().then_some(beginning))
    }

    /// The digest of a replica's chain through the write with this stamp, if that is known here.
    pub(crate) fn chain_at(&self, replica: &ReplicaId, stamp: Stamp) -> Option<Digest> {
        let entry = [&self.vector, &self.omitted.vector].into_iter().filter_map(|vector| vector.entry(replica));
        if let Some(entry) = entry.into_iter().find(|entry| entry.stamp == stamp) {
            return Some(entry.chain);
        }
        match replica.creation() {
            None if stamp == Stamp::ZERO => Some(Digest::EMPTY),
            Some(creation) if creation.stamp == stamp => self.write(&creation).map(|write| write.chain),
            _ => self.write(&WriteId { stamp, replica: replica.clone() }).map(|write| write.chain),
        }
    }

    /// Where the data must be rolled back to because the tentative order changed, and forgets it.
    pub(crate) fn take_changed_from(&mut self) -> Option<WriteId> {
        self.changed_from.take()
    }

    pub(crate) const fn changed_from(&self) -> Option<&WriteId> {
        self.changed_from.as_ref()
    }

    /// The write with this id, if it stands last in the log and nothing else changed in the tentative order since that
    /// was last asked for; the change is forgotten.
    pub(crate) fn take_last(&mut self, id: &WriteId) -> Option<Arc<Write>> {
        let last = match (self.tentative.last_key_value(), self.committed.last()) {
            (Some((_, write)), _) => write,
            (None, Some(commit)) if commit.refused.is_none() => &commit.write,
            (None, _) => return None,
        };
        if last.id != *id || self.changed_from.as_ref() != Some(id) {
            return None;
        }
        self.changed_from = None;
        Some(Arc::clone(last))
    }

    fn changed_at(&mut self, id: &WriteId) {
        if self.changed_from.as_ref().is_none_or(|from| id < from) {
            self.changed_from = Some(id.clone());
        }
    }

    /// Inserts a write at its place in the tentative order. `false`: it is known already.
    ///
    /// The vector moves here and, with a state transfer, in [`install`](Self::install): creation and retirement take
    /// effect on insertion, whatever the outcome.
    pub(crate) fn insert(&mut self, write: Arc<Write>) -> Result<bool, LogError> {
        if self.vector.covers(&write.id) {
            return Ok(false);
        }
        let Some(end) = self.end_of_chain(&write.id.replica) else {
            return Err(LogError::UnknownReplica { write: write.id.clone() });
        };
        if write.previous < end.stamp {
            // What is held between the two is no part of its history.
            return Err(LogError::Fork { write: write.id.clone() });
        }
        if write.previous != end.stamp {
            let (write, previous) = (write.id.clone(), write.previous);
            return Err(LogError::Gap { write, previous, held: end.stamp });
        }
        if write.chain != Write::chained(&write.id, write.previous, end.chain, &write.body.bytes) {
            return Err(LogError::Fork { write: write.id.clone() });
        }
        if write.creates_replica() && ReplicaId::created_by(&write.id).is_none() {
            return Err(LogError::CreationTooDeep { write: write.id.clone() });
        }
        write.extend(&mut self.vector);
        self.changed_at(&write.id);
        self.tentative.insert(write.id.clone(), write);
        Ok(true)
    }

    /// Claims what a peer says that it holds: the mistake that the simulator plants.
    pub(crate) fn claim(&mut self, vector: &VersionVector) {
        self.vector = self.vector.merged(vector);
    }

    /// Whether a write that is said to be committed at a place can be the one there.
    pub(crate) fn check_position(&self, id: &WriteId, csn: Csn) -> Result<(), LogError> {
        let fits = if csn <= self.omitted.csn {
            self.omitted.vector.covers(id)
        } else if csn <= self.csn() {
            self.position(id) == Some(csn)
        } else {
            !self.is_committed(id)
        };
        if fits { Ok(()) } else { Err(LogError::CommitContradicts { csn, write: id.clone() }) }
    }

    /// Moves a write to the end of the committed prefix. `false`: it is committed there already.
    pub(crate) fn commit(&mut self, id: &WriteId, place: &Place) -> Result<bool, LogError> {
        let Place { csn, term, refused } = place.clone();
        self.check_position(id, csn)?;
        let held = self.csn();
        if csn <= held {
            return Ok(false);
        }
        if csn != held.next() {
            return Err(LogError::CommitGap { csn, held });
        }
        let unknown = LogError::CommitOfUnknown { csn, write: id.clone() };
        let write = self.tentative.get(id).ok_or(unknown)?;
        if !self.follows_committed(write) {
            return Err(LogError::CommitOvertakes { csn, write: id.clone() });
        }
        let before = self.prefix(held).expect("the log knows the digest of its own end");
        // A refused one moves nothing: it lost its place to a later term.
        let moves = (write.moves_role() && refused.is_none()).then(|| write.kind());
        let in_vain = matches!(&moves, Some(WriteKind::HandOver { term: next, .. }) if *next <= term);
        let (due, begins) = (self.reigns.term_at(csn), term > self.term() && self.reigns.has_room());
        if in_vain || !(begins || term == due || (term < due && planted::is(Bug::OldTermAccepted))) {
            return Err(LogError::OtherTerm { csn, term, held: due });
        }
        let prefix = match &refused {
            None => before.chained(&[write.chain.as_bytes()]),
            Some(reason) => before.chained(&[write.chain.as_bytes(), reason.as_bytes()]),
        };
        if !begins && self.reigns.beginning_after(csn).is_some_and(|next| next.prefix != prefix) {
            return Err(LogError::CommitContradicts { csn, write: id.clone() });
        }
        if begins {
            // Whose it is says the first write of who took the role, behind what waited.
            self.reigns.end_after(held);
            self.reigns.push(Reign { term, primary: None, after: held, prefix: before });
        }

        let Entry::Occupied(entry) = self.tentative.entry(id.clone()) else { unreachable!("it was found above") };
        let write = entry.remove();
        if planted::is(Bug::VectorEffectsOnExecution) && refused.is_some() && write.creates_replica() {
            ReplicaId::created_by(id).iter().for_each(|created| self.vector.remove(created));
        }
        self.positions.insert(id.clone(), csn);
        self.committed.push(CommittedWrite { write, term, refused, prefix });
        match moves {
            // Unless a peer has told of it before.
            Some(WriteKind::HandOver { to, term }) if term > self.term() => {
                self.reigns.push(Reign { term, primary: Some(to), after: csn, prefix });
            }
            Some(WriteKind::TakeOver { term: taken }) if taken == term && term == self.term() => {
                self.reigns.name_primary(id.replica.clone());
            }
            _ => {}
        }
        Ok(true)
    }

    /// Whether what its accepter wrote before it, or for the first write the accepter's creation, is committed.
    pub(crate) fn follows_committed(&self, write: &Write) -> bool {
        let replica = &write.id.replica;
        let before = match replica.creation() {
            Some(creation) if creation.stamp == write.previous => creation,
            None if write.previous == Stamp::ZERO => return true,
            _ => WriteId { stamp: write.previous, replica: replica.clone() },
        };
        self.is_committed(&before) || planted::is(Bug::CommitOvertakes)
    }

    /// Forgets the committed writes through a CSN, which are executed, and returns them.
    pub(crate) fn truncate(&mut self, through: Csn) -> Vec<CommittedWrite> {
        let count = through.get().saturating_sub(self.omitted.csn.get());
        let count = usize::try_from(count).unwrap_or(usize::MAX).min(self.committed.len());
        let truncated: Vec<CommittedWrite> = self.committed.drain(..count).collect();
        for entry in &truncated {
            entry.write.extend(&mut self.omitted.vector);
            self.omitted.csn = self.omitted.csn.next();
            self.omitted.prefix = entry.prefix;
            self.positions.remove(&entry.write.id);
        }
        truncated
    }

    /// Takes over a history of reigns that leads further than the one known here. Commits that it contradicts are void.
    pub(crate) fn adopt(&mut self, reigns: Reigns) {
        self.reigns = reigns;
    }

    /// Puts the commits beyond a CSN, which a later term has made void, back among the tentative writes.
    pub(crate) fn void_after(&mut self, csn: Csn) {
        assert!(csn >= self.omitted.csn, "what is omitted cannot be taken back");
        let from = usize::try_from(csn.get() - self.omitted.csn.get()).expect("no more than are held");
        for entry in self.committed.drain(from..).collect::<Vec<_>>() {
            self.positions.remove(&entry.write.id);
            self.changed_at(&entry.write.id);
            self.tentative.insert(entry.write.id.clone(), entry.write);
        }
    }

    #[cfg(any(test, debug_assertions))]
    pub(crate) fn len(&self) -> usize {
        self.committed.len() + self.tentative.len()
    }
}
