//! Links: sessions begin and end, frames come and go.

use std::sync::Arc;

use crate::{
    anti_entropy::Peer,
    digest::Digest,
    id::{ReplicaId, WriteId},
    limits::{FRAME_BYTES_MAX, FRAME_REPLICAS_MAX},
    output::{DisconnectReason, Event, Output, Outputs, PeerId, PeerKind},
    stamp::{Csn, Millis, Term},
    vector::VersionVector,
    wire::{
        IdTable, WireVector,
        frame::{Batch, Commit, Frame, Hello, Progress},
        record::Record,
    },
    write::{Body, Write, WriteKind},
    write_log::LogError,
};

use super::{Identity, Replica};

impl Replica {
    /// A link came up. Both sides greet.
    pub fn handle_link_up(&mut self, now: Millis, peer: PeerId, kind: PeerKind) -> Outputs {
        self.now = now;
        let mut session = Peer::new(kind, now);
        session.hello_sent(self.log.vector(), self.log.csn());
        self.peers.insert(peer, session);
        let hello = self.hello();
        self.transmit(peer, &Frame::Hello(Box::new(hello)));
        self.finish()
    }

    /// A link went down. What arrived over it stays.
    pub fn handle_link_down(&mut self, now: Millis, peer: PeerId) -> Outputs {
        self.now = now;
        self.peers.remove(&peer);
        self.journal.tell(Event::Changed);
        self.finish()
    }

    /// A message arrived. One that does not fit costs the peer its session; of a batch, what came before the fault stays.
    pub fn handle_frame(&mut self, now: Millis, peer: PeerId, frame: &[u8]) -> Outputs {
        self.now = now;
        // A frame that was under way when its link was given up.
        if let Some(session) = self.peers.get_mut(&peer) {
            session.last_heard = now;
            let handled = Frame::decode(frame).map_err(Into::into).and_then(|frame| self.handle_message(peer, frame));
            if let Err(reason) = handled {
                self.disconnect(peer, reason);
            }
        }
        self.finish()
    }

    /// The time that [`poll_timeout`](Self::poll_timeout) named has come: signs of life are sent, silent links given up.
    pub fn handle_timeout(&mut self, now: Millis) -> Outputs {
        self.now = now;
        let silence_ms = self.options.silence_ms_max;
        let silent = |session: &Peer| session.last_heard.after(silence_ms) <= now;
        let quiet = |session: &Peer| session.last_sent.after(self.options.ping_interval_ms) <= now;
        let silent_peers = self.peers_where(silent);
        let quiet_peers = self.peers_where(|session| quiet(session) && !silent(session));
        for peer in silent_peers {
            self.disconnect(peer, DisconnectReason::Silent { silence_ms });
        }
        for peer in quiet_peers {
            self.transmit(peer, &Frame::Ping);
        }
        self.finish()
    }

    fn peers_where(&self, condition: impl Fn(&Peer) -> bool) -> Vec<PeerId> {
        self.peers.iter().filter(|(_, session)| condition(session)).map(|(peer, _)| *peer).collect()
    }

    pub(super) fn open_peers(&self) -> Vec<PeerId> {
        self.peers_where(|session| session.open)
    }

    pub(super) fn transmit(&mut self, peer: PeerId, frame: &Frame) -> usize {
        if let Some(session) = self.peers.get_mut(&peer) {
            session.last_sent = self.now;
        }
        self.journal.transmit(peer, frame)
    }

    /// Ends a session, and tells the peer why.
    fn disconnect(&mut self, peer: PeerId, reason: DisconnectReason) {
        if !matches!(reason, DisconnectReason::Farewell) {
            self.transmit(peer, &Frame::Farewell { code: reason.code(), reason: reason.sentence() });
        }
        self.peers.remove(&peer);
        self.journal.say(Output::Disconnect { peer, reason });
        self.journal.tell(Event::Changed);
    }

    fn hello(&self) -> Hello {
        Hello {
            name: self.name.clone(),
            database: self.database(),
            replica: self.id().cloned(),
            primary: self.is_primary(),
            paused: self.commits_paused(),
            term: self.primary.as_ref().map_or(self.log.term(), |primary| primary.term),
            csn: self.log.csn(),
            prefix: self.log.prefix(self.log.csn()).expect("the log knows the digest of its own end"),
            vector: self.log.vector().into(),
            omitted_csn: Csn::ZERO,
            omitted_vector: WireVector::default(),
        }
    }

    fn handle_message(&mut self, peer: PeerId, frame: Frame) -> Result<(), DisconnectReason> {
        let open = self.peers.get(&peer).is_some_and(|session| session.open);
        match frame {
            Frame::Hello(hello) if !open => self.handle_hello(peer, *hello),
            Frame::Farewell { code, reason } => {
                self.journal.tell(Event::PeerRefused { peer, code, reason });
                Err(DisconnectReason::Farewell)
            }
            Frame::Hello(_) => Err(DisconnectReason::OutOfTurn("a second hello")),
            _ if !open => Err(DisconnectReason::OutOfTurn("a message before the hello")),
            Frame::Created(id) => self.handle_created(peer, id),
            Frame::Batch(batch) => self.handle_batch(peer, batch),
            Frame::Progress(progress) => self.handle_progress(peer, progress),
            Frame::CaughtUp => {
                // What it sent may still be on its way to the store.
                self.journal.say(Output::Event(Event::CaughtUp { peer }));
                Ok(())
            }
            Frame::Primary { paused } => {
                let from_primary = self.peers.get(&peer).is_some_and(|session| session.is_primary);
                if from_primary && !self.is_primary() {
                    self.note_pause(paused);
                }
                Ok(())
            }
            Frame::Ping => Ok(()),
        }
    }

    fn handle_hello(&mut self, peer: PeerId, hello: Hello) -> Result<(), DisconnectReason> {
        if hello.name != self.name {
            return Err(DisconnectReason::OtherName);
        }
        if let (Some(ours), Some(theirs)) = (self.database(), hello.database)
            && ours != theirs
        {
            return Err(DisconnectReason::OtherDatabase { ours, theirs });
        }
        if hello.database.is_none() && self.identity.is_none() {
            return Err(DisconnectReason::NothingToJoin);
        }
        if hello.omitted_csn > self.log.csn() {
            // Nothing is truncated in this version, so nobody can have omitted what is missing here.
            return Err(DisconnectReason::OutOfTurn("a truncated log"));
        }
        if let Some(ours) = self.log.prefix(hello.csn)
            && ours != hello.prefix
        {
            return Err(DisconnectReason::CommittedOrdersDiffer(hello.csn));
        }
        let vector = hello.vector.into_vector()?;
        self.check_own_history(hello.replica.as_ref(), &vector)?;
        if hello.replica.is_none() {
            self.create_for(peer)?;
        }

        let Self { peers, arrivals, .. } = self;
        let session = peers.get_mut(&peer).expect("the session is there while its message is handled");
        session.replica = hello.replica;
        session.database = hello.database;
        session.is_primary = hello.primary;
        session.open(vector.clone(), hello.csn, arrivals);
        let elsewhere = session.kind == PeerKind::Elsewhere;
        if elsewhere {
            self.note_elsewhere(&vector);
        }
        if hello.primary && !self.is_primary() {
            self.note_pause(hello.paused);
        }
        self.journal.tell(Event::LinkReady { peer });
        self.journal.tell(Event::Changed);
        Ok(())
    }

    /// One id, one owner.
    fn check_own_history(&self, theirs: Option<&ReplicaId>, vector: &VersionVector) -> Result<(), DisconnectReason> {
        let Some(own) = self.id() else { return Ok(()) };
        if theirs == Some(own) {
            return Err(DisconnectReason::SameReplica(own.clone()));
        }
        let Some(known) = vector.entry(own) else { return Ok(()) };
        match self.log.end_of_chain(own) {
            Some(end) if known.stamp > end.stamp => {
                Err(DisconnectReason::HistoryLost { ours: end.stamp, theirs: known.stamp })
            }
            // A replica that has its id but not yet its creator's state.
            _ => Ok(()),
        }
    }

    /// A write of one's own that is not held here was lost with some storage; who tells of it knows more than its owner.
    fn check_not_own(&self, write: &Write) -> Result<(), DisconnectReason> {
        let own = self.id().filter(|own| **own == write.id.replica).and_then(|own| self.log.end_of_chain(own));
        match own {
            Some(end) if write.id.stamp > end.stamp => {
                Err(DisconnectReason::HistoryLost { ours: end.stamp, theirs: write.id.stamp })
            }
            _ => Ok(()),
        }
    }

    /// Creates a replica for a peer that has none \[97 §4.3\].
    fn create_for(&mut self, peer: PeerId) -> Result<(), DisconnectReason> {
        // Every hello carries the vector: one too large for a frame would end all sync. Half is left for replicas that
        // are being created elsewhere meanwhile.
        let room_in_vector = self.log.vector().len() < FRAME_REPLICAS_MAX / 2;
        let room_in_hello = Frame::Hello(Box::new(self.hello())).encode().len() < FRAME_BYTES_MAX / 2;
        if !(room_in_vector && room_in_hello && self.id().is_some_and(ReplicaId::may_create)) {
            return Err(DisconnectReason::CannotCreate);
        }
        let body = Body::new(WriteKind::CreateReplica).expect("a creation is within all limits");
        let creation = self.accept(body).map_err(|_| DisconnectReason::CannotCreate)?;
        let created = ReplicaId::created_by(&creation).expect("the length of the chain was checked");
        self.transmit(peer, &Frame::Created(created));
        Ok(())
    }

    /// The peer has created this replica. It accepts writes once it has its creator's state through the creation.
    fn handle_created(&mut self, peer: PeerId, replica: ReplicaId) -> Result<(), DisconnectReason> {
        let session = self.peers.get(&peer).expect("the session is there while its message is handled");
        let creator = replica.creation().map(|creation| creation.replica);
        let (Some(database), true) = (session.database, creator.is_some() && creator == session.replica) else {
            return Err(DisconnectReason::OutOfTurn("a creation"));
        };
        if let Some(ours) = self.database() {
            // Two peers were asked, and the other one was first: the second id stays unused.
            let theirs = database;
            return if ours == theirs { Ok(()) } else { Err(DisconnectReason::OtherDatabase { ours, theirs }) };
        }
        let name = self.name.clone();
        self.journal.record(Record::Identity { database, name, replica: replica.clone(), primary: None });
        self.identity = Some(Identity { database, replica });
        Ok(())
    }

    fn handle_batch(&mut self, peer: PeerId, batch: Batch) -> Result<(), DisconnectReason> {
        if self.identity.is_none() {
            return Err(DisconnectReason::OutOfTurn("a batch before the creation"));
        }
        let Batch { replicas, after, commits, tentative } = batch;
        let mut csn = after;
        for (term, commit) in commits {
            csn = csn.next();
            self.receive_commit(peer, &replicas, commit, csn, term)?;
        }
        for wire in tentative {
            let write = replicas.write(wire)?;
            if self.receive(peer, &write)?
                && let Some(primary) = &self.primary
            {
                primary.commit_received(&write.id, &mut self.log, &mut self.journal)?;
            }
        }
        if let Some(session) = self.peers.get_mut(&peer) {
            session.batch_received();
        }
        self.note_ready();
        self.journal.tell(Event::Changed);
        Ok(())
    }

    fn receive_commit(
        &mut self,
        peer: PeerId,
        replicas: &IdTable,
        commit: Commit,
        csn: Csn,
        term: Term,
    ) -> Result<(), DisconnectReason> {
        if self.is_primary() && csn > self.log.csn() {
            return Err(DisconnectReason::SecondPrimary);
        }
        let (id, chain) = match commit {
            Commit::Whole(wire) => {
                let write = replicas.write(wire)?;
                let (id, chain) = (write.id.clone(), write.chain);
                // Before anything is inserted: the primary would have to commit it elsewhere.
                self.log.check_position(&id, csn)?;
                self.receive(peer, &write)?;
                (id, chain)
            }
            Commit::Notification(wire, chain) => (replicas.id(wire)?, chain),
        };
        self.check_same_write(&id, chain)?;
        if self.log.commit(&id, csn, term)? {
            self.journal.record_commit(&id, csn, term);
        }
        if let Some(session) = self.peers.get_mut(&peer) {
            session.peer_holds_commit(csn);
        }
        Ok(())
    }

    /// A commit is of the very write that is held under its id.
    fn check_same_write(&self, id: &WriteId, chain: Digest) -> Result<(), LogError> {
        match self.log.write(id) {
            Some(held) if held.chain != chain => Err(LogError::Fork { write: id.clone() }),
            _ => Ok(()),
        }
    }

    /// Inserts a write that a peer sent; says whether it is new here.
    fn receive(&mut self, peer: PeerId, write: &Arc<Write>) -> Result<bool, DisconnectReason> {
        self.check_not_own(write)?;
        let new = self.log.insert(Arc::clone(write))?;
        if new {
            self.clock.observe(write.id.stamp);
            self.journal.record_write(write);
            self.unsaved.insert(write.id.clone(), self.journal.current());
            self.arrivals.push(write.id.clone());
        } else {
            self.check_same_write(&write.id, write.chain)?;
        }
        if let Some(session) = self.peers.get_mut(&peer) {
            session.peer_holds(write);
            if session.kind == PeerKind::Elsewhere {
                self.elsewhere.note(&write.id.replica, write.id.stamp);
            }
        }
        Ok(new)
    }

    fn handle_progress(&mut self, peer: PeerId, progress: Progress) -> Result<(), DisconnectReason> {
        let raised = progress.raised.into_vector()?;
        let session = self.peers.get_mut(&peer).expect("the session is there while its message is handled");
        if !session.acknowledged(progress.batches) {
            return Err(DisconnectReason::OutOfTurn("an acknowledgement of what was never sent"));
        }
        if session.kind == PeerKind::Elsewhere {
            self.note_elsewhere(&raised);
        }
        self.journal.tell(Event::Changed);
        Ok(())
    }

    /// Notes what a replica outside this browser has on stable storage. Of one's own writes it is kept: a booking that
    /// was seen to have left this device has left it, also after a restart without a network.
    fn note_elsewhere(&mut self, vector: &VersionVector) {
        let own = self.identity.as_ref().map(|identity| identity.replica.clone());
        if let Some(own) = own
            && let Some(entry) = vector.entry(&own)
            && self.elsewhere.note(&own, entry.stamp)
            && self.log.tentative().keys().any(|id| id.replica == own && id.stamp <= entry.stamp)
        {
            let entries = [(own, entry.stamp, entry.chain)];
            self.journal.record(Record::Elsewhere(entries.into_iter().collect()));
        }
        self.elsewhere.note_all(vector);
    }

    fn note_pause(&mut self, paused: bool) {
        if self.primary_paused != paused {
            self.primary_paused = paused;
            self.journal.tell(Event::PrimaryPaused { paused });
        }
    }

    /// A new replica is ready when it has stored its creator's state through its own creation.
    pub(super) fn note_ready(&mut self) {
        let created = self.id().and_then(|own| self.log.vector().entry(own)).map(|entry| entry.stamp);
        if let (false, Some(creation)) = (self.ready, created) {
            self.clock.pass(creation);
            self.ready = true;
            self.journal.say(Output::Event(Event::Ready));
        }
    }

    /// Acknowledges what was received and offers every peer what it lacks, as far as it may be sent.
    pub(super) fn offer_to_all(&mut self) {
        for peer in self.open_peers() {
            self.acknowledge(peer);
            while let Some(batch) = self.peers.get_mut(&peer).and_then(|peer| peer.offer(&self.log, &self.arrivals)) {
                let bytes = self.transmit(peer, &Frame::Batch(batch));
                if let Some(session) = self.peers.get_mut(&peer) {
                    session.batch_sent(bytes);
                }
            }
            if self.peers.get_mut(&peer).is_some_and(|session| session.take_caught_up(&self.log)) {
                self.transmit(peer, &Frame::CaughtUp);
            }
        }
        let needed = self.peers.values().map(Peer::needs_arrivals_from).min();
        self.arrivals.trim(needed.unwrap_or_else(|| self.arrivals.end()));
    }

    fn acknowledge(&mut self, peer: PeerId) {
        let (vector, csn) = (self.log.vector(), self.log.csn());
        let progress = self.peers.get_mut(&peer).and_then(|session| session.acknowledgement(vector, csn));
        if let Some(progress) = progress {
            self.transmit(peer, &Frame::Progress(progress));
        }
    }
}
