//! The log: the committed prefix in CSN order, then the tentative suffix by (accept stamp, replica).

use std::{
    collections::{BTreeMap, btree_map::Entry},
    sync::Arc,
};

use thiserror::Error;

use crate::{
    digest::Digest,
    id::{ReplicaId, WriteId},
    stamp::{Csn, Stamp, Term},
    vector::{VectorEntry, VersionVector},
    write::{Write, WriteKind},
};

/// A write of the committed prefix.
#[derive(Clone, Debug)]
pub(crate) struct CommittedWrite {
    pub(crate) write: Arc<Write>,
    pub(crate) term: Term,
    /// The digest of the committed order through this write.
    pub(crate) prefix: Digest,
}

/// Why a write or a commit does not fit what the log holds. The log has not changed.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum LogError {
    /// Earlier writes of its accepter are missing.
    #[error("write {write} follows stamp {previous} of its replica, but {held} is the last one held here")]
    Gap {
        /// The write.
        write: WriteId,
        /// The stamp it follows.
        previous: Stamp,
        /// The last stamp held.
        held: Stamp,
    },
    /// The replica that accepted it is not known.
    #[error("write {write} comes before the creation of its replica")]
    UnknownReplica {
        /// The write.
        write: WriteId,
    },
    /// Its accepter's chain of writes differs from the one held here: one id was used by two replicas.
    #[error("write {write} continues another history of its replica than the one held here")]
    Fork {
        /// The write.
        write: WriteId,
    },
    /// It creates a replica at the end of too long a chain of creations.
    #[error("write {write} creates a replica too many creations away from the first")]
    CreationTooDeep {
        /// The write.
        write: WriteId,
    },
    /// The commit does not follow the last one.
    #[error("commit {csn} does not follow commit {held}")]
    CommitGap {
        /// The commit.
        csn: Csn,
        /// The last one held.
        held: Csn,
    },
    /// The commit names a write that is not held.
    #[error("commit {csn} names write {write}, which is not held here")]
    CommitOfUnknown {
        /// The commit.
        csn: Csn,
        /// The write it names.
        write: WriteId,
    },
    /// The position or the write was committed otherwise.
    #[error("commit {csn} of write {write} contradicts what is committed here")]
    CommitContradicts {
        /// The commit.
        csn: Csn,
        /// The write it names.
        write: WriteId,
    },
    /// The commit comes before that of an earlier write of the same replica.
    #[error("commit {csn} of write {write} comes before that of an earlier write of its replica")]
    CommitOvertakes {
        /// The commit.
        csn: Csn,
        /// The write it names.
        write: WriteId,
    },
    /// The commit comes from a primary whose reign is over.
    #[error("commit {csn} is of term {}, but term {} has begun", term.get(), held.get())]
    OldTerm {
        /// The commit.
        csn: Csn,
        /// Its term.
        term: Term,
        /// The term of the last commit held.
        held: Term,
    },
}

/// The write log with the version vector that it amounts to.
#[derive(Debug, Default)]
pub(crate) struct WriteLog {
    committed: Vec<CommittedWrite>,
    tentative: BTreeMap<WriteId, Arc<Write>>,
    positions: BTreeMap<WriteId, Csn>,
    vector: VersionVector,
    /// The first place at which a tentative write was inserted since it was last asked for.
    inserted_from: Option<WriteId>,
}

impl WriteLog {
    /// The log of the replica that begins a database.
    pub(crate) fn of_new_database() -> Self {
        Self { vector: VersionVector::of_new_database(), ..Self::default() }
    }

    pub(crate) const fn vector(&self) -> &VersionVector {
        &self.vector
    }

    /// The last CSN held; every lower one is held, too.
    pub(crate) fn csn(&self) -> Csn {
        Csn::new(self.committed.len() as u64).expect("a log holds fewer than 2^53 writes")
    }

    /// The term of the last commit.
    pub(crate) fn term(&self) -> Term {
        self.committed.last().map_or(Term::FIRST, |entry| entry.term)
    }

    /// The digest of the committed order through this CSN, if it is held.
    pub(crate) fn prefix(&self, csn: Csn) -> Option<Digest> {
        if csn == Csn::ZERO { Some(Digest::EMPTY) } else { Some(self.at(csn)?.prefix) }
    }

    pub(crate) fn at(&self, csn: Csn) -> Option<&CommittedWrite> {
        self.committed.get(usize::try_from(csn.get()).ok()?.checked_sub(1)?)
    }

    /// The committed writes beyond a CSN.
    pub(crate) fn committed_after(&self, csn: Csn) -> &[CommittedWrite] {
        let from = usize::try_from(csn.get()).unwrap_or(usize::MAX).min(self.committed.len());
        &self.committed[from..]
    }

    pub(crate) const fn tentative(&self) -> &BTreeMap<WriteId, Arc<Write>> {
        &self.tentative
    }

    pub(crate) fn position(&self, write: &WriteId) -> Option<Csn> {
        self.positions.get(write).copied()
    }

    pub(crate) fn write(&self, id: &WriteId) -> Option<&Arc<Write>> {
        match self.position(id) {
            Some(csn) => self.at(csn).map(|entry| &entry.write),
            None => self.tentative.get(id),
        }
    }

    /// Where a replica's chain of writes ends here.
    ///
    /// The database's first replica has no creation write that could begin its chain.
    pub(crate) fn end_of_chain(&self, replica: &ReplicaId) -> Option<VectorEntry> {
        let beginning = VectorEntry { stamp: Stamp::ZERO, chain: Digest::EMPTY };
        self.vector.entry(replica).copied().or_else(|| replica.creation().is_none().then_some(beginning))
    }

    /// Where the data must be rolled back to because of insertions, and forgets it.
    pub(crate) fn take_inserted_from(&mut self) -> Option<WriteId> {
        self.inserted_from.take()
    }

    /// Inserts a write at its place in the tentative order. `false`: it is known already.
    ///
    /// The vector moves here and nowhere else: creation takes effect on insertion, whatever the outcome.
    pub(crate) fn insert(&mut self, write: Arc<Write>) -> Result<bool, LogError> {
        if self.vector.covers(&write.id) {
            return Ok(false);
        }
        let Some(end) = self.end_of_chain(&write.id.replica) else {
            return Err(LogError::UnknownReplica { write: write.id.clone() });
        };
        if write.previous != end.stamp {
            let (write, previous) = (write.id.clone(), write.previous);
            return Err(LogError::Gap { write, previous, held: end.stamp });
        }
        if write.chain != Write::chained(&write.id, write.previous, end.chain, &write.body.bytes) {
            return Err(LogError::Fork { write: write.id.clone() });
        }
        if matches!(write.kind(), WriteKind::CreateReplica) && ReplicaId::created_by(&write.id).is_none() {
            return Err(LogError::CreationTooDeep { write: write.id.clone() });
        }
        write.extend(&mut self.vector);
        if self.inserted_from.as_ref().is_none_or(|from| write.id < *from) {
            self.inserted_from = Some(write.id.clone());
        }
        self.tentative.insert(write.id.clone(), write);
        Ok(true)
    }

    /// Whether a write that is said to be committed at a place can be the one there.
    pub(crate) fn check_position(&self, id: &WriteId, csn: Csn) -> Result<(), LogError> {
        let position = self.position(id);
        let fits = if csn <= self.csn() { position == Some(csn) } else { position.is_none() };
        if fits { Ok(()) } else { Err(LogError::CommitContradicts { csn, write: id.clone() }) }
    }

    /// Moves a write to the end of the committed prefix. `false`: it is committed there already.
    pub(crate) fn commit(&mut self, id: &WriteId, csn: Csn, term: Term) -> Result<bool, LogError> {
        self.check_position(id, csn)?;
        let held = self.csn();
        if csn <= held {
            return Ok(false);
        }
        if csn != held.next() {
            return Err(LogError::CommitGap { csn, held });
        }
        if term < self.term() {
            return Err(LogError::OldTerm { csn, term, held: self.term() });
        }
        let unknown = LogError::CommitOfUnknown { csn, write: id.clone() };
        let Entry::Occupied(entry) = self.tentative.entry(id.clone()) else { return Err(unknown) };
        if !follows_committed(&self.positions, entry.get()) {
            return Err(LogError::CommitOvertakes { csn, write: id.clone() });
        }
        let write = entry.remove();
        let before = self.committed.last().map_or(Digest::EMPTY, |entry| entry.prefix);
        let prefix = before.chained(&[write.chain.as_bytes()]);
        self.positions.insert(id.clone(), csn);
        self.committed.push(CommittedWrite { write, term, prefix });
        Ok(true)
    }

    #[cfg(any(test, debug_assertions))]
    pub(crate) fn len(&self) -> usize {
        self.committed.len() + self.tentative.len()
    }

    /// What holds of every log at every moment.
    #[cfg(any(test, debug_assertions))]
    pub(crate) fn assert_invariants(&self) {
        assert_eq!(self.positions.len(), self.committed.len(), "every committed write has one position");
        let mut last: BTreeMap<&ReplicaId, Stamp> = BTreeMap::new();
        let in_order = self.committed.iter().map(|entry| &entry.write).chain(self.tentative.values());
        for write in in_order {
            let before = last.insert(&write.id.replica, write.id.stamp);
            assert!(before < Some(write.id.stamp), "{}: the log keeps each replica's accept order", write.id);
            assert!(self.vector.covers(&write.id), "{}: the vector covers what is held", write.id);
        }
        for (replica, entry) in self.vector.iter() {
            // A replica that has accepted nothing is covered by its creation; the first one by nothing.
            let known = last.get(replica).copied().or_else(|| replica.creation().map(|creation| creation.stamp));
            assert_eq!(known.unwrap_or(Stamp::ZERO), entry.stamp, "{replica}: the vector covers no more than is held");
        }
        let terms = self.committed.windows(2).all(|pair| pair[0].term <= pair[1].term);
        assert!(terms, "terms rise along the committed prefix");
    }
}

/// Whether what its accepter wrote before it, or for the first write the accepter's creation, is committed.
fn follows_committed(positions: &BTreeMap<WriteId, Csn>, write: &Write) -> bool {
    let replica = &write.id.replica;
    let before = match replica.creation() {
        Some(creation) if creation.stamp == write.previous => creation,
        None if write.previous == Stamp::ZERO => return true,
        _ => WriteId { stamp: write.previous, replica: replica.clone() },
    };
    positions.contains_key(&before)
}
