//! Writes and commits that peers send.

use std::sync::Arc;

use crate::{
    digest::Digest,
    id::{ReplicaId, WriteId},
    output::{DisconnectReason, Event, PeerId, PeerKind},
    wire::{
        IdTable,
        frame::{Batch, Commit},
    },
    write::Write,
    write_log::{LogError, Place},
};

use super::Replica;

impl Replica {
    pub(super) fn handle_batch(&mut self, peer: PeerId, batch: Batch) -> Result<(), DisconnectReason> {
        if self.identity.is_none() {
            return Err(DisconnectReason::OutOfTurn("a batch before the creation"));
        }
        // What was displaced on the way is not what the peer thinks is here: that is no fault of its.
        self.take_batch(peer, batch).map_err(|fault| if self.resync { DisconnectReason::Resync } else { fault })?;
        if let Some(session) = self.peers.get_mut(&peer) {
            session.batch_received();
        }
        self.note_ready();
        self.restart_declined(self.log.csn());
        self.journal.tell(Event::Changed);
        Ok(())
    }

    fn take_batch(&mut self, peer: PeerId, batch: Batch) -> Result<(), DisconnectReason> {
        let Batch { replicas, after, commits, tentative } = batch;
        let declined = self.peers.get(&peer).is_some_and(|session| session.declined);
        let mut csn = after;
        for (term, commit, refused) in commits.into_iter().take(if declined { 0 } else { usize::MAX }) {
            csn = csn.next();
            self.receive_commit(peer, &replicas, commit, &Place { csn, term, refused })?;
        }
        for wire in tentative {
            let write = replicas.write(wire)?;
            if self.receive(peer, &write)? {
                self.commit_received(&write.id)?;
            }
        }
        Ok(())
    }

    fn receive_commit(
        &mut self,
        peer: PeerId,
        replicas: &IdTable,
        commit: Commit,
        place: &Place,
    ) -> Result<(), DisconnectReason> {
        let csn = place.csn;
        if self.is_of_another_reign(place) {
            // One side has not heard of the last term. The hellos of a new session settle what stands.
            return Err(DisconnectReason::Resync);
        }
        if csn > self.log.csn() && self.primary.as_ref().is_some_and(|primary| !primary.taking_over) {
            return Err(DisconnectReason::OutOfTurn("a commit, to the primary"));
        }
        let id = match commit {
            Commit::Whole(wire) => {
                let write = replicas.write(wire)?;
                // Before anything is inserted: the primary would have to commit it elsewhere.
                self.log.check_position(&write.id, csn)?;
                if csn > self.log.csn() {
                    self.make_way_for(&write);
                }
                self.receive(peer, &write)?;
                self.check_same_write(&write.id, write.chain)?;
                write.id.clone()
            }
            Commit::Notification(wire, chain) => {
                let id = replicas.id(wire)?;
                let held = self.log.write(&id).map(|write| write.chain);
                let here = held == Some(chain) || self.log.is_committed(&id);
                if !here && self.log.vector().covers(&id) {
                    // Another write is committed under this id. Once the session begins anew, it comes whole.
                    let after = self.log.last_stamp_before(&id.replica, id.stamp);
                    self.displace(&id.replica, after);
                    return Err(DisconnectReason::Resync);
                }
                id
            }
        };
        let term = self.log.term();
        if self.log.commit(&id, place)? {
            self.journal.record_commit(&id, place);
            self.resync |= self.log.term() > term && !self.peers_where(|session| session.csn > csn).is_empty();
        }
        if let Some(session) = self.peers.get_mut(&peer) {
            session.peer_holds_commit(csn);
        }
        Ok(())
    }

    /// A committed write displaces what is held of another history of its replica.
    fn make_way_for(&mut self, write: &Write) {
        let held = self.log.write(&write.id).is_some_and(|held| held.chain == write.chain);
        let end = self.log.end_of_chain(&write.id.replica);
        let continues = end.is_some_and(|end| end.stamp == write.previous);
        let known = self.log.vector().covers(&write.id) || end.is_some_and(|end| end.stamp > write.previous);
        if !held && !continues && known && self.log.could_displace(write) {
            self.displace(&write.id.replica, write.previous);
        }
    }

    /// A commit is of the very write that is held under its id.
    fn check_same_write(&self, id: &WriteId, chain: Digest) -> Result<(), LogError> {
        match self.log.write(id) {
            Some(held) if held.chain != chain => Err(LogError::Fork { write: id.clone() }),
            _ => Ok(()),
        }
    }

    /// Inserts a write that a peer sent; says whether it is new here.
    ///
    /// A write of another history of its replica than the one held here is left out, with all that follows from it, until
    /// the primary has decided which one is the replica's.
    fn receive(&mut self, peer: PeerId, write: &Arc<Write>) -> Result<bool, DisconnectReason> {
        self.check_own_write(write);
        let new = match self.log.insert(Arc::clone(write)) {
            Ok(true) => true,
            Ok(false) if self.check_same_write(&write.id, write.chain).is_ok() => false,
            Ok(false) | Err(LogError::Fork { .. }) => {
                self.note_fork(peer, &write.id.replica);
                return Ok(false);
            }
            Err(LogError::Gap { .. } | LogError::UnknownReplica { .. }) if self.may_lack(peer, &write.id.replica) => {
                return Ok(false);
            }
            Err(error) => return Err(error.into()),
        };
        if new {
            self.note_stamp(&write.id);
            self.journal.record_write(write);
            self.unsaved.insert(write.id.clone(), self.journal.current());
            self.arrivals.push(write.id.clone());
        }
        if let Some(session) = self.peers.get_mut(&peer) {
            session.peer_holds(write);
            if session.kind == PeerKind::Elsewhere {
                self.elsewhere.note(&write.id.replica, write.id.stamp);
            }
        }
        Ok(new)
    }

    /// Moves the clock past a write's stamp, as far as clocks follow; always past those of the own id, be they a copy's.
    pub(super) fn note_stamp(&mut self, write: &WriteId) {
        if self.id() == Some(&write.replica) { self.clock.pass(write.stamp) } else { self.clock.observe(write.stamp) }
    }

    fn note_fork(&mut self, peer: PeerId, replica: &ReplicaId) {
        if let Some(session) = self.peers.get_mut(&peer) {
            session.forked.insert(replica.clone());
        }
        if self.id() == Some(replica) {
            self.lose_id();
        }
    }

    /// Whether writes that a write of this replica follows may have been left out of this session.
    fn may_lack(&self, peer: PeerId, replica: &ReplicaId) -> bool {
        let Some(session) = self.peers.get(&peer) else { return false };
        let mut replica = replica.clone();
        loop {
            if session.declined || session.forked.contains(&replica) {
                return true;
            }
            match replica.creation() {
                Some(creation) => replica = creation.replica,
                None => return false,
            }
        }
    }
}
