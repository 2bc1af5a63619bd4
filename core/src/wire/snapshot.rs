//! What a state transfer and a checkpoint are made of \[97 §3.3\].

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::{
    digest::Digest,
    id::{ReplicaId, WriteId},
    limits::{ALTERNATIVES_MAX, BLOCKERS_MAX, OMITTED_CSN_MAX, REASON_BYTES_MAX, REIGNS_MAX},
    outcome::{Attempt, Branch, Conflict, Outcome, Step},
    outcomes::OmittedOutcome,
    stamp::{Csn, Term},
    tuple_store::TupleKey,
    value::{Fields, Key, Name, Row, Text, Tuple},
    write_log::{Omitted, Reign, Reigns},
};

use super::{DecodeError, IdTable, Interner, WireVector, WireWriteId, bounded, check_csn, check_term, tuples};

/// Tuples of the data as of an omitted CSN, in the order of relation and key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct SnapshotPart {
    /// The omitted CSN; with the digest it tells which data this is a part of.
    pub(crate) csn: Csn,
    /// The digest of all that data.
    pub(crate) digest: Digest,
    /// The place that this part continues from; `None` at the beginning.
    pub(crate) after: Option<TupleKey>,
    pub(crate) tuples: Tuples,
    /// What became of the receiver's own omitted writes; after all tuples.
    pub(crate) outcomes: Outcomes,
    /// What was omitted; alone in the last part.
    pub(crate) end: Option<Box<WireOmitted>>,
}

/// Tuples with the table of the ids that they name.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Tuples {
    pub(crate) replicas: IdTable,
    #[serde(deserialize_with = "tuples::list")]
    pub(crate) tuples: Vec<WireTuple>,
}

/// A tuple with the write that last put or patched it.
pub(crate) type WireTuple = (Name, Key, Fields, WireWriteId);

/// The omitted vector and CSN, and what the committed order was there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct WireOmitted {
    pub(crate) csn: Csn,
    pub(crate) vector: WireVector,
    pub(crate) prefix: Digest,
    #[serde(deserialize_with = "bounded::list::<_, _, REIGNS_MAX>")]
    pub(crate) reigns: Vec<WireReign>,
}

/// The term, its primary if that is known, and the last CSN before it with the digest there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct WireReign(Term, Option<ReplicaId>, Csn, Digest);

/// Outcomes with the table of the ids that they name.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Outcomes {
    pub(crate) replicas: IdTable,
    pub(crate) outcomes: Vec<WireOutcome>,
}

/// What became of an omitted write.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct WireOutcome {
    write: WireWriteId,
    csn: Csn,
    chain: Digest,
    branch: Branch,
    attempts: Vec<(Step, WireConflict)>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum WireConflict {
    Check(u16, Vec<(Key, Fields, WireWriteId)>),
    KeyTaken(Name, Key),
    KeyMissing(Name, Key),
    TupleFull(Name, Key),
    Refused(Text),
}

pub(crate) fn tuple(interner: &mut Interner, relation: &Name, key: &Key, tuple: &Tuple) -> WireTuple {
    (relation.clone(), key.clone(), tuple.fields.clone(), interner.id(&tuple.written_by))
}

impl Tuples {
    /// The place of the last tuple.
    pub(crate) fn last(&self) -> Option<TupleKey> {
        self.tuples.last().map(|(relation, key, ..)| (relation.clone(), key.clone()))
    }

    /// The tuples with their places.
    pub(crate) fn into_tuples(self) -> Result<Vec<(TupleKey, Arc<Tuple>)>, DecodeError> {
        let Self { replicas, tuples } = self;
        let tuples = tuples.into_iter().map(|(relation, key, fields, write)| {
            let written_by = replicas.id(write)?;
            Ok(((relation, key), Arc::new(Tuple { fields, written_by })))
        });
        tuples.collect()
    }
}

impl Outcomes {
    /// About how many bytes they take.
    pub(crate) fn bytes(&self) -> usize {
        self.outcomes.iter().map(WireOutcome::bytes).sum()
    }

    /// The outcomes with the writes that they are of.
    pub(crate) fn into_outcomes(self) -> Result<Vec<(WriteId, OmittedOutcome)>, DecodeError> {
        let Self { replicas, outcomes } = self;
        outcomes.into_iter().map(|outcome| outcome.into_outcome(&replicas)).collect()
    }
}

impl WireOmitted {
    pub(crate) fn new(omitted: &Omitted, reigns: &Reigns) -> Self {
        let Omitted { csn, vector, prefix } = omitted;
        Self { csn: *csn, vector: vector.into(), prefix: *prefix, reigns: wire_reigns(reigns) }
    }

    pub(crate) fn into_parts(self) -> Result<(Omitted, Reigns), DecodeError> {
        if self.csn.get() > OMITTED_CSN_MAX {
            return Err(DecodeError::OutOfBounds);
        }
        let omitted = Omitted { csn: self.csn, vector: self.vector.into_vector()?, prefix: self.prefix };
        Ok((omitted, read_reigns(self.reigns)?))
    }
}

pub(crate) fn wire_reigns(reigns: &Reigns) -> Vec<WireReign> {
    let reigns = reigns.iter().map(|reign| {
        let Reign { term, primary, after, prefix } = reign.clone();
        WireReign(term, primary, after, prefix)
    });
    reigns.collect()
}

pub(crate) fn read_reigns(reigns: Vec<WireReign>) -> Result<Reigns, DecodeError> {
    let reigns = reigns.into_iter().map(|WireReign(term, primary, after, prefix)| {
        check_csn(after)?;
        check_term(term)?;
        Ok(Reign { term, primary, after, prefix })
    });
    Reigns::new(reigns.collect::<Result<_, DecodeError>>()?).ok_or(DecodeError::OutOfBounds)
}

impl WireOutcome {
    pub(crate) fn new(interner: &mut Interner, write: &WriteId, omitted: &OmittedOutcome) -> Self {
        let OmittedOutcome { csn, chain, outcome } = omitted;
        let write = interner.id(write);
        let attempts = outcome.attempts.iter().map(|Attempt { step, conflict }| {
            let conflict = match conflict.clone() {
                Conflict::Check { index, found } => {
                    let row = |row: Row| (row.key, row.tuple.fields.clone(), interner.id(&row.tuple.written_by));
                    WireConflict::Check(index, found.into_iter().map(row).collect())
                }
                Conflict::KeyTaken { relation, key } => WireConflict::KeyTaken(relation, key),
                Conflict::KeyMissing { relation, key } => WireConflict::KeyMissing(relation, key),
                Conflict::TupleFull { relation, key } => WireConflict::TupleFull(relation, key),
                Conflict::Refused { reason } => WireConflict::Refused(reason),
            };
            (*step, conflict)
        });
        let attempts = attempts.collect();
        Self { write, csn: *csn, chain: *chain, branch: outcome.branch, attempts }
    }

    /// About how many bytes it takes.
    pub(crate) fn bytes(&self) -> usize {
        let attempt = |(_, conflict): &(Step, WireConflict)| match conflict {
            WireConflict::Check(_, found) => {
                found.iter().map(|(key, fields, _)| key.as_str().len() + fields.bytes()).sum()
            }
            WireConflict::KeyTaken(relation, key)
            | WireConflict::KeyMissing(relation, key)
            | WireConflict::TupleFull(relation, key) => relation.as_str().len() + key.as_str().len(),
            WireConflict::Refused(reason) => reason.len(),
        };
        32 + self.attempts.iter().map(attempt).sum::<usize>()
    }

    fn into_outcome(self, replicas: &IdTable) -> Result<(WriteId, OmittedOutcome), DecodeError> {
        let write = replicas.id(self.write)?;
        check_csn(self.csn)?;
        if self.attempts.len() > ALTERNATIVES_MAX + 1 {
            return Err(DecodeError::OutOfBounds);
        }
        let attempts = self.attempts.into_iter().map(|(step, conflict)| {
            let conflict = match conflict {
                WireConflict::Check(index, found) => {
                    if found.len() > BLOCKERS_MAX {
                        return Err(DecodeError::OutOfBounds);
                    }
                    let row = |(key, fields, write)| {
                        let written_by = replicas.id(write)?;
                        Ok(Row { key, tuple: Arc::new(Tuple { fields, written_by }) })
                    };
                    Conflict::Check { index, found: found.into_iter().map(row).collect::<Result<_, DecodeError>>()? }
                }
                WireConflict::KeyTaken(relation, key) => Conflict::KeyTaken { relation, key },
                WireConflict::KeyMissing(relation, key) => Conflict::KeyMissing { relation, key },
                WireConflict::TupleFull(relation, key) => Conflict::TupleFull { relation, key },
                WireConflict::Refused(reason) => {
                    if reason.len() > REASON_BYTES_MAX {
                        return Err(DecodeError::OutOfBounds);
                    }
                    Conflict::Refused { reason }
                }
            };
            Ok(Attempt { step, conflict })
        });
        let outcome = Outcome { branch: self.branch, attempts: attempts.collect::<Result<_, DecodeError>>()? };
        Ok((write, OmittedOutcome { csn: self.csn, chain: self.chain, outcome }))
    }
}
