//! Links: what is under way between two hosts, and who is to be linked with whom.

use std::collections::VecDeque;

use bayou_core::PeerKind;

use crate::world::NodeId;

pub(crate) type LinkId = usize;
pub(crate) type PairId = usize;

/// What travels one way.
#[derive(Debug)]
pub(crate) enum Item {
    Frame {
        bytes: Vec<u8>,
        sent_at: u64,
    },
    /// The link is down, as its other end finds out.
    Down,
}

/// One end of a link.
#[derive(Debug)]
pub(crate) struct End {
    pub(crate) node: NodeId,
    /// The life of the node that this end belongs to.
    pub(crate) life: u64,
    /// What is under way to this end.
    pub(crate) items: VecDeque<Item>,
    /// When the last of that arrives.
    pub(crate) last_at: u64,
    /// The replica here has been told that the link is up, and not that it is down.
    pub(crate) is_up: bool,
}

/// A link, once up. Its number is the name that both replicas have for it.
#[derive(Debug)]
pub(crate) struct Link {
    pub(crate) pair: PairId,
    pub(crate) ends: [End; 2],
    pub(crate) frames: u64,
    /// A frame of it was damaged: what is said of the peer is not the peer's fault.
    pub(crate) is_damaged: bool,
    /// The next frame is damaged.
    pub(crate) damages_next: bool,
}

impl Link {
    pub(crate) fn end_of(&self, node: NodeId) -> usize {
        usize::from(self.ends[0].node != node)
    }

    pub(crate) fn is_up(&self) -> bool {
        self.ends[0].is_up && self.ends[1].is_up
    }
}

/// Two hosts that are to be linked whenever that is possible.
#[derive(Debug)]
pub(crate) struct Pair {
    pub(crate) nodes: [NodeId; 2],
    pub(crate) kind: PeerKind,
    /// No link comes up before this time.
    pub(crate) cut_until: u64,
    /// What travels to this end waits until this time.
    pub(crate) stopped_until: [u64; 2],
    pub(crate) delay_ms_max: u64,
    /// How many links are wanted at once.
    pub(crate) wanted: usize,
    pub(crate) links: Vec<LinkId>,
    /// An attempt to connect is under way.
    pub(crate) connecting: bool,
}

impl Pair {
    pub(crate) fn new(nodes: [NodeId; 2], kind: PeerKind, delay_ms_max: u64) -> Self {
        Self {
            nodes,
            kind,
            cut_until: 0,
            stopped_until: [0; 2],
            delay_ms_max,
            wanted: 1,
            links: Vec::new(),
            connecting: false,
        }
    }

    pub(crate) fn has(&self, node: NodeId) -> bool {
        self.nodes.contains(&node)
    }
}
