//! Undo and redo: brings the data from the log order it was executed in to the one the log has \[95 §5.2, fig. 5\].
//!
//! The tentative view is the committed view with the effects of `applied` on top, in this order. To move to another
//! order it rolls back to the first place at which the two differ and replays from there, once for a whole batch of
//! changes. A write that commits where it stands is not executed again: its effects are already those of its final
//! position, for all that precedes it is the same.

use core::ops::Bound;
use std::collections::VecDeque;

use crate::{
    execution,
    id::WriteId,
    outcome::{Branch, Outcome},
    stamp::Csn,
    tuple_store::{Effect, TupleStore},
    write::Write,
    write_log::WriteLog,
};

/// What a change of the log order cost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ReorderCost {
    /// Writes whose effects were taken back.
    pub undone: u32,
    /// Writes executed afterwards, those that arrived among them.
    pub redone: u32,
    /// Of those undone, how many took another branch than before.
    pub outcomes_changed: u32,
}

#[derive(Debug)]
struct Applied {
    id: WriteId,
    effects: Vec<Effect>,
    outcome: Outcome,
}

/// How far the data has followed the log.
#[derive(Debug, Default)]
pub(crate) struct Schedule {
    /// The outcomes of the committed prefix; that of CSN n at n - 1.
    committed: Vec<Outcome>,
    /// The tentative writes in the order in which they were executed.
    applied: VecDeque<Applied>,
}

impl Schedule {
    /// Executes what the log has and the data has not yet followed.
    pub(crate) fn follow(&mut self, log: &mut WriteLog, store: &mut TupleStore) -> ReorderCost {
        let inserted_from = log.take_inserted_from();
        let mut replay = Replay::default();
        let commits = log.committed_after(csn_of(&self.committed));

        // Commits of what stands first anyway.
        let in_place = commits.iter().zip(&self.applied).take_while(|(commit, applied)| commit.write.id == applied.id);
        let in_place = in_place.count();
        if in_place < commits.len() {
            replay.roll_back(&mut self.applied, in_place, store);
        }
        for applied in self.applied.drain(..in_place) {
            applied.effects.iter().for_each(|effect| store.committed.redo(effect));
            self.committed.push(applied.outcome);
        }
        for commit in &commits[in_place..] {
            let applied = replay.execute(store, &commit.write);
            applied.effects.iter().for_each(|effect| store.committed.redo(effect));
            self.committed.push(applied.outcome);
        }

        // What was inserted among the tentative writes, and all that follows it.
        if let Some(from) = inserted_from {
            let kept = self.applied.partition_point(|applied| applied.id < from);
            replay.roll_back(&mut self.applied, kept, store);
        }
        let after = self.applied.back().map_or(Bound::Unbounded, |last| Bound::Excluded(last.id.clone()));
        for write in log.tentative().range((after, Bound::Unbounded)).map(|(_, write)| write) {
            self.applied.push_back(replay.execute(store, write));
        }
        replay.cost
    }

    /// The last commit that was executed.
    pub(crate) fn csn(&self) -> Csn {
        csn_of(&self.committed)
    }

    /// The outcome of a committed write.
    pub(crate) fn committed_outcome(&self, csn: Csn) -> Option<&Outcome> {
        self.committed.get(usize::try_from(csn.get()).ok()?.checked_sub(1)?)
    }

    /// The present outcome of a tentative write.
    pub(crate) fn tentative_outcome(&self, write: &WriteId) -> Option<&Outcome> {
        let index = self.applied.binary_search_by(|applied| applied.id.cmp(write)).ok()?;
        Some(&self.applied[index].outcome)
    }

    /// What holds once the data has followed the log.
    #[cfg(any(test, debug_assertions))]
    pub(crate) fn assert_invariants(&self, log: &WriteLog, store: &TupleStore) {
        use std::collections::BTreeMap;

        assert_eq!(csn_of(&self.committed), log.csn(), "every committed write was executed");
        assert!(self.applied.iter().map(|applied| &applied.id).eq(log.tentative().keys()), "executed in log order");
        let mut expected: BTreeMap<_, _> =
            store.committed.iter().map(|(relation, key, tuple)| ((relation, key), tuple)).collect();
        for effect in self.applied.iter().flat_map(|applied| &applied.effects) {
            match &effect.after {
                Some(tuple) => expected.insert((&effect.relation, &effect.key), tuple),
                None => expected.remove(&(&effect.relation, &effect.key)),
            };
        }
        let tentative: BTreeMap<_, _> =
            store.tentative.iter().map(|(relation, key, tuple)| ((relation, key), tuple)).collect();
        assert!(expected == tentative, "the tentative view is the committed one with the tentative effects on top");
    }
}

fn csn_of(committed: &[Outcome]) -> Csn {
    Csn::new(committed.len() as u64).expect("a log holds fewer than 2^53 writes")
}

/// One rollback and replay, with its cost.
#[derive(Default)]
struct Replay {
    cost: ReorderCost,
    /// What was taken back, the last write first.
    undone: Vec<(WriteId, Branch)>,
}

impl Replay {
    /// Takes back all but the first `kept` writes, the last first.
    fn roll_back(&mut self, applied: &mut VecDeque<Applied>, kept: usize, store: &mut TupleStore) {
        for undone in applied.drain(kept..).rev() {
            store.tentative.undo(&undone.effects);
            self.undone.push((undone.id, undone.outcome.branch));
            self.cost.undone += 1;
        }
    }

    fn execute(&mut self, store: &mut TupleStore, write: &Write) -> Applied {
        let (effects, outcome) = execution::execute(&mut store.tentative, write, None);
        if !self.undone.is_empty() {
            self.cost.redone += 1;
        }
        let before = self.undone.binary_search_by(|(id, _)| write.id.cmp(id)).map(|index| self.undone[index].1);
        if before.is_ok_and(|before| before != outcome.branch) {
            self.cost.outcomes_changed += 1;
        }
        Applied { id: write.id.clone(), effects, outcome }
    }
}
