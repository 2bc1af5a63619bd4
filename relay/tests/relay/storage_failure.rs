//! A store that fails costs a database its sockets for a moment, and nobody a write.

use std::sync::Arc;

use bayou_core::{DatabaseId, StoredBatch};
use bayou_relay::{MemoryStore, Options, Store, StoredDatabase};

use crate::support::{Client, Fault, FaultyStore, TestRelay, converge, name, note, request};

async fn sockets_close_and_all_is_well_after_a_reconnect(fault: Fault) {
    let store = Arc::new(FaultyStore::default());
    let relay = TestRelay::start_with(store.clone(), Options::default()).await;
    let mut writer = Client::joined(relay.address, name("demo")).await;
    let mut reader = Client::joined(relay.address, name("demo")).await;
    let mut elsewhere = Client::joined(relay.address, name("other")).await;
    writer.submit(note("a", "well"));
    converge(&mut [&mut writer, &mut reader], 3).await;

    store.fail_next(fault);
    let write = writer.submit(note("b", "unlucky"));
    let (of_writer, of_reader) = tokio::join!(writer.until_closed(), reader.until_closed());
    for closed in [of_writer, of_reader] {
        let (code, reason) = closed.expect("a close frame");
        assert_eq!(code, 1011);
        assert!(reason.contains("failure"), "{reason}");
    }
    assert!(reader.replica.status(&write).is_none(), "what was not stored was not told");
    elsewhere.submit(note("c", "another database does not notice"));
    converge(&mut [&mut elsewhere], 2).await;

    writer.connect(relay.address).await;
    reader.connect(relay.address).await;
    converge(&mut [&mut writer, &mut reader], 4).await;
    drop((writer, reader, elsewhere));
    relay.stop().await;
}

#[tokio::test]
async fn an_append_that_is_lost_closes_the_sockets_and_is_made_good() {
    sockets_close_and_all_is_well_after_a_reconnect(Fault::Lost).await;
}

#[tokio::test]
async fn an_append_that_was_stored_but_reported_failed_is_not_stored_twice() {
    sockets_close_and_all_is_well_after_a_reconnect(Fault::StoredAll).await;
}

#[tokio::test]
async fn a_panic_of_one_databases_task_costs_that_database_its_sockets_and_nothing_else() {
    sockets_close_and_all_is_well_after_a_reconnect(Fault::Panic).await;
}

#[tokio::test]
async fn a_database_that_cannot_be_recovered_is_closed_with_a_reason_and_the_others_are_served() {
    let store = Arc::new(MemoryStore::new());
    let damaged = StoredDatabase { name: name("damaged"), id: DatabaseId::from_random([1; 16]) };
    store.append(damaged, vec![StoredBatch { number: 1, bytes: b"no batch".to_vec() }]).await.unwrap();
    let relay = TestRelay::start_with(store, Options::default()).await;
    let mut client = Client::new(name("damaged"));
    for _ in 0..2 {
        client.connect(relay.address).await;
        let (code, _) = client.until_closed().await.expect("a close frame");
        assert_eq!(code, 1011);
    }
    assert_eq!(request(relay.address, "GET", "/v1/databases/damaged", &[]).await.status, 503);
    let mut other = Client::joined(relay.address, name("other")).await;
    converge(&mut [&mut other], 1).await;
}

#[tokio::test]
async fn a_last_batch_that_was_torn_is_replaced_and_nothing_told_is_lost() {
    let store = Arc::new(MemoryStore::new());
    let relay = TestRelay::start_with(store.clone(), Options::default()).await;
    let mut client = Client::joined(relay.address, name("demo")).await;
    client.submit(note("a", "before"));
    converge(&mut [&mut client], 2).await;
    client.disconnect();
    relay.stop().await;

    let [demo] = store.databases().await.unwrap().try_into().unwrap();
    let stored = store.read(demo.name.clone(), 0, usize::MAX).await.unwrap();
    let StoredBatch { number, bytes } = stored.last().unwrap();
    let torn = StoredBatch { number: number + 1, bytes: bytes[..bytes.len() / 2].to_vec() };
    store.append(demo.clone(), vec![torn.clone()]).await.unwrap();

    let relay = TestRelay::start_with(store.clone(), Options::default()).await;
    client.submit(note("b", "after"));
    client.connect(relay.address).await;
    converge(&mut [&mut client], 3).await;
    let stored = store.read(demo.name, *number, usize::MAX).await.unwrap();
    assert_eq!(stored[0].number, torn.number);
    assert_ne!(stored[0].bytes, torn.bytes);
    drop(client);
    relay.stop().await;
}

#[tokio::test]
async fn a_database_that_could_not_be_founded_is_founded_at_the_next_connection() {
    let store = Arc::new(FaultyStore::default());
    let relay = TestRelay::start_with(store.clone(), Options::default()).await;
    store.fail_next(Fault::Lost);
    let mut client = Client::new(name("demo"));
    client.connect(relay.address).await;
    let (code, _) = client.until_closed().await.expect("a close frame");
    assert_eq!(code, 1011);
    assert!(client.replica.id().is_none(), "no id came from a database that was never stored");

    client.connect(relay.address).await;
    client.until("the replica is created", |client| client.replica.is_ready()).await;
    client.submit(note("a", "in the database that was stored"));
    converge(&mut [&mut client], 2).await;
}

#[tokio::test]
async fn a_pause_that_could_not_be_stored_is_not_confirmed() {
    let store = Arc::new(FaultyStore::default());
    let relay = TestRelay::start_with(store.clone(), Options::default()).await;
    let mut client = Client::joined(relay.address, name("demo")).await;
    converge(&mut [&mut client], 1).await;
    store.fail_next(Fault::Lost);
    let answer = request(relay.address, "POST", "/v1/databases/demo/commits/pause", &[]).await;
    assert_eq!(answer.status, 503, "{}", answer.text());
    let answer = request(relay.address, "GET", "/v1/databases/demo", &[]).await;
    assert!(answer.text().contains(r#""paused":false"#), "{}", answer.text());
}
