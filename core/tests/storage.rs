//! Persist, then speak \[95 §7\]: with a storage that is slow and may crash, nothing is said that could be forgotten, and
//! nothing that was said is.

#![allow(clippy::unwrap_used, reason = "a helper that fails fails the test")]

mod support;

use std::collections::BTreeMap;

use bayou_core::{
    DatabaseId, Digest, Draft, Event, Options, Output, PeerKind, RecoverError, Replica, StoredBatch, View, WriteId,
    limits::{CHECKPOINT_BYTES_TARGET, STORED_BATCH_BYTES_MAX},
};

use support::{
    Network,
    files::{notes, truncate},
    generate::note,
    name,
};

/// What claims that something is stored.
fn claims(network: &Network, host: usize) -> Vec<&Event> {
    let claims = network.hosts[host].events.iter();
    let is_claim = |event: &&Event| {
        matches!(event, Event::Saved { .. } | Event::Committed { .. } | Event::Ready | Event::CaughtUp { .. })
    };
    claims.filter(is_claim).collect()
}

/// A host whose storage is slow does something: before that is stored it says nothing, to nobody, and then it does.
#[track_caller]
fn says_nothing_before_it_is_stored(network: &mut Network, host: usize, doing: impl FnOnce(&mut Network)) {
    network.hosts[host].slow_storage = true;
    network.hosts[host].events.clear();
    network.bytes_sent.clear();
    let is_silent = |network: &Network| network.bytes_sent.keys().all(|(from, _)| *from != host);
    doing(network);
    assert!(!network.hosts[host].unstored.is_empty(), "there is something to store");
    assert!(is_silent(network), "no peer has heard anything");
    assert_eq!(claims(network, host), Vec::<&Event>::new(), "and neither has the application");
    network.store(host, usize::MAX);
    assert!(!is_silent(network) || !claims(network, host).is_empty(), "what was withheld is said");
}

#[test]
fn a_write_is_saved_and_sent_only_once_it_is_stored() {
    let mut network = Network::with_replicas(1);
    network.link(1, 0);
    network.settle();
    says_nothing_before_it_is_stored(&mut network, 1, |network| {
        let write = network.submit(1, note("a", 1));
        let status = network.hosts[1].replica.status(&write).unwrap();
        assert!(!status.saved);
        assert_eq!(network.hosts[1].replica.summary().saving, 1);
    });
    assert_eq!(network.hosts[1].replica.summary().saving, 0);
    assert!(matches!(claims(&network, 1)[..], [Event::Saved { .. }]));
}

#[test]
fn the_primary_announces_a_commit_only_once_it_is_stored() {
    let mut network = Network::with_replicas(1);
    network.link(1, 0);
    network.settle();
    says_nothing_before_it_is_stored(&mut network, 0, |network| {
        network.submit(1, note("a", 1));
        network.settle();
        assert_eq!(network.hosts[1].replica.csn().get(), 1, "only its creation");
    });
    network.settle();
    assert_eq!(network.hosts[1].replica.csn().get(), 2);

    says_nothing_before_it_is_stored(&mut network, 0, |network| {
        network.submit(0, note("b", 1));
    });
    assert!(matches!(claims(&network, 0)[..], [Event::Saved { .. }, Event::Committed { .. }]));
}

#[test]
fn what_was_received_is_acknowledged_and_passed_on_only_once_it_is_stored() {
    let mut network = Network::with_replicas(3);
    let (author, between, far) = (1, 2, 3);
    network.link(author, between);
    network.link(between, far);
    network.settle();
    let mut written = None;
    says_nothing_before_it_is_stored(&mut network, between, |network| {
        let write = network.submit(author, note("a", 1));
        network.settle();
        let status = |host: usize| network.hosts[host].replica.status(&write);
        assert!(!status(between).unwrap().saved, "it is there, and not on stable storage");
        assert_eq!(network.hosts[between].replica.summary().saving, 0, "it is not an own one");
        assert!(!status(author).unwrap().known_elsewhere);
        assert_eq!(status(far), None);
        written = Some(write);
    });
    network.settle();
    let status = |host: usize| network.hosts[host].replica.status(written.as_ref().unwrap()).unwrap();
    assert!(status(author).known_elsewhere && status(between).saved && status(far).saved);
}

#[test]
fn a_creation_is_answered_only_once_it_is_stored() {
    let mut network = Network::with_replicas(1);
    let joining = network.add_joining();
    network.link(1, joining);
    // The hello of the existing one is not withheld; it reveals only what is stored.
    while network.deliver_between(1, joining) {}
    says_nothing_before_it_is_stored(&mut network, 1, |network| {
        while network.deliver_between(joining, 1) {}
        assert_eq!(network.hosts[joining].replica.id(), None);
    });
    network.store_at_once(1);
    network.settle();
    assert!(network.hosts[joining].replica.is_ready());
}

#[test]
fn a_new_replica_is_ready_only_once_its_creators_state_is_stored() {
    let mut network = Network::with_replicas(1);
    network.submit(0, note("a", 1));
    let joining = network.add_joining();
    says_nothing_before_it_is_stored(&mut network, joining, |network| {
        network.link(0, joining);
        network.settle();
        // It has greeted, and said that it has nothing to offer; that much is true.
        network.bytes_sent.clear();
    });
    assert!(claims(&network, joining).contains(&&Event::Ready));
}

#[test]
fn a_pause_is_told_only_once_it_is_stored() {
    let mut network = Network::with_replicas(1);
    network.link(1, 0);
    network.settle();
    says_nothing_before_it_is_stored(&mut network, 0, |network| {
        network.pause();
        network.settle();
        assert!(!network.hosts[1].replica.commits_paused());
    });
    network.settle();
    assert!(network.hosts[1].replica.commits_paused());
    network.store_at_once(0);
    network.restart(0);
    assert!(network.hosts[0].replica.commits_paused(), "a pause survives a restart");
}

#[test]
fn a_greeting_waits_for_what_it_names() {
    let mut network = Network::with_replicas(1);
    says_nothing_before_it_is_stored(&mut network, 1, |network| {
        network.submit(1, note("a", 1));
        network.link(1, 0);
        network.settle();
    });
}

#[test]
fn a_confirmation_releases_what_it_covers_and_no_more() {
    let mut network = Network::with_replicas(1);
    network.hosts[1].slow_storage = true;
    network.hosts[1].events.clear();
    let writes: Vec<WriteId> = (0..3).map(|number| network.submit(1, note(&number.to_string(), 1))).collect();
    for (stored, write) in writes.iter().enumerate() {
        network.store(1, 1);
        let saved: Vec<&Event> = claims(&network, 1);
        assert_eq!(saved.len(), stored + 1);
        assert_eq!(saved.last(), Some(&&Event::Saved { write: write.clone() }));
        assert_eq!(network.hosts[1].replica.summary().saving, 2 - stored);
    }
    // A confirmation that comes again changes nothing.
    let outputs = network.hosts[1].replica.handle_persisted(1);
    network.carry_out(1, outputs);
    assert_eq!(claims(&network, 1).len(), 3);
}

/// Some minutes in the life of a laptop, host 1, between the primary and another laptop. Its storage is slow.
fn script() -> Vec<fn(&mut Network)> {
    fn settle_but_store_nothing(network: &mut Network) {
        network.settle();
    }
    vec![
        |network| drop(network.submit(1, note("a", 1))),
        |network| network.link(1, 2),
        settle_but_store_nothing,
        |network| network.store(1, 1),
        settle_but_store_nothing,
        |network| drop(network.submit(2, note("b", 1))),
        settle_but_store_nothing,
        |network| drop(network.submit(1, note("c", 1))),
        |network| network.store(1, 2),
        settle_but_store_nothing,
        |network| network.link(1, 0),
        settle_but_store_nothing,
        |network| network.store(1, 1),
        settle_but_store_nothing,
        |network| drop(network.submit(1, note("d", 1))),
        |network| network.store(1, 1),
        settle_but_store_nothing,
        |network| network.pause(),
        |network| drop(network.submit(1, note("e", 1))),
        settle_but_store_nothing,
        |network| network.store(1, 2),
        |network| network.resume(),
        settle_but_store_nothing,
        |network| network.store(1, usize::MAX),
        settle_but_store_nothing,
    ]
}

#[test]
fn a_crash_at_any_point_forgets_nothing_that_was_said_and_uses_no_id_again() {
    for done in 0..=script().len() {
        for reached in 0..4 {
            let mut network = Network::with_replicas(2);
            network.hosts[1].slow_storage = true;
            script()[..done].iter().for_each(|step| step(&mut network));
            let others_know = known_of(&network, [0, 2]);
            network.crash(1, reached);

            let own = network.hosts[1].replica.id().unwrap().clone();
            for event in &network.hosts[1].events {
                if let Event::Saved { write } = event {
                    assert!(network.hosts[1].replica.status(write).is_some_and(|status| status.saved), "{write}");
                }
                if let Event::Committed { write } = event {
                    assert!(network.hosts[1].replica.status(write).is_some_and(|status| status.csn.is_some()));
                }
            }
            for (id, chain) in others_know.iter().filter(|(id, _)| id.replica == own) {
                let held = network.hosts[1].replica.write(id).unwrap_or_else(|| panic!("{id} was sent and forgotten"));
                assert_eq!(held.chain, *chain);
            }
            let fresh = network.submit(1, note("after the crash", 1));
            assert!(!others_know.contains_key(&fresh), "{fresh} is already another write");

            network.unlink_all();
            network.resume();
            network.store_at_once(1);
            for host in [1, 2, 1, 2] {
                network.exchange(host, 0);
            }
            assert!(
                network.hosts.iter().all(|host| host.disconnects.is_empty() && host.replica.summary().tentative == 0)
            );
            let known = [0, 1, 2].map(|host| known_of(&network, [host]));
            assert!(known.windows(2).all(|pair| pair[0] == pair[1]));
            assert!(others_know.iter().all(|(id, chain)| known[0].get(id) == Some(chain)));
        }
    }
}

fn known_of<const N: usize>(network: &Network, hosts: [usize; N]) -> BTreeMap<WriteId, Digest> {
    let mut known = BTreeMap::new();
    for host in hosts {
        let replica = &network.hosts[host].replica;
        for row in replica.inspect(usize::MAX).log {
            let chain = replica.write(&row.id).unwrap().chain;
            known.insert(row.id, chain);
        }
    }
    known
}

#[test]
fn a_recovered_replica_is_the_one_that_stopped() {
    let mut network = Network::with_replicas(2);
    network.pause();
    for number in 0..5 {
        network.submit(1 + number % 2, note(&number.to_string(), 1));
        network.exchange(1, 2);
    }
    network.exchange(1, 0);
    for host in 0..3 {
        let before = format!("{:?}", network.hosts[host].replica.inspect(usize::MAX).log);
        let (vector, clock) =
            (network.hosts[host].replica.version_vector().clone(), network.hosts[host].replica.inspect(0).clock);
        let paused = network.hosts[host].replica.is_primary() && network.hosts[host].replica.commits_paused();
        network.restart(host);
        let replica = &network.hosts[host].replica;
        assert_eq!(replica.version_vector(), &vector);
        assert_eq!(replica.inspect(0).clock, clock);
        assert_eq!(replica.is_primary() && replica.commits_paused(), paused);
        // Of the writes of others it is not kept who else has them.
        let known = |text: &str| text.replace("known_elsewhere: true", "").replace("known_elsewhere: false", "");
        assert_eq!(known(&format!("{:?}", replica.inspect(usize::MAX).log)), known(&before));
    }
}

#[test]
fn stores_that_cannot_be_read_say_which_batch_is_at_fault() {
    let mut network = Network::with_replicas(1);
    network.submit(1, note("a", 1));
    let stored = network.hosts[1].stored.clone();
    let error = |batches: Vec<StoredBatch>| Replica::recover(Options::default(), batches).map(drop).unwrap_err();

    assert_eq!(error(vec![]), RecoverError::Empty);
    assert_eq!(error(stored[1..].to_vec()), RecoverError::Missing { expected: 1, found: 2 });
    let gap = [&stored[..1], &stored[2..]].concat();
    assert_eq!(error(gap), RecoverError::Missing { expected: 2, found: 3 });
    let renumbered = |batch: &StoredBatch, number: u64| StoredBatch { number, bytes: batch.bytes.clone() };
    assert_eq!(error(vec![renumbered(&stored[1], 1)]), RecoverError::Identity { number: 1 });
    let stranger = Replica::found(Options::default(), DatabaseId::from_random([9; 16]), name()).1;
    let stranger = stranger.into_iter().find_map(|output| match output {
        Output::Persist(batch) => Some(batch),
        _ => None,
    });
    let of_another_database = renumbered(&stranger.unwrap(), 2);
    assert_eq!(error(vec![stored[0].clone(), of_another_database]), RecoverError::Identity { number: 2 });
    let without_state = vec![stored[0].clone(), renumbered(&stored[2], 2)];
    assert!(matches!(error(without_state), RecoverError::Log { number: 2, .. }));
    let mut torn = stored.clone();
    torn.last_mut().unwrap().bytes.pop();
    let recovered = Replica::recover(Options::default(), torn).unwrap();
    assert_eq!(recovered.torn, Some(3), "the last batch may have been under way when the host stopped");
    let mut damaged = stored.clone();
    damaged[1].bytes.pop();
    assert!(matches!(error(damaged), RecoverError::Decode { number: 2, .. }));
    // The same batch twice says nothing new, and nothing false.
    let twice = [&stored[..], &[renumbered(&stored[2], 4)]].concat();
    assert!(Replica::recover(Options::default(), twice).is_ok());
}

#[test]
fn what_a_link_down_leaves_unsent_is_sent_over_the_next_one() {
    let mut network = Network::with_replicas(1);
    network.link_as(PeerKind::Elsewhere, 1, 0);
    network.settle();
    network.hosts[1].slow_storage = true;
    let write = network.submit(1, note("a", 1));
    network.unlink(1, 0);
    network.store_at_once(1);
    network.exchange(1, 0);
    assert!(network.hosts[1].replica.status(&write).unwrap().csn.is_some());
}

#[test]
fn a_resume_that_takes_several_batches_is_gone_on_with_after_a_crash_between_them() {
    let mut network = Network::new();
    network.pause();
    let waiting = 17_000;
    for _ in 0..waiting {
        network.submit(0, Draft::default());
    }
    network.hosts[0].slow_storage = true;
    network.resume();
    let batches: Vec<usize> = network.hosts[0].unstored.iter().map(|batch| batch.bytes.len()).collect();
    assert!(batches.len() > 1, "{batches:?}");
    assert!(batches.iter().all(|bytes| *bytes <= STORED_BATCH_BYTES_MAX));

    // The first of them has reached the storage: commits are given out again, but not all have got theirs.
    network.crash(0, 1);
    let replica = &network.hosts[0].replica;
    assert!(!replica.commits_paused());
    assert!(replica.csn().get() < waiting && replica.summary().tentative > 0);
    // The others get theirs with the next call, before anything else does.
    let write = network.submit(0, Draft::default());
    assert_eq!(network.hosts[0].replica.csn().get(), waiting + 1);
    network.store_at_once(0);
    network.restart(0);
    assert_eq!(network.hosts[0].replica.csn().get(), waiting + 1);
    assert!(network.hosts[0].replica.status(&write).unwrap().csn.is_some());
}

#[test]
fn a_checkpoint_comes_to_its_end_while_the_storage_is_never_idle() {
    let mut network = Network::with_replicas(0);
    // Several parts of data, and one of log.
    for number in 0..40 {
        network.submit(0, note(&format!("large-{number}"), CHECKPOINT_BYTES_TARGET / 10));
    }
    truncate(&mut network, 0);
    network.submit(0, note("behind", 10));
    let batches_before = network.hosts[0].stored.len();

    network.hosts[0].slow_storage = true;
    let outputs = network.hosts[0].replica.checkpoint();
    network.carry_out(0, outputs);
    let mut busy = 0;
    while network.hosts[0].stored[0].number == 1 {
        assert!(busy < 40, "each part follows the one before it");
        // What is stored is never all that was put out.
        network.submit(0, note(&format!("busy-{busy}"), 10));
        busy += 1;
        let all_but_one = network.hosts[0].unstored.len() - 1;
        network.store(0, all_but_one);
    }
    assert!(busy > 5, "it took several parts");
    assert!(network.hosts[0].stored.len() < batches_before, "what came before is forgotten");

    network.store_at_once(0);
    let before = notes(&network.hosts[0].replica, View::Committed);
    assert_eq!(before.len(), 41 + busy);
    network.restart(0);
    assert_eq!(notes(&network.hosts[0].replica, View::Committed), before);
}

#[test]
fn a_checkpoint_while_a_state_transfer_arrives_leaves_its_parts_to_recovery() {
    let mut network = Network::with_replicas(1);
    for number in 0..60 {
        network.submit(0, note(&format!("note-{number}"), 10_000));
    }
    truncate(&mut network, 0);
    network.link(1, 0);
    // Both greet, and some parts of the data arrive.
    for _ in 0..3 {
        network.deliver_between(0, 1);
        network.deliver_between(1, 0);
    }
    assert_eq!(network.hosts[1].replica.csn().get(), 1, "the data has begun to arrive, and more is to come");
    let summary = network.hosts[1].replica.summary();
    assert_eq!(summary.csn.get() + summary.to_come, network.hosts[0].replica.csn().get());
    assert!((1..60).contains(&summary.arrived), "{summary:?}");
    let outputs = network.hosts[1].replica.checkpoint();
    network.carry_out(1, outputs);
    network.settle();
    assert_eq!(notes(&network.hosts[1].replica, View::Committed).len(), 60);
    let summary = network.hosts[1].replica.summary();
    assert_eq!((summary.to_come, summary.arrived), (0, 0));

    network.restart(1);
    assert_eq!(notes(&network.hosts[1].replica, View::Committed).len(), 60);
    assert_eq!(network.hosts[1].replica.version_vector(), network.hosts[0].replica.version_vector());
}
