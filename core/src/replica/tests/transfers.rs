//! State transfers that are not what they claim to be.

use super::{generated::Victim, *};
use crate::wire::snapshot::{Outcomes, SnapshotPart, Tuples, WireOmitted};

/// A part of data that nobody has, or the end of it.
fn part(end: bool) -> Frame {
    let digest = Digest::EMPTY.chained(&[b"no data has this digest"]);
    let (vector, reigns) = (vector(&[("0", 9), (Laptop::ID, 1)]), wire_reigns(&Reigns::default()));
    let omitted = WireOmitted { csn: csn(9), vector, prefix: Digest::EMPTY, reigns };
    let end = end.then(|| Box::new(omitted));
    let (tuples, outcomes) = (Tuples::default(), Outcomes::default());
    Frame::Snapshot(SnapshotPart { csn: csn(9), digest, after: None, tuples, outcomes, end })
}

#[test]
fn false_data_costs_its_sender_the_session_and_nobody_the_store() {
    let mut laptop = Victim::laptop();
    for frame in [part(false), part(true)] {
        let outputs = laptop.replica.handle_frame(NOW, BAD, &frame.encode());
        let ended = laptop.carry_out(outputs);
        let expected = [(BAD, DisconnectReason::SnapshotDigest)];
        assert_eq!(ended, if frame == part(true) { &expected[..] } else { &[] });
    }
    laptop.check();
}
