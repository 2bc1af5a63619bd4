//! A log that is truncated: who was away gets the data instead of the writes, and nothing is lost by it, whatever fails.

use std::{net::SocketAddr, sync::Arc};

use bayou_core::{Event, StoredBatch, View};
use bayou_relay::{MemoryStore, Options, Retention, Store};

use crate::support::{Client, Fault, FaultyStore, TestRelay, name, note};

/// A relay's options that let it keep next to nothing.
fn keeping_little() -> Options {
    let retention =
        Retention { commits_max: 8, stored_per_needed_max: 2, stored_bytes_min: 8 * 1024, ..Retention::default() };
    Options { retention, ..Options::default() }
}

/// Waits until a client has all commits, of which so many come from others than itself.
async fn until_all(client: &mut Client, committed: u64) {
    client.until(&format!("{committed} commits"), |client| client.has_all(committed)).await;
}

fn assert_agree(one: &Client, other: &Client) {
    assert_eq!(one.notes(View::Committed), other.notes(View::Committed), "one committed view");
    assert_eq!(one.notes(View::Tentative), other.notes(View::Tentative), "one tentative view");
    assert_eq!(one.replica.version_vector(), other.replica.version_vector(), "one vector");
}

fn was_transferred_to(client: &Client) -> bool {
    client.events.iter().any(|event| matches!(event, Event::Installed { .. }))
}

async fn stored(store: &dyn Store) -> Vec<StoredBatch> {
    store.read(name("demo"), 0, usize::MAX).await.unwrap()
}

#[tokio::test]
async fn who_was_away_while_the_log_was_truncated_gets_the_data_and_keeps_its_own_writes() {
    let relay = TestRelay::start_with(Arc::new(MemoryStore::new()), keeping_little()).await;
    let mut busy = Client::joined(relay.address, name("demo")).await;
    let mut away = Client::joined(relay.address, name("demo")).await;
    let committed = away.submit(note("committed", "told before it went away"));
    until_all(&mut away, 3).await;
    until_all(&mut busy, 3).await;
    away.disconnect();
    let offline = away.submit(note("offline", "written meanwhile"));
    for round in 1..=5 {
        busy.submit_many(8, 50);
        until_all(&mut busy, 3 + round * 8).await;
    }
    assert!(!was_transferred_to(&busy), "who is there gets the writes");

    away.connect(relay.address).await;
    until_all(&mut away, 44).await;
    until_all(&mut busy, 44).await;
    assert!(was_transferred_to(&away));
    assert_agree(&busy, &away);
    assert!(busy.notes(View::Committed).contains_key("offline"));
    for write in [committed, offline] {
        assert!(away.replica.status(&write).unwrap().is_committed(), "{write}");
    }
}

#[tokio::test]
async fn what_is_stored_stays_small_and_a_restart_begins_from_it() {
    let store = Arc::new(MemoryStore::new());
    let mut relay = TestRelay::start_with(store.clone(), keeping_little()).await;
    let mut client = Client::joined(relay.address, name("demo")).await;
    let mut committed = 1;
    let mut first_number = 1;
    for _ in 0..3 {
        for _ in 0..20 {
            // The same few notes again and again: what they were before is what is not needed.
            for key in ["a", "b", "c"] {
                client.submit(note(key, &"x".repeat(500)));
            }
            committed += 3;
            until_all(&mut client, committed).await;
        }
        relay.stop().await;
        let batches = stored(&*store).await;
        assert!(batches[0].number > first_number, "batches were deleted");
        first_number = batches[0].number;
        let bytes: usize = batches.iter().map(|batch| batch.bytes.len()).sum();
        assert!(bytes < 40 * 1024, "{bytes} bytes are stored");

        relay = TestRelay::start_with(store.clone(), keeping_little()).await;
        client.connect(relay.address).await;
        let mut newcomer = Client::joined(relay.address, name("demo")).await;
        committed += 1;
        until_all(&mut newcomer, committed).await;
        until_all(&mut client, committed).await;
        assert!(was_transferred_to(&newcomer));
        assert_agree(&client, &newcomer);
    }
    relay.stop().await;
}

#[tokio::test]
async fn batches_that_cannot_be_deleted_stop_nothing_and_go_with_the_next_ones() {
    let store = Arc::new(FaultyStore::default());
    let relay = TestRelay::start_with(store.clone(), keeping_little()).await;
    let mut client = Client::joined(relay.address, name("demo")).await;
    let mut committed = 1;
    store.fail_forgets(true);
    while store.failed_forgets() < 2 {
        client.submit(note("a", &"x".repeat(500)));
        committed += 1;
        until_all(&mut client, committed).await;
    }
    assert_eq!(stored(&*store).await[0].number, 1);
    store.fail_forgets(false);
    while stored(&*store).await[0].number == 1 {
        client.submit(note("a", &"x".repeat(500)));
        committed += 1;
        until_all(&mut client, committed).await;
    }
    drop(client);
    relay.stop().await;
}

/// Waits until a client has all commits, whatever becomes of its links meanwhile.
async fn until_all_through_failures(client: &mut Client, relay: SocketAddr, committed: u64) {
    while !client.has_all(committed) {
        if client.closed.is_some() {
            client.connect(relay).await;
        }
        let what = format!("{committed} commits, or the end of the link");
        client.until(&what, |client| client.has_all(committed) || client.closed.is_some()).await;
    }
}

#[tokio::test]
async fn whatever_append_fails_while_the_store_is_written_anew_nothing_acknowledged_is_lost() {
    for fault in [Fault::Lost, Fault::StoredAll] {
        let store = Arc::new(FaultyStore::default());
        let relay = TestRelay::start_with(store.clone(), keeping_little()).await;
        let mut client = Client::joined(relay.address, name("demo")).await;
        let mut committed = 1;
        let mut first_number = 1;
        // The store is written anew every ten writes or so. The append that fails is further on each time: that of a
        // write, of the beginning of a checkpoint, of each of its parts, of its end.
        for appends in 0..40 {
            store.fail_after(appends, fault);
            while !store.has_failed() {
                client.submit(note(["a", "b", "c"][appends % 3], &"x".repeat(700)));
                committed += 1;
                until_all_through_failures(&mut client, relay.address, committed).await;
            }
            let number = stored(&*store).await[0].number;
            assert!(number >= first_number, "what was forgotten stays so");
            first_number = number;
        }
        assert!(first_number > 100, "it was written anew again and again");
        let mut newcomer = Client::new(name("demo"));
        newcomer.connect(relay.address).await;
        until_all_through_failures(&mut newcomer, relay.address, committed + 1).await;
        assert_eq!(client.notes(View::Committed), newcomer.notes(View::Committed));
        drop((client, newcomer));
        relay.stop().await;
    }
}
