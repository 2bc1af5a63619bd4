//! State transfer over links \[97 §3.3\], of much data: its digest, which every part names, is computed in steps, and what it
//! takes the place of is freed in steps.

#![allow(clippy::unwrap_used, reason = "a helper that fails fails the test")]

mod support;

use bayou_core::{
    Draft, Fields, Operation, UpdateSet,
    limits::{OPERATIONS_MAX, TUPLES_AT_ONCE},
};

use support::{
    Network,
    files::{LARGE, export, known, truncate},
    generate::{keyed, named, note},
};

const STEPS: usize = 3;

/// A primary that has truncated as many tuples as are digested in so many steps, and two that know nothing of them.
fn with_much_data() -> Network {
    let mut network = Network::with_replicas(2);
    let numbers: Vec<usize> = (0..STEPS * TUPLES_AT_ONCE).collect();
    for numbers in numbers.chunks(OPERATIONS_MAX) {
        let put = |number: &usize| Operation::Put(named("notes"), keyed(&number.to_string()), Fields::none());
        network.submit(0, Draft { update: UpdateSet(numbers.iter().map(put).collect()), ..Draft::default() });
    }
    truncate(&mut network, 0);
    network
}

/// Delivers what is under way, and lets nobody go on with work that is done in steps.
fn deliver_all(network: &mut Network) {
    while network.deliver_one(0).is_some() {}
}

fn steps_until_nothing_is_left(network: &mut Network, host: usize) -> usize {
    let mut steps = 0;
    while network.wake(host) {
        steps += 1;
        assert!(steps < 100, "the work never comes to an end");
    }
    steps
}

fn assert_same(network: &Network, host: usize) {
    let [here, there] = [0, host].map(|host| known(&network.hosts[host]));
    assert_eq!((here.csn, here.committed), (there.csn, there.committed));
}

#[test]
fn much_data_is_digested_in_steps_while_the_replica_does_other_things() {
    let mut network = with_much_data();
    network.link(0, 1);
    deliver_all(&mut network);
    let before = network.hosts[1].replica.csn();
    let write = network.submit(0, note("meanwhile", 10));
    assert!(network.hosts[0].replica.status(&write).unwrap().is_committed());
    deliver_all(&mut network);
    assert_eq!(network.hosts[1].replica.csn(), before, "nothing can be sent yet");

    assert_eq!(steps_until_nothing_is_left(&mut network, 0), STEPS - 1, "the first one was done at once");
    deliver_all(&mut network);
    assert_same(&network, 1);
}

#[test]
fn those_who_wait_for_the_same_data_wait_for_one_digest() {
    let mut network = with_much_data();
    network.link(0, 1);
    network.link(0, 2);
    deliver_all(&mut network);
    assert_eq!(steps_until_nothing_is_left(&mut network, 0), STEPS - 1);
    deliver_all(&mut network);
    assert_same(&network, 1);
    assert_same(&network, 2);
}

#[test]
fn nothing_is_digested_for_who_has_gone() {
    let mut network = with_much_data();
    network.link(0, 1);
    deliver_all(&mut network);
    network.unlink(0, 1);
    assert!(!network.wake(0), "nobody waits");
    network.link(0, 2);
    network.link(0, 1);
    deliver_all(&mut network);
    network.wake(0);
    network.unlink(0, 2);
    network.settle();
    assert_same(&network, 1);
}

#[test]
fn who_waits_for_a_digest_that_a_file_needed_first_gets_the_data_at_once() {
    let mut network = with_much_data();
    network.link(0, 1);
    deliver_all(&mut network);
    export(&network.hosts[0], None, LARGE);
    assert_eq!(steps_until_nothing_is_left(&mut network, 0), 1);
    deliver_all(&mut network);
    assert_same(&network, 1);
}

#[test]
fn data_that_moves_on_while_its_digest_is_computed_is_sent_as_it_was_and_then_as_it_is() {
    let mut network = with_much_data();
    network.link(0, 1);
    deliver_all(&mut network);
    network.submit(0, note("0", 10));
    truncate(&mut network, 0);
    network.settle();
    assert_same(&network, 1);
}

#[test]
fn a_transfer_that_was_interrupted_goes_on_where_it_was_once_the_digest_shows_that_the_data_is_the_same() {
    let mut network = with_much_data();
    let outputs = network.hosts[0].replica.checkpoint();
    network.carry_out(0, outputs);
    network.link(0, 1);
    deliver_all(&mut network);
    steps_until_nothing_is_left(&mut network, 0);
    let parts = network.under_way(0, 1);
    let (count, bytes) = (parts.len(), parts.iter().map(|part| part.len()).sum::<usize>());
    (0..count / 2).for_each(|_| assert!(network.deliver_between(0, 1)));

    // The digest is not stored: after a restart it is computed anew.
    network.restart(0);
    network.bytes_sent.clear();
    network.link(0, 1);
    deliver_all(&mut network);
    assert_eq!(steps_until_nothing_is_left(&mut network, 0), STEPS - 1);
    network.settle();
    assert_same(&network, 1);
    let again = network.bytes_sent[&(0, 1)];
    assert!(again < bytes * 2 / 3, "{again} of {bytes} bytes were sent again");
}

#[test]
fn data_that_other_data_takes_the_place_of_is_freed_in_steps() {
    let mut network = with_much_data();
    network.exchange(0, 1);
    assert_same(&network, 1);
    network.submit(0, note("0", 10));
    truncate(&mut network, 0);
    network.link(0, 1);
    deliver_all(&mut network);
    steps_until_nothing_is_left(&mut network, 0);
    deliver_all(&mut network);
    assert_same(&network, 1);
    // The first step was done when the data was installed, and one finds that nothing is left.
    assert_eq!(steps_until_nothing_is_left(&mut network, 1), STEPS);
}
