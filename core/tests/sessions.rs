//! How sessions begin, stay alive and end.

#![allow(clippy::unwrap_used, reason = "a helper that fails fails the test")]

mod support;

use bayou_core::{
    DatabaseId, DatabaseName, DisconnectReason, Draft, Millis, Options, Output, Outputs, PeerId, PeerKind, Replica,
};

use support::{Network, generate::note, name};

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

const OPTIONS: Options = Options { ping_interval_ms: 1_000, silence_ms_max: 2_500 };

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

/// A host that runs on a copy of another's storage, as it is at this moment.
fn add_copy(network: &mut Network, of: usize) -> usize {
    let copy = network.add_joining();
    network.hosts[copy].stored = network.hosts[of].stored.clone();
    network.restart(copy);
    copy
}

#[test]
fn two_replicas_on_copies_of_one_storage_refuse_each_other() {
    let mut network = Network::with_replicas(1);
    let copy = add_copy(&mut network, 1);
    network.exchange(1, copy);
    let reasons = [1, copy].map(|host| network.hosts[host].disconnects.first().map(|(_, reason)| reason.clone()));
    let id = network.hosts[1].replica.id().unwrap().clone();
    assert!(reasons.contains(&Some(DisconnectReason::SameReplica(id))), "{reasons:?}");
}

#[test]
fn one_id_used_twice_is_found_and_ends_that_session_only() {
    let mut network = Network::with_replicas(2);
    let (original, witness) = (1, 2);
    let copy = add_copy(&mut network, original);
    let first = network.submit(original, note("original", 10));
    let second = network.submit(copy, note("copy", 10));
    assert_eq!(first, second, "one id for two writes");

    network.exchange(original, witness);
    network.link(witness, 0);
    network.exchange(copy, witness);
    // The witness says that it knows as much of that replica as the copy does, so that nothing comes to compare. The
    // next write continues a history that the witness does not hold.
    network.submit(copy, note("copy again", 10));
    network.exchange(copy, witness);
    let reasons: Vec<_> = network.hosts.iter().flat_map(|host| &host.disconnects).map(|(_, reason)| reason).collect();
    assert!(!reasons.is_empty());
    assert!(reasons.iter().all(|reason| matches!(reason, DisconnectReason::Log(_)) || is_lost(reason)), "{reasons:?}");

    let write = network.submit(witness, note("other", 10));
    network.settle();
    assert!(network.hosts[0].replica.status(&write).unwrap().csn.is_some(), "everything else flows");
}

fn is_lost(reason: &DisconnectReason) -> bool {
    matches!(reason, DisconnectReason::HistoryLost { .. })
}

#[test]
fn a_replica_on_an_old_copy_of_its_storage_learns_it_from_the_first_who_knows_more() {
    let mut network = Network::with_replicas(1);
    let old = network.hosts[1].stored.clone();
    network.submit(1, note("forgotten", 10));
    network.exchange(1, 0);
    network.hosts[1].stored = old;
    network.restart(1);
    network.hosts[0].disconnects.clear();
    network.exchange(1, 0);
    let (_, reason) = &network.hosts[1].disconnects[0];
    assert!(is_lost(reason), "{reason}");
    assert!(DisconnectReason::is_final_code(reason.code()));
    assert_eq!(network.hosts[0].replica.summary().tentative, 0);
}

#[test]
fn a_primary_on_an_old_copy_of_its_storage_stops_visibly() {
    let mut network = Network::with_replicas(2);
    let old = network.hosts[0].stored.clone();
    network.submit(1, note("a", 10));
    network.exchange(1, 0);
    network.hosts[0].stored = old;
    network.restart(0);
    // It would give CSN 3 to another write.
    network.submit(2, note("b", 10));
    network.exchange(2, 0);
    network.exchange(2, 1);
    let reasons: Vec<_> = network.hosts.iter().flat_map(|host| &host.disconnects).map(|(_, reason)| reason).collect();
    assert!(
        reasons.iter().any(|reason| matches!(reason, DisconnectReason::CommittedOrdersDiffer(_))),
        "two committed orders met: {reasons:?}"
    );
    let committed = |host: usize| network.hosts[host].replica.inspect(usize::MAX).log.into_iter().map(|row| row.id);
    assert!(!committed(1).eq(committed(2)), "neither has taken over the other's");
}
