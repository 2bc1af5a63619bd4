//! The browser host of a Bayou replica, and its JavaScript API (npm package `bayou`).
//!
//! Every tab runs its own [`bayou_core::Replica`]. This crate gives it what it lacks: stable storage (IndexedDB, one
//! database per replica), an owner for its id (a Web Lock), links to the relay (a WebSocket) and to other tabs (BroadcastChannel), a timer, and
//! callers.
//!
//! ```js
//! import init, { Replica } from "bayou";
//!
//! await init();
//! const replica = await Replica.open({ database: "demo", relay: "ws://127.0.0.1:8787" });
//! await replica.whenReady();
//! const write = await replica.submit({                 // resolves when stored on this device
//!     update: [{ insert: "notes", key: "n1", fields: { text: "hello" } }],
//! });
//! const outcome = await write.committed;               // { result: "applied", csn: 7 }
//! replica.query({ from: "notes" });                    // [{ key: "n1", fields: { text: "hello" }, write: "9@0.5" }]
//! replica.links.relay.enabled = false;                 // really closes the socket
//! replica.links.nearby.peers.length;                   // other tabs of this browser: they need no relay
//! const file = await replica.exportFile();             // a Blob, for others to import where no link leads
//! await replica.importFile(file);                      // resolves when what it brought is stored on this device
//! ```
//!
//! A page that can have no replica (`open` has rejected with a `StorageError`) looks at files as a [`ReadOnlyCopy`].
//!
//! | module | what it does |
//! |---|---|
//! | `opening` | decides which replica this tab becomes |
//! | `recovery` | recovers a replica from its store, in slices |
//! | `host` | drives the engine: carries out what it asks for, tells it what happened |
//! | `store` | IndexedDB |
//! | `locks` | Web Locks |
//! | `link` | the WebSocket to the relay, the channels to other tabs |
//! | `damage` | takes over what can be read of damaged stores of this browser |
//! | `orphans` | takes over what idle replicas of this browser hold, and retires those that are surplus |
//! | `api` | the classes and types that the page sees |
//! | `wait`, `platform`, `memory` | futures for browser events, what the global scope offers, room to work |
//!
//! Absent on purpose: any rule of replication (they are the engine's), any reading of a frame, any assumption that the
//! global scope is a window.

mod api;
mod damage;
mod host;
mod link;
mod locks;
mod memory;
mod opening;
mod orphans;
mod platform;
mod recovery;
mod store;
mod wait;

#[cfg(feature = "contract")]
pub use store::contract_in_browser::{run_store_clause, store_clauses};

pub use api::{NearbyLink, NearbyLinks, ReadOnlyCopy, RelayLink, Replica, Rooms, SubmittedWrite};
