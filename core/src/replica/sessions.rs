//! Session guarantees: reading and writing in a session, waiting for what it needs, and letting it go \[94\].

use std::sync::Arc;

use thiserror::Error;

use crate::{
    digest::Digest,
    draft::Draft,
    id::{ReplicaId, WriteId},
    limits::{SESSION_BYTES_MAX, SESSION_WAITS_MAX},
    output::{Event, Outputs},
    planted::{self, Bug},
    query::{Query, QueryError},
    session::{
        Guarantees, Instance, Lack, Session, SessionNeed, SessionRefusal, SessionToken, Used, Vectors, WaitId,
        last_write,
    },
    stamp::Millis,
    tuple_store::View,
    value::Row,
    vector::{VectorEntry, VersionVector},
    write::Write,
};

use super::{Replica, SubmitError};

/// Why a session did not read.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum SessionReadError {
    /// The replica cannot meet the session.
    #[error(transparent)]
    Session(#[from] SessionRefusal),
    /// The query is over a limit.
    #[error(transparent)]
    Query(#[from] QueryError),
}

/// Why a session did not write. Nothing has changed.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum SessionSubmitError {
    /// The replica cannot meet the session.
    #[error(transparent)]
    Session(#[from] SessionRefusal),
    /// The replica does not accept the write.
    #[error(transparent)]
    Submit(#[from] SubmitError),
}

/// Why a session may not leave its replica.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum SessionTokenError {
    /// Something that the session names is not stored yet.
    #[error("what the session has read or written is not stored yet")]
    NotSaved {
        /// The writes among it, own and others. There may be none: commits are stored, too.
        writes: Vec<WriteId>,
        /// The number of the batch whose storage is to be confirmed.
        batch: u64,
    },
    /// The session was last used at another replica, or at this one before a crash: only that one knows what is stored.
    #[error("the session was used at another replica and has not been handed over")]
    InUseElsewhere,
    /// The session names too many replicas.
    #[error("a session has at most {SESSION_BYTES_MAX} bytes, this one {bytes}")]
    TooLarge {
        /// Its size.
        bytes: usize,
    },
}

/// Too many sessions wait at this replica.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("{SESSION_WAITS_MAX} sessions wait at this replica already")]
pub struct TooManyWaits;

/// What a replica keeps of the sessions that use it.
#[derive(Debug, Default)]
pub(super) struct Sessions {
    instance: Instance,
    /// In the order in which they began.
    waits: Vec<(WaitId, Wait)>,
    waits_begun: u64,
}

/// A session that waits, as it was when it began to.
#[derive(Debug)]
struct Wait {
    session: Session,
    need: SessionNeed,
    deadline: Millis,
    /// Something that was lacking when it was last looked at: while it is, there is no need to look at the rest.
    lack: Option<Lack>,
}

impl Sessions {
    /// When the first wait ends.
    pub(super) fn poll_timeout(&self) -> Option<Millis> {
        self.waits.iter().map(|(_, wait)| wait.deadline).min()
    }
}

impl Replica {
    /// Asks a view in a session. The session remembers what is behind the answer.
    ///
    /// What is read may not be stored here yet, as with [`read`](Self::read); a session that has read it does not leave
    /// this replica before it is.
    ///
    /// # Errors
    /// When a guarantee of the session would be broken, with all that is lacking, or the query is over a limit. Then the
    /// session is as it was.
    pub fn read_in(&self, session: &mut Session, view: View, query: &Query) -> Result<Vec<Row>, SessionReadError> {
        self.admit(session, SessionNeed::Read(view))?;
        let rows = self.read(view, query)?;
        self.note_read(session, view);
        Ok(rows)
    }

    /// Accepts a write in a session, as [`submit`](Self::submit) does. The session remembers it.
    ///
    /// # Errors
    /// When a guarantee of the session would be broken, with all that is lacking, or the write is not accepted. Then
    /// nothing has changed.
    pub fn submit_in(&mut self, session: &mut Session, draft: Draft) -> Result<(WriteId, Outputs), SessionSubmitError> {
        self.admit(session, SessionNeed::Write)?;
        let (write, outputs) = self.submit(draft)?;
        let guarantees = session.guarantees();
        if guarantees.read_your_writes || guarantees.monotonic_writes {
            let chain = self.chain_through(&write).expect("a write that was just accepted is held");
            let entry = VectorEntry { stamp: write.stamp, chain };
            session.named.written.insert(write.replica.clone(), entry);
        }
        self.note_use(session);
        Ok((write, outputs))
    }

    /// The session as it may go to another replica, or survive this one: all that it names is stored here.
    ///
    /// # Errors
    /// When something is not, or only another replica can tell.
    pub fn session_token(&self, session: &Session) -> Result<SessionToken, SessionTokenError> {
        let Session { named, used } = session;
        if let Some(Used { at, through }) = used {
            if !at.is(&self.sessions.instance) {
                return Err(SessionTokenError::InUseElsewhere);
            }
            if !self.journal.has_persisted(*through) {
                let writes = self.unsaved.keys().filter(|write| named.names(write)).cloned().collect();
                return Err(SessionTokenError::NotSaved { writes, batch: *through });
            }
        }
        let bytes = named.to_bytes().len();
        if bytes > SESSION_BYTES_MAX { Err(SessionTokenError::TooLarge { bytes }) } else { Ok(named.clone()) }
    }

    /// Waits until this replica can meet the session, as it is, in an operation. The outcome is told once:
    /// [`Event::SessionReady`], or with what is lacking, at the deadline or where waiting cannot help,
    /// [`Event::SessionRefused`]. If it is known already, these outputs tell it.
    ///
    /// That it is ready is told as soon as the writes are in memory. It claims nothing about storage: what is read here
    /// is read in memory, too, and what follows from it leaves this replica only when it is stored.
    ///
    /// # Errors
    /// When too many sessions wait here.
    pub fn wait_for(
        &mut self,
        now: Millis,
        session: &Session,
        need: SessionNeed,
        deadline: Millis,
    ) -> Result<(WaitId, Outputs), TooManyWaits> {
        if self.sessions.waits.len() >= SESSION_WAITS_MAX {
            return Err(TooManyWaits);
        }
        self.now = now;
        self.sessions.waits_begun += 1;
        let id = WaitId(self.sessions.waits_begun);
        self.sessions.waits.push((id, Wait { session: session.clone(), need, deadline, lack: None }));
        Ok((id, self.finish()))
    }

    /// Ends a wait of which nothing has been told; nothing will be. `false`: there is none.
    pub fn cancel_wait(&mut self, wait: WaitId) -> bool {
        let waits = &mut self.sessions.waits;
        let at = waits.iter().position(|(other, _)| *other == wait);
        at.map(|at| waits.remove(at)).is_some()
    }

    /// Tells the waits whose outcome is known.
    pub(super) fn settle_waits(&mut self) {
        let mut waits = core::mem::take(&mut self.sessions.waits);
        waits.retain_mut(|(id, wait)| match self.outcome_of(*id, wait) {
            Some(event) => {
                self.journal.tell(event);
                false
            }
            None => true,
        });
        self.sessions.waits = waits;
    }

    fn outcome_of(&self, id: WaitId, wait: &mut Wait) -> Option<Event> {
        let expired = wait.deadline <= self.now;
        if !expired && wait.lack.as_ref().is_some_and(|lack| self.still_lacks(&wait.session.named, lack)) {
            return None;
        }
        match self.admit(&wait.session, wait.need) {
            Ok(()) => Some(Event::SessionReady { wait: id }),
            Err(refusal) if expired || !refusal.may_pass() => Some(Event::SessionRefused { wait: id, refusal }),
            Err(SessionRefusal::Lacking(lacks)) => {
                wait.lack = lacks.into_iter().next();
                None
            }
            Err(_) => None,
        }
    }

    /// Whether something is lacking as it was, told at the cost of looking at that alone.
    fn still_lacks(&self, session: &SessionToken, lack: &Lack) -> bool {
        match lack {
            Lack::Writes { replica, needed, .. } => self.log.vector().knowledge_of(replica) < *needed,
            Lack::Uncommitted { write } => !self.is_committed(write),
            Lack::Commits { .. } | Lack::OtherCommits { .. } => self.lacking_commits(session).is_some(),
            Lack::OtherWrite { write, chain } => self.chain_through(write).is_some_and(|here| here != *chain),
            Lack::OrderedAhead { write } => {
                self.clock.stamp() < write.stamp && self.log.tentative().contains_key(write)
            }
        }
    }

    /// Whether an operation of the session would keep all its guarantees \[94 §4, table 1\].
    fn admit(&self, session: &Session, need: SessionNeed) -> Result<(), SessionRefusal> {
        let ours = self.database().ok_or(SessionRefusal::NotReady)?;
        let theirs = session.database();
        if ours != theirs {
            return Err(SessionRefusal::OtherDatabase { ours, theirs });
        }
        if session.used.as_ref().is_some_and(|used| !used.at.is(&self.sessions.instance)) {
            return Err(SessionRefusal::InUseElsewhere);
        }
        let lacks = self.lacks(&session.named, need);
        if lacks.is_empty() || planted::is(Bug::SessionsIgnored) { Ok(()) } else { Err(SessionRefusal::Lacking(lacks)) }
    }

    fn lacks(&self, session: &SessionToken, need: SessionNeed) -> Vec<Lack> {
        let guarantees = session.guarantees;
        let mut lacks = Vec::new();
        match need {
            SessionNeed::Read(View::Tentative) => {
                let needed = Vectors { read: guarantees.monotonic_reads, written: guarantees.read_your_writes };
                self.add_lacking_writes(&mut lacks, session, needed);
            }
            SessionNeed::Read(View::Committed) => {
                if guarantees.monotonic_reads {
                    lacks.extend(self.lacking_commits(session));
                }
                if guarantees.read_your_writes {
                    let own = Vectors { read: false, written: true };
                    self.add_lacking_writes(&mut lacks, session, own);
                    // Writes of one replica commit in the order in which it accepted them: the last one is enough.
                    let last = session.entries(own).filter_map(|(replica, entry)| last_write(replica, entry.stamp));
                    lacks.extend(
                        last.filter(|write| !self.is_committed(write)).map(|write| Lack::Uncommitted { write }),
                    );
                }
            }
            SessionNeed::Write => {
                let needed = Vectors { read: guarantees.writes_follow_reads, written: guarantees.monotonic_writes };
                self.add_lacking_writes(&mut lacks, session, needed);
                // What is committed stands before a new write, and what is tentative does if its stamp is lower. Only
                // one that the clock did not follow is not.
                let from = WriteId { stamp: self.clock.stamp(), replica: ReplicaId::first() };
                let ahead = self.log.tentative().range(from..).map(|(id, _)| id);
                let named = |id: &WriteId| {
                    (needed.read && session.read.covers(id)) || (needed.written && session.has_written(id))
                };
                let ahead = ahead.filter(|id| id.stamp > self.clock.stamp() && named(id));
                lacks.extend(ahead.map(|write| Lack::OrderedAhead { write: write.clone() }));
            }
        }
        lacks
    }

    /// Adds what of a session's vectors is not held here, and what is held otherwise than the session knows it.
    fn add_lacking_writes(&self, lacks: &mut Vec<Lack>, session: &SessionToken, needed: Vectors) {
        let held = &*self.executed_vector();
        lacks.extend(session.lacking_writes(held, needed));
        let differs = |(replica, entry): &(&ReplicaId, &VectorEntry)| {
            let here = match held.entry(replica) {
                Some(here) if here.stamp == entry.stamp => Some(here.chain),
                _ => last_write(replica, entry.stamp).and_then(|write| self.chain_through(&write)),
            };
            let known = |chain: &Digest| *chain != Digest::EMPTY;
            known(&entry.chain) && here.filter(known).is_some_and(|here| here != entry.chain)
        };
        let others = session.entries(needed).filter(differs);
        lacks.extend(others.filter_map(|(replica, entry)| {
            Some(Lack::OtherWrite { write: last_write(replica, entry.stamp)?, chain: entry.chain })
        }));
    }

    fn lacking_commits(&self, session: &SessionToken) -> Option<Lack> {
        let held = self.schedule.csn();
        if held < session.csn {
            return Some(Lack::Commits { held, needed: session.csn });
        }
        // Where that part of the log was truncated it cannot be compared.
        let here = self.log.prefix(session.csn)?;
        (here != session.prefix).then_some(Lack::OtherCommits { through: session.csn })
    }

    /// Whether the committed view rests on the write.
    fn is_committed(&self, write: &WriteId) -> bool {
        self.log.is_committed(write) && self.log.position(write).is_none_or(|csn| csn <= self.schedule.csn())
    }

    /// The digest of its accepter's chain through this write, if the write is held.
    fn chain_through(&self, write: &WriteId) -> Option<Digest> {
        self.log.chain_at(&write.replica, write.stamp)
    }

    fn note_read(&self, session: &mut Session, view: View) {
        let named = &mut session.named;
        let guarantees = named.guarantees;
        if guarantees.monotonic_reads || guarantees.writes_follow_reads {
            match view {
                View::Tentative if named.read.dominates(&self.executed_vector()) => {}
                View::Tentative => named.read = named.read.merged(&self.executed_vector()),
                View::Committed => {
                    let csn = self.schedule.csn();
                    let prefix = self.log.prefix(csn).expect("the log knows the digest of what the view rests on");
                    if (csn, prefix) != (named.csn, named.prefix) {
                        named.read = named.read.merged(&self.committed_vector());
                    }
                    if csn > named.csn {
                        (named.csn, named.prefix) = (csn, prefix);
                    }
                }
            }
        }
        self.note_use(session);
    }

    fn note_use(&self, session: &mut Session) {
        if session.guarantees() == Guarantees::NONE {
            return;
        }
        session.used = Some(Used { at: self.sessions.instance.clone(), through: self.journal.current() });
    }

    /// The version vector of the writes that the committed view rests on: that of the log, taken back by all that stands
    /// behind them.
    fn committed_vector(&self) -> VersionVector {
        let behind = self.log.committed_after(self.schedule.csn()).iter().map(|entry| &entry.write);
        self.vector_without(behind.chain(self.log.tentative().values()))
    }

    /// The vector of the log, taken back by writes that stand behind all others of their replicas.
    pub(super) fn vector_without<'a>(&self, behind: impl Iterator<Item = &'a Arc<Write>>) -> VersionVector {
        let mut vector = self.log.vector().clone();
        for write in behind {
            let WriteId { stamp, replica } = &write.id;
            if let Some(created) = ReplicaId::created_by(&write.id) {
                vector.remove(&created);
            }
            // Of several writes of one replica the first takes back all.
            let known = vector.entry(replica).is_none_or(|entry| entry.stamp >= *stamp);
            let created = replica.creation().is_none_or(|creation| vector.covers(&creation));
            if known && created {
                let chain = last_write(replica, write.previous).and_then(|write| self.chain_through(&write));
                let entry = VectorEntry { stamp: write.previous, chain: chain.unwrap_or(Digest::EMPTY) };
                vector.set(replica.clone(), entry);
            }
        }
        vector
    }
}
