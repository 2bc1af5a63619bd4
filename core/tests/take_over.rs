//! Two primaries at a time: the one of the lower term stops as soon as it hears of the other one \[97 §3.2, ours\].

#![allow(clippy::unwrap_used, reason = "a helper that fails fails the test")]

mod support;

use bayou_core::{Event, WriteId};
use support::{Network, generate::note};

/// Host 1 takes the primary role while host 0, the primary, is out of reach.
fn taken_over(writes_of_the_old_primary: usize) -> (Network, Vec<WriteId>) {
    let mut network = Network::with_replicas(2);
    (1..=2).for_each(|host| network.exchange(host, 0));
    let unheard = (0..writes_of_the_old_primary).map(|number| network.submit(0, note(&number.to_string(), 10)));
    let unheard = unheard.collect();
    let outputs = network.hosts[1].replica.take_over().unwrap();
    network.carry_out(1, outputs);
    let outputs = network.hosts[1].replica.resume_commits().unwrap();
    network.carry_out(1, outputs);
    (network, unheard)
}

fn check_one_primary(network: &mut Network) {
    for _ in 0..2 {
        (1..=2).for_each(|host| network.exchange_anew(host, 0));
    }
    assert!(!network.hosts[0].replica.is_primary() && network.hosts[1].replica.is_primary());
    let log = |host: usize| network.hosts[host].replica.inspect(usize::MAX).log.into_iter();
    let log = |host: usize| log(host).map(|row| (row.id, row.committed)).collect::<Vec<_>>();
    assert!(log(0).iter().all(|(_, committed)| committed.is_some()));
    assert_eq!(log(0), log(1));
    assert_eq!(log(2), log(1));
    let old_term = network.hosts[0].disconnects.iter().filter(|(_, reason)| reason.code() == 4422).count();
    assert_eq!(old_term, 0);
}

#[test]
fn an_old_primary_whose_commits_nobody_heard_of_gives_up_its_role_and_they_are_made_anew() {
    let (mut network, unheard) = taken_over(2);
    network.exchange_anew(1, 0);
    assert!(network.hosts[0].events.iter().any(|event| matches!(event, Event::CommitsVoided { count: 2, .. })));
    assert!(network.hosts[0].events.contains(&Event::RoleChanged { primary: false }));
    check_one_primary(&mut network);
    assert!(unheard.iter().all(|write| network.hosts[2].replica.status(write).unwrap().is_committed()));
}

#[test]
fn an_old_primary_that_has_committed_nothing_since_gives_up_its_role() {
    let (mut network, _) = taken_over(0);
    check_one_primary(&mut network);
    // Even an operator's will goes beyond the term that it has heard of.
    let outputs = network.hosts[0].replica.take_over().unwrap();
    network.carry_out(0, outputs);
    let outputs = network.hosts[0].replica.resume_commits().unwrap();
    network.carry_out(0, outputs);
    assert!(network.hosts[0].replica.term() > network.hosts[1].replica.term());
}

#[test]
fn a_replica_that_has_forgotten_with_its_storage_that_it_took_the_role_does_not_begin_its_term_again() {
    let mut network = Network::with_replicas(2);
    (1..=2).for_each(|host| network.exchange(host, 0));
    let old = network.hosts[1].stored.clone();
    let outputs = network.hosts[1].replica.take_over().unwrap();
    network.carry_out(1, outputs);
    let outputs = network.hosts[1].replica.resume_commits().unwrap();
    network.carry_out(1, outputs);
    // Host 2 hears of the term, and of nothing that was committed in it.
    network.link(1, 2);
    assert!(network.deliver_between(1, 2));
    network.unlink(1, 2);
    network.hosts[1].stored = old;
    network.restart(1);
    network.exchange_anew(1, 2);
    assert!(network.hosts[1].events.contains(&Event::PrimaryRestored));
    assert!(network.hosts[1].replica.is_taking_over());
    let outputs = network.hosts[1].replica.resume_commits().unwrap();
    network.carry_out(1, outputs);
    assert!(network.hosts[1].replica.term() > network.hosts[2].replica.term());
}
