//! **Limits on memory**: what a replica keeps beside log and data is bounded, whatever its peers do.
//!
//! No false alarm: each bound is one that the engine documents, with room for the message that reached it.

use bayou_core::{
    Replica,
    limits::{BATCH_BYTES_TARGET, FRAME_BYTES_MAX, IN_FLIGHT_BYTES_MAX, SNAPSHOTS_MAX},
};

use super::Violation;

pub(super) fn check(replica: &Replica) -> Result<(), Violation> {
    let kept = replica.kept();
    let in_flight_max = IN_FLIGHT_BYTES_MAX + BATCH_BYTES_TARGET.max(FRAME_BYTES_MAX);
    if kept.in_flight_bytes_max > in_flight_max || kept.incoming > SNAPSHOTS_MAX {
        return Err(Violation::of("bounds", format!("{kept:?}")));
    }
    Ok(())
}
