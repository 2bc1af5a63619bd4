//! All that was ever committed: a tree of states, which has one branch as long as no term was cut short by another.

use std::{collections::BTreeMap, rc::Rc};

use bayou_core::{Branch, Csn, Digest, ReplicaId, Stamp, Term, Write, WriteId, WriteKind, sim::CommittedEntry};

use super::Violation;
use crate::model::Model;

/// The end of each replica's chain of writes.
pub(crate) type Ends = BTreeMap<ReplicaId, (Stamp, Digest)>;

/// What there is after a committed write.
#[derive(Debug)]
pub(crate) struct State {
    pub(crate) csn: Csn,
    /// The digest of the committed order before it.
    pub(crate) parent: Digest,
    pub(crate) write: WriteId,
    pub(crate) chain: Digest,
    /// If it offers a lost write again, which one.
    pub(crate) again: Option<Digest>,
    pub(crate) branch: Branch,
    pub(crate) model: Model,
    pub(crate) ends: Ends,
}

/// The states by the digest of the committed order through them.
#[derive(Debug)]
pub(crate) struct History {
    states: BTreeMap<Digest, Rc<State>>,
    lines: BTreeMap<(Term, Csn), Digest>,
}

impl Default for History {
    fn default() -> Self {
        let first = ReplicaId::first();
        let root = State {
            csn: Csn::ZERO,
            parent: Digest::EMPTY,
            write: WriteId { stamp: Stamp::ZERO, replica: first.clone() },
            chain: Digest::EMPTY,
            again: None,
            branch: Branch::Update,
            model: Model::default(),
            ends: BTreeMap::from([(first, (Stamp::ZERO, Digest::EMPTY))]),
        };
        Self { states: BTreeMap::from([(Digest::EMPTY, Rc::new(root))]), lines: BTreeMap::new() }
    }
}

impl History {
    pub(crate) fn state(&self, prefix: Digest) -> Option<&Rc<State>> {
        self.states.get(&prefix)
    }

    /// Takes a commit that follows a state.
    ///
    /// **Committed prefixes agree and never change** within a term's line, CSNs are dense, and each replica's writes
    /// commit in the order in which it accepted them \[97 §3.2\]. A digest of the committed order stands for all of it, so
    /// that it is enough that each place of a term has one digest, which follows one that is known. No false alarm:
    /// commits are taken from storage only, and no term is begun twice.
    pub(crate) fn add(&mut self, parent: Digest, entry: &CommittedEntry<'_>) -> Result<Option<Rc<State>>, Violation> {
        let place = (entry.term, entry.csn);
        let known = *self.lines.entry(place).or_insert(entry.prefix);
        let (term, csn) = (entry.term.get(), entry.csn);
        if known != entry.prefix {
            return Err(Violation::of("committed-order", format!("commit {csn} of term {term} is two writes")));
        }
        if self.states.contains_key(&entry.prefix) {
            return Ok(None);
        }
        let Some(before) = self.states.get(&parent) else {
            return Err(Violation::of("committed-order", format!("commit {csn} follows nothing that is known")));
        };
        if before.csn.next() != entry.csn {
            return Err(Violation::of(
                "committed-order",
                format!("commit {csn} of term {term} follows {}", before.csn),
            ));
        }
        let write = entry.write;
        let last = before.ends.get(&write.id.replica).map(|(stamp, _)| *stamp);
        if last != Some(write.previous) || write.previous >= write.id.stamp {
            let what = format!("commit {csn} is of {}, which follows {}, not {last:?}", write.id, write.previous);
            let line: Vec<_> = self.line(parent).map(|state| state.write.to_string()).collect();
            return Err(Violation::of("accept-order", format!("{what}; behind {line:?}")));
        }
        let mut model = before.model.clone();
        let story = match entry.refused {
            None => model.execute(write),
            Some(reason) => model.refuse(write, reason),
        };
        let mut ends = before.ends.clone();
        extend(&mut ends, write);
        let again = match write.kind() {
            WriteKind::Again { tag, .. } => Some(tag),
            _ => None,
        };
        let state = Rc::new(State {
            csn: entry.csn,
            parent,
            write: write.id.clone(),
            chain: write.chain,
            again,
            branch: story.branch,
            model,
            ends,
        });
        self.states.insert(entry.prefix, Rc::clone(&state));
        Ok(Some(state))
    }

    /// The states that lead to this one, the last first.
    pub(crate) fn line(&self, prefix: Digest) -> impl Iterator<Item = &Rc<State>> {
        core::iter::successors(self.states.get(&prefix), |state| self.states.get(&state.parent))
            .take_while(|state| state.csn > Csn::ZERO)
    }
}

/// What a write does to the ends of the chains: the rules of creation and retirement \[97 §4.3\], said once more.
pub(crate) fn extend(ends: &mut Ends, write: &Write) {
    // Creation and retirement have no content, and hardly anything is as short: no other body is worth being parsed.
    if write.bytes() > 1 {
        ends.insert(write.id.replica.clone(), (write.id.stamp, write.chain));
        return;
    }
    match write.kind() {
        WriteKind::RetireReplica if write.id.replica != ReplicaId::first() => {
            ends.remove(&write.id.replica);
        }
        kind => {
            ends.insert(write.id.replica.clone(), (write.id.stamp, write.chain));
            if kind == WriteKind::CreateReplica
                && let Some(created) = ReplicaId::created_by(&write.id)
            {
                ends.insert(created, (write.id.stamp, write.chain));
            }
        }
    }
}
