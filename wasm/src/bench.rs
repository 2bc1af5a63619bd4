//! What the engine costs in WebAssembly: the workload of `core/benches/engine.rs`, timed from JavaScript.
//!
//! Only with the feature `bench`; it is no part of what is shipped. Storage and links cost nothing here.

use std::collections::VecDeque;

use bayou_core::{
    DatabaseId, DatabaseName, Millis, Options, Output, Outputs, PeerId, PeerKind, Replica, StoredBatch,
    rooms::{self, NewBooking, Slot},
};
use wasm_bindgen::prelude::*;

use crate::memory;

const ROOMS: [&str; 6] = ["heron", "otter", "cypress", "pelican", "magnolia", "delta"];
/// Monday 5 January 2026, 00:00 UTC, in minutes.
const MONDAY: i64 = 29_459_520;
const PEER: PeerId = PeerId(1_000);

/// A replica whose storage and links are plain lists, cut off from the primary that created it.
#[wasm_bindgen]
pub struct BenchReplica {
    replica: Replica,
    stored: Vec<StoredBatch>,
    transmitted: VecDeque<Vec<u8>>,
}

#[wasm_bindgen]
impl BenchReplica {
    /// Two replicas of one database.
    #[must_use]
    pub fn pair() -> Vec<BenchReplica> {
        let mut primary = Self::primary();
        vec![primary.create(), primary.create()]
    }

    /// Accepts so many bookings that conflict now and then.
    pub fn book(&mut self, count: u32) {
        let own = self.replica.id().expect("a created replica").to_string();
        for index in 0..i64::from(count) {
            let start = MONDAY + index * 7 / 3;
            let slot = |shift: i64| {
                let room = usize::try_from(index + shift).expect("counts are positive") % ROOMS.len();
                Slot { room: ROOMS[room].into(), start, end: start + 30 }
            };
            let booking = NewBooking {
                id: format!("{own}-{index}"),
                title: "Planning of the week".into(),
                person: "a3f2c8d17b".into(),
                name: "Ada Lovelace".into(),
                notes: String::new(),
                wanted: slot(0),
                alternatives: vec![slot(1), slot(2)],
            };
            let draft = rooms::book(&self.replica, &booking).expect("a valid booking");
            let (_, outputs) = self.replica.submit(draft).expect("a ready replica");
            self.carry_out(outputs);
        }
    }

    /// Links this replica with another and gives what the other then sends.
    pub fn greet(&mut self, other: &mut BenchReplica) {
        self.meet(PEER);
        other.meet(PEER);
        let greeting = other.transmitted.pop_front().expect("a greeting");
        self.receive(PEER, &greeting);
        let greeting = self.transmitted.pop_front().expect("a greeting");
        other.receive(PEER, &greeting);
    }

    /// Takes in what the other has sent.
    #[wasm_bindgen(js_name = takeFrom)]
    pub fn take_from(&mut self, other: &mut BenchReplica) {
        for frame in other.transmitted.drain(..) {
            self.receive(PEER, &frame);
        }
    }

    /// A replica from what this one has stored.
    #[must_use]
    pub fn recovered(&self) -> BenchReplica {
        memory::reserve_for(&self.stored);
        let replica = Replica::recover(Options::default(), self.stored.iter().cloned());
        Self::new(replica.expect("what was stored can be recovered").replica)
    }

    fn new(replica: Replica) -> Self {
        Self { replica, stored: Vec::new(), transmitted: VecDeque::new() }
    }

    fn primary() -> Self {
        let name = DatabaseName::parse("bench").expect("a valid name");
        let (replica, outputs) = Replica::found(Options::default(), DatabaseId::from_random([7; 16]), name);
        let mut primary = Self::new(replica);
        primary.carry_out(outputs);
        let draft = rooms::add_rooms(&rooms::sample_rooms("UTC")).expect("valid rooms");
        let (_, outputs) = primary.replica.submit(draft).expect("a ready replica");
        primary.carry_out(outputs);
        primary
    }

    fn create(&mut self) -> Self {
        let mut created = Self::new(Replica::join(Options::default(), self.replica.name().clone()));
        let peer = PeerId(self.stored.len() as u64);
        self.meet(peer);
        created.meet(peer);
        while !(self.transmitted.is_empty() && created.transmitted.is_empty()) {
            for frame in self.transmitted.drain(..).collect::<Vec<_>>() {
                created.receive(peer, &frame);
            }
            for frame in created.transmitted.drain(..).collect::<Vec<_>>() {
                self.receive(peer, &frame);
            }
        }
        for host in [self, &mut created] {
            let outputs = host.replica.handle_link_down(Millis(1), peer);
            host.carry_out(outputs);
        }
        created
    }

    fn meet(&mut self, peer: PeerId) {
        let outputs = self.replica.handle_link_up(Millis(1), peer, PeerKind::Elsewhere);
        self.carry_out(outputs);
    }

    fn receive(&mut self, peer: PeerId, frame: &[u8]) {
        let outputs = self.replica.handle_frame(Millis(1), peer, frame);
        self.carry_out(outputs);
    }

    fn carry_out(&mut self, outputs: Outputs) {
        memory::keep_room();
        for output in outputs {
            match output {
                Output::Persist(batch) => {
                    let number = batch.number;
                    self.stored.push(batch);
                    let outputs = self.replica.handle_persisted(number);
                    self.carry_out(outputs);
                }
                Output::Transmit { frame, .. } => self.transmitted.push_back(frame),
                Output::Disconnect { reason, .. } => panic!("{reason}"),
                Output::Forget { .. } | Output::Event(_) => {}
            }
        }
    }
}
