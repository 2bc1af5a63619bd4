//! How sessions begin, stay alive and end.

#![allow(clippy::unwrap_used, reason = "a helper that fails fails the test")]

mod support;

use bayou_core::{
    DatabaseId, DatabaseName, DisconnectReason, Draft, Millis, Options, Output, Outputs, PeerId, PeerKind, Replica,
};

use support::name;

const PEER: PeerId = PeerId(100);
const OTHER: PeerId = PeerId(101);

/// A replica whose storage is done at once; what it said to whom.
fn carry_out(replica: &mut Replica, outputs: Outputs) -> Vec<Output> {
    let mut said = Vec::new();
    let mut waiting = vec![outputs];
    while let Some(outputs) = waiting.pop() {
        for output in outputs {
            match output {
                Output::Persist(batch) => waiting.push(replica.handle_persisted(batch.number)),
                other => said.push(other),
            }
        }
    }
    said
}

fn frames_to(said: &[Output], asked: PeerId) -> Vec<Vec<u8>> {
    let frame = |output: &Output| match output {
        Output::Transmit { peer, frame } if *peer == asked => Some(frame.clone()),
        _ => None,
    };
    said.iter().filter_map(frame).collect()
}

/// Two replicas in one session, with nothing under way.
fn pair(options: Options) -> (Replica, Replica) {
    let (mut left, outputs) = Replica::found(options, DatabaseId::from_random([7; 16]), name());
    carry_out(&mut left, outputs);
    let mut right = Replica::join(options, name());
    let outputs = left.handle_link_up(Millis(0), PEER, PeerKind::Elsewhere);
    let mut to_right = frames_to(&carry_out(&mut left, outputs), PEER);
    let outputs = right.handle_link_up(Millis(0), PEER, PeerKind::Elsewhere);
    let mut to_left = frames_to(&carry_out(&mut right, outputs), PEER);
    while !(to_left.is_empty() && to_right.is_empty()) {
        for frame in std::mem::take(&mut to_right) {
            let outputs = right.handle_frame(Millis(0), PEER, &frame);
            to_left.extend(frames_to(&carry_out(&mut right, outputs), PEER));
        }
        for frame in std::mem::take(&mut to_left) {
            let outputs = left.handle_frame(Millis(0), PEER, &frame);
            to_right.extend(frames_to(&carry_out(&mut left, outputs), PEER));
        }
    }
    assert!(right.is_ready());
    (left, right)
}

const OPTIONS: Options = Options { ping_interval_ms: 1_000, silence_ms_max: 2_500, keeps_outcomes: true };

#[test]
fn quiet_links_are_kept_alive_by_pings_and_silent_ones_are_given_up() {
    let (mut left, mut right) = pair(OPTIONS);
    // Nothing else happens: each side sends a sign of life whenever it is time to, and hears the other's.
    for second in 1..=5 {
        let now = Millis(second * 1_000);
        assert_eq!((left.poll_timeout(), right.poll_timeout()), (Some(now), Some(now)));
        let outputs = left.handle_timeout(now);
        let pings = frames_to(&carry_out(&mut left, outputs), PEER);
        assert_eq!(pings.len(), 1);
        let outputs = right.handle_frame(now, PEER, &pings[0]);
        assert!(frames_to(&carry_out(&mut right, outputs), PEER).is_empty(), "a ping is not answered");
        let outputs = right.handle_timeout(now);
        let pings = frames_to(&carry_out(&mut right, outputs), PEER);
        let outputs = left.handle_frame(now, PEER, &pings[0]);
        carry_out(&mut left, outputs);
    }

    // The right one falls silent. It was last heard at 5 s.
    for now in [6_000, 7_000] {
        let outputs = left.handle_timeout(Millis(now));
        assert_eq!(frames_to(&carry_out(&mut left, outputs), PEER).len(), 1);
    }
    assert_eq!(left.poll_timeout(), Some(Millis(7_500)));
    let outputs = left.handle_timeout(Millis(7_500));
    let said = carry_out(&mut left, outputs);
    let reason = DisconnectReason::Silent { silence_ms: 2_500 };
    assert!(said.contains(&Output::Disconnect { peer: PEER, reason }));
    assert_eq!(left.poll_timeout(), None, "nothing is left to wait for");
}

#[test]
fn a_call_before_the_timeout_does_nothing() {
    let (mut left, _) = pair(OPTIONS);
    let outputs = left.handle_timeout(Millis(999));
    assert!(carry_out(&mut left, outputs).is_empty());
}

#[test]
fn one_silent_link_does_not_end_another() {
    let (mut left, mut right) = pair(OPTIONS);
    let outputs = left.handle_link_up(Millis(2_000), OTHER, PeerKind::Elsewhere);
    carry_out(&mut left, outputs);
    let outputs = left.handle_timeout(Millis(2_600));
    let said = carry_out(&mut left, outputs);
    assert!(said.iter().any(|output| matches!(output, Output::Disconnect { peer: PEER, .. })));
    assert!(!said.iter().any(|output| matches!(output, Output::Disconnect { peer: OTHER, .. })));
    // What the silent one still sends is ignored.
    let (_, outputs) = right.submit(Draft::default()).unwrap();
    for frame in frames_to(&carry_out(&mut right, outputs), PEER) {
        let outputs = left.handle_frame(Millis(2_700), PEER, &frame);
        assert!(carry_out(&mut left, outputs).is_empty());
    }
}

#[test]
fn time_that_runs_backwards_harms_nothing() {
    let (mut left, _) = pair(OPTIONS);
    let outputs = left.handle_timeout(Millis(1_000));
    carry_out(&mut left, outputs);
    for now in [0, u64::MAX, 5] {
        let outputs = left.handle_timeout(Millis(now));
        carry_out(&mut left, outputs);
    }
    let (_, outputs) = left.submit(Draft::default()).unwrap();
    carry_out(&mut left, outputs);
}

#[test]
fn a_database_of_the_same_name_is_another_database() {
    let (mut ours, outputs) = Replica::found(OPTIONS, DatabaseId::from_random([1; 16]), name());
    carry_out(&mut ours, outputs);
    let (mut theirs, outputs) = Replica::found(OPTIONS, DatabaseId::from_random([2; 16]), name());
    carry_out(&mut theirs, outputs);
    let outputs = theirs.handle_link_up(Millis(0), PEER, PeerKind::Elsewhere);
    let hello = frames_to(&carry_out(&mut theirs, outputs), PEER).remove(0);
    let outputs = ours.handle_link_up(Millis(0), PEER, PeerKind::Elsewhere);
    carry_out(&mut ours, outputs);
    let outputs = ours.handle_frame(Millis(0), PEER, &hello);
    let said = carry_out(&mut ours, outputs);
    let reason = said.iter().find_map(|output| match output {
        Output::Disconnect { reason, .. } => Some(reason.clone()),
        _ => None,
    });
    assert!(matches!(reason, Some(DisconnectReason::OtherDatabase { .. })));
    assert!(DisconnectReason::is_final_code(reason.unwrap().code()), "to try again would not help");
}

#[test]
fn a_database_of_another_name_is_refused() {
    let (mut ours, outputs) = Replica::found(OPTIONS, DatabaseId::from_random([1; 16]), name());
    carry_out(&mut ours, outputs);
    let mut lost = Replica::join(OPTIONS, DatabaseName::parse("another").unwrap());
    let outputs = lost.handle_link_up(Millis(0), PEER, PeerKind::Elsewhere);
    let hello = frames_to(&carry_out(&mut lost, outputs), PEER).remove(0);
    let outputs = ours.handle_link_up(Millis(0), PEER, PeerKind::Elsewhere);
    carry_out(&mut ours, outputs);
    let outputs = ours.handle_frame(Millis(0), PEER, &hello);
    let said = carry_out(&mut ours, outputs);
    assert!(said.contains(&Output::Disconnect { peer: PEER, reason: DisconnectReason::OtherName }));
    assert_eq!(ours.csn().get(), 0, "nobody was created");
}
