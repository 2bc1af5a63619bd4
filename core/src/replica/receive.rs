//! Writes and commits that come from peers and files.

use std::{collections::BTreeSet, sync::Arc};

use crate::{
    anti_entropy::Peer,
    digest::Digest,
    id::{ReplicaId, WriteId},
    output::{DisconnectReason, Event, PeerId, PeerKind},
    planted::{self, Bug},
    stamp::Csn,
    wire::{
        IdTable, WireWrite,
        frame::{Batch, Commit},
    },
    write::{Write, WriteKind},
    write_log::{LogError, Place},
};

use super::Replica;

/// Where writes and commits come from.
#[derive(Debug)]
pub(super) enum Sender {
    /// A peer, in its session.
    Peer(PeerId),
    /// A file, which cannot be asked to begin anew.
    File(FileSender),
}

/// What is taken of a file, and what was new of it.
#[derive(Debug)]
pub(super) struct FileSender {
    /// Whose writes have another history there than here: they are left out until the primary has decided.
    pub(super) forked: BTreeSet<ReplicaId>,
    /// No commits are taken from it, and the writes that its data covers are not known by it any more.
    pub(super) declined: bool,
    /// The commits beyond this one are void here. Of these the writes alone are taken.
    pub(super) stands: Csn,
    pub(super) writes: usize,
    pub(super) commits: usize,
}

impl Sender {
    fn stands(&self) -> Option<Csn> {
        match self {
            Self::File(FileSender { declined: true, .. }) => Some(Csn::ZERO),
            Self::File(file) => Some(file.stands),
            Self::Peer(_) => None,
        }
    }
}

impl Replica {
    pub(super) fn handle_batch(&mut self, peer: PeerId, mut batch: Batch) -> Result<(), DisconnectReason> {
        if self.identity.is_none() {
            return Err(DisconnectReason::OutOfTurn("a batch before the creation"));
        }
        if self.peers.get(&peer).is_some_and(|session| session.declined) {
            batch.commits.clear();
        }
        // What was displaced on the way is not what the peer thinks is here: that is no fault of its.
        let received = self.receive_batch(&mut Sender::Peer(peer), batch);
        received.map_err(|fault| if self.resync { DisconnectReason::Resync } else { fault })?;
        if let Some(session) = self.peers.get_mut(&peer) {
            session.batch_received();
        }
        self.note_ready();
        self.restart_declined(self.log.csn());
        self.journal.tell(Event::Changed);
        Ok(())
    }

    pub(super) fn receive_batch(&mut self, sender: &mut Sender, batch: Batch) -> Result<(), DisconnectReason> {
        let Batch { replicas, after, commits, tentative } = batch;
        let mut csn = after;
        for (term, commit, refused) in commits {
            csn = csn.next();
            if sender.stands().is_some_and(|stands| csn > stands) {
                if let Commit::Whole(wire) = commit {
                    self.receive_tentative(sender, &replicas, wire)?;
                }
            } else {
                self.receive_commit(sender, &replicas, commit, &Place { csn, term, refused })?;
            }
        }
        for wire in tentative {
            self.receive_tentative(sender, &replicas, wire)?;
        }
        Ok(())
    }

    fn receive_tentative(
        &mut self,
        sender: &mut Sender,
        replicas: &IdTable,
        wire: WireWrite,
    ) -> Result<(), DisconnectReason> {
        let (write, kind) = replicas.write(wire)?;
        self.take_tentative(sender, &write, &kind)
    }

    pub(super) fn take_tentative(
        &mut self,
        sender: &mut Sender,
        write: &Arc<Write>,
        kind: &WriteKind,
    ) -> Result<(), DisconnectReason> {
        if self.receive(sender, write)? {
            self.commit_received(&write.id)?;
            self.execute_last(&write.id, kind);
        }
        Ok(())
    }

    fn receive_commit(
        &mut self,
        sender: &mut Sender,
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
        let (id, kind) = match commit {
            Commit::Whole(wire) => {
                let (write, kind) = replicas.write(wire)?;
                // Before anything is inserted: the primary would have to commit it elsewhere.
                self.log.check_position(&write.id, csn)?;
                if csn > self.log.csn() {
                    self.make_way_for(&write);
                }
                let new = self.receive(sender, &write)?;
                self.check_same_write(&write.id, write.chain)?;
                (write.id.clone(), Some(kind).filter(|_| new))
            }
            Commit::Notification(wire, chain) => {
                let id = replicas.id(wire)?;
                let held = self.log.write(&id).map(|write| write.chain);
                let same = held == Some(chain) || planted::is(Bug::NotificationWithoutDigest);
                let here = same || self.log.is_committed(&id);
                if !here && self.log.vector().covers(&id) {
                    // Another write is committed under this id. Once the session begins anew, it comes whole.
                    let after = self.log.last_stamp_before(&id.replica, id.stamp);
                    if self.log.has_committed_beyond(&id.replica, after) {
                        return Err(LogError::CommitContradicts { csn, write: id }.into());
                    }
                    self.displace(&id.replica, after);
                    return Err(DisconnectReason::Resync);
                }
                if !here {
                    // The peer thinks that it is here. The hello of a new session tells it what is.
                    return Err(DisconnectReason::Resync);
                }
                (id, None)
            }
        };
        let first = self.log.tentative().keys().next().filter(|_| planted::is(Bug::CommitByStamp));
        let id = first.cloned().unwrap_or(id);
        let term = self.log.term();
        if self.log.commit(&id, place)? {
            self.journal.record_commit(&id, place);
            self.resync |= self.log.term() > term && !self.peers_where(|session| session.csn > csn).is_empty();
            if let Sender::File(file) = sender {
                file.commits += 1;
            }
        }
        if let Some(kind) = kind {
            self.execute_last(&id, &kind);
        }
        if let Some(session) = self.session_of(sender) {
            session.peer_holds_commit(csn);
        }
        Ok(())
    }

    fn session_of(&mut self, sender: &Sender) -> Option<&mut Peer> {
        match sender {
            Sender::Peer(peer) => self.peers.get_mut(peer),
            Sender::File(_) => None,
        }
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
    pub(super) fn check_same_write(&self, id: &WriteId, chain: Digest) -> Result<(), LogError> {
        match self.log.write(id) {
            Some(held) if held.chain != chain => Err(LogError::Fork { write: id.clone() }),
            _ => Ok(()),
        }
    }

    /// Inserts a write that came from elsewhere; says whether it is new here.
    ///
    /// A write of another history of its replica than the one held here is left out, with all that follows from it, until
    /// the primary has decided which one is the replica's.
    fn receive(&mut self, sender: &mut Sender, write: &Arc<Write>) -> Result<bool, DisconnectReason> {
        self.check_own_write(write);
        let new = match self.log.insert(Arc::clone(write)) {
            Ok(true) => true,
            Ok(false) if self.check_same_write(&write.id, write.chain).is_ok() => false,
            Ok(false) | Err(LogError::Fork { .. }) => {
                self.note_fork(sender, &write.id.replica);
                return Ok(false);
            }
            Err(LogError::Gap { .. } | LogError::UnknownReplica { .. }) if self.may_lack(sender, &write.id.replica) => {
                return Ok(false);
            }
            Err(error) => return Err(error.into()),
        };
        if new {
            self.note_stamp(&write.id);
            self.journal.record_write(write);
            self.unsaved.insert(write.id.clone(), self.journal.current());
            self.arrivals.push(write.id.clone());
            if let Sender::File(file) = sender {
                file.writes += 1;
            }
        }
        if let Some(session) = self.session_of(sender) {
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

    fn note_fork(&mut self, sender: &mut Sender, replica: &ReplicaId) {
        if let Sender::File(file) = sender {
            file.forked.insert(replica.clone());
        } else if let Some(session) = self.session_of(sender) {
            session.forked.insert(replica.clone());
        }
        if self.id() == Some(replica) {
            self.doubt_id();
        }
    }

    /// Whether writes that a write of this replica follows may have been left out by this sender.
    fn may_lack(&self, sender: &Sender, replica: &ReplicaId) -> bool {
        let (declined, forked) = match sender {
            Sender::File(file) => (file.declined, &file.forked),
            Sender::Peer(peer) => match self.peers.get(peer) {
                Some(session) => (session.declined, &session.forked),
                None => return false,
            },
        };
        let mut replica = replica.clone();
        loop {
            if declined || forked.contains(&replica) {
                return true;
            }
            match replica.creation() {
                Some(creation) => replica = creation.replica,
                None => return false,
            }
        }
    }
}
