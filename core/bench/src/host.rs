//! A host whose storage and links are plain lists.

use std::collections::VecDeque;

use bayou_core::{
    DatabaseId, DatabaseName, Event, Millis, Options, Output, Outputs, PeerId, PeerKind, Replica, StoredBatch,
    rooms::{self, NewBooking, Slot},
};

const ROOMS: [&str; 6] = ["heron", "otter", "cypress", "pelican", "magnolia", "delta"];
/// Monday 5 January 2026, 00:00 UTC, in minutes.
const MONDAY: i64 = 29_459_520;
/// Time stands still.
pub(crate) const NOW: Millis = Millis(1);
/// The link that [`Host::exchange`] makes.
const PEER: PeerId = PeerId(u64::MAX);

pub(crate) struct Host {
    pub(crate) replica: Replica,
    pub(crate) stored: Vec<StoredBatch>,
    pub(crate) transmitted: VecDeque<Vec<u8>>,
    /// How many writes were executed again because others came before them.
    pub(crate) redone: u64,
}

impl Host {
    pub(crate) fn new(replica: Replica) -> Self {
        Self { replica, stored: Vec::new(), transmitted: VecDeque::new(), redone: 0 }
    }

    /// The first replica of a database with six rooms.
    pub(crate) fn primary() -> Self {
        let name = DatabaseName::parse("bench").expect("a valid name");
        let (replica, outputs) = Replica::found(Options::default(), DatabaseId::from_random([7; 16]), name);
        let mut primary = Self::new(replica);
        primary.carry_out(outputs);
        let draft = rooms::add_rooms(&rooms::sample_rooms("UTC")).expect("valid rooms");
        let (_, outputs) = primary.replica.submit(draft).expect("a ready replica");
        primary.carry_out(outputs);
        primary
    }

    /// A replica without an id.
    pub(crate) fn blank(&self) -> Self {
        Self::new(Replica::join(Options::default(), self.replica.name().clone()))
    }

    /// A replica that this one creates and then is cut off from.
    pub(crate) fn create(&mut self) -> Self {
        let mut created = self.blank();
        self.exchange(&mut created);
        created
    }

    pub(crate) fn recover(stored: Vec<StoredBatch>) -> Self {
        let recovery = Replica::recover(Options::default(), stored).expect("what was stored can be recovered");
        Self::new(recovery.replica)
    }

    /// Books so many slots. Bookings of two replicas contend for the same ones.
    pub(crate) fn book(&mut self, count: u32) {
        let own = self.replica.id().expect("a created replica").to_string();
        for index in 0..i64::from(count) {
            let start = MONDAY + index * 7 / 3;
            let slot = |shift: i64| {
                let room = ROOMS[usize::try_from(index + shift).expect("counts are positive") % ROOMS.len()];
                Slot { room: room.into(), start, end: start + 30 }
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

    /// Links two replicas, lets them tell each other all they have, and cuts the link; how many bytes that took.
    pub(crate) fn exchange(&mut self, other: &mut Self) -> usize {
        self.link_up(PEER);
        other.link_up(PEER);
        let mut bytes = 0;
        while !(self.transmitted.is_empty() && other.transmitted.is_empty()) {
            bytes += other.hand_over(self);
            bytes += self.hand_over(other);
        }
        self.link_down(PEER);
        other.link_down(PEER);
        bytes
    }

    /// Hands all that it has transmitted to another host; how many bytes that were.
    pub(crate) fn hand_over(&mut self, to: &mut Self) -> usize {
        let frames: Vec<Vec<u8>> = self.transmitted.drain(..).collect();
        frames.iter().for_each(|frame| to.receive(PEER, frame));
        frames.iter().map(Vec::len).sum()
    }

    pub(crate) fn link_up(&mut self, peer: PeerId) {
        let outputs = self.replica.handle_link_up(NOW, peer, PeerKind::Elsewhere);
        self.carry_out(outputs);
    }

    pub(crate) fn link_down(&mut self, peer: PeerId) {
        let outputs = self.replica.handle_link_down(NOW, peer);
        self.carry_out(outputs);
    }

    pub(crate) fn receive(&mut self, peer: PeerId, frame: &[u8]) {
        let outputs = self.replica.handle_frame(NOW, peer, frame);
        self.carry_out(outputs);
    }

    pub(crate) fn carry_out(&mut self, outputs: Outputs) {
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
                Output::Forget { before } => self.stored.retain(|batch| batch.number >= before),
                Output::Event(Event::Reordered { redone, .. }) => self.redone += u64::from(redone),
                Output::Event(_) => {}
            }
        }
    }
}
