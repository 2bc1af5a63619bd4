//! New replicas: any replica creates them, and none is lost on the way \[97 §4.3\].

#![allow(clippy::unwrap_used, reason = "a helper that fails fails the test")]

mod support;

use bayou_core::{DisconnectReason, Draft, Event, SubmitError, limits::REPLICA_DEPTH_MAX};

use support::{Network, generate::note};

#[test]
fn a_replica_is_named_by_the_write_that_created_it_and_can_create_others_far_from_the_primary() {
    let mut network = Network::new();
    let laptop = network.join();
    network.submit(laptop, note("a", 1));
    let phone = network.join_through(laptop);
    let (laptop_id, phone_id) =
        (network.hosts[laptop].replica.id().unwrap(), network.hosts[phone].replica.id().unwrap());
    let creation = phone_id.creation().unwrap();
    assert_eq!(creation.replica, *laptop_id);
    assert!(network.hosts[laptop].replica.write(&creation).is_some());

    // The new one knows all that its creator knew, and its own first write stands behind all of it.
    let known = network.hosts[laptop].replica.inspect(usize::MAX).log;
    let first = network.submit(phone, note("b", 1));
    assert!(known.iter().all(|row| network.hosts[phone].replica.write(&row.id).is_some() && row.id < first));

    network.exchange(phone, 0);
    assert_eq!(network.hosts[0].replica.summary().tentative, 0);
    assert!(network.hosts[0].replica.status(&first).unwrap().csn.is_some());
}

#[test]
fn a_replica_that_is_not_created_yet_accepts_nothing() {
    let mut network = Network::new();
    let joining = network.add_joining();
    let replica = &mut network.hosts[joining].replica;
    assert_eq!(replica.submit(Draft::default()).map(drop), Err(SubmitError::NotReady));
    assert_eq!((replica.id(), replica.database(), replica.is_ready()), (None, None, false));
}

#[test]
fn two_replicas_that_are_not_created_yet_have_nothing_to_tell_each_other() {
    let mut network = Network::new();
    let (left, right) = (network.add_joining(), network.add_joining());
    network.exchange(left, right);
    let refused: Vec<_> = [left, right].iter().flat_map(|host| &network.hosts[*host].disconnects).collect();
    assert!(!refused.is_empty() && refused.iter().all(|(_, reason)| *reason == DisconnectReason::NothingToJoin));
    network.exchange(left, 0);
    network.exchange(right, left);
    assert!(network.hosts[right].replica.is_ready());
}

#[test]
fn a_crash_at_any_point_of_a_creation_leaves_a_replica_that_can_go_on() {
    // Every frame on the way is followed by a crash, with every number of batches that had reached the storage.
    for delivered in 0..12 {
        for reached in 0..4 {
            let mut network = Network::with_replicas(1);
            network.submit(0, note("a", 1));
            let joining = network.add_joining();
            network.hosts[joining].slow_storage = true;
            network.link(0, joining);
            for step in 0..delivered {
                network.deliver_one(step);
                if step % 2 == 1 {
                    network.store(joining, 1);
                }
            }
            let ready_before = network.hosts[joining].events.contains(&Event::Ready);
            let id_before = network.hosts[joining].replica.id().cloned();
            network.crash(joining, reached);
            assert!(!ready_before || network.hosts[joining].replica.is_ready(), "it was told to be ready");
            if network.hosts[joining].replica.id().is_some() {
                assert_eq!(network.hosts[joining].replica.id(), id_before.as_ref());
            }

            // Also where it is not its creator that it meets first.
            network.store_at_once(joining);
            network.exchange_anew(joining, 1);
            network.exchange_anew(joining, 0);
            assert!(network.hosts[joining].replica.is_ready(), "{delivered} frames, {reached} batches");
            let write = network.submit(joining, note("b", 1));
            network.exchange(joining, 0);
            assert!(network.hosts[0].replica.status(&write).unwrap().csn.is_some());
            assert!(network.hosts.iter().all(|host| host.disconnects.is_empty()));
        }
    }
}

#[test]
fn a_replica_whose_creator_was_lost_before_anybody_heard_of_it_is_created_by_another() {
    let mut network = Network::with_replicas(2);
    let joining = network.add_joining();
    network.link(1, joining);
    while network.hosts[joining].replica.id().is_none() {
        assert!(network.deliver_between(1, joining) || network.deliver_between(joining, 1));
    }
    // The creation itself, and all that the creator knew, is lost with the creator.
    network.unlink(1, joining);
    let lost = network.hosts[joining].replica.id().cloned();
    assert!(!network.hosts[joining].replica.is_ready());
    network.exchange_anew(joining, 2);
    assert!(network.hosts[joining].replica.is_ready());
    assert_ne!(network.hosts[joining].replica.id(), lost.as_ref());
}

#[test]
fn the_last_replica_of_the_longest_chain_of_creations_refuses_to_create_another() {
    let mut network = Network::new();
    for depth in 0..REPLICA_DEPTH_MAX {
        network.join_through(depth);
    }
    let (last, beyond) = (REPLICA_DEPTH_MAX, network.add_joining());
    network.exchange(last, beyond);
    assert!(!network.hosts[beyond].replica.is_ready());
    assert_eq!(network.hosts[last].disconnects.len(), 1);

    // It goes on, and so does the one that was refused, with another creator.
    network.submit(last, Draft::default());
    network.exchange(0, beyond);
    assert!(network.hosts[beyond].replica.is_ready());
}

#[test]
fn a_replica_that_asks_two_others_at_once_is_created_by_one_and_keeps_both_links() {
    for first_to_answer in 0..6 {
        let mut network = Network::with_replicas(1);
        let joining = network.add_joining();
        network.link(0, joining);
        network.link(1, joining);
        while network.deliver_one(first_to_answer).is_some() {}
        for host in &network.hosts {
            assert_eq!(host.disconnects, []);
        }
        assert!(network.hosts[joining].replica.is_ready());
        let write = network.submit(joining, note("a", 1));
        network.settle();
        assert!(network.hosts[1].replica.write(&write).is_some());
    }
}

#[test]
fn a_replica_that_greets_two_databases_of_one_name_belongs_to_the_one_that_creates_it_first() {
    let mut network = Network::new();
    let other = network.add_other_database();
    let joining = network.add_joining();
    network.link(joining, 0);
    network.link(joining, other);
    // Both greet before either answers.
    for host in [0, other] {
        network.deliver_between(host, joining);
    }
    network.settle();
    let replica = &network.hosts[joining].replica;
    assert_eq!(replica.database(), network.hosts[0].replica.database());
    assert_eq!(replica.version_vector(), network.hosts[0].replica.version_vector());
    let left = network.hosts[joining].disconnects.iter().map(|(_, reason)| reason);
    assert!(left.into_iter().any(|reason| matches!(reason, DisconnectReason::OtherDatabase { .. })));
}
