//! Stable storage in IndexedDB: one IndexedDB database per replica, and one registry that lists them.
//!
//! | module | what it knows |
//! |---|---|
//! | `connection` | opening, being closed by the browser, transactions, and what their errors mean |
//! | `record` | the bytes of one stored record: one or several batches |
//! | `replica_store` | one replica's batches: read, append, cut, forget, compact |
//! | `segments` | which small records to join |
//! | `registry` | which replicas this browser keeps of which database |
//! | `contract` | what a store owes the host: tests, on IndexedDB and on memory |

mod connection;
#[cfg(any(test, feature = "contract"))]
mod contract;
mod error;
mod reading;
mod record;
mod registry;
mod replica_store;
mod segments;

pub(crate) use connection::End as StoreEnd;
#[cfg(feature = "contract")]
pub(crate) use contract::indexed_db as contract_in_browser;
pub(crate) use error::{StorageError, StorageErrorKind};
pub(crate) use reading::{Next, Reading};
pub(crate) use registry::{Entry, Registry};
pub(crate) use replica_store::{ReplicaStore, StoreId};
