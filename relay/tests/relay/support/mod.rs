//! What the tests share.

mod client;
mod http;
mod program;
mod relay;
mod stores;

use std::time::Duration;

use bayou_core::{DatabaseName, Draft, Fields, Key, Name, Operation, UpdateSet};
use tokio::time::timeout;

pub(crate) use self::{
    client::{Client, Closed, converge, handshake, open_narrow_socket, upgrade_request},
    http::{post, request},
    program::{Program, page_folder, run_to_end},
    relay::TestRelay,
    stores::{Fault, FaultyStore, GatedStore, ReadCountingStore},
};

/// How long anything may take before a test gives up. Far above what it does take, so that a busy machine fails nothing.
pub(crate) const DEADLINE: Duration = Duration::from_secs(60);

/// Waits for something that must come.
pub(crate) async fn within_deadline<T>(what: &str, future: impl Future<Output = T>) -> T {
    timeout(DEADLINE, future).await.unwrap_or_else(|_| panic!("waited {DEADLINE:?} for: {what}"))
}

pub(crate) fn name(name: &str) -> DatabaseName {
    DatabaseName::parse(name).unwrap()
}

/// A write that puts a text under a key.
pub(crate) fn note(key: &str, text: &str) -> Draft {
    let fields = Fields::new([(Name::new("text").unwrap(), text.into())]).unwrap();
    let put = Operation::Put(Name::new("notes").unwrap(), Key::new(key).unwrap(), fields);
    Draft { update: UpdateSet(vec![put]), ..Draft::default() }
}
