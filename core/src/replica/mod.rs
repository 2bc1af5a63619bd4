//! The coordinator: takes what happens outside, lets the layers do their work, and puts out what the host is to do.

mod accept;
mod committing;
mod export;
mod healing;
mod import;
mod inspect;
mod links;
#[cfg(feature = "sim")]
mod probe;
mod read_only;
mod receive;
mod recover;
mod replay;
mod retirement;
mod role;
mod salvage;
mod sessions;
mod state_transfer;
#[cfg(test)]
mod tests;
mod truncation;
mod views;

#[cfg(feature = "sim")]
pub use self::probe::{CommittedEntry, Kept};
pub use self::{
    export::{Export, ExportError, ReaderStateError},
    import::{Import, ImportError, ImportStep, Importing},
    inspect::{Inspection, LogRow, Summary},
    read_only::{ReadOnlyCopy, Salvage},
    recover::{RecoverError, Recovering, Recovery},
    retirement::RetireError,
    role::{HandOverError, NotPrimary, ResumeError, TakeOverError},
    salvage::{SalvageError, Salvaged},
    sessions::{SessionReadError, SessionSubmitError, SessionTokenError, TooManyWaits},
    truncation::LogSize,
    views::Views,
};

use core::fmt;
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use thiserror::Error;

use self::truncation::CheckpointWriter;
use crate::{
    anti_entropy::{Arrivals, Peer},
    clock::Clock,
    commit::Primary,
    draft::{Draft, DraftError},
    elsewhere::Elsewhere,
    id::{DatabaseId, DatabaseName, ReplicaId, WriteId},
    incoming::IncomingSnapshots,
    journal::Journal,
    outcome::WriteStatus,
    outcomes::Outcomes,
    output::{Event, Output, Outputs, PeerId},
    query::{Query, QueryError},
    rights::{Gate, ProposedWrite, Refusal, Rights},
    schedule::{ReorderCost, Schedule},
    stamp::{Csn, Millis, Term},
    tuple_store::{Discarded, TupleStore, View},
    value::Row,
    vector::VersionVector,
    wire::record::{self, Record},
    write::{Body, Write, WriteKind},
    write_log::WriteLog,
};

/// What a host chooses for its replicas.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// A link on which nothing was sent for so many milliseconds gets a sign of life.
    pub ping_interval_ms: u64,
    /// A link on which nothing was heard for so many milliseconds is given up. Above a minute where the other side may
    /// be a hidden browser tab, whose timers run that slowly.
    pub silence_ms_max: u64,
    /// The outcomes of other replicas' writes are kept when the log is truncated, until their accepters are known to hold
    /// the commits. At least the replicas that most others meet should, as relays do; one that does not can give its
    /// data to those only that wait for no outcome.
    pub keeps_outcomes: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self { ping_interval_ms: 8_000, silence_ms_max: 25_000, keeps_outcomes: true }
    }
}

/// Why a write was not accepted. Nothing has changed.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum SubmitError {
    /// The replica has no id yet, or not yet its creator's state.
    #[error("this replica is still being created; it needs a first contact with the relay")]
    NotReady,
    /// The draft is refused.
    #[error(transparent)]
    Draft(#[from] DraftError),
    /// The replica has retired.
    #[error("this replica has retired; another one has to take the write")]
    Retired,
    /// The host's [`Rights`] do not let the write in.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The logical clock has reached its end.
    #[error("the logical clock of this replica is exhausted")]
    ClockExhausted,
}

#[derive(Clone, Debug)]
struct Identity {
    database: DatabaseId,
    replica: ReplicaId,
}

/// One replica of one database: a state machine without input or output of its own.
///
/// - Questions (`&self`): [`read`](Self::read), [`read_in`](Self::read_in), [`status`](Self::status),
///   [`inspect`](Self::inspect), [`export`](Self::export) and the like.
/// - What the application and the operator want: [`submit`](Self::submit), [`submit_in`](Self::submit_in),
///   [`retire`](Self::retire), [`hand_over`](Self::hand_over), [`truncate`](Self::truncate), [`import`](Self::import) and
///   the like.
/// - What happened outside: the methods named `handle_...`.
/// - What the host is to do: the [`Outputs`] that each of them returns, and [`poll_timeout`](Self::poll_timeout).
///
/// The host stores each [`Output::Persist`] in order and confirms it with [`handle_persisted`](Self::handle_persisted);
/// until then nothing is put out that would reveal it. It serialises all calls.
pub struct Replica {
    options: Options,
    name: DatabaseName,
    identity: Option<Identity>,
    primary: Option<Primary>,
    /// What the primary, elsewhere, has last said of itself.
    primary_paused: bool,
    clock: Clock,
    log: WriteLog,
    schedule: Schedule,
    store: TupleStore,
    discarded: Discarded,
    journal: Journal,
    /// Writes that are not stored yet, with the number of the batch that they are in.
    unsaved: BTreeMap<WriteId, u64>,
    /// What is known to be on stable storage outside this browser.
    elsewhere: Elsewhere,
    peers: BTreeMap<PeerId, Peer>,
    arrivals: Arrivals,
    now: Millis,
    ready: bool,
    /// Its id is another replica's, too; it needs a new one.
    id_lost: bool,
    /// Another replica is known to have stored this one's retirement.
    retirement_known: bool,
    /// It had retired, and took a new id to offer what had lost its place meanwhile.
    retires_again: bool,
    /// The ids that it had before.
    former: BTreeSet<ReplicaId>,
    /// Ids that were created for it and that it does not need.
    unused: BTreeSet<ReplicaId>,
    /// What became of truncated writes.
    outcomes: Outcomes,
    /// After which CSN the outcomes of other replicas' truncated writes are all known.
    outcomes_after: Csn,
    /// What each replica has last said to hold of the committed order.
    known_csns: BTreeMap<ReplicaId, Csn>,
    incoming: IncomingSnapshots,
    checkpoint: Option<CheckpointWriter>,
    /// Writes that lost their place and are still to be offered again.
    lost: Vec<Arc<Write>>,
    /// A crash may have come between the batch with a write and the batch with its commit.
    commits_due: bool,
    /// The data has not followed the log; it does at this time at the latest.
    replay_due: Option<Millis>,
    /// What was said to peers does not hold any more: all sessions are to begin anew.
    resync: bool,
    rights: Gate,
    sessions: sessions::Sessions,
    last_reorder: Option<ReorderCost>,
    /// The batch and the omitted CSN as of which the invariants were last looked at, and changes since.
    #[cfg(debug_assertions)]
    checked: (u64, Csn),
    #[cfg(debug_assertions)]
    unchecked_changes: usize,
}

impl fmt::Debug for Replica {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Replica").field("id", &self.id()).field("csn", &self.csn()).finish_non_exhaustive()
    }
}

impl Replica {
    /// The first replica of a new database, which holds the primary role.
    #[must_use = "the identity is to be stored before anything else happens"]
    pub fn found(options: Options, database: DatabaseId, name: DatabaseName) -> (Self, Outputs) {
        let mut replica = Self::blank(options, name.clone(), WriteLog::of_new_database());
        let first = ReplicaId::first();
        let identity = record::Identity { database, name, replica: first.clone() };
        replica.journal.record(Record::Identity(identity));
        replica.identity = Some(Identity { database, replica: first });
        replica.primary = Some(Primary::new(Term::FIRST));
        replica.ready = true;
        replica.journal.say(Output::Event(Event::Ready));
        let outputs = replica.finish();
        (replica, outputs)
    }

    /// A replica without an id, which it gets over the first link to a replica of the database.
    #[must_use]
    pub fn join(options: Options, name: DatabaseName) -> Self {
        Self::blank(options, name, WriteLog::default())
    }

    fn blank(options: Options, name: DatabaseName, log: WriteLog) -> Self {
        Self {
            options,
            name,
            identity: None,
            primary: None,
            primary_paused: false,
            clock: Clock::default(),
            log,
            schedule: Schedule::default(),
            store: TupleStore::default(),
            discarded: Discarded::default(),
            journal: Journal::default(),
            unsaved: BTreeMap::new(),
            elsewhere: Elsewhere::default(),
            peers: BTreeMap::new(),
            arrivals: Arrivals::default(),
            now: Millis::default(),
            ready: false,
            id_lost: false,
            retirement_known: false,
            retires_again: false,
            former: BTreeSet::new(),
            unused: BTreeSet::new(),
            outcomes: Outcomes::default(),
            outcomes_after: Csn::ZERO,
            known_csns: BTreeMap::new(),
            incoming: IncomingSnapshots::default(),
            checkpoint: None,
            lost: Vec::new(),
            commits_due: false,
            replay_due: None,
            resync: false,
            rights: Gate::default(),
            sessions: sessions::Sessions::default(),
            last_reorder: None,
            #[cfg(debug_assertions)]
            checked: (0, Csn::ZERO),
            #[cfg(debug_assertions)]
            unchecked_changes: 0,
        }
    }

    /// The id; `None` while the replica has not been created.
    #[must_use]
    pub fn id(&self) -> Option<&ReplicaId> {
        self.identity.as_ref().map(|identity| &identity.replica)
    }

    /// The database's id; `None` while the replica has not been created.
    #[must_use]
    pub fn database(&self) -> Option<DatabaseId> {
        self.identity.as_ref().map(|identity| identity.database)
    }

    /// The database's name.
    #[must_use]
    pub const fn name(&self) -> &DatabaseName {
        &self.name
    }

    /// Whether it has an id and its creator's state, and so accepts writes.
    #[must_use]
    pub const fn is_ready(&self) -> bool {
        self.ready
    }

    /// Whether it holds the primary role.
    #[must_use]
    pub const fn is_primary(&self) -> bool {
        self.primary.is_some()
    }

    /// Whether the primary, as far as is known here, gives out no commits at present.
    #[must_use]
    pub fn commits_paused(&self) -> bool {
        self.primary.as_ref().map_or(self.primary_paused, |primary| !primary.is_active())
    }

    /// What is held.
    #[must_use]
    pub const fn version_vector(&self) -> &VersionVector {
        self.log.vector()
    }

    /// How many writes are known to be committed.
    #[must_use]
    pub fn csn(&self) -> Csn {
        self.log.csn()
    }

    /// Asks a view.
    ///
    /// # Errors
    /// When the query is over a limit.
    pub fn read(&self, view: View, query: &Query) -> Result<Vec<Row>, QueryError> {
        query.check()?;
        Ok(self.store.view(view).query(query, usize::MAX))
    }

    /// What is known of a write; `None` if it is not held, or not executed yet because a peer is catching up.
    #[must_use]
    pub fn status(&self, write: &WriteId) -> Option<WriteStatus> {
        let position = self.log.position(write);
        let executed = position.and_then(|csn| self.schedule.committed_outcome(csn));
        if let (None, Some(omitted)) = (position, self.outcomes.of(write)) {
            return Some(WriteStatus::omitted(Some((omitted.csn, omitted.outcome.clone()))));
        }
        let held_back = position.and_then(|csn| self.schedule.held_back_outcome(csn));
        let outcome = executed.or(held_back).or_else(|| self.schedule.tentative_outcome(write));
        if outcome.is_none() && self.log.omitted().vector.covers(write) {
            return Some(WriteStatus::omitted(None));
        }
        Some(WriteStatus {
            saved: !self.unsaved.contains_key(write),
            known_elsewhere: self.is_known_elsewhere(write),
            csn: position.filter(|_| executed.is_some()),
            omitted: false,
            outcome: Some(outcome?.clone()),
        })
    }

    /// The write itself; `None` if it is not held.
    #[must_use]
    pub fn write(&self, write: &WriteId) -> Option<&Write> {
        self.log.write(write).map(AsRef::as_ref)
    }

    fn is_known_elsewhere(&self, write: &WriteId) -> bool {
        // What is committed has been at the primary.
        (self.log.is_committed(write) && self.primary.is_none()) || self.elsewhere.covers(write)
    }

    /// When [`handle_timeout`](Self::handle_timeout) is to be called. A time that has come says that there is work left,
    /// which is done in steps so that the host can do other things in between.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Millis> {
        let of_peer = |peer: &Peer| {
            let ping = peer.last_sent.after(self.options.ping_interval_ms);
            ping.min(peer.last_heard.after(self.options.silence_ms_max))
        };
        let is_work_left = !self.discarded.is_empty() || self.peers.values().any(Peer::awaits_digest);
        let due = self.peers.values().map(of_peer).chain(is_work_left.then_some(self.now));
        due.chain(self.sessions.poll_timeout()).chain(self.replay_due()).min()
    }

    /// Accepts a write: it gets its id, takes effect in the tentative view, and goes on its way.
    ///
    /// # Errors
    /// When the replica is not ready, the draft is over a limit, or the [`Rights`] do not let it in; then nothing has
    /// changed.
    pub fn submit(&mut self, draft: Draft) -> Result<(WriteId, Outputs), SubmitError> {
        if self.has_retired() {
            return Err(SubmitError::Retired);
        }
        if !self.ready {
            return Err(SubmitError::NotReady);
        }
        if self.replay_due.is_some() {
            self.follow_log();
        }
        let kind = WriteKind::Update(draft);
        let body = Body::new(&kind)?;
        self.judge(&kind)?;
        let id = self.accept(body)?;
        self.execute_last(&id, &kind);
        Ok((id, self.finish()))
    }

    /// Sets the rules by which writes are let in, in place of those set before. They are the host's and are not stored: it
    /// sets them again when it recovers the replica.
    pub fn set_rights(&mut self, rights: Box<dyn Rights>) {
        self.rights = Gate::new(rights);
    }

    /// Whether a write that this replica is asked to accept is let in.
    fn judge(&self, kind: &WriteKind) -> Result<(), SubmitError> {
        if !self.rights.is_open() {
            let accepter = self.id().ok_or(SubmitError::NotReady)?;
            self.rights.judge(&ProposedWrite::new(None, accepter, kind), &self.store.tentative)?;
        }
        Ok(())
    }

    /// All batches through this number are on stable storage.
    ///
    /// # Panics
    /// When no batch of that number was put out: the host has mixed up two replicas.
    pub fn handle_persisted(&mut self, through: u64) -> Outputs {
        self.journal.persisted(through);
        self.unsaved.retain(|_, number| *number > through);
        self.journal.tell(Event::Changed);
        self.finish_receiving()
    }

    /// The end of every call that changes something: the data follows the log, the peers are offered what is new, and
    /// all that the host is to do is handed out.
    fn finish(&mut self) -> Outputs {
        self.settle_role();
        self.follow_log();
        self.put_out()
    }

    fn settle_role(&mut self) {
        self.offer_lost_again();
        self.follow_role();
        if self.commits_due {
            self.commit_waiting();
        }
        self.create_for_waiting();
        self.retire_unused();
    }

    fn put_out(&mut self) -> Outputs {
        if core::mem::take(&mut self.resync) {
            self.restart_sessions();
        }
        self.settle_waits();
        self.offer_to_all();
        self.continue_checkpoint();
        #[cfg(debug_assertions)]
        self.assert_invariants();
        self.journal.drain()
    }

    /// Executes a write that was just inserted, if it stands last, while what it does is at hand.
    fn execute_last(&mut self, write: &WriteId, kind: &WriteKind) {
        self.schedule.execute_last(&mut self.log, &mut self.store, write, kind);
    }

    fn tell_own_commits(&mut self, before: Csn) {
        let Some(own) = self.identity.as_ref().map(|identity| &identity.replica) else { return };
        let shown = self.schedule.csn().get().saturating_sub(before.get());
        // What is held back has no outcome yet.
        for entry in self.log.committed_after(before).iter().take(usize::try_from(shown).unwrap_or(usize::MAX)) {
            let replica = &entry.write.id.replica;
            if replica == own || self.former.contains(replica) {
                self.journal.say(Output::Event(Event::Committed { write: entry.write.id.clone() }));
            }
        }
    }

    /// What holds after every call. What costs as much as the log is long is looked at after every call that changes it
    /// while the log is short, and the more rarely the longer it is.
    #[cfg(debug_assertions)]
    fn assert_invariants(&mut self) {
        // Whatever changes the log is recorded, except that it is truncated.
        let changed = (self.journal.current(), self.log.omitted().csn);
        self.unchecked_changes += usize::from(changed != self.checked);
        self.checked = changed;
        if self.unchecked_changes > self.log.len() / 256 {
            self.unchecked_changes = 0;
            self.log.assert_invariants();
            if self.replay_due.is_none() {
                self.schedule.assert_invariants(&self.log, &self.store);
            }
        }
        let last_own = self.id().and_then(|id| self.log.vector().entry(id)).map(|entry| entry.stamp);
        let passed = last_own.is_none_or(|stamp| stamp <= self.clock.stamp());
        assert!(passed || self.id_lost, "the clock is past all own stamps");
        assert!(!self.ready || self.identity.is_some(), "only a created replica is ready");
        if let Some(primary) = &self.primary {
            let waits = |write: &Arc<Write>| write.is_unknown() || !self.log.follows_committed(write);
            let all_wait = self.log.tentative().values().all(waits);
            assert!(
                !primary.is_active() || all_wait || self.commits_due,
                "an active primary leaves nothing tentative that it can judge"
            );
        }
    }
}
