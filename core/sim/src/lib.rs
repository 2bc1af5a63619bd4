//! Deterministic simulation of Bayou's replica engine.
//!
//! Many replicas of every role run on one thread, with virtual time, storage and links. What happens follows from a seed:
//! [`run`] draws a plan from it, carries it out, lets everything come to rest without faults, and looks all along at
//! whether the properties of the system hold. [`shrink`] finds the steps that matter.

mod dice;
mod disk;
mod faults;
#[path = "../../tests/support/model.rs"]
#[allow(dead_code, reason = "the engine's own tests use the rest")]
mod model;
mod net;
mod node;
mod oracle;
mod plan;
pub mod regressions;
mod run;
mod trace;
mod workload;
mod world;

pub use self::{
    faults::{Counters, Fault},
    oracle::Violation,
    run::{Report, run, run_steps, shrink},
};
pub use bayou_core::sim::{Bug, reencoded};
