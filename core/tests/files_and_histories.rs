//! Files that meet another history than the one they were written with: of a replica, of the primary role, of an id that
//! two replicas used.

#![allow(clippy::unwrap_used, reason = "a helper that fails fails the test")]

mod support;

use bayou_core::{Event, ExportError, ImportError, Knowledge, ReplicaId, View};

use support::{
    Network,
    files::{LARGE, carry, export, import, known, notes, state},
    generate::{keyed, note},
};

#[test]
fn old_writes_of_a_replica_that_has_retired_since_do_not_bring_it_back() {
    // R sends fresh writes to A, then retires through B only. When B meets A, R's old writes are not new.
    let mut network = Network::with_replicas(3);
    let (r, a, b) = (1, 2, 3);
    (1..=3).for_each(|host| network.exchange(host, 0));
    let id: ReplicaId = network.hosts[r].replica.id().unwrap().clone();
    let r_before = state(&network.hosts[r]);
    network.submit(r, note("fresh", 10));
    carry(&mut network, r, a, LARGE);
    let outputs = network.hosts[r].replica.retire().unwrap();
    network.carry_out(r, outputs);
    let b_before = state(&network.hosts[b]);
    let from_a = export(&network.hosts[a], Some(&b_before), LARGE);
    carry(&mut network, r, b, LARGE);
    assert_eq!(network.hosts[b].replica.version_vector().knowledge_of(&id), Knowledge::Retired);
    let before = known(&network.hosts[b]);
    let brought = import(&mut network, b, &from_a[0]).unwrap();
    assert_eq!((brought.writes, brought.complete), (0, true));
    assert_eq!(known(&network.hosts[b]), before);
    assert_eq!(network.hosts[b].replica.version_vector().knowledge_of(&id), Knowledge::Retired);
    carry(&mut network, b, a, LARGE);
    assert_eq!(network.hosts[a].replica.version_vector(), network.hosts[b].replica.version_vector());
    carry(&mut network, a, 0, LARGE);
    carry(&mut network, 0, a, LARGE);
    assert_eq!(known(&network.hosts[a]), known(&network.hosts[0]));

    // A file for the reader that it was, and one for the retired one.
    let for_r = export(&network.hosts[0], Some(&r_before), LARGE);
    assert!(import(&mut network, r, &for_r[0]).unwrap().complete);
    carry(&mut network, 0, r, LARGE);
    assert_eq!(known(&network.hosts[r]), known(&network.hosts[0]));
}

#[test]
fn commits_of_an_older_term_are_left_out_and_their_writes_taken() {
    let mut network = Network::with_replicas(2);
    (1..=2).for_each(|host| network.exchange(host, 0));
    let reader = state(&network.hosts[1]);
    // The old primary goes on without being heard.
    let lost = network.submit(0, note("lost", 10));
    let old = export(&network.hosts[0], Some(&reader), LARGE);
    let outputs = network.hosts[1].replica.take_over().unwrap();
    network.carry_out(1, outputs);
    let outputs = network.hosts[1].replica.resume_commits().unwrap();
    network.carry_out(1, outputs);
    let csn = network.hosts[1].replica.csn();

    let brought = import(&mut network, 1, &old[0]).unwrap();
    assert!(!brought.complete);
    assert_eq!((brought.writes, brought.commits), (1, 0));
    // It is the new primary that gives it a place.
    let status = network.hosts[1].replica.status(&lost).unwrap();
    assert_eq!(status.csn, Some(csn.next()));

    // The old primary cannot write for who knows better, and learns of the new term by a file.
    let reader = state(&network.hosts[1]);
    let refused = network.hosts[0].replica.export(Some(&reader), LARGE).map(|_| ());
    assert!(matches!(refused, Err(ExportError::OlderTerm { .. })), "{refused:?}");
    carry(&mut network, 1, 2, LARGE);
    carry(&mut network, 1, 0, LARGE);
    assert!(!network.hosts[0].replica.is_primary());
    carry(&mut network, 1, 0, LARGE);
    for host in [0, 2] {
        assert_eq!(known(&network.hosts[host]), known(&network.hosts[1]), "host {host}");
    }
}

#[test]
fn a_primary_on_an_old_copy_of_its_storage_finds_its_commits_in_a_file() {
    let mut network = Network::with_replicas(1);
    network.exchange(1, 0);
    let old = network.hosts[0].stored.clone();
    network.submit(0, note("a", 10));
    network.exchange(1, 0);
    network.hosts[0].stored = old;
    network.restart(0);
    let file = export(&network.hosts[1], None, LARGE).remove(0);
    let brought = import(&mut network, 0, &file).unwrap();
    assert!(network.hosts[0].events.contains(&Event::PrimaryRestored));
    assert!(network.hosts[0].replica.is_taking_over());
    assert_eq!(brought.commits, 1);
    assert_eq!(known(&network.hosts[0]), known(&network.hosts[1]));
}

#[test]
fn a_replica_that_finds_more_of_its_own_writes_in_a_file_than_it_holds_gives_up_its_id() {
    let mut network = Network::with_replicas(1);
    network.exchange(1, 0);
    let old = network.hosts[1].stored.clone();
    network.submit(1, note("forgotten", 10));
    network.exchange(1, 0);
    network.hosts[1].stored = old;
    network.restart(1);
    let file = export(&network.hosts[0], None, LARGE).remove(0);
    import(&mut network, 1, &file).unwrap();
    assert!(!network.hosts[1].replica.is_ready());
    assert_eq!(notes(&network.hosts[1].replica, View::Committed).len(), 1);
    network.exchange_anew(1, 0);
    assert!(network.hosts[1].replica.is_ready());
}

#[test]
fn of_two_histories_of_one_id_a_file_brings_the_committed_one_and_the_other_is_offered_again() {
    let mut network = Network::with_replicas(2);
    let (original, witness) = (1, 2);
    let copy = network.add_joining();
    network.hosts[copy].stored = network.hosts[original].stored.clone();
    network.restart(copy);
    network.submit(original, note("original", 10));
    network.submit(copy, note("copy", 10));
    network.submit(copy, note("copy-again", 10));
    carry(&mut network, copy, witness, LARGE);
    carry(&mut network, original, 0, LARGE);

    // What is committed comes whole, and takes the place of what was held.
    let file = export(&network.hosts[0], None, LARGE).remove(0);
    import(&mut network, witness, &file).unwrap();
    let committed = notes(&network.hosts[witness].replica, View::Committed);
    assert_eq!(committed.iter().map(|row| row.key.clone()).collect::<Vec<_>>(), [keyed("original")]);
    assert_eq!(notes(&network.hosts[witness].replica, View::Tentative).len(), 3);
    carry(&mut network, witness, 0, LARGE);
    assert_eq!(notes(&network.hosts[0].replica, View::Committed).len(), 3);
}

#[test]
fn two_committed_orders_are_found_before_anything_changes() {
    let mut network = Network::with_replicas(2);
    (1..=2).for_each(|host| network.exchange(host, 0));
    let old = network.hosts[0].stored.clone();
    network.submit(0, note("a", 10));
    carry(&mut network, 0, 1, LARGE);
    network.hosts[0].stored = old;
    network.restart(0);
    network.submit(0, note("b", 10));
    network.submit(0, note("c", 10));
    let file = export(&network.hosts[0], None, LARGE).remove(0);
    let before = known(&network.hosts[1]);
    let csn = network.hosts[1].replica.csn();
    assert_eq!(import(&mut network, 1, &file), Err(ImportError::CommittedOrdersDiffer(csn)));
    assert_eq!(known(&network.hosts[1]), before);
    let refused = network.hosts[0].replica.export(Some(&state(&network.hosts[1])), LARGE).map(|_| ());
    assert_eq!(refused, Err(ExportError::CommittedOrdersDiffer(csn)));
}
