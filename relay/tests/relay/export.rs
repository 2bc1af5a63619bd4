//! Files for who looks on, from a relay that runs.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use bayou_core::{Name, Predicate, Query, ReadOnlyCopy, Row, View};
use bayou_relay::{MemoryStore, Options};

use crate::support::{Client, GatedStore, TestRelay, converge, name, note, post, request};

const PATH: &str = "/v1/databases/demo/export";
const FILE_BYTES_MAX: usize = 1024 * 1024;

/// The next file for a copy, or the first of all.
async fn file(relay: SocketAddr, copy: Option<&ReadOnlyCopy>) -> Vec<u8> {
    let reader = copy.map_or_else(Vec::new, |copy| copy.reader_state().unwrap().to_bytes());
    let answer = post(relay, PATH, &reader).await;
    assert_eq!((answer.status, answer.header("content-type")), (200, Some("application/octet-stream")));
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    assert!(answer.body.len() <= FILE_BYTES_MAX, "{}", answer.body.len());
    answer.body
}

fn notes(copy: &ReadOnlyCopy) -> Vec<Row> {
    copy.read(View::Tentative, &Query::new(Name::new("notes").unwrap(), Predicate::All)).unwrap()
}

#[tokio::test]
async fn who_looks_on_gets_all_and_then_what_is_new() {
    let relay = TestRelay::start().await;
    let mut client = Client::joined(relay.address, name("demo")).await;
    client.submit(note("a", "first"));
    converge(&mut [&mut client], 2).await;
    let mut copy = ReadOnlyCopy::open([file(relay.address, None).await]).unwrap();
    assert!(copy.is_whole());
    assert_eq!((copy.csn().get(), notes(&copy).len()), (2, 1));

    client.submit(note("b", "second"));
    converge(&mut [&mut client], 3).await;
    let brought = copy.import(&file(relay.address, Some(&copy)).await).unwrap();
    assert_eq!((brought.writes, brought.commits, brought.complete, brought.more), (1, 1, true, false));
    assert_eq!(notes(&copy).len(), 2);
    let brought = copy.import(&file(relay.address, Some(&copy)).await).unwrap();
    assert_eq!((brought.writes, brought.commits), (0, 0));
    assert_eq!(client.replica.version_vector(), copy.version_vector(), "nobody was given an id");
}

#[tokio::test]
async fn a_large_database_comes_in_several_files_also_right_after_a_start() {
    let store = Arc::new(MemoryStore::new());
    let relay = TestRelay::start_with(store.clone(), Options::default()).await;
    let mut client = Client::joined(relay.address, name("demo")).await;
    client.submit_many(30, 50_000);
    converge(&mut [&mut client], 31).await;
    relay.stop().await;

    let relay = TestRelay::start_with(store, Options::default()).await;
    let mut copy = ReadOnlyCopy::open([file(relay.address, None).await]).unwrap();
    assert!(!copy.is_whole());
    while !copy.is_whole() {
        let before = copy.csn();
        copy.import(&file(relay.address, Some(&copy)).await).unwrap();
        assert!(copy.csn() > before);
    }
    assert_eq!(copy.csn().get(), 31);
}

#[tokio::test]
async fn asking_makes_no_database_and_what_cannot_be_served_is_told_in_a_sentence() {
    let relay = TestRelay::start().await;
    for _ in 0..2 {
        let answer = post(relay.address, PATH, &[]).await;
        assert_eq!(answer.status, 404);
        assert!(answer.text().contains("no database of this name"), "{}", answer.text());
    }
    let _client = Client::joined(relay.address, name("demo")).await;
    for nonsense in [b"no state".to_vec(), vec![1; 2 * 1024 * 1024]] {
        let answer = post(relay.address, PATH, &nonsense).await;
        assert_eq!(answer.status, 400);
        assert!(answer.text().contains("what a reader says"), "{}", answer.text());
    }
    // A copy of another database of this name.
    let other = TestRelay::start().await;
    let _elsewhere = Client::joined(other.address, name("demo")).await;
    let theirs = ReadOnlyCopy::open([file(other.address, None).await]).unwrap();
    let answer = post(relay.address, PATH, &theirs.reader_state().unwrap().to_bytes()).await;
    assert_eq!(answer.status, 409);
    assert!(answer.text().contains("the reader holds database"), "{}", answer.text());

    assert_eq!(request(relay.address, "GET", PATH, &[]).await.status, 405);
    let foreign = request(relay.address, "POST", PATH, &[("Origin", "http://evil.example")]).await;
    assert_eq!(foreign.status, 403);
}

#[tokio::test]
async fn a_file_tells_only_what_is_stored() {
    let store = GatedStore::new();
    let options = Options { export_within: Duration::from_millis(50), ..Options::default() };
    let relay = TestRelay::start_with(store.clone(), options).await;
    let mut client = Client::joined(relay.address, name("demo")).await;
    converge(&mut [&mut client], 1).await;
    store.shut().await;
    client.submit(note("a", "not stored yet"));
    client.flush().await;
    store.until_one_waits().await;
    let answer = post(relay.address, PATH, &[]).await;
    assert_eq!(answer.status, 503);
    assert!(answer.text().contains("try again"), "{}", answer.text());
    store.open();
    converge(&mut [&mut client], 2).await;
    assert_eq!(notes(&ReadOnlyCopy::open([file(relay.address, None).await]).unwrap()).len(), 1);
}
