//! What the engine costs: the workloads, which `main.rs` times natively and `node.mjs`, through the module `web`, in WebAssembly.
//!
//! Bookings have a dependency check and two alternatives, as the application writes them, dense enough that most
//! conflict. Storage and links cost nothing here; hosts are measured elsewhere.

mod host;
#[cfg(target_arch = "wasm32")]
pub mod web;
mod workloads;

pub use self::workloads::{BYTES, MEMORY, WORKLOADS, bytes, memory};

use core::any::Any;

/// One thing that is timed.
pub struct Workload {
    /// What it is.
    pub name: &'static str,
    /// How many writes, or other units, one round handles.
    pub units: u32,
    /// Does what every round needs, once, and gives what sets up a round.
    pub prepare: fn() -> Box<dyn FnMut() -> Round>,
}

/// One round, set up: this is what is timed. What it returns is dropped afterwards.
pub type Round = Box<dyn FnOnce() -> Box<dyn Any>>;
