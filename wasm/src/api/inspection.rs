//! The replica as an inspector shows it, as plain data.

use bayou_core::Replica;
use serde::Serialize;
use tsify::Tsify;

use super::data::Outcome;

/// A replica made visible.
#[derive(Serialize, Tsify)]
#[serde(rename_all = "camelCase")]
#[tsify(missing_as_null)]
pub struct Inspection {
    /// Its id; `null` while it has none.
    pub replica: Option<String>,
    /// The database that it replicates.
    pub database: DatabaseNames,
    /// It holds the primary role.
    pub primary: bool,
    /// The replica that holds it, as far as is known here; `null` while one that took it has not committed anything.
    pub primary_replica: Option<String>,
    /// The term of its last commit: it rises whenever the primary role moves.
    pub term: u32,
    /// Its last commit sequence number.
    pub csn: u64,
    /// The last commit that its log was truncated through; zero if it was not.
    pub omitted_csn: u64,
    /// How large its log is.
    pub log_size: LogSize,
    /// Its logical clock: the greatest accept stamp it has seen or given.
    pub clock: u64,
    /// The primary gives out no commits at present.
    pub commits_paused: bool,
    /// Its version vector.
    pub vector: Vec<VectorEntry>,
    /// The end of its log: the committed prefix by CSN, then the tentative suffix by accept stamp and replica.
    pub log: Vec<LogEntry>,
    /// What the last change of the log order before its end cost; `null` if there was none.
    pub last_reorder: Option<Reorder>,
}

/// A database by its two names.
#[derive(Serialize, Tsify)]
#[tsify(missing_as_null)]
pub struct DatabaseNames {
    /// 32 hexadecimal digits; `null` while it is not known.
    pub id: Option<String>,
    /// The name people use.
    pub name: String,
}

/// How large a log is.
#[derive(Serialize, Tsify)]
#[serde(rename_all = "camelCase")]
pub struct LogSize {
    /// Committed writes in it.
    pub committed: usize,
    /// Bytes of their bodies.
    pub committed_bytes: usize,
    /// Tentative writes in it.
    pub tentative: usize,
    /// Outcomes that are kept of writes that it was truncated through.
    pub outcomes: usize,
}

/// The last write of one replica that is held.
#[derive(Serialize, Tsify)]
pub struct VectorEntry {
    /// The replica.
    pub replica: String,
    /// The accept stamp of its last write.
    pub stamp: u64,
}

/// One write of the log.
#[derive(Serialize, Tsify)]
#[serde(rename_all = "camelCase")]
#[tsify(missing_as_null)]
pub struct LogEntry {
    /// Its id.
    pub id: String,
    /// The replica that accepted it.
    pub replica: String,
    /// Its accept stamp.
    pub stamp: u64,
    /// Its position in the committed order; `null` while it is tentative.
    pub csn: Option<u64>,
    /// The write in words.
    pub summary: String,
    /// It is on this device's storage.
    pub saved: bool,
    /// A replica outside this browser has it on its storage.
    pub known_elsewhere: bool,
    /// What became of it, or would at present.
    pub outcome: Outcome,
}

/// What a change of the log order cost.
#[derive(Serialize, Tsify)]
#[serde(rename_all = "camelCase")]
pub struct Reorder {
    /// Writes whose effects were taken back.
    pub undone: u32,
    /// Writes executed afterwards.
    pub redone: u32,
    /// Of those undone, how many took another branch than before.
    pub outcomes_changed: u32,
}

impl Inspection {
    pub(super) fn new(replica: &Replica, inspection: bayou_core::Inspection) -> Self {
        let size = replica.log_size();
        let name = replica.name().as_str();
        Self {
            replica: inspection.replica.map(|id| id.to_string()),
            database: DatabaseNames { id: inspection.database.map(|id| id.to_string()), name: name.to_owned() },
            primary: inspection.primary,
            primary_replica: replica.primary().map(ToString::to_string),
            term: replica.term().get(),
            csn: inspection.csn.get(),
            omitted_csn: replica.omitted_csn().get(),
            log_size: LogSize {
                committed: size.committed,
                committed_bytes: size.committed_bytes,
                tentative: size.tentative,
                outcomes: size.outcomes,
            },
            clock: inspection.clock.get(),
            commits_paused: inspection.commits_paused,
            vector: inspection
                .vector
                .into_iter()
                .map(|(replica, stamp)| VectorEntry { replica: replica.to_string(), stamp: stamp.get() })
                .collect(),
            log: inspection.log.into_iter().map(LogEntry::from).collect(),
            last_reorder: inspection.last_reorder.map(|cost| Reorder {
                undone: cost.undone,
                redone: cost.redone,
                outcomes_changed: cost.outcomes_changed,
            }),
        }
    }
}

impl From<bayou_core::LogRow> for LogEntry {
    fn from(row: bayou_core::LogRow) -> Self {
        let csn = row.committed.map(|(csn, _)| csn.get());
        Self {
            id: row.id.to_string(),
            replica: row.id.replica.to_string(),
            stamp: row.id.stamp.get(),
            csn,
            summary: row.summary,
            saved: row.saved,
            known_elsewhere: row.known_elsewhere,
            outcome: Outcome::new(&row.outcome, csn),
        }
    }
}
