//! The receiving side of a state transfer \[97 §3.3\].

use std::collections::BTreeSet;

use crate::{
    id::{ReplicaId, WriteId},
    incoming::Snapshot,
    limits::TUPLES_AT_ONCE,
    output::{DisconnectReason, Event, Output, PeerId},
    planted::{self, Bug},
    stamp::Csn,
    tuple_store::TupleStore,
    vector::VersionVector,
    wire::{
        frame::{Frame, Hello},
        record::Record,
        snapshot::SnapshotPart,
    },
};

use super::Replica;

impl Replica {
    /// A peer has truncated what is lacking here. If its data covers writes of this replica whose outcome it does not
    /// know any more, this replica waits for a peer that does. The primary has the last word: it is never declined, and who
    /// takes over its role declines nobody.
    pub(super) fn decline_unless_useful(&mut self, peer: PeerId, hello: &Hello, omitted: &VersionVector) {
        let outcomes_known = hello.outcomes_after.is_some_and(|after| after <= self.log.csn());
        if hello.omitted_csn <= self.log.csn() || hello.primary || self.is_taking_over() || outcomes_known {
            return;
        }
        if self.own_tentative_covered(omitted).next().is_some() && !planted::is(Bug::OutcomesNotAwaited) {
            self.decline(peer);
        }
    }

    /// Takes no commits from the peer in this session.
    fn decline(&mut self, peer: PeerId) {
        if let Some(session) = self.peers.get_mut(&peer) {
            session.declined = true;
        }
        self.transmit(peer, &Frame::DeclineCommits);
    }

    pub(super) fn own_tentative_covered<'a>(&'a self, omitted: &'a VersionVector) -> impl Iterator<Item = &'a WriteId> {
        let own = self.id();
        let tentative = self.log.tentative().keys();
        tentative.filter(move |id| own == Some(&id.replica) && omitted.covers(id))
    }

    pub(super) fn handle_snapshot_part(&mut self, peer: PeerId, part: SnapshotPart) -> Result<(), DisconnectReason> {
        if self.identity.is_none() {
            return Err(DisconnectReason::OutOfTurn("a state transfer before the creation"));
        }
        let session = self.peers.get_mut(&peer).expect("the session is there while its message is handled");
        session.batch_received();
        let (declined, has_last_word) = (session.declined, session.is_primary);
        let csn = part.csn;
        let is_last = part.end.is_some();
        let taken = !declined && self.receive_part(part, has_last_word)?;
        if !declined && !taken {
            self.decline(peer);
        }
        if is_last && taken {
            // The commits that follow are beyond this one.
            if let Some(session) = self.peers.get_mut(&peer) {
                session.peer_holds_commit(csn);
            }
        }
        self.note_ready();
        self.journal.tell(Event::Changed);
        Ok(())
    }

    /// Keeps a part, if it leads further than what is committed here, and installs the data with the last one. `false`: it
    /// covers writes of this replica and does not tell what became of them, as the hello could not say: the sender
    /// truncated its log, or got its data, since it greeted. Unless that sender has the last word, another one may tell.
    pub(super) fn receive_part(&mut self, part: SnapshotPart, has_last_word: bool) -> Result<bool, DisconnectReason> {
        if part.csn <= self.log.csn() {
            return Ok(true);
        }
        if self.primary.as_ref().is_some_and(|primary| !primary.taking_over) {
            // One side has not heard of the last term. The hellos of a new session settle what stands.
            return Err(DisconnectReason::Resync);
        }
        let snapshot = self.incoming.take(part.clone())?;
        let is_final = has_last_word || self.is_taking_over() || planted::is(Bug::OutcomesNotAwaited);
        if snapshot.as_ref().is_some_and(|snapshot| !is_final && self.lacks_outcomes(snapshot)) {
            return Ok(false);
        }
        self.journal.record_apart(Record::Snapshot(part));
        if let Some(snapshot) = snapshot {
            self.install(snapshot)?;
        }
        Ok(true)
    }

    fn lacks_outcomes(&self, snapshot: &Snapshot) -> bool {
        let told = |write: &WriteId| snapshot.outcomes.iter().any(|(of, _)| of == write);
        self.own_tentative_covered(&snapshot.omitted.vector).any(|write| !told(write))
    }

    /// Replaces data and committed prefix in one step, and keeps every write that is not covered.
    pub(super) fn install(&mut self, snapshot: Snapshot) -> Result<(), DisconnectReason> {
        let Snapshot { base, tables, omitted, reigns, outcomes } = snapshot;
        if !self.log.could_install(&omitted, &reigns) {
            return Err(DisconnectReason::CommittedOrdersDiffer(self.log.csn()));
        }
        self.check_own_history(&omitted.vector);
        let csn = omitted.csn;
        for (replica, entry) in omitted.vector.iter().filter(|_| !planted::is(Bug::TransferLeavesClock)) {
            self.note_stamp(&WriteId { stamp: entry.stamp, replica: replica.clone() });
        }
        // Whoever follows the log by the numbers of its commits has to begin anew as well.
        self.checkpoint = None;
        // What became of the writes that are committed here is not told by who sends the data.
        self.schedule.follow(&mut self.log, &mut self.store);
        self.truncate_executed(self.schedule.csn());
        self.outcomes_after = csn;
        for (write, outcome) in outcomes {
            self.outcomes.add(write, outcome);
        }
        if !self.options.keeps_outcomes {
            // What comes with a file may be of anybody's writes.
            let ours = |replica: &ReplicaId| {
                self.former.contains(replica) || self.identity.as_ref().is_some_and(|own| own.replica == *replica)
            };
            self.outcomes.retain(ours);
        }
        let is_covered_history = |replica: &ReplicaId| {
            let covered = omitted.vector.entry(replica)?;
            Some(self.log.chain_at(replica, covered.stamp)? == covered.chain)
        };
        // What was written under an id that another replica has, or had, may not be what is covered under it.
        let doubtful: BTreeSet<ReplicaId> = self
            .former
            .iter()
            .chain(self.id().filter(|_| self.id_lost || self.primary.is_some()))
            .filter(|replica| is_covered_history(replica) != Some(true))
            .cloned()
            .collect();
        let installed = self.log.install(omitted, reigns);
        let base = self.schedule.install(base, csn);
        let store = core::mem::replace(&mut self.store, TupleStore::showing(tables));
        self.discarded.add(store, base);
        self.discarded.step(TUPLES_AT_ONCE);
        self.incoming.forget_through(csn);
        for write in installed.covered {
            self.unsaved.remove(&write.id);
            let own = self.id() == Some(&write.id.replica);
            let former = self.former.contains(&write.id.replica);
            let replaced = match self.outcomes.of(&write.id) {
                Some(kept) => kept.chain != write.chain,
                // Rather offered twice than lost: that another one held it does not say that it was committed.
                None => doubtful.contains(&write.id.replica),
            };
            if (own || former) && replaced {
                self.lost.push(write);
            } else if own || former {
                self.journal.say(Output::Event(Event::Committed { write: write.id.clone() }));
            }
        }
        if !installed.displaced.is_empty() {
            self.note_displaced(installed.displaced);
        }
        self.resync |= installed.vector_was_false;
        self.journal.tell(Event::Installed { csn });
        self.restart_declined(csn);
        Ok(())
    }

    /// Sessions without commits begin anew once the commits that they lack have come from elsewhere.
    pub(super) fn restart_declined(&mut self, csn: Csn) {
        let caught_up = self.peers_where(|session| session.declined && session.omitted_csn <= csn);
        for peer in caught_up {
            self.disconnect(peer, DisconnectReason::Resync);
        }
    }
}
