//! What a running database holds: its replica, its links, and what is on the way to the store.

use std::collections::HashMap;

use bayou_core::{Event, Millis, Output, Outputs, PeerId, PeerKind, Replica, ResumeError, StoredBatch};
use tokio::{sync::oneshot, time::Instant};

use super::{
    Command, Description, PauseError,
    export::Exports,
    load::Loaded,
    upkeep::{Chore, Upkeep},
};
use crate::{
    close::Close,
    outbound::{Outbound, QueueFull},
    retention::{Ages, Retention},
    store::StoredDatabase,
};

/// Drives the replica and performs what it asks for. All I/O that waits is the task's.
pub(super) struct Host {
    replica: Replica,
    pub(super) database: StoredDatabase,
    links: HashMap<PeerId, Outbound>,
    next_peer: u64,
    /// Batches that the replica has given out and the store has not been asked to append.
    unstored: Vec<StoredBatch>,
    /// The number of the last batch that the replica has given out, and of the last that is durable.
    issued: u64,
    stored: u64,
    /// Answers that wait until a batch is durable.
    answers: Vec<(u64, oneshot::Sender<Result<(), PauseError>>)>,
    exports: Exports,
    upkeep: Upkeep,
    /// Batches with lower numbers than this are not needed, and the store has not been asked to delete them.
    unforgotten: Option<u64>,
    /// The origin of the replica's clock.
    started: Instant,
    /// The origin of the ages of commits.
    relay_started: Instant,
}

impl Host {
    pub(super) fn new(loaded: Loaded, retention: Retention, relay_started: Instant, ages: Ages) -> Self {
        let Loaded { replica, database, stored_through, stored_bytes, founded } = loaded;
        let mut host = Self {
            upkeep: Upkeep::new(retention, &replica, stored_bytes, ages),
            replica,
            database,
            links: HashMap::new(),
            next_peer: 1,
            unstored: Vec::new(),
            issued: stored_through,
            stored: stored_through,
            answers: Vec::new(),
            exports: Exports::default(),
            unforgotten: None,
            started: Instant::now(),
            relay_started,
        };
        if let Some(outputs) = founded {
            host.perform(outputs);
        }
        host
    }

    /// When the replica wants to be woken.
    pub(super) fn deadline(&self) -> Option<Instant> {
        let Millis(at) = self.replica.poll_timeout()?;
        Some(self.started + std::time::Duration::from_millis(at))
    }

    pub(super) fn has_links(&self) -> bool {
        !self.links.is_empty()
    }

    /// Takes the batches that wait for the store. The caller appends them, and asks again only when that is done.
    pub(super) fn take_unstored(&mut self) -> Option<Vec<StoredBatch>> {
        (!self.unstored.is_empty()).then(|| std::mem::take(&mut self.unstored))
    }

    pub(super) fn handle_stored(&mut self, through: u64) {
        self.stored = through;
        let outputs = self.replica.handle_persisted(through);
        self.perform(outputs);
        for (_, answer) in self.answers.extract_if(.., |(number, _)| *number <= through) {
            let _ = answer.send(Ok(()));
        }
        // Before anything else is to be stored.
        self.exports.handle_stored(&self.replica);
        self.keep_up();
    }

    pub(super) fn handle_deadline(&mut self) {
        let outputs = self.replica.handle_timeout(self.now());
        self.perform(outputs);
        self.keep_up();
    }

    /// Takes the number below which batches may be deleted, if any are to be.
    pub(super) fn take_unforgotten(&mut self) -> Option<u64> {
        self.unforgotten.take()
    }

    /// What is to be known of this database when it is opened again.
    pub(super) fn into_ages(self) -> Ages {
        self.upkeep.ages
    }

    /// Keeps log and store within their limits: a step at a time, in between what else happens.
    fn keep_up(&mut self) {
        match self.upkeep.chore(self.relay_started.elapsed(), &self.replica) {
            Some(Chore::Truncate { through }) => {
                tracing::debug!(%through, "the log is truncated");
                let outputs = self.replica.truncate(through);
                self.perform(outputs);
            }
            Some(Chore::Checkpoint) => {
                tracing::debug!("what is stored is written anew");
                let issued = self.issued;
                self.upkeep.checkpoint_begins();
                let outputs = self.replica.checkpoint();
                self.perform(outputs);
                if self.issued == issued {
                    // It is no time for one.
                    self.upkeep.checkpoint_given_up();
                }
            }
            None => {}
        }
    }

    pub(super) fn handle_command(&mut self, command: Command) {
        match command {
            Command::Attach { outbound, answer } => self.attach(outbound, answer),
            // A frame may still arrive from a socket that was told to close; its link is down.
            Command::Frame { peer, frame } if self.links.contains_key(&peer) => {
                let outputs = self.replica.handle_frame(self.now(), peer, &frame);
                self.perform(outputs);
            }
            Command::Frame { .. } => {}
            Command::Detach { peer } => {
                if self.links.remove(&peer).is_some() {
                    self.link_down(peer);
                }
            }
            Command::Describe { answer } => {
                let _ = answer.send(self.describe());
            }
            Command::PauseCommits { paused, answer } => self.pause_commits(paused, answer),
            Command::Export(request) => self.exports.take(request, &self.replica),
        }
    }

    /// Ends all links. The replica is not asked to do anything more.
    pub(super) fn close_links(&mut self, close: &Close) {
        for (_, outbound) in self.links.drain() {
            outbound.abort(close.clone());
        }
    }

    fn attach(&mut self, outbound: Outbound, answer: oneshot::Sender<PeerId>) {
        let peer = PeerId(self.next_peer);
        if answer.send(peer).is_err() {
            return;
        }
        self.next_peer += 1;
        self.links.insert(peer, outbound);
        let outputs = self.replica.handle_link_up(self.now(), peer, PeerKind::Elsewhere);
        self.perform(outputs);
    }

    fn link_down(&mut self, peer: PeerId) {
        let outputs = self.replica.handle_link_down(self.now(), peer);
        self.perform(outputs);
    }

    fn describe(&self) -> Description {
        Description {
            name: self.database.name.to_string(),
            id: self.database.id.to_string(),
            csn: self.replica.csn(),
            replicas: self.replica.version_vector().len(),
            paused: self.replica.commits_paused(),
        }
    }

    fn pause_commits(&mut self, paused: bool, answer: oneshot::Sender<Result<(), PauseError>>) {
        let outputs = if paused {
            self.replica.pause_commits().map_err(ResumeError::from)
        } else {
            self.replica.resume_commits()
        };
        match outputs {
            Ok(outputs) => self.perform(outputs),
            Err(error) => {
                tracing::warn!(paused, %error, "commits are not paused or resumed");
                let _ = answer.send(Err(match error {
                    ResumeError::NotPrimary(_) => PauseError::NotPrimary,
                    _ => PauseError::TooOld,
                }));
                return;
            }
        }
        if self.issued <= self.stored {
            let _ = answer.send(Ok(()));
        } else {
            self.answers.push((self.issued, answer));
        }
    }

    fn now(&self) -> Millis {
        Millis(u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX))
    }

    fn perform(&mut self, outputs: Outputs) {
        let mut down = Vec::new();
        for output in outputs {
            match output {
                Output::Persist(batch) => {
                    self.issued = batch.number;
                    self.upkeep.issued(batch.bytes.len());
                    self.unstored.push(batch);
                }
                Output::Transmit { peer, frame } => {
                    if let Some(outbound) = self.links.get(&peer)
                        && outbound.transmit(frame) == Err(QueueFull)
                        && let Some(outbound) = self.links.remove(&peer)
                    {
                        // The link ends with the first frame that does not fit: what follows must not leave a gap.
                        outbound.abort(Close::TOO_SLOW);
                        down.push(peer);
                    }
                }
                Output::Disconnect { peer, reason } => {
                    tracing::debug!(peer = peer.0, code = reason.code(), %reason, "the engine ends a session");
                    if let Some(outbound) = self.links.remove(&peer) {
                        outbound.close(Close::by_engine(&reason));
                    }
                }
                Output::Forget { before } => {
                    self.upkeep.checkpoint_ends(&self.replica);
                    self.unforgotten = Some(before);
                }
                Output::Event(event) => {
                    if matches!(event, Event::Installed { .. }) {
                        self.upkeep.checkpoint_given_up();
                    }
                    note(&event);
                }
            }
        }
        for peer in down {
            self.link_down(peer);
        }
    }
}

/// What happens in the engine, for the log.
fn note(event: &Event) {
    match event {
        Event::LinkReady { peer } => tracing::debug!(peer = peer.0, "a session has begun"),
        Event::CaughtUp { peer } => tracing::debug!(peer = peer.0, "caught up"),
        Event::PeerRefused { peer, code, reason } => tracing::warn!(peer = peer.0, code, reason, "a peer refuses"),
        Event::PrimaryPaused { paused } => tracing::info!(paused, "commits were paused or resumed"),
        Event::RoleChanged { primary } => tracing::warn!(primary, "the primary role moved"),
        Event::PrimaryRestored => tracing::warn!(
            "the store is an old copy: a replica holds commits that it lacks; they are taken over, and none is given out \
             until commits are resumed (of the database that --demo names)"
        ),
        Event::CommitsVoided { after, count } => {
            tracing::warn!(%after, count, "commits are void, for the primary role was taken without them");
        }
        Event::IdLost { replica } => tracing::warn!(%replica, "another replica has this one's id"),
        Event::Reordered { undone, redone, outcomes_changed } => {
            tracing::debug!(undone, redone, outcomes_changed, "reordered");
        }
        event => tracing::trace!(?event, "event"),
    }
}
