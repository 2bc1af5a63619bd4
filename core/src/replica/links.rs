//! Links: sessions begin and end, frames come and go.

use crate::{
    anti_entropy::{Offer, Peer, Source},
    id::{DatabaseId, ReplicaId},
    limits::{BATCH_BYTES_TARGET, FRAME_BYTES_MAX, FRAME_REPLICAS_MAX, TUPLES_AT_ONCE},
    output::{DisconnectReason, Event, Output, Outputs, PeerId, PeerKind},
    planted::{self, Bug},
    stamp::{Csn, Millis},
    vector::VersionVector,
    wire::{
        frame::{Frame, Hello, Progress},
        record::{self, Record},
        snapshot,
    },
    write::{Body, WriteKind},
    write_log::Reigns,
};

use super::{Identity, Replica};

impl Replica {
    /// A link came up. Both sides greet.
    pub fn handle_link_up(&mut self, now: Millis, peer: PeerId, kind: PeerKind) -> Outputs {
        self.now = now;
        let mut session = Peer::new(kind, now);
        session.hello_sent(self.log.vector(), self.log.csn());
        session.told_id = self.id().cloned();
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
        self.finish_receiving()
    }

    /// The time that [`poll_timeout`](Self::poll_timeout) named has come: signs of life are sent, silent links given up,
    /// and sessions that have waited in vain are told.
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
        self.continue_work();
        self.finish()
    }

    /// Does some of the work that is done in steps.
    fn continue_work(&mut self) {
        self.discarded.step(TUPLES_AT_ONCE);
        // One digest at a time: others may wait for the same.
        if let Some(session) = self.peers.values_mut().find(|session| session.awaits_digest()) {
            session.continue_digest();
        }
    }

    /// The replica at the other end of a link, once it has said who it is.
    #[must_use]
    pub fn peer_replica(&self, peer: PeerId) -> Option<&ReplicaId> {
        self.peers.get(&peer)?.replica.as_ref()
    }

    pub(super) fn peers_where(&self, condition: impl Fn(&Peer) -> bool) -> Vec<PeerId> {
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
    pub(super) fn disconnect(&mut self, peer: PeerId, reason: DisconnectReason) {
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
            renew: self.id_lost,
            primary: self.is_primary(),
            outcomes_after: self.options.keeps_outcomes.then_some(self.outcomes_after),
            paused: self.commits_paused(),
            reigns: snapshot::wire_reigns(self.log.reigns()),
            csn: self.log.csn(),
            prefix: self.log.prefix(self.log.csn()).expect("the log knows the digest of its own end"),
            vector: self.log.vector().into(),
            omitted_csn: self.log.omitted().csn,
            omitted_vector: (&self.log.omitted().vector).into(),
            incoming: self.incoming.cursor(),
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
            Frame::Snapshot(part) => self.handle_snapshot_part(peer, part),
            Frame::DeclineCommits => {
                if let Some(session) = self.peers.get_mut(&peer) {
                    session.decline_commits();
                }
                Ok(())
            }
            Frame::Progress(progress) => self.handle_progress(peer, progress),
            Frame::CaughtUp => {
                if let Some(session) = self.peers.get_mut(&peer) {
                    session.caught_up = true;
                }
                self.note_creation_lost(peer);
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
        let (vector, omitted) = (hello.vector.clone().into_vector()?, hello.omitted_vector.clone().into_vector()?);
        let reigns = snapshot::read_reigns(hello.reigns.clone())?;
        if self.id().is_some() && hello.replica.as_ref() == self.id() {
            let own = hello.replica.expect("it is the own id");
            self.lose_id();
            return Err(DisconnectReason::SameReplica(own));
        }
        let paused_before = self.commits_paused();
        let (csn, begins_anew) = self.compare_reigns(&reigns, hello.csn)?;
        if begins_anew {
            // All sessions do, this one, too.
            self.resync = true;
            return Ok(());
        }
        if let Some(ours) = self.log.prefix(hello.csn).filter(|_| csn == hello.csn)
            && ours != hello.prefix
        {
            return Err(DisconnectReason::CommittedOrdersDiffer(hello.csn));
        }
        self.check_own_history(&vector);
        let created = if hello.replica.is_none() {
            Some(self.create_for(peer)?)
        } else if hello.renew {
            // It has writes to share even where this replica cannot give it an id.
            self.create_for(peer).ok()
        } else {
            None
        };
        self.decline_unless_useful(peer, &hello, &omitted);
        let wants_id = hello.renew && created.is_none();
        self.open_session(peer, Hello { replica: created.or(hello.replica.clone()), ..hello }, &vector, csn);
        if self.is_primary() && self.commits_paused() != paused_before {
            // The hello that it was sent said otherwise, and it was not in session when all were told.
            self.transmit(peer, &Frame::Primary { paused: self.commits_paused() });
        }
        if let Some(session) = self.peers.get_mut(&peer) {
            session.wants_id = wants_id;
        }
        Ok(())
    }

    fn open_session(&mut self, peer: PeerId, hello: Hello, vector: &VersionVector, csn: Csn) {
        let forked = self.log.forked(vector);
        if planted::is(Bug::VectorFromAnnouncement) {
            self.log.claim(vector);
        }
        let Self { peers, arrivals, .. } = self;
        let session = peers.get_mut(&peer).expect("the session is there while its message is handled");
        session.replica = hello.replica;
        session.database = hello.database;
        session.is_primary = hello.primary;
        session.omitted_csn = hello.omitted_csn;
        session.forked = forked;
        session.open(vector.clone(), csn, hello.incoming, arrivals);
        if session.kind == PeerKind::Elsewhere {
            self.note_elsewhere(vector);
        }
        self.note_peer_csn(peer, csn);
        if hello.primary && !self.is_primary() {
            self.note_pause(hello.paused);
        }
        self.journal.tell(Event::LinkReady { peer });
        self.journal.tell(Event::Changed);
    }

    /// The peer holds the commits through this one: it needs no outcomes of its own writes among them.
    fn note_peer_csn(&mut self, peer: PeerId, csn: Csn) {
        let Some(session) = self.peers.get_mut(&peer) else { return };
        session.csn = csn;
        if let Some(replica) = session.replica.clone() {
            self.outcomes.forget_through(&replica, csn);
            self.known_csns.insert(replica, csn);
        }
    }

    /// Creates a replica for a peer that has none \[97 §4.3\].
    fn create_for(&mut self, peer: PeerId) -> Result<ReplicaId, DisconnectReason> {
        // Every hello carries the vector: one too large for a frame would end all sync. Half is left for replicas that
        // are being created elsewhere meanwhile.
        let room_in_vector = self.log.vector().len() < FRAME_REPLICAS_MAX / 2;
        let room_in_hello = Frame::Hello(Box::new(self.hello())).encode().len() < FRAME_BYTES_MAX / 2;
        let may_create = self.ready && !self.has_retired() && !self.is_taking_over();
        if !(may_create && room_in_vector && room_in_hello && self.id().is_some_and(ReplicaId::may_create)) {
            return Err(DisconnectReason::CannotCreate);
        }
        let body = Body::new(&WriteKind::CreateReplica).expect("a creation is within all limits");
        let creation = self.accept(body).map_err(|_| DisconnectReason::CannotCreate)?;
        let created = ReplicaId::created_by(&creation).expect("the length of the chain was checked");
        self.transmit(peer, &Frame::Created(created.clone()));
        Ok(created)
    }

    /// Gives peers that asked for a new id when none could be created what they wait for.
    pub(super) fn create_for_waiting(&mut self) {
        for peer in self.peers_where(|session| session.wants_id) {
            let Ok(created) = self.create_for(peer) else { return };
            if let Some(session) = self.peers.get_mut(&peer) {
                session.wants_id = false;
                session.replica = Some(created);
            }
        }
    }

    /// The peer has created this replica. It accepts writes once it has its creator's state through the creation.
    fn handle_created(&mut self, peer: PeerId, replica: ReplicaId) -> Result<(), DisconnectReason> {
        if self.identity.is_some() && !self.id_lost {
            // Two peers were asked, and the other one was first.
            self.note_unused(peer, replica);
            return Ok(());
        }
        let session = self.peers.get(&peer).expect("the session is there while its message is handled");
        let Some(database) = session.database else {
            // When it greeted it had no id itself.
            return Err(DisconnectReason::Resync);
        };
        let creator = replica.creation().map(|creation| creation.replica);
        if creator.is_none() {
            return Err(DisconnectReason::OutOfTurn("a creation"));
        }
        if creator != session.replica {
            // Since it greeted it got a new id itself.
            return Err(DisconnectReason::Resync);
        }
        let name = self.name.clone();
        self.former.extend(self.identity.take().map(|identity| identity.replica));
        self.id_lost = false;
        if let Some(session) = self.peers.get_mut(&peer) {
            session.told_id = Some(replica.clone());
        }
        let identity = record::Identity { database, name, replica: replica.clone() };
        self.journal.record(Record::Identity(identity));
        if *self.log.reigns() != Reigns::default() {
            // Hellos have told of them while there was nothing yet to store them with.
            self.journal.record(Record::Reigns(snapshot::wire_reigns(self.log.reigns())));
        }
        self.identity = Some(Identity { database, replica });
        self.leave_other_databases(database);
        Ok(())
    }

    /// A joining replica may have greeted peers of several databases of one name. It belongs to the one that was first.
    fn leave_other_databases(&mut self, ours: DatabaseId) {
        for peer in self.peers_where(|session| session.database.is_some_and(|theirs| theirs != ours)) {
            if let Some(theirs) = self.peers.get(&peer).and_then(|session| session.database) {
                self.disconnect(peer, DisconnectReason::OtherDatabase { ours, theirs });
            }
        }
    }

    fn handle_progress(&mut self, peer: PeerId, progress: Progress) -> Result<(), DisconnectReason> {
        let raised = progress.raised.into_vector()?;
        let session = self.peers.get_mut(&peer).expect("the session is there while its message is handled");
        if !session.acknowledged(progress.batches) {
            return Err(DisconnectReason::OutOfTurn("an acknowledgement of what was never sent"));
        }
        if session.kind == PeerKind::Elsewhere {
            self.note_elsewhere(&raised);
            progress.retired.iter().for_each(|replica| self.elsewhere.note_retired(replica));
        }
        self.note_peer_csn(peer, progress.csn);
        // Not by the number of its batch: the peer may have left it out as a write of another history of this id.
        if self.id().is_some_and(|own| progress.retired.contains(own)) {
            self.note_retirement_known(peer);
        }
        self.journal.tell(Event::Changed);
        Ok(())
    }

    /// Notes what a replica outside this browser has on stable storage. Of one's own writes it is kept: a booking that
    /// was seen to have left this device has left it, also after a restart without a network.
    ///
    /// Of an id that this replica has or had, a copy of its storage may have written what the peer holds: that must be the
    /// history that is held here.
    fn note_elsewhere(&mut self, vector: &VersionVector) {
        let own = self.identity.as_ref().map(|identity| identity.replica.clone());
        let is_ours = |id: &ReplicaId, stamp, chain| self.log.chain_at(id, stamp) == Some(chain);
        let doubtful: Vec<ReplicaId> = own
            .iter()
            .chain(&self.former)
            .filter(|id| vector.entry(id).is_some_and(|entry| !is_ours(id, entry.stamp, entry.chain)))
            .cloned()
            .collect();
        if let Some(own) = own.filter(|own| !doubtful.contains(own))
            && let Some(entry) = vector.entry(&own)
            && self.elsewhere.note(&own, entry.stamp)
            && self.log.tentative().keys().any(|id| id.replica == own && id.stamp <= entry.stamp)
        {
            let entries = [(own, entry.stamp, entry.chain)];
            self.journal.record(Record::Elsewhere(entries.into_iter().collect()));
        }
        for (id, entry) in vector.iter().filter(|(id, _)| !doubtful.contains(id)) {
            self.elsewhere.note(id, entry.stamp);
        }
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
        if let (false, Some(creation)) = (self.ready || self.id_lost, created) {
            self.clock.pass(creation);
            self.ready = true;
            self.journal.say(Output::Event(Event::Ready));
        }
    }

    /// Acknowledges what was received and offers every peer what it lacks, as far as it may be sent.
    pub(super) fn offer_to_all(&mut self) {
        for peer in self.open_peers() {
            self.acknowledge(peer);
            while let Some(offer) = self.next_offer(peer) {
                let frame = match offer {
                    Offer::Batch(batch) => Frame::Batch(batch),
                    Offer::Part(part) => Frame::Snapshot(part),
                };
                let bytes = self.transmit(peer, &frame);
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

    fn next_offer(&mut self, peer: PeerId) -> Option<Offer> {
        let Self { peers, log, arrivals, schedule, outcomes, .. } = self;
        let latest = planted::is(Bug::TransferAtCsn).then(|| schedule.latest());
        let (base, bytes_target) = (latest.as_ref().unwrap_or_else(|| schedule.base()), BATCH_BYTES_TARGET);
        peers.get_mut(&peer)?.offer(&Source { log, arrivals, base, outcomes, bytes_target, for_any_reader: false })
    }

    fn acknowledge(&mut self, peer: PeerId) {
        // Two that have retired might leave at once, each relying on the other. And who does not hold a replica's creation
        // takes it for retired when the creator has another history here.
        let leaves = self.has_retired();
        let Some(session) = self.peers.get_mut(&peer) else { return };
        let may_vouch = !leaves && session.replica.as_ref().is_some_and(|replica| self.log.holds_creation(replica));
        if let Some(progress) = session.acknowledgement(self.log.vector(), self.log.csn(), may_vouch) {
            self.transmit(peer, &Frame::Progress(progress));
        }
    }
}
