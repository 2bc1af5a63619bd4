//! Writes that lose their place: another write was committed under their id, or a state transfer covers them.

use std::{collections::BTreeSet, sync::Arc};

use crate::{
    digest::Digest,
    id::{ReplicaId, WriteId},
    planted::{self, Bug},
    stamp::Stamp,
    vector::{Knowledge, VectorEntry, VersionVector},
    write::Write,
};

use super::{Omitted, Reigns, WriteLog};

/// What a state transfer did to the writes that were held.
#[derive(Debug, Default)]
pub(crate) struct Installed {
    /// Tentative writes that it covers.
    pub(crate) covered: Vec<Arc<Write>>,
    /// Tentative writes whose place other writes of the same id have taken.
    pub(crate) displaced: Vec<Arc<Write>>,
    /// The vector claimed more than was so, and peers may have been told.
    pub(crate) vector_was_false: bool,
}

impl WriteLog {
    /// Removes the tentative writes of a replica after a stamp, and those of the replicas that they created: another
    /// history of that replica is committed. The vector goes back to what is left.
    pub(crate) fn displace(&mut self, replica: &ReplicaId, after: Stamp) -> Vec<Arc<Write>> {
        let chain = self.chain_at(replica, after);
        let displaced = self.remove_tentative(|id| descends(id, replica, after));
        let created: Vec<ReplicaId> = self.vector.iter().map(|(id, _)| id.clone()).collect();
        for id in created.into_iter().filter(|id| id.creation().is_some_and(|id| descends(&id, replica, after))) {
            self.vector.remove(&id);
        }
        match chain {
            // Of the first replica nothing is left, and who joined knew nothing of it at first.
            Some(_) if after == Stamp::ZERO && self.omitted.vector.is_empty() => self.vector.remove(replica),
            Some(chain) => self.vector.set(replica.clone(), VectorEntry { stamp: after, chain }),
            None => {}
        }
        displaced
    }

    /// The last stamp of a replica before this one under which something is held here, as a place to displace from.
    pub(crate) fn last_stamp_before(&self, replica: &ReplicaId, stamp: Stamp) -> Stamp {
        let ids = self.tentative.keys().chain(self.positions.keys());
        // Nothing follows a retirement: it is of another history, too.
        let goes_on = |id: &&WriteId| self.write(id).is_some_and(|write| !write.retires());
        let held = ids.filter(|id| id.replica == *replica && id.stamp < stamp).filter(goes_on).map(|id| id.stamp);
        let omitted = self.omitted.vector.entry(replica).map(|entry| entry.stamp).filter(|omitted| *omitted < stamp);
        let created = replica.creation().map(|creation| creation.stamp);
        held.chain(omitted).chain(created).max().unwrap_or(Stamp::ZERO)
    }

    /// Whether a committed write continues the history of its replica that is held here, be it behind others that it
    /// displaces.
    pub(crate) fn could_displace(&self, write: &Write) -> bool {
        if self.has_committed_beyond(&write.id.replica, write.previous) {
            return false;
        }
        let before = self.chain_at(&write.id.replica, write.previous);
        let fits = |before: Digest| Write::chained(&write.id, write.previous, before, &write.body.bytes) == write.chain;
        before.is_some_and(fits)
    }

    /// Whether what a replica wrote after a stamp, or what the replicas that it created then wrote, is committed. If so,
    /// no other history of it can be.
    pub(crate) fn has_committed_beyond(&self, replica: &ReplicaId, after: Stamp) -> bool {
        let omitted = self.omitted.vector.knowledge_of(replica) > Knowledge::Through(after);
        omitted || self.positions.keys().any(|id| descends(id, replica, after))
    }

    /// Whether what was omitted elsewhere can be a longer committed prefix than the one here. Whoever sends something else
    /// errs, or lies.
    pub(crate) fn could_install(&self, omitted: &Omitted, reigns: &Reigns) -> bool {
        let covered = &omitted.vector;
        let whole = covered.entry(&ReplicaId::first()).is_some()
            && covered.iter().all(|(replica, entry)| {
                let creation = replica.creation();
                creation.is_none_or(|creation| covered.covers(&creation) && creation.stamp <= entry.stamp)
            });
        let longer = omitted.csn > self.csn() && covered.dominates(&self.omitted.vector);
        let holds_all = self.positions.keys().all(|id| covered.covers(id));
        let parting = self.reigns.parting(reigns);
        let stands = reigns.last().term > self.term() || parting.is_none_or(|parting| omitted.csn <= parting);
        whole && longer && holds_all && stands
    }

    /// Replaces the committed prefix by what was omitted elsewhere \[97 §3.3\], and keeps every write that it does not
    /// cover.
    pub(crate) fn install(&mut self, omitted: Omitted, reigns: Reigns) -> Installed {
        assert!(omitted.csn > self.csn(), "a state transfer leads further than what is committed");
        let mut installed = Installed::default();
        for (replica, after) in self.displaced_by(&omitted) {
            installed.displaced.append(&mut self.displace(&replica, after));
        }
        let drops_all = planted::is(Bug::TransferDropsTentative);
        installed.covered = self.remove_tentative(|id| omitted.vector.covers(id) || drops_all);
        self.committed.clear();
        self.positions.clear();
        // Not what was known here and this merged: that may rest on writes of another history, which are covered as well,
        // and by which a replica that they did not create seems to have retired.
        let merged = self.vector.merged(&omitted.vector);
        self.vector = omitted.vector.clone();
        self.tentative.values().for_each(|write| write.extend(&mut self.vector));
        installed.vector_was_false = self.vector != merged && !drops_all;
        self.omitted = omitted;
        if reigns.last().term >= self.reigns.last().term {
            self.reigns = reigns;
        }
        self.changed_from = None;
        installed
    }

    /// The replicas of whose writes another history is covered by the omitted vector, and after which stamp.
    fn displaced_by(&self, omitted: &Omitted) -> Vec<(ReplicaId, Stamp)> {
        let mut displaced = Vec::new();
        for (replica, held) in self.vector.iter() {
            let Some(covered) = omitted.vector.entry(replica) else { continue };
            let differs = match self.chain_at(replica, covered.stamp) {
                Some(chain) => chain != covered.chain,
                // Something is held beyond that stamp, but not the write that bears it.
                None => held.stamp > covered.stamp,
            };
            if differs {
                let committed = self.positions.keys().filter(|id| id.replica == *replica).map(|id| id.stamp).max();
                let created = replica.creation().map_or(Stamp::ZERO, |creation| creation.stamp);
                let ours = self.omitted.vector.entry(replica).map(|entry| entry.stamp);
                displaced.push((replica.clone(), committed.or(ours).unwrap_or(created)));
            }
        }
        displaced
    }

    fn remove_tentative(&mut self, condition: impl Fn(&WriteId) -> bool) -> Vec<Arc<Write>> {
        let ids: Vec<WriteId> = self.tentative.keys().filter(|id| condition(id)).cloned().collect();
        let mut removed = Vec::with_capacity(ids.len());
        for id in ids {
            self.changed_at(&id);
            removed.extend(self.tentative.remove(&id));
        }
        removed
    }

    /// The replicas of which a peer with this vector is known to hold another history.
    pub(crate) fn forked(&self, theirs: &VersionVector) -> BTreeSet<ReplicaId> {
        let differs = |(id, entry): &(&ReplicaId, &VectorEntry)| self.history_differs(id, entry) == Some(true);
        theirs.iter().filter(differs).map(|(id, _)| id.clone()).collect()
    }

    /// What this log knows of a replica that a peer's vector covers through this entry: whether their histories differ.
    ///
    /// `None`: this log cannot tell, because it knows less of that replica or has truncated what it knew.
    pub(crate) fn history_differs(&self, replica: &ReplicaId, theirs: &VectorEntry) -> Option<bool> {
        match self.vector.knowledge_of(replica) {
            Knowledge::Through(ours) if ours < theirs.stamp => None,
            Knowledge::NotCreated => None,
            _ => match self.chain_at(replica, theirs.stamp) {
                Some(chain) => Some(chain != theirs.chain),
                // Nothing that is held bears their stamp. If it was truncated, nobody here can tell.
                None => {
                    let omitted = self.omitted.vector.knowledge_of(replica);
                    if omitted >= Knowledge::Through(theirs.stamp) { None } else { Some(true) }
                }
            },
        }
    }
}

/// Whether a write, or one of the creations that its accepter descends from, is a write of `replica` after a stamp.
fn descends(id: &WriteId, replica: &ReplicaId, after: Stamp) -> bool {
    let mut at = id.clone();
    loop {
        if at.replica == *replica && at.stamp > after {
            return true;
        }
        match at.replica.creation() {
            Some(creation) => at = creation,
            None => return false,
        }
    }
}
