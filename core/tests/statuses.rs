//! What a replica says of how far a write has come: saved here, known elsewhere, committed. It never says too much.

#![allow(clippy::unwrap_used, reason = "a helper that fails fails the test")]

mod support;

use bayou_core::{Event, PeerKind, WriteId};

use support::{Network, generate::note};

fn is_known_elsewhere(network: &Network, host: usize, write: &WriteId) -> bool {
    network.hosts[host].replica.status(write).unwrap().known_elsewhere
}

#[test]
fn a_write_is_known_elsewhere_once_a_peer_has_acknowledged_it() {
    let mut network = Network::with_replicas(1);
    network.pause();
    let write = network.submit(1, note("a", 1));
    network.link(1, 0);
    while network.hosts[0].replica.write(&write).is_none() {
        assert!(!is_known_elsewhere(&network, 1, &write));
        network.deliver_one(0);
    }
    // The primary has it, but its acknowledgement is still under way.
    assert!(!is_known_elsewhere(&network, 1, &write));
    assert_eq!(network.hosts[1].replica.summary().only_here, 1);
    network.settle();
    assert!(is_known_elsewhere(&network, 1, &write));
    assert_eq!(network.hosts[1].replica.summary().only_here, 0);

    // That is remembered without a network.
    network.restart(1);
    assert!(is_known_elsewhere(&network, 1, &write));
}

#[test]
fn a_creation_is_nothing_that_a_person_waits_for() {
    let mut network = Network::with_replicas(1);
    network.join_through(1);
    let counts = |network: &Network| {
        let summary = network.hosts[1].replica.summary();
        (summary.only_here, summary.tentative)
    };
    assert_eq!(counts(&network), (0, 0));
    network.submit(1, note("a", 1));
    assert_eq!(counts(&network), (1, 1));
}

#[test]
fn a_greeting_after_a_restart_does_not_make_an_unsent_write_known() {
    let mut network = Network::with_replicas(2);
    network.pause();
    let write = network.submit(1, note("a", 1));
    network.restart(1);
    network.link(1, 0);
    assert!(network.deliver_between(0, 1), "the primary's hello, which names this replica and its creator");
    assert!(!is_known_elsewhere(&network, 1, &write));
}

#[test]
fn what_is_known_on_the_same_device_is_not_known_elsewhere() {
    let mut network = Network::with_replicas(3);
    let (author, tab, other_tab) = (1, 2, 3);
    network.pause();
    let write = network.submit(author, note("a", 1));
    for peer in [tab, other_tab] {
        network.link_as(PeerKind::SameDevice, author, peer);
        network.settle();
        assert!(network.hosts[peer].replica.write(&write).is_some());
        assert!(!is_known_elsewhere(&network, author, &write));
        assert!(!is_known_elsewhere(&network, peer, &write));
    }
    // A tab takes it to the relay, and the author learns of it when it is committed.
    network.exchange(tab, 0);
    assert!(is_known_elsewhere(&network, tab, &write));
    assert!(!is_known_elsewhere(&network, author, &write));
    network.resume();
    network.exchange(tab, 0);
    network.settle();
    assert!(!network.is_linked(tab, 0));
    assert!(is_known_elsewhere(&network, author, &write));
}

#[test]
fn a_write_from_a_peer_elsewhere_is_known_elsewhere() {
    let mut network = Network::with_replicas(2);
    let write = network.submit(1, note("a", 1));
    network.exchange(1, 2);
    assert!(is_known_elsewhere(&network, 2, &write));
}

#[test]
fn commits_of_ones_own_writes_are_told_once() {
    let mut network = Network::with_replicas(2);
    let write = network.submit(1, note("a", 1));
    let told = |network: &Network, host: usize| {
        let committed = Event::Committed { write: write.clone() };
        network.hosts[host].events.iter().filter(|event| **event == committed).count()
    };
    network.exchange(1, 2);
    network.exchange(2, 0);
    assert_eq!(told(&network, 1), 0);
    network.exchange(1, 2);
    network.exchange(1, 0);
    assert_eq!([0, 1, 2].map(|host| told(&network, host)), [0, 1, 0]);
}

#[test]
fn a_write_that_is_not_held_has_no_status() {
    let network = Network::with_replicas(1);
    for id in ["9@0", "1@0.9", "5@0.1"] {
        assert_eq!(network.hosts[1].replica.status(&id.parse().unwrap()), None);
    }
}
