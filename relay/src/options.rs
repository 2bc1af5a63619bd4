//! What can be set, with the bounds of what a relay spends.

use std::{path::PathBuf, time::Duration};

use bayou_core::{DatabaseName, limits};

use crate::retention::Retention;

/// How a relay runs. [`Options::default`] suits a relay on the own machine.
#[derive(Clone, Debug)]
pub struct Options {
    /// The folder of the built page, with its `index.html`; `None` serves no page.
    pub page: Option<PathBuf>,
    /// Host names beside the loopback ones under which the relay may be addressed, without ports.
    pub allowed_hosts: Vec<String>,
    /// The one database whose commits anybody may pause and resume.
    pub demo: DatabaseName,
    /// What is kept of each database's log.
    pub retention: Retention,
    /// How the replicas behave. The silence a relay bears is long, for browsers let a hidden tab's timers run once a
    /// minute only.
    pub replica: bayou_core::Options,
    /// Databases that the store may come to hold; a connection to a further new one is refused.
    pub databases_max: usize,
    /// Connections at one time, sockets and plain requests together.
    pub connections_max: usize,
    /// Bytes that may wait for one socket. The engine has at most [`limits::IN_FLIGHT_BYTES_MAX`] of writes on their
    /// way to one peer; the rest is room for what else it says.
    pub queue_bytes_max: usize,
    /// How long one frame may take to leave before its reader counts as too slow.
    pub write_within: Duration,
    /// How long a database without sockets stays in memory.
    pub idle_after: Duration,
    /// How long a client may take to send a request's head.
    pub request_head_within: Duration,
    /// How long somebody who asks for a file waits for it. A file is made when all that the database holds is stored.
    pub export_within: Duration,
    /// How long a shutdown waits for sockets to close and for the store to be written.
    pub shutdown_within: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            page: None,
            allowed_hosts: Vec::new(),
            demo: DatabaseName::parse("demo").expect("a literal that is a name"),
            retention: Retention::default(),
            replica: bayou_core::Options {
                ping_interval_ms: 8_000,
                silence_ms_max: 100_000,
                ..bayou_core::Options::default()
            },
            databases_max: 1_000,
            connections_max: 10_000,
            queue_bytes_max: 4 * limits::IN_FLIGHT_BYTES_MAX,
            write_within: Duration::from_secs(20),
            idle_after: Duration::from_secs(60),
            request_head_within: Duration::from_secs(15),
            export_within: Duration::from_secs(10),
            shutdown_within: Duration::from_secs(10),
        }
    }
}
