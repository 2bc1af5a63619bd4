//! One id, one owner: what is done when a replica's id is used twice, by a copy of its storage or after a loss of it.

use std::sync::Arc;

use crate::{
    anti_entropy::Peer,
    execution,
    id::{ReplicaId, WriteId},
    output::{DisconnectReason, Event, Output, PeerId},
    planted::{self, Bug},
    stamp::Stamp,
    vector::{Knowledge, VersionVector},
    wire::record::Record,
    write::{Body, Write, WriteKind},
};

use super::Replica;

impl Replica {
    /// What a peer knows of this replica's own writes: more than this replica does, or others, proves that another one
    /// has its id.
    pub(super) fn check_own_history(&mut self, vector: &VersionVector) {
        let Some(own) = self.id().filter(|_| !self.id_lost).cloned() else { return };
        let here = self.log.vector().knowledge_of(&own);
        let there = vector.knowledge_of(&own);
        let other_history = vector.entry(&own).and_then(|theirs| self.log.history_differs(&own, theirs));
        // A replica that has its id but not yet its creator's state knows less than its creator, and rightly so.
        if here != Knowledge::NotCreated && (there > here || other_history == Some(true)) {
            self.doubt_id();
        }
    }

    /// A write of one's own that is not held here was lost with some storage.
    pub(super) fn check_own_write(&mut self, write: &Write) {
        let own = self.id().is_some_and(|own| *own == write.id.replica);
        if own && self.ready && self.log.write(&write.id).is_none() && !self.log.is_committed(&write.id) {
            self.doubt_id();
        }
    }

    /// The peer has sent all that it had. A replica that still waits for its own creation then, though the peer was its
    /// creator or the creator is not in session, may wait in vain: the creator may have lost its storage. It has accepted
    /// nothing under its id and is free to ask for another.
    pub(super) fn note_creation_lost(&mut self, peer: PeerId) {
        if self.ready || self.id_lost || self.id().is_none() {
            return;
        }
        let created_us = |session: &Peer| session.open && session.told_id.as_ref() == self.id();
        if self.peers.get(&peer).is_some_and(created_us) || !self.peers.values().any(created_us) {
            self.lose_id();
        }
    }

    /// Another replica has this id, or this one had written more under it before its storage was set back.
    ///
    /// The primary keeps it all the same: whose history of an id is right its commits decide, and what it wrote before
    /// comes back from others. It stops, for it would give out CSNs again, until an operator lets it begin a new term;
    /// what it wrote before that is of no concern any more.
    pub(super) fn doubt_id(&mut self) {
        if self.primary.is_none() {
            self.lose_id();
        } else if !self.is_taking_over() && self.was_handed_over() {
            self.journal.tell(Event::PrimaryRestored);
            self.begin_taking_over();
        }
    }

    /// Nothing more is accepted under this id. The next peer is asked for a new one; all that is held stays.
    pub(super) fn lose_id(&mut self) {
        let Some(own) = self.id().cloned() else { return };
        if self.id_lost || planted::is(Bug::ForkedIdKept) {
            return;
        }
        self.id_lost = true;
        self.ready = false;
        self.journal.record(Record::IdLost);
        if self.primary.is_some() {
            self.journal.tell(Event::PrimaryRestored);
            self.begin_taking_over();
        }
        self.journal.say(Output::Event(Event::IdLost { replica: own }));
        self.resync = true;
    }

    /// Another history of a replica is committed: what is held of its own after a stamp loses its place.
    pub(super) fn displace(&mut self, replica: &ReplicaId, after: Stamp) {
        let displaced = self.log.displace(replica, after);
        self.journal.record_displaced(replica, after);
        if self.id() == Some(replica) && !displaced.is_empty() {
            // Somebody else has written under this id.
            self.doubt_id();
        }
        self.note_displaced(displaced);
    }

    pub(super) fn note_displaced(&mut self, displaced: Vec<Arc<Write>>) {
        for write in &displaced {
            self.unsaved.remove(&write.id);
        }
        self.lost.extend(displaced);
        self.resync = true;
        let own = self.id().filter(|_| !self.id_lost);
        if own.is_some_and(|own| self.log.vector().entry(own).is_none()) && self.ready && !self.has_retired() {
            self.lose_id();
        }
    }

    /// Offers again what lost its place, as writes of this replica's own. Whoever else held them does the same: their
    /// tag tells that they are one.
    pub(super) fn offer_lost_again(&mut self) {
        if self.lost.is_empty() || !self.ready {
            return;
        }
        if self.has_retired() {
            // It cannot leave before somebody offers them. Under a new id it does so itself.
            let can_be_offered =
                |write: &Arc<Write>| matches!(write.kind(), WriteKind::Update(_) | WriteKind::Again { .. });
            if !self.retirement_known && self.lost.iter().any(can_be_offered) {
                self.lose_id();
                self.retires_again = true;
            }
            return;
        }
        // What they wrote, and that they were offered again, has left the data.
        self.follow_log();
        for write in core::mem::take(&mut self.lost) {
            let again = self.offer_again(&write);
            self.journal.say(Output::Event(Event::Displaced { write: write.id.clone(), again }));
        }
        if core::mem::take(&mut self.retires_again) {
            // Where the clock has come to its end nothing is accepted, and it stays.
            let _ = self.accept_retirement();
        }
    }

    fn offer_again(&mut self, write: &Write) -> Option<WriteId> {
        let (tag, draft) = match write.kind() {
            WriteKind::Update(draft) => (write.chain, draft),
            WriteKind::Again { tag, draft } => (tag, draft),
            _ => return None,
        };
        if execution::is_known_again(&self.store.tentative, tag) || planted::is(Bug::LostNotOffered) {
            return None;
        }
        let body = Body::new(&WriteKind::Again { tag, draft }).ok()?;
        self.accept(body).ok()
    }

    /// Ends all sessions, so that each begins anew with a hello that is true.
    pub(super) fn restart_sessions(&mut self) {
        for peer in self.peers_where(|_| true) {
            self.disconnect(peer, DisconnectReason::Resync);
        }
    }
}
