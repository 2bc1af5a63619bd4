//! **Session guarantees** \[94\]: a read finds what the session wrote and read before, on each view; and wherever a write of
//! the session is held, what it rests on is held too, and ordered before it.
//!
//! The sessions of the engine carry vectors; here they carry the writes themselves. No false alarm: writes of ids that may
//! name several are left out, and so is the order behind a write of a kind that the primary may not know yet.

use std::collections::BTreeSet;

use bayou_core::{Csn, DatabaseId, Digest, Guarantees, Replica, ReplicaId, Session, SessionToken, View, WriteId};

use super::{History, Violation, ownership::descends};
use crate::world::NodeId;

/// What a session has read and written, as plain sets.
#[derive(Clone, Debug, Default)]
pub(crate) struct Record {
    read: BTreeSet<WriteId>,
    written: BTreeSet<WriteId>,
    committed_through: Option<(Csn, Digest)>,
}

/// Where a session is.
#[derive(Debug)]
pub(crate) enum Place {
    /// Nowhere, with what it was when it left the last replica.
    Token(SessionToken),
    At {
        node: NodeId,
        life: u64,
        session: Session,
    },
}

#[derive(Debug)]
pub(crate) struct Client {
    pub(crate) place: Place,
    pub(crate) record: Record,
    /// What it was when its last token was made.
    pub(crate) last: Option<(SessionToken, Record)>,
    database: DatabaseId,
    guarantees: Guarantees,
}

impl Client {
    pub(crate) fn new(database: DatabaseId, guarantees: Guarantees, node: NodeId, life: u64) -> Self {
        let place = Place::At { node, life, session: Session::new(database, guarantees) };
        Self { place, record: Record::default(), last: None, database, guarantees }
    }

    /// The session goes on with its last token, or begins anew at a node.
    pub(crate) fn fall_back(&mut self, node: NodeId, life: u64) {
        match self.last.clone() {
            Some((token, record)) => (self.place, self.record) = (Place::Token(token), record),
            None => *self = Self::new(self.database, self.guarantees, node, life),
        }
    }
}

#[derive(Debug, Default)]
pub(crate) struct Sessions {
    pub(crate) clients: Vec<Client>,
    /// Writes of sessions with those that must stand before them.
    resting: Vec<(WriteId, BTreeSet<WriteId>)>,
}

fn committed(replica: &Replica, history: &History) -> BTreeSet<WriteId> {
    let (omitted, _, prefix) = replica.omitted();
    let mut ids: BTreeSet<WriteId> = history.line(prefix).map(|state| state.write.clone()).collect();
    let shown = replica.shown_csn();
    ids.extend(
        replica.committed_entries(omitted).take_while(|entry| entry.csn <= shown).map(|entry| entry.write.id.clone()),
    );
    ids
}

fn held(replica: &Replica, history: &History) -> BTreeSet<WriteId> {
    let mut ids = committed(replica, history);
    ids.extend(replica.committed_entries(replica.shown_csn()).map(|entry| entry.write.id.clone()));
    ids.extend(replica.tentative_writes().map(|write| write.id.clone()));
    if replica.is_replay_due() {
        // The data does not show all of it yet.
        ids.retain(|id| replica.status(id).is_some());
    }
    ids
}

impl Sessions {
    /// A read that the replica let in.
    pub(crate) fn has_read(
        record: &mut Record,
        guarantees: Guarantees,
        replica: &Replica,
        view: View,
        history: &History,
        tainted: &BTreeSet<ReplicaId>,
    ) -> Result<(), Violation> {
        let found = match view {
            View::Tentative => held(replica, history),
            View::Committed => committed(replica, history),
        };
        let lacks = |needed: &BTreeSet<WriteId>| {
            needed.iter().find(|id| !found.contains(*id) && !descends(&id.replica, tainted)).cloned()
        };
        if guarantees.read_your_writes
            && let Some(lacked) = lacks(&record.written)
        {
            return Err(Violation::of("read-your-writes", format!("a {view:?} read lacks {lacked}")));
        }
        match view {
            View::Tentative if guarantees.monotonic_reads => {
                if let Some(lacked) = lacks(&record.read) {
                    return Err(Violation::of("monotonic-reads", format!("a read lacks {lacked}")));
                }
            }
            View::Committed => {
                let shown = replica.shown_csn();
                if guarantees.monotonic_reads
                    && let Some((csn, prefix)) = record.committed_through
                    && (shown < csn || replica.prefix_through(csn).is_some_and(|here| here != prefix))
                {
                    return Err(Violation::of("monotonic-reads", format!("a committed read goes back to {shown}")));
                }
                if record.committed_through.is_none_or(|(csn, _)| csn <= shown) {
                    record.committed_through = replica.prefix_through(shown).map(|prefix| (shown, prefix));
                }
            }
            View::Tentative => {}
        }
        record.read.extend(found);
        Ok(())
    }

    /// A write that the replica let in.
    pub(crate) fn has_written(&mut self, record: &mut Record, guarantees: Guarantees, write: &WriteId) {
        let mut rests_on = BTreeSet::new();
        if guarantees.writes_follow_reads {
            rests_on.extend(record.read.iter().cloned());
        }
        if guarantees.monotonic_writes {
            rests_on.extend(record.written.iter().cloned());
        }
        record.written.insert(write.clone());
        self.resting.push((write.clone(), rests_on));
    }

    /// A replica has started again. What it accepted and had not stored is gone, and its ids are free.
    pub(super) fn drop_unsaved(&mut self, replica: &Replica) {
        let is_gone = |id: &WriteId| {
            replica.id() == Some(&id.replica) && replica.write(id).is_none() && !replica.omitted().1.covers(id)
        };
        self.resting.retain(|(write, _)| !is_gone(write));
    }

    /// Looks at the writes of sessions that a replica holds.
    pub(super) fn check_held(
        &self,
        replica: &Replica,
        history: &History,
        tainted: &BTreeSet<ReplicaId>,
        kinds_differ: bool,
        has_voided: bool,
    ) -> Result<(), Violation> {
        let here = |write: &&(WriteId, BTreeSet<WriteId>)| replica.write(&write.0).is_some();
        let mut resting = self.resting.iter().filter(here).peekable();
        if resting.peek().is_none() {
            return Ok(());
        }
        let found = held(replica, history);
        let tentative: BTreeSet<&WriteId> = replica.tentative_writes().map(|write| &write.id).collect();
        for (write, rests_on) in resting.filter(|(write, _)| !descends(&write.replica, tainted)) {
            for needed in rests_on.iter().filter(|needed| !descends(&needed.replica, tainted)) {
                if !found.contains(needed) {
                    let what = format!("{write} is held without {needed}, on which it rests");
                    return Err(Violation::of("writes-follow-reads", what));
                }
                let before = !tentative.contains(needed) || (tentative.contains(write) && needed < write);
                if !before && !kinds_differ && !is_taken_back(needed, write, has_voided) {
                    let what = format!("{write} stands before {needed}, on which it rests");
                    return Err(Violation::of("writes-follow-reads", what));
                }
            }
        }
        Ok(())
    }

    /// At the end: the committed order.
    pub(crate) fn check_order(
        &self,
        history: &History,
        prefix: Digest,
        tainted: &BTreeSet<ReplicaId>,
        has_voided: bool,
    ) -> Result<(), Violation> {
        let mut line: Vec<&WriteId> = history.line(prefix).map(|state| &state.write).collect();
        line.reverse();
        let place = |write: &WriteId| line.iter().position(|id| *id == write);
        for (write, rests_on) in self.resting.iter().filter(|(write, _)| !descends(&write.replica, tainted)) {
            let Some(at) = place(write) else { continue };
            let later = rests_on.iter().find(|needed| {
                !descends(&needed.replica, tainted)
                    && !is_taken_back(needed, write, has_voided)
                    && place(needed).is_none_or(|needed| needed > at)
            });
            if let Some(later) = later {
                let what = format!("{write} is committed before {later}, on which it rests");
                return Err(Violation::of("writes-follow-reads", what));
            }
        }
        Ok(())
    }
}

/// Whether a write with a stamp that clocks did not follow was committed when another came to rest on it, and is so no more:
/// a later term has made that commit void, and what is tentative stands in the order of stamps.
fn is_taken_back(needed: &WriteId, write: &WriteId, has_voided: bool) -> bool {
    has_voided && needed > write
}
