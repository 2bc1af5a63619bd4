//! Anti-entropy: what one replica tells another over a link \[97 §3\].
//!
//! Each direction is driven by what the receiver has told of itself. The sender keeps, for each peer, the vector and
//! CSN that the peer will have once all that was sent has arrived, and sends what lies beyond: commits in CSN order,
//! then tentative writes. What the peer *has*, on stable storage, is only what it acknowledges.

mod arrivals;
mod offer;
mod transfer;

pub(crate) use self::{
    arrivals::Arrivals,
    offer::{Offer, Source},
};

use std::collections::{BTreeSet, VecDeque};

use crate::{
    digest::Digest,
    id::{DatabaseId, ReplicaId, WriteId},
    output::PeerKind,
    stamp::{Csn, Millis},
    tuple_store::TupleKey,
    vector::{Knowledge, VersionVector},
    wire::{WireVector, frame::Progress},
};

use self::transfer::Transfer;

/// One link's session.
#[derive(Debug)]
pub(crate) struct Peer {
    pub(crate) kind: PeerKind,
    /// Who the peer is; `None` before its hello and while it is being created.
    pub(crate) replica: Option<ReplicaId>,
    /// The database that the peer's hello named.
    pub(crate) database: Option<DatabaseId>,
    pub(crate) is_primary: bool,
    /// The CSN that it last said to hold.
    pub(crate) csn: Csn,
    /// What it has truncated.
    pub(crate) omitted_csn: Csn,
    /// Whose writes have another history there than here: they are left out until the primary has decided.
    pub(crate) forked: BTreeSet<ReplicaId>,
    /// Who this side said it was, or became in this session.
    pub(crate) told_id: Option<ReplicaId>,
    /// It waits for a new id, which it could not be given when it greeted.
    pub(crate) wants_id: bool,
    /// No commits are taken from it in this session.
    pub(crate) declined: bool,
    /// It takes no commits in this session.
    pub(crate) declines: bool,
    /// It has sent all that it held when the link came up.
    pub(crate) caught_up: bool,
    /// What it sends is understood; before its hello nothing but that is.
    pub(crate) open: bool,
    pub(crate) last_heard: Millis,
    pub(crate) last_sent: Millis,

    /// What the peer will know once all that was sent has arrived.
    sent: VersionVector,
    sent_csn: Csn,
    cursor: Cursor,
    told_caught_up: bool,
    /// The state transfer under way to it.
    transfer: Option<Transfer>,
    /// Where it said that its last state transfer was interrupted.
    interrupted: Option<(Csn, Digest, TupleKey)>,
    /// Sizes of the batches that are not acknowledged yet.
    in_flight: VecDeque<usize>,
    in_flight_bytes: usize,
    acknowledged_batches: u64,

    /// What was acknowledged to the peer.
    told: VersionVector,
    told_csn: Csn,
    received_batches: u64,
    told_batches: u64,
    /// The peer was told that its retirement is stored here, with all that it held.
    told_retired: bool,
}

/// Where the offer of tentative writes stands.
#[derive(Debug)]
enum Cursor {
    /// In log order, beyond this write; what was inserted since the scan began is left to the arrivals from there on.
    CatchUp { after: Option<WriteId>, arrivals_from: u64 },
    /// In the order of arrival. (A cursor in log order would skip what is inserted behind it.)
    Live { next: u64 },
}

impl Peer {
    pub(crate) fn new(kind: PeerKind, now: Millis) -> Self {
        Self {
            kind,
            replica: None,
            database: None,
            is_primary: false,
            csn: Csn::ZERO,
            omitted_csn: Csn::ZERO,
            forked: BTreeSet::new(),
            told_id: None,
            wants_id: false,
            declined: false,
            declines: false,
            caught_up: false,
            open: false,
            last_heard: now,
            last_sent: now,
            sent: VersionVector::default(),
            sent_csn: Csn::ZERO,
            cursor: Cursor::Live { next: 0 },
            told_caught_up: false,
            transfer: None,
            interrupted: None,
            in_flight: VecDeque::new(),
            in_flight_bytes: 0,
            acknowledged_batches: 0,
            told: VersionVector::default(),
            told_csn: Csn::ZERO,
            received_batches: 0,
            told_batches: 0,
            told_retired: false,
        }
    }

    /// Begins to offer what the peer, as its hello says, lacks.
    pub(crate) fn open(
        &mut self,
        vector: VersionVector,
        csn: Csn,
        interrupted: Option<(Csn, Digest, TupleKey)>,
        arrivals: &Arrivals,
    ) {
        self.open = true;
        self.sent = vector;
        self.sent_csn = csn;
        self.interrupted = interrupted;
        self.cursor = Cursor::CatchUp { after: None, arrivals_from: arrivals.end() };
    }

    /// What was sent and is not acknowledged.
    #[cfg(feature = "sim")]
    pub(crate) const fn in_flight_bytes(&self) -> usize {
        self.in_flight_bytes
    }

    /// Notes what this side has told in its hello.
    pub(crate) fn hello_sent(&mut self, vector: &VersionVector, csn: Csn) {
        self.told = vector.clone();
        self.told_csn = csn;
    }

    /// Notes that a batch from the peer was inserted here.
    pub(crate) const fn batch_received(&mut self) {
        self.received_batches += 1;
    }

    /// What is to be acknowledged, if anything is. Who holds another history of some replica than the peer, and so not all
    /// that the peer holds, does not vouch for the peer's retirement, nor who may not for reasons of its own.
    pub(crate) fn acknowledgement(&mut self, vector: &VersionVector, csn: Csn, may_vouch: bool) -> Option<Progress> {
        let of_peer = self.replica.clone().filter(|peer| vector.knowledge_of(peer) == Knowledge::Retired);
        let vouches = self.open && may_vouch && self.forked.is_empty();
        let vouched = of_peer.as_ref().filter(|_| vouches && !core::mem::replace(&mut self.told_retired, true));
        if self.received_batches == self.told_batches && vouched.is_none() {
            return None;
        }
        let risen = vector.iter().filter(|(id, entry)| self.told.entry(id).is_none_or(|told| told.stamp < entry.stamp));
        let gone = self.told.iter().map(|(id, _)| id).filter(|id| vector.knowledge_of(id) == Knowledge::Retired);
        let others = gone.filter(|replica| of_peer.as_ref() != Some(replica));
        let retired: Vec<ReplicaId> = others.chain(vouched).cloned().collect();
        let raised: WireVector = risen.map(|(id, entry)| (id.clone(), entry.stamp, entry.chain)).collect();
        self.told = vector.clone();
        self.told_csn = csn;
        self.told_batches = self.received_batches;
        Some(Progress { raised, retired, csn, batches: self.received_batches })
    }

    /// Takes an acknowledgement. `false`: it acknowledges what was never sent.
    pub(crate) fn acknowledged(&mut self, batches: u64) -> bool {
        let further = batches.checked_sub(self.acknowledged_batches).and_then(|further| usize::try_from(further).ok());
        let Some(further) = further.filter(|further| *further <= self.in_flight.len()) else { return false };
        self.in_flight_bytes -= self.in_flight.drain(..further).sum::<usize>();
        self.acknowledged_batches = batches;
        true
    }
}
