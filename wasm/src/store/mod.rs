//! Stable storage in IndexedDB: one IndexedDB database per replica, and one registry that lists them.
//!
//! | module | what it knows |
//! |---|---|
//! | `connection` | opening, being closed by the browser, transactions, and what their errors mean |
//! | `record` | the bytes of one stored record: one or several batches |
//! | `replica_store` | one replica's batches: read, append, cut, forget, compact |
//! | `segments` | which small records to join
//! | `registry` | which replicas this browser keeps of which database |

mod connection;
mod error;
mod record;
mod registry;
mod replica_store;
mod segments;

pub(crate) use connection::End as StoreEnd;
pub(crate) use error::{StorageError, StorageErrorKind};
pub(crate) use registry::{Entry, Registry};
pub(crate) use replica_store::{ReplicaStore, StoreId};
