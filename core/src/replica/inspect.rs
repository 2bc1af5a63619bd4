//! What a replica tells of itself, as plain data.

use core::fmt::Write as _;

use serde::Serialize;

use crate::{
    draft::{Draft, Operation},
    id::{DatabaseId, ReplicaId, WriteId},
    outcome::Outcome,
    schedule::ReorderCost,
    stamp::{Csn, Stamp, Term},
    vector::VersionVector,
    write::{Write, WriteKind},
};

use super::Replica;

/// How far a replica's writes have come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Summary {
    /// Own writes that are not on stable storage yet.
    pub saving: usize,
    /// The application's tentative writes that no replica outside this browser is known to hold.
    pub only_here: usize,
    /// The application's writes that are not committed. What concerns replicas alone, such as a creation, does not count.
    pub tentative: usize,
    /// Writes that are.
    pub csn: Csn,
    /// How many more the peers hold, as far as they have told.
    pub to_come: u64,
    /// Of a state transfer that arrives in their place, the tuples that are here.
    pub arrived: usize,
    /// The primary gives out no commits at present.
    pub commits_paused: bool,
}

/// A replica as an inspector shows it.
#[derive(Clone, Debug)]
pub struct Inspection {
    /// Its id, if it has one.
    pub replica: Option<ReplicaId>,
    /// The id of the database, if it is known.
    pub database: Option<DatabaseId>,
    /// It holds the primary role.
    pub primary: bool,
    /// The primary gives out no commits at present.
    pub commits_paused: bool,
    /// Its last CSN.
    pub csn: Csn,
    /// Its logical clock.
    pub clock: Stamp,
    /// Its version vector.
    pub vector: Vec<(ReplicaId, Stamp)>,
    /// The end of its log, in log order.
    pub log: Vec<LogRow>,
    /// What the last change of the log order before its end cost.
    pub last_reorder: Option<ReorderCost>,
}

/// One write of the log as an inspector shows it.
#[derive(Clone, Debug)]
pub struct LogRow {
    /// The write.
    pub id: WriteId,
    /// Its place in the committed order and the term it was given in, unless it is tentative.
    pub committed: Option<(Csn, Term)>,
    /// The write in words.
    pub summary: String,
    /// It is on stable storage here.
    pub saved: bool,
    /// It is on stable storage outside this browser.
    pub known_elsewhere: bool,
    /// What became of it, or would at present.
    pub outcome: Outcome,
}

impl Replica {
    /// How far the writes have come.
    #[must_use]
    pub fn summary(&self) -> Summary {
        let applications = self.log.tentative().values().filter(|write| write.is_of_application());
        let tentative: Vec<&WriteId> = applications.map(|write| &write.id).collect();
        let furthest = self.peers.values().filter(|session| session.open).map(|session| session.csn).max();
        Summary {
            saving: self.unsaved.keys().filter(|id| self.id() == Some(&id.replica)).count(),
            only_here: tentative.iter().filter(|id| !self.is_known_elsewhere(id)).count(),
            tentative: tentative.len(),
            csn: self.log.csn(),
            to_come: furthest.map_or(0, |csn| csn.get().saturating_sub(self.log.csn().get())),
            arrived: self.incoming.arrived(),
            commits_paused: self.commits_paused(),
        }
    }

    /// The application's writes in its log that are not covered by a vector, such as that of a replica which is about to
    /// hear of them.
    pub fn writes_beyond(&self, vector: &VersionVector) -> impl Iterator<Item = &WriteId> {
        let committed = self.log.committed_after(self.log.omitted().csn).iter().map(|entry| &entry.write);
        let all = committed.chain(self.log.tentative().values());
        all.filter(|write| write.is_of_application() && !vector.covers(&write.id)).map(|write| &write.id)
    }

    /// The replica with the last `rows_max` writes of its log.
    #[must_use]
    pub fn inspect(&self, rows_max: usize) -> Inspection {
        let tentative: Vec<LogRow> = self.log.tentative().values().filter_map(|write| self.log_row(write)).collect();
        let tentative = last(&tentative, rows_max);
        let committed_max = (rows_max - tentative.len()) as u64;
        let from = Csn::new(self.log.csn().get().saturating_sub(committed_max)).unwrap_or(Csn::ZERO);
        let committed = self.log.committed_after(from).iter().filter_map(|entry| self.log_row(&entry.write));
        Inspection {
            replica: self.id().cloned(),
            database: self.database(),
            primary: self.is_primary(),
            commits_paused: self.commits_paused(),
            csn: self.log.csn(),
            clock: self.clock.stamp(),
            vector: self.log.vector().iter().map(|(id, entry)| (id.clone(), entry.stamp)).collect(),
            log: committed.chain(tentative.iter().cloned()).collect(),
            last_reorder: self.last_reorder,
        }
    }

    fn log_row(&self, write: &Write) -> Option<LogRow> {
        let status = self.status(&write.id)?;
        let term = status.csn.and_then(|csn| self.log.at(csn)).map(|entry| entry.term);
        Some(LogRow {
            id: write.id.clone(),
            committed: status.csn.zip(term),
            summary: describe(write),
            saved: status.saved,
            known_elsewhere: status.known_elsewhere,
            outcome: status.outcome?,
        })
    }
}

fn last<T>(rows: &[T], rows_max: usize) -> &[T] {
    &rows[rows.len().saturating_sub(rows_max)..]
}

/// A write in words.
fn describe(write: &Write) -> String {
    let draft = match write.kind() {
        WriteKind::CreateReplica => return format!("create replica {}.{}", write.id.replica, write.id.stamp),
        WriteKind::RetireReplica => return format!("retire replica {}", write.id.replica),
        WriteKind::Consent => return format!("{} agrees to become the primary", write.id.replica),
        WriteKind::HandOver { to, term } => return format!("hand the primary role to {to}, term {}", term.get()),
        WriteKind::TakeOver { term } => return format!("take the primary role, term {}", term.get()),
        WriteKind::Unknown(kind) => return format!("of kind {kind}, which this version does not know"),
        WriteKind::Update(draft) | WriteKind::Again { draft, .. } => draft,
    };
    let Draft { update, alternatives, .. } = draft;
    let mut text = String::new();
    for (index, operation) in update.0.iter().take(SHOWN_MAX).enumerate() {
        let verb = match operation {
            Operation::Insert(..) => "insert",
            Operation::Put(..) => "put",
            Operation::Patch(..) => "patch",
            Operation::Delete(..) => "delete",
        };
        let comma = if index == 0 { "" } else { ", " };
        // Writing to a string does not fail.
        let _ = write!(text, "{comma}{verb} {}/{}", operation.relation(), operation.key());
    }
    if update.0.len() > SHOWN_MAX {
        let _ = write!(text, " and {} more", update.0.len() - SHOWN_MAX);
    }
    match alternatives.len() {
        0 => {}
        1 => text.push_str(", 1 alternative"),
        count => {
            let _ = write!(text, ", {count} alternatives");
        }
    }
    text
}

/// How many operations of a write its description names.
const SHOWN_MAX: usize = 3;
