//! Bayou's replica engine: a weakly consistent replicated store that lets anyone write anywhere at any time and still
//! ends in one agreed order, with conflicts settled by rules that each write carries.
//!
//! It is the system of Terry et al., *Managing Update Conflicts in Bayou* (SOSP 1995, cited as \[95\]) and Petersen
//! et al., *Flexible Update Propagation for Weakly Consistent Replication* (SOSP 1997, \[97\]). This crate holds all of
//! the protocol and nothing else: no input or output, no clock, no randomness, no async. A [`Replica`] is a state
//! machine that a host drives: a browser tab, a server, a test.
//!
//! # Writing and reading
//!
//! A write carries an update set, a dependency check and a merge procedure, here an ordered list of alternatives. It is
//! accepted at once, takes effect in the [tentative view](View::Tentative), and is executed again wherever the log order
//! puts it, until it is [committed](View::Committed).
//!
//! ```
//! use bayou_core::*;
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let name = DatabaseName::parse("demo")?;
//! let (mut replica, outputs) = Replica::found(Options::default(), DatabaseId::from_random([7; 16]), name);
//! carry_out(&mut replica, outputs);
//!
//! let desks = Name::new("desks")?;
//! let draft = |desk: &str, who: &str| -> Result<Draft, ValueError> {
//!     let fields = Fields::new([(Name::new("who")?, who.into())])?;
//!     let free = Query::new(Name::new("desks")?, Predicate::Key(Comparison::Equal, Key::new(desk)?));
//!     Ok(Draft {
//!         update: UpdateSet(vec![Operation::Put(Name::new("desks")?, Key::new(desk)?, fields)]),
//!         check: DependencyCheck(vec![Condition { query: free, expect: Expectation::None }]),
//!         ..Draft::default()
//!     })
//! };
//! let (first, outputs) = replica.submit(draft("window", "Ada")?)?;
//! carry_out(&mut replica, outputs);
//! let (second, outputs) = replica.submit(draft("window", "Bert")?)?;
//! carry_out(&mut replica, outputs);
//!
//! let rows = replica.read(View::Committed, &Query::new(desks, Predicate::All))?;
//! assert_eq!(rows.len(), 1);
//! assert_eq!(rows[0].value("who"), &Value::from("Ada"));
//! // A conflict is an outcome, not an error: Bert's write stands in the error log.
//! assert_eq!(replica.status(&first).unwrap().outcome.unwrap().branch, Branch::Update);
//! assert_eq!(replica.status(&second).unwrap().outcome.unwrap().branch, Branch::Reported);
//! # Ok(())
//! # }
//! # fn carry_out(replica: &mut Replica, outputs: Outputs) {
//! #     for output in outputs {
//! #         if let Output::Persist(batch) = output {
//! #             let outputs = replica.handle_persisted(batch.number);
//! #             carry_out(replica, outputs);
//! #         }
//! #     }
//! # }
//! ```
//!
//! # The run loop
//!
//! Every method that changes something returns [`Outputs`], which the host carries out in order before its next call.
//! Storage comes first: what a batch reveals is put out only after [`Replica::handle_persisted`] has confirmed it.
//!
//! ```
//! # use bayou_core::*;
//! # struct Store; impl Store { fn append(&mut self, _: StoredBatch) {} fn delete_before(&mut self, _: u64) {} }
//! # struct Links; impl Links { fn send(&mut self, _: PeerId, _: Vec<u8>) {} fn close(&mut self, _: PeerId, _: u16) {} }
//! fn carry_out(replica: &mut Replica, outputs: Outputs, store: &mut Store, links: &mut Links) {
//!     for output in outputs {
//!         match output {
//!             Output::Persist(batch) => {
//!                 let number = batch.number;
//!                 store.append(batch); // durably; hosts that cannot block confirm later
//!                 let outputs = replica.handle_persisted(number);
//!                 carry_out(replica, outputs, store, links);
//!             }
//!             Output::Transmit { peer, frame } => links.send(peer, frame),
//!             Output::Disconnect { peer, reason } => links.close(peer, reason.code()),
//!             Output::Forget { before } => store.delete_before(before), // now or later
//!             Output::Event(_) => {} // tell the application
//!         }
//!     }
//! }
//! ```
//!
//! What happens outside comes in through [`Replica::handle_link_up`], [`handle_frame`](Replica::handle_frame),
//! [`handle_link_down`](Replica::handle_link_down) and, at [`poll_timeout`](Replica::poll_timeout),
//! [`handle_timeout`](Replica::handle_timeout).
//!
//! # Sessions
//!
//! A client that reads and writes at several replicas may find that the next one lacks what it wrote or read at the
//! last. A [`Session`] has it served by no replica that would break the [`Guarantees`] it chose (Terry et al.,
//! *Session Guarantees for Weakly Consistent Replicated Data*, PDIS 1994, \[94\]).
//!
//! # Files
//!
//! Where there is no link, files carry what a replica lacks \[97 §4.1\]: one says what it [holds](Replica::reader_state),
//! another one [exports](Replica::export) a chain of files for it, and it [imports](Replica::import) them. A chain for
//! nobody in particular brings anybody everything, and who has no replica reads it as a [`ReadOnlyCopy`], which
//! can follow the writer. [`Export`] shows all of it.
//!
//! # Errors
//!
//! An error is somebody else's fault: the caller's ([`SubmitError`], [`QueryError`]), a peer's ([`DisconnectReason`],
//! which costs it its session and nothing else), a file's ([`ImportError`]), the disk's ([`RecoverError`], after which
//! another replica [takes over](Replica::salvage) what can be read, and a [`ReadOnlyCopy`] [has
//! it](ReadOnlyCopy::salvage)). A panic is a bug of this crate. Every
//! bound stands in [`limits`].

mod anti_entropy;
mod clock;
mod commit;
mod digest;
mod draft;
mod elsewhere;
mod encoding;
mod execution;
mod file;
mod id;
mod incoming;
mod journal;
pub mod limits;
mod merge;
mod outcome;
mod outcomes;
mod output;
mod planted;
mod query;
mod reader;
pub mod relation;
mod replica;
mod rights;
pub mod rooms;
mod schedule;
mod session;
mod snapshot;
mod sort;
mod stamp;
mod tuple_store;
mod value;
mod vector;
mod wire;
mod write;
mod write_log;

pub use self::{
    digest::Digest,
    draft::{Alternative, Condition, DependencyCheck, Draft, DraftError, Expectation, Operation, UpdateSet},
    id::{DatabaseId, DatabaseName, IdError, ReplicaId, WriteId},
    outcome::{Attempt, Branch, Conflict, Outcome, Step, WriteStatus},
    output::{DisconnectReason, Event, Output, Outputs, PeerId, PeerKind, StoredBatch},
    query::{Comparison, Order, Predicate, Query, QueryError},
    reader::ReaderState,
    replica::{
        Export, ExportError, HandOverError, Import, ImportError, ImportStep, Importing, Inspection, LogRow, LogSize,
        NotPrimary, Options, ReadOnlyCopy, ReaderStateError, RecoverError, Recovering, Recovery, Replica, ResumeError,
        RetireError, Salvage, SalvageError, Salvaged, SessionReadError, SessionSubmitError, SessionTokenError,
        SubmitError, Summary, TakeOverError, TooManyWaits, Views,
    },
    rights::{ProposedWrite, Refusal, Rights, RightsData},
    schedule::ReorderCost,
    session::{Guarantees, Lack, Session, SessionNeed, SessionRefusal, SessionToken, WaitId},
    stamp::{Csn, Millis, Stamp, Term},
    tuple_store::View,
    value::{Fields, Key, Name, Row, Text, Tuple, Value, ValueError},
    vector::{Knowledge, VectorEntry, VersionVector},
    wire::{DecodeError, file::FileError},
    write::{Write, WriteError, WriteKind},
    write_log::LogError,
};

/// What the simulator sees, sets and breaks beyond the public API. It is part of no release: the feature `sim` is the
/// simulator's alone.
#[cfg(feature = "sim")]
pub mod sim {
    pub use crate::{
        planted::{Bug, plant, set_newer},
        replica::{CommittedEntry, Kept},
        wire::reencoded,
    };
}

/// The name of the WebSocket sub-protocol that carries frames.
pub const SUBPROTOCOL: &str = "bayou.v1";
