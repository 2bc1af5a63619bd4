//! What can be read of a store that is damaged in its middle: it is refused, and read-only and in files it goes on.

#![allow(clippy::unwrap_used, reason = "a helper that fails fails the test")]

mod support;

use bayou_core::{
    DatabaseId, Options, Predicate, Query, ReadOnlyCopy, RecoverError, Replica, Row, Salvage, SalvageError, Salvaged,
    StoredBatch, View, WriteId,
};
use proptest::{collection::vec, prelude::*, sample::Index};

use support::{
    Network,
    generate::{cases, damage, draft, named, note, suffer},
};

/// A host takes over what can be read of a store.
fn salvage(network: &mut Network, host: usize, stored: Vec<StoredBatch>) -> Salvaged {
    let (salvaged, outputs) = network.hosts[host].replica.salvage(stored).unwrap();
    network.carry_out(host, outputs);
    salvaged
}

fn notes(rows: &[Row]) -> Vec<String> {
    rows.iter().map(|row| row.key.to_string()).collect()
}

fn read(copy: &ReadOnlyCopy, view: View) -> Vec<String> {
    notes(&copy.read(view, &Query::new(named("notes"), Predicate::All)).unwrap())
}

/// A laptop that has written so many notes, of which the first two are committed; and each one's batch.
fn laptop(count: usize) -> (Network, Vec<(WriteId, usize)>) {
    let mut network = Network::with_replicas(1);
    let mut writes = Vec::new();
    for number in 0..count {
        let at = network.hosts[1].stored.len();
        writes.push((network.submit(1, note(&format!("note-{number}"), 10)), at));
        if number == 1 {
            network.exchange(1, 0);
        }
    }
    (network, writes)
}

fn damaged(network: &Network, at: usize) -> Vec<StoredBatch> {
    let mut stored = network.hosts[1].stored.clone();
    stored[at].bytes[20] ^= 1;
    stored
}

#[test]
fn all_before_the_damage_is_read_and_reaches_the_others() {
    let (mut network, writes) = laptop(5);
    let stored = damaged(&network, writes[3].1);
    let number = stored[writes[3].1].number;
    assert!(
        matches!(Replica::recover(Options::default(), stored.clone()), Err(RecoverError::Decode { number: at, .. })
        if at == number)
    );

    let Salvage { copy, faults, left_out } = ReadOnlyCopy::salvage(stored).unwrap();
    assert!(matches!(&faults[..], [RecoverError::Decode { number: at, .. }] if *at == number));
    assert_eq!(left_out, 1, "the last note follows one that is gone");
    assert_eq!(read(&copy, View::Committed), ["note-0", "note-1"]);
    assert_eq!(read(&copy, View::Tentative), ["note-0", "note-1", "note-2"]);
    assert!(!copy.is_whole());
    assert_eq!(copy.inspect(0).replica, None, "its id is not resumed");

    let reader = network.hosts[0].replica.reader_state().unwrap();
    for file in copy.export(Some(&reader), 1024 * 1024).unwrap() {
        let (import, outputs) = network.hosts[0].replica.import(&file.unwrap()).unwrap();
        network.carry_out(0, outputs);
        assert_eq!(import.writes, 1);
    }
    assert!(network.hosts[0].replica.status(&writes[2].0).unwrap().is_committed());
}

#[test]
fn what_follows_a_missing_batch_is_taken_as_far_as_it_fits() {
    let mut network = Network::with_replicas(2);
    (1..=2).for_each(|host| network.exchange(host, 0));
    network.pause();
    let at = network.hosts[1].stored.len();
    network.submit(1, note("lost", 10));
    network.submit(2, note("other", 10));
    network.exchange(1, 2);
    let mut stored = network.hosts[1].stored.clone();
    stored.remove(at);
    let Salvage { copy, faults, left_out } = ReadOnlyCopy::salvage(stored).unwrap();
    assert!(matches!(faults[..], [RecoverError::Missing { .. }]));
    assert_eq!((read(&copy, View::Tentative), left_out), (vec!["other".to_owned()], 0));
}

#[test]
fn a_whole_checkpoint_makes_up_for_any_damage_before_it() {
    let (mut network, writes) = laptop(3);
    let before = network.hosts[1].stored.clone();
    let outputs = network.hosts[1].replica.checkpoint();
    network.carry_out(1, outputs);
    network.submit(1, note("later", 10));
    // The host had not deleted what the checkpoint replaces.
    let mut stored = [before, network.hosts[1].stored.clone()].concat();
    stored[writes[0].1].bytes.clear();
    assert!(Replica::recover(Options::default(), stored.clone()).is_err());
    let Salvage { copy, faults, left_out } = ReadOnlyCopy::salvage(stored).unwrap();
    assert_eq!((faults.len(), left_out), (1, 0));
    assert_eq!(read(&copy, View::Tentative), ["later", "note-0", "note-1", "note-2"]);

    // A checkpoint of which a part is gone is none.
    let mut stored = network.hosts[1].stored.clone();
    stored[1].bytes.clear();
    assert!(ReadOnlyCopy::salvage(stored).is_err());
    assert!(matches!(ReadOnlyCopy::salvage([]), Err(RecoverError::Empty)));
}

#[test]
fn a_store_without_fault_is_whole() {
    let (network, _) = laptop(3);
    let Salvage { copy, faults, left_out } = ReadOnlyCopy::salvage(network.hosts[1].stored.clone()).unwrap();
    assert!(copy.is_whole() && faults.is_empty() && left_out == 0);
    assert_eq!(copy.version_vector(), network.hosts[1].replica.version_vector());
}

#[test]
fn what_follows_the_damage_is_taken_over_by_who_holds_what_is_missing() {
    let (mut network, writes) = laptop(5);
    // Host 0 has the first two notes from the laptop. The damage is in the second, its place in the order, or the head.
    for at in [0, writes[1].1] {
        let mut network = laptop(5).0;
        let stored = damaged(&network, at);
        let heads = network.hosts[0].replica.version_vector().clone();
        assert_eq!(salvage(&mut network, 0, stored.clone()), Salvaged { writes: 3, left_out: 0 });
        assert_ne!(*network.hosts[0].replica.version_vector(), heads);
        for (write, _) in &writes {
            assert!(network.hosts[0].replica.status(write).unwrap().is_committed(), "{write}");
        }
        assert_eq!(salvage(&mut network, 0, stored), Salvaged { writes: 0, left_out: 0 }, "all is known");
        // The laptop was only thought lost.
        network.exchange_anew(1, 0);
        assert_eq!(network.hosts[1].replica.version_vector(), network.hosts[0].replica.version_vector());
    }

    // What nobody else holds is lost, and what follows it waits for it.
    let stored = damaged(&network, writes[3].1);
    assert_eq!(salvage(&mut network, 0, stored.clone()), Salvaged { writes: 1, left_out: 1 });
    assert!(network.hosts[0].replica.status(&writes[2].0).unwrap().is_committed());
    assert!(network.hosts[0].replica.status(&writes[4].0).is_none());
    let whole = network.hosts[1].stored.clone();
    assert_eq!(salvage(&mut network, 0, vec![whole[writes[3].1].clone()]), Salvaged { writes: 1, left_out: 0 });
    assert_eq!(salvage(&mut network, 0, stored), Salvaged { writes: 1, left_out: 0 });
}

#[test]
fn a_damaged_checkpoint_gives_the_writes_in_its_log() {
    let (mut network, writes) = laptop(4);
    let csn = network.hosts[1].replica.csn();
    let outputs = network.hosts[1].replica.truncate(csn);
    network.carry_out(1, outputs);
    let outputs = network.hosts[1].replica.checkpoint();
    network.carry_out(1, outputs);
    let stored = damaged(&network, 0);
    assert!(ReadOnlyCopy::salvage(stored.clone()).is_err());
    assert_eq!(salvage(&mut network, 0, stored), Salvaged { writes: 2, left_out: 0 });
    assert!(network.hosts[0].replica.status(&writes[3].0).unwrap().is_committed());
}

#[test]
fn nothing_is_taken_over_from_a_store_of_another_database() {
    let (network, _) = laptop(3);
    let stored = network.hosts[1].stored.clone();
    let name = network.hosts[0].replica.name().clone();
    let (ours, theirs) = (DatabaseId::from_random([9; 16]), network.hosts[0].replica.database().unwrap());
    let (mut other, outputs) = Replica::found(Options::default(), ours, name.clone());
    drop(outputs.into_iter().collect::<Vec<_>>());
    assert_eq!(other.salvage(stored.clone()).unwrap_err(), SalvageError::OtherDatabase { ours, theirs });
    let mut young = Replica::join(Options::default(), name);
    assert_eq!(young.salvage(stored).unwrap_err(), SalvageError::NotCreated);
}

proptest! {
    #![proptest_config(cases(60))]

    #[test]
    fn what_is_read_of_a_damaged_store_contradicts_nobody(
        drafts in vec((0..3_usize, draft(), any::<bool>()), 1..10), truncates: bool,
        hits in vec((any::<Index>(), vec(damage(), 1..3)), 1..3), in_files: bool
    ) {
        let mut network = Network::with_replicas(2);
        (1..=2).for_each(|host| network.exchange(host, 0));
        for (host, draft, meets) in drafts {
            network.submit(host, draft);
            if meets {
                network.exchange(1, host % 2 * 2);
            }
        }
        let mut stored = network.hosts[1].stored.clone();
        if truncates {
            let csn = network.hosts[1].replica.csn();
            let outputs = network.hosts[1].replica.truncate(csn);
            network.carry_out(1, outputs);
            let outputs = network.hosts[1].replica.checkpoint();
            network.carry_out(1, outputs);
            stored.extend(network.hosts[1].stored.clone());
        }
        for (at, damages) in hits {
            let length = stored.len();
            suffer(&mut stored[at.index(length)].bytes, &damages);
        }
        if !in_files {
            for host in [0, 2] {
                let Salvaged { left_out, .. } = salvage(&mut network, host, stored.clone());
                let again = salvage(&mut network, host, stored.clone());
                prop_assert_eq!(again, Salvaged { writes: 0, left_out });
            }
        } else if let Ok(Salvage { copy, .. }) = ReadOnlyCopy::salvage(stored) {
            let files: Vec<_> = copy.export(None, 1024 * 1024).unwrap().map(Result::unwrap).collect();
            let again = ReadOnlyCopy::open(&files).unwrap();
            prop_assert_eq!(again.version_vector(), copy.version_vector());
            for host in [0, 2] {
                for file in &files {
                    let (import, outputs) = network.hosts[host].replica.import(file).unwrap();
                    network.carry_out(host, outputs);
                    prop_assert_eq!(import.stopped, None);
                }
                prop_assert!(network.hosts[host].replica.version_vector().dominates(copy.version_vector()));
            }
        }
        // The laptop had told of nothing that the others do not know by now, or know from itself.
        for host in [1, 2, 1, 2] {
            network.exchange_anew(host, 0);
        }
        let vector = network.hosts[0].replica.version_vector();
        prop_assert_eq!(network.hosts[1].replica.version_vector(), vector);
        prop_assert_eq!(network.hosts[2].replica.version_vector(), vector);
    }
}
