//! What can be read of a store that is damaged in its middle: it is refused, and read-only and in files it goes on.

#![allow(clippy::unwrap_used, reason = "a helper that fails fails the test")]

mod support;

use bayou_core::{
    Options, Predicate, Query, ReadOnlyCopy, RecoverError, Replica, Row, Salvage, StoredBatch, View, WriteId,
};
use proptest::{collection::vec, prelude::*, sample::Index};

use support::{
    Network,
    generate::{cases, damage, draft, named, note, suffer},
};

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

proptest! {
    #![proptest_config(cases(60))]

    #[test]
    fn what_is_read_of_a_damaged_store_contradicts_nobody(
        drafts in vec((0..3_usize, draft(), any::<bool>()), 1..10), truncates: bool,
        hits in vec((any::<Index>(), vec(damage(), 1..3)), 1..3)
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
        if let Ok(Salvage { copy, .. }) = ReadOnlyCopy::salvage(stored) {
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
            // The laptop had told of nothing that the others do not know by now, or know from itself.
            for host in [1, 2, 1, 2] {
                network.exchange_anew(host, 0);
            }
            let vector = network.hosts[0].replica.version_vector();
            prop_assert_eq!(network.hosts[1].replica.version_vector(), vector);
            prop_assert_eq!(network.hosts[2].replica.version_vector(), vector);
        }
    }
}
