//! The relay as its peers see it: real sockets, a real store, and where it matters the real program and `kill -9`.
//!
//! Nothing here sleeps to wait: every wait is for an event, under one overall deadline ([`support::DEADLINE`]).

#![allow(clippy::unwrap_used, reason = "a test fails by panicking, in its helpers too")]

mod bad_input;
mod convergence;
mod durability;
mod export;
mod files;
mod http;
mod origin;
mod page;
mod program;
mod slow_reader;
mod storage_failure;
mod store_contract;
mod support;
mod take_over;
mod truncation;
