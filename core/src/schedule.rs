//! Undo and redo: brings the data from the log order it was executed in to the one the log has \[95 §5.2, fig. 5\].
//!
//! The tentative view is the committed view with the effects of `applied` on top, in this order. To move to another
//! order it rolls back to the first place at which the two differ and replays from there, once for a whole batch of
//! changes. A write that commits where it stands is not executed again: its effects are already those of its final
//! position, for all that precedes it is the same.
//!
//! A commit of a kind that this version does not know ends what can be shown as committed: it and all commits beyond it
//! are held back, executed in the tentative view only.

use core::ops::Bound;
use std::{collections::VecDeque, sync::Arc};

use crate::{
    execution,
    id::WriteId,
    outcome::{Branch, Outcome},
    planted::{self, Bug},
    stamp::Csn,
    tuple_store::{Base, Effect, TupleStore},
    value::Text,
    write::{Write, WriteKind},
    write_log::{CommittedWrite, WriteLog},
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
    write: Arc<Write>,
    effects: Vec<Effect>,
    outcome: Outcome,
}

/// How far the data has followed the log.
#[derive(Debug, Default)]
pub(crate) struct Schedule {
    /// The data as of the omitted CSN. Who sends or stores it holds on to it while it moves on here.
    base: Arc<Base>,
    base_csn: Csn,
    /// The executed commits beyond the base.
    committed: VecDeque<Applied>,
    /// What was executed after them in the tentative view, in log order.
    applied: VecDeque<Applied>,
    /// How many of `applied` are commits that are held back.
    held_back: usize,
}

impl Schedule {
    /// Data that begins with a base, with nothing executed after it.
    pub(crate) fn on(base: Base, csn: Csn) -> Self {
        Self { base: Arc::new(base), base_csn: csn, ..Self::default() }
    }

    /// Executes what the log has and the data has not yet followed.
    pub(crate) fn follow(&mut self, log: &mut WriteLog, store: &mut TupleStore) -> ReorderCost {
        let mut changed_from = log.take_changed_from();
        let mut replay = Replay::default();
        let commits = log.committed_after(self.csn());
        let shown = commits.iter().take_while(|commit| commit.refused.is_some() || !commit.write.is_unknown());
        let (commits, held_back) = commits.split_at(shown.count());
        if self.held_back > 0 || !held_back.is_empty() {
            // Rare, and over as soon as this program is brought up to date: no place is worth searching for.
            replay.roll_back(&mut self.applied, 0, store);
            changed_from = None;
        }

        // Commits of what stands first anyway.
        let in_place =
            commits.iter().zip(&self.applied).take_while(|(commit, applied)| stands(commit, applied)).count();
        if in_place < commits.len() {
            replay.roll_back(&mut self.applied, in_place, store);
        }
        for applied in self.applied.drain(..in_place) {
            applied.effects.iter().for_each(|effect| store.committed.redo(effect));
            self.committed.push_back(applied);
        }
        for commit in &commits[in_place..] {
            let applied = replay.execute(store, &commit.write, commit.refused.as_ref());
            applied.effects.iter().for_each(|effect| store.committed.redo(effect));
            self.committed.push_back(applied);
        }
        for commit in held_back {
            self.applied.push_back(replay.execute(store, &commit.write, commit.refused.as_ref()));
        }
        self.held_back = held_back.len();

        // What changed among the tentative writes, and all that follows it.
        if let Some(from) = changed_from {
            let kept = self.applied.partition_point(|applied| applied.write.id < from);
            replay.roll_back(&mut self.applied, kept, store);
        }
        let last = self.applied.range(self.held_back..).next_back();
        let after = last.map_or(Bound::Unbounded, |last| Bound::Excluded(last.write.id.clone()));
        for write in log.tentative().range((after, Bound::Unbounded)).map(|(_, write)| write) {
            self.applied.push_back(replay.execute(store, write, None));
        }
        replay.cost
    }

    /// How many writes are to be rolled back for the data to follow the log, and how many it lacks.
    pub(crate) fn rollback(&self, log: &WriteLog) -> (usize, usize) {
        let commits = log.committed_after(self.csn());
        let in_place =
            commits.iter().zip(&self.applied).take_while(|(commit, applied)| stands(commit, applied)).count();
        let kept = match log.changed_from() {
            _ if in_place < commits.len() => in_place,
            Some(from) => self.applied.partition_point(|applied| applied.write.id < *from).max(in_place),
            None => self.applied.len(),
        };
        (self.applied.len() - kept, (commits.len() + log.tentative().len()).saturating_sub(self.applied.len()))
    }

    /// Executes a write that was just inserted, if it stands last and all that precedes it is executed, each in its place
    /// or about to be committed there. [`follow`](Self::follow) would do the same, but would have to parse it anew.
    pub(crate) fn execute_last(&mut self, log: &mut WriteLog, store: &mut TupleStore, id: &WriteId, kind: &WriteKind) {
        let behind = log.committed_after(self.csn()).len() + log.tentative().len();
        let follows = self.applied.back().is_none_or(|last| last.write.id < *id);
        if self.held_back == 0
            && behind == self.applied.len() + 1
            && follows
            && !matches!(kind, WriteKind::Unknown(_))
            && let Some(write) = log.take_last(id)
        {
            let (effects, outcome) = execution::execute_kind(&mut store.tentative, id, kind);
            self.applied.push_back(Applied { write, effects, outcome });
        }
    }

    /// The last commit that was executed.
    pub(crate) fn csn(&self) -> Csn {
        Csn::new(self.base_csn.get() + self.committed.len() as u64).expect("a log holds fewer than 2^53 writes")
    }

    pub(crate) const fn base(&self) -> &Arc<Base> {
        &self.base
    }

    /// The data as of the last commit executed, where the base belongs: the mistake that the simulator plants.
    pub(crate) fn latest(&self) -> Arc<Base> {
        let mut base = Base::clone(&self.base);
        self.committed.iter().flat_map(|applied| &applied.effects).for_each(|effect| base.apply(effect));
        Arc::new(base)
    }

    /// Moves the effects of the first commits, which the log has truncated, into the base; hands out their outcomes.
    pub(crate) fn truncate(&mut self, through: Csn) -> Vec<Outcome> {
        let count = usize::try_from(through.get().saturating_sub(self.base_csn.get())).unwrap_or(usize::MAX);
        let count = count.min(self.committed.len());
        if count == 0 {
            return Vec::new();
        }
        let base = Arc::make_mut(&mut self.base);
        let mut outcomes = Vec::with_capacity(count);
        for applied in self.committed.drain(..count) {
            applied.effects.iter().for_each(|effect| base.apply(effect));
            outcomes.push(applied.outcome);
            self.base_csn = self.base_csn.next();
        }
        outcomes
    }

    /// Takes everything back that was executed after a CSN, so that it follows the log anew from there.
    pub(crate) fn void_after(&mut self, csn: Csn, store: &mut TupleStore) -> ReorderCost {
        let mut replay = Replay::default();
        replay.roll_back(&mut self.applied, 0, store);
        self.held_back = 0;
        let kept = usize::try_from(csn.get() - self.base_csn.get()).expect("no more than are held");
        if kept < self.committed.len() {
            for undone in self.committed.drain(kept..).rev() {
                store.tentative.undo(&undone.effects);
                if !planted::is(Bug::VoidedKeepEffects) {
                    store.committed.undo(&undone.effects);
                }
                replay.cost.undone += 1;
            }
        }
        replay.cost
    }

    /// Begins anew with the data as of a CSN; everything tentative is to be executed again. Hands out the data before.
    pub(crate) fn install(&mut self, base: Base, csn: Csn) -> Arc<Base> {
        core::mem::replace(self, Self::on(base, csn)).base
    }

    /// The outcome of a committed write, if it is executed and not omitted.
    pub(crate) fn committed_outcome(&self, csn: Csn) -> Option<&Outcome> {
        let index = csn.get().checked_sub(self.base_csn.get())?.checked_sub(1)?;
        self.committed.get(usize::try_from(index).ok()?).map(|applied| &applied.outcome)
    }

    /// The outcome that a commit which is held back has at present.
    pub(crate) fn held_back_outcome(&self, csn: Csn) -> Option<&Outcome> {
        let index = csn.get().checked_sub(self.csn().get())?.checked_sub(1)?;
        let index = usize::try_from(index).ok().filter(|index| *index < self.held_back)?;
        Some(&self.applied[index].outcome)
    }

    /// The present outcome of a tentative write.
    pub(crate) fn tentative_outcome(&self, write: &WriteId) -> Option<&Outcome> {
        if self.held_back > 0 {
            let mut tentative = self.applied.range(self.held_back..);
            return tentative.find(|applied| applied.write.id == *write).map(|applied| &applied.outcome);
        }
        let index = self.applied.binary_search_by(|applied| applied.write.id.cmp(write)).ok()?;
        Some(&self.applied[index].outcome)
    }

    /// What holds once the data has followed the log.
    #[cfg(any(test, debug_assertions))]
    pub(crate) fn assert_invariants(&self, log: &WriteLog, store: &TupleStore) {
        use std::collections::BTreeMap;

        use crate::{
            tuple_store::Tables,
            value::{Key, Name, Tuple},
        };

        assert_eq!(self.base_csn, log.omitted().csn, "the base is the data as of the omitted CSN");
        let held_back = log.committed_after(self.csn()).iter().map(|commit| &commit.write.id);
        assert_eq!(held_back.len(), self.held_back, "every committed write was executed or is held back");
        let in_order = held_back.chain(log.tentative().keys());
        assert!(self.applied.iter().map(|applied| &applied.write.id).eq(in_order), "executed in log order");

        type Data<'a> = BTreeMap<(&'a Name, &'a Key), &'a Arc<Tuple>>;
        fn follow<'a>(data: &mut Data<'a>, effects: &'a VecDeque<Applied>) {
            for effect in effects.iter().flat_map(|applied| &applied.effects) {
                let key = (&effect.relation, &effect.key);
                match &effect.after {
                    Some(tuple) => data.insert(key, tuple),
                    None => data.remove(&key),
                };
            }
        }
        let shows = |tables: &Tables, data: &Data<'_>| {
            let mut expected = data.iter();
            let same = |(name, key, tuple): (&Name, &Key, &Arc<Tuple>)| {
                expected
                    .next()
                    .is_some_and(|(at, other)| *at == (name, key) && (Arc::ptr_eq(tuple, other) || tuple == *other))
            };
            tables.iter().all(same) && expected.next().is_none()
        };
        let mut data: Data<'_> = self.base.after(None).map(|(name, key, tuple)| ((name, key), tuple)).collect();
        follow(&mut data, &self.committed);
        assert!(shows(&store.committed, &data), "the committed view is the base with the committed effects on top");
        follow(&mut data, &self.applied);
        assert!(
            shows(&store.tentative, &data),
            "the tentative view is the committed one with the tentative effects on top"
        );
    }
}

/// Whether a commit is of what was executed in its place.
fn stands(commit: &CommittedWrite, applied: &Applied) -> bool {
    // Not by the id alone: another write may have been committed under it.
    Arc::ptr_eq(&commit.write, &applied.write) && commit.refused.is_none()
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
            if self.cost.undone > 0 || !planted::is(Bug::UndoSkipped) {
                store.tentative.undo(&undone.effects);
            }
            self.undone.push((undone.write.id.clone(), undone.outcome.branch));
            self.cost.undone += 1;
        }
    }

    fn execute(&mut self, store: &mut TupleStore, write: &Arc<Write>, refused: Option<&Text>) -> Applied {
        let (effects, outcome) = execution::execute(&mut store.tentative, write, refused);
        if !self.undone.is_empty() {
            self.cost.redone += 1;
        }
        let before = self.undone.binary_search_by(|(id, _)| write.id.cmp(id)).map(|index| self.undone[index].1);
        if before.is_ok_and(|before| before != outcome.branch) {
            self.cost.outcomes_changed += 1;
        }
        Applied { write: Arc::clone(write), effects, outcome }
    }
}
