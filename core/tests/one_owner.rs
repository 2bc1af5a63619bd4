//! One id, one owner: copies of storage, old and new, are found at the first meeting, and what lost its place is offered
//! again once.

mod support;

use bayou_core::{DisconnectReason, Event, WriteId, WriteKind};
use support::{Host, Network, generate::note};

/// A host that runs on a copy of another's storage, as it is at this moment.
fn add_copy(network: &mut Network, of: usize) -> usize {
    let copy = network.add_joining();
    network.hosts[copy].stored = network.hosts[of].stored.clone();
    network.restart(copy);
    copy
}

/// The texts of all notes that are committed at a host, in the committed order, however they came there.
fn committed_notes(network: &Network, host: usize) -> Vec<String> {
    let replica = &network.hosts[host].replica;
    let rows = replica.inspect(usize::MAX).log.into_iter().filter(|row| row.committed.is_some());
    let drafts = rows.filter_map(|row| replica.write(&row.id).and_then(|write| write.kind().draft().cloned()));
    drafts.map(|draft| draft.update.0[0].key().to_string()).collect()
}

fn displaced(network: &Network, host: usize) -> Vec<(WriteId, Option<WriteId>)> {
    let events = network.hosts[host].events.iter();
    let displaced = events.filter_map(|event| match event {
        Event::Displaced { write, again } => Some((write.clone(), again.clone())),
        _ => None,
    });
    displaced.collect()
}

#[test]
fn of_two_replicas_on_copies_of_one_storage_one_takes_a_new_id() {
    let mut network = Network::with_replicas(1);
    let old_id = network.hosts[1].replica.id().unwrap().clone();
    let copy = add_copy(&mut network, 1);
    network.exchange(1, copy);
    // Who hears the other's greeting first takes a new id; if both hear it, both do.
    let lost = [1, copy].map(|host| network.hosts[host].events.contains(&Event::IdLost { replica: old_id.clone() }));
    assert!(lost.contains(&true));
    for host in [1, copy] {
        network.exchange_anew(host, 0);
        assert!(network.hosts[host].replica.is_ready());
    }
    let ids = [1, copy].map(|host| network.hosts[host].replica.id().unwrap().clone());
    assert_ne!(ids[0], ids[1]);
    network.submit(1, note("one", 10));
    network.submit(copy, note("other", 10));
    network.exchange_anew(1, 0);
    network.exchange_anew(copy, 0);
    assert_eq!(committed_notes(&network, 0), ["one", "other"]);
}

/// Frames cross in every way in which the one or the other peer may be first.
#[test]
fn an_id_that_a_second_peer_has_created_is_given_back() {
    for choice in 0..12 {
        let mut network = Network::with_replicas(2);
        let joining = network.add_joining();
        let peers = [0, 1, 2];
        for peer in peers {
            network.link(peer, joining);
        }
        while network.deliver_one(choice).is_some() {}
        network.unlink_all();
        for _ in 0..2 {
            for peer in peers {
                network.exchange_anew(peer, joining);
            }
        }
        assert!(network.hosts[joining].replica.is_ready());
        for host in 0..4 {
            let ids: Vec<_> = network.hosts[host].replica.version_vector().iter().map(|(id, _)| id.clone()).collect();
            let mut owned: Vec<_> = network.hosts.iter().map(|host| host.replica.id().unwrap().clone()).collect();
            owned.sort();
            assert_eq!(ids, owned, "at host {host}, in the order of choice {choice}");
        }
        network.submit(joining, note("after all", 10));
        network.exchange_anew(0, joining);
        assert_eq!(committed_notes(&network, 0), ["after all"]);
    }
}

#[test]
fn of_two_histories_of_one_id_the_primary_keeps_one_and_the_other_is_offered_again() {
    let mut network = Network::with_replicas(2);
    let (original, witness) = (1, 2);
    let copy = add_copy(&mut network, original);
    let first = network.submit(original, note("original", 10));
    let second = network.submit(copy, note("copy", 10));
    assert_eq!(first, second, "one id for two writes");
    network.submit(copy, note("copy again", 10));

    // The witness holds one of the two, the primary gets the other one first.
    network.exchange_anew(copy, witness);
    network.exchange_anew(original, 0);
    assert_eq!(committed_notes(&network, 0), ["original"]);
    let other = network.submit(witness, note("other", 10));
    network.exchange_anew(witness, 0);
    assert!(network.hosts[0].replica.status(&other).unwrap().is_committed(), "everything else flows");
    assert_eq!(displaced(&network, witness).len(), 2, "both of the copy's writes lost their place");

    network.exchange_anew(copy, 0);
    network.exchange_anew(witness, 0);
    network.exchange_anew(original, 0);
    network.exchange_anew(copy, 0);
    for host in [0, original, witness, copy] {
        let mut notes = committed_notes(&network, host);
        notes.sort();
        notes.dedup();
        assert_eq!(notes, ["copy", "copy again", "original", "other"], "host {host}");
        assert_eq!(network.hosts[host].replica.summary().tentative, 0);
    }
    // Both holders offered them again; that is one and the same.
    let again = network.hosts[0].replica.inspect(usize::MAX).log.into_iter().filter(|row| {
        matches!(network.hosts[0].replica.write(&row.id).unwrap().kind(), WriteKind::Again { .. })
            && row.outcome.branch == bayou_core::Branch::Update
    });
    assert_eq!(again.count(), 2);
}

#[test]
fn a_retired_replica_that_alone_holds_what_lost_its_place_offers_it_before_it_leaves() {
    let mut network = Network::with_replicas(2);
    let (original, witness) = (1, 2);
    let copy = add_copy(&mut network, original);
    network.submit(original, note("original", 10));
    network.submit(copy, note("copy", 10));
    // The copy is never seen again.
    network.exchange_anew(copy, witness);
    network.exchange_anew(original, 0);
    let outputs = network.hosts[witness].replica.retire().unwrap();
    network.carry_out(witness, outputs);
    network.exchange_anew(witness, 0);
    network.exchange_anew(witness, 0);
    assert_eq!(committed_notes(&network, 0), ["original", "copy"]);
    let events = &network.hosts[witness].events;
    let at = |is_it: fn(&Event) -> bool| events.iter().position(is_it);
    let offered = at(|event| matches!(event, Event::Displaced { again: Some(_), .. }));
    assert!(offered.is_some() && offered < at(|event| matches!(event, Event::Retired)));
}

#[test]
fn a_replica_on_an_old_copy_of_its_storage_takes_a_new_id_and_gets_back_what_it_had_forgotten() {
    let mut network = Network::with_replicas(1);
    let old_id = network.hosts[1].replica.id().unwrap().clone();
    let old = network.hosts[1].stored.clone();
    let forgotten = network.submit(1, note("forgotten", 10));
    network.exchange(1, 0);
    network.hosts[1].stored = old;
    network.restart(1);
    // Before it meets anyone it writes on.
    let forked = network.submit(1, note("forked", 10));
    assert_eq!(forked, forgotten);
    network.exchange_anew(1, 0);
    network.exchange_anew(1, 0);
    assert_ne!(network.hosts[1].replica.id(), Some(&old_id));
    assert!(network.hosts[1].replica.is_ready());
    assert_eq!(committed_notes(&network, 1), ["forgotten", "forked"]);
    assert_eq!(committed_notes(&network, 0), ["forgotten", "forked"]);
    assert_eq!(displaced(&network, 1).len(), 1);
    // It recovers as what it is.
    let before = committed_notes(&network, 1);
    network.restart(1);
    assert_eq!(committed_notes(&network, 1), before);
    assert!(network.hosts[1].replica.is_ready());
}

#[test]
fn a_loss_of_the_id_survives_a_crash_before_the_new_one_has_come() {
    let mut network = Network::with_replicas(1);
    let old = network.hosts[1].stored.clone();
    network.submit(1, note("forgotten", 10));
    network.exchange(1, 0);
    network.hosts[1].stored = old;
    network.restart(1);
    network.exchange(1, 0);
    network.restart(1);
    assert!(!network.hosts[1].replica.is_ready());
    network.exchange_anew(1, 0);
    assert!(network.hosts[1].replica.is_ready());
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

#[test]
fn the_commit_of_a_write_is_told_though_its_replica_has_taken_a_new_id_meanwhile() {
    let mut network = Network::with_replicas(1);
    let copy = add_copy(&mut network, 1);
    let write = network.submit(copy, note("before", 10));
    network.exchange(1, copy);
    network.exchange_anew(copy, 0);
    network.exchange_anew(copy, 0);
    let Host { replica, events, .. } = &network.hosts[copy];
    assert!(events.iter().any(|event| matches!(event, Event::IdLost { .. })));
    assert_ne!(replica.id(), Some(&write.replica));
    assert!(replica.status(&write).unwrap().is_committed());
    assert!(events.contains(&Event::Committed { write }));
}

#[test]
fn who_shows_a_primary_that_its_storage_is_an_old_copy_hears_that_it_commits_nothing() {
    let mut network = Network::with_replicas(2);
    let old = network.hosts[0].stored.clone();
    network.submit(1, note("a", 10));
    network.exchange(1, 0);
    network.hosts[0].stored = old;
    network.restart(0);
    network.exchange(1, 0);
    assert!(network.hosts[0].events.contains(&Event::PrimaryRestored));
    assert!(network.hosts[1].replica.commits_paused());
    assert!(network.hosts[1].events.contains(&Event::PrimaryPaused { paused: true }));
}
