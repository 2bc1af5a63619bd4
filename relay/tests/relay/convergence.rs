//! What replicas get from each other through the relay.

use std::{sync::Arc, time::Duration};

use bayou_core::{Event, View};
use bayou_relay::Options;

use crate::support::{Client, ReadCountingStore, TestRelay, converge, name, note, request, within_deadline};

#[tokio::test]
async fn a_first_connection_founds_the_database_and_creates_a_replica() {
    let relay = TestRelay::start().await;
    let client = Client::joined(relay.address, name("demo")).await;
    assert!(client.replica.database().is_some());
    assert!(!client.replica.is_primary());
    assert_eq!(client.replica.id().unwrap().creation().unwrap().replica.to_string(), "0", "the relay created it");
}

#[tokio::test]
async fn two_databases_of_one_relay_share_nothing() {
    let relay = TestRelay::start().await;
    let mut one = Client::joined(relay.address, name("one")).await;
    let other = Client::joined(relay.address, name("other")).await;
    assert_ne!(one.replica.database(), other.replica.database());
    one.submit(note("a", "only in one"));
    converge(&mut [&mut one], 2).await;
    let mut late = Client::joined(relay.address, name("other")).await;
    converge(&mut [&mut late], 2).await;
    assert!(late.notes(View::Committed).is_empty());
}

#[tokio::test]
async fn clients_that_write_at_once_converge_on_one_dense_committed_order() {
    let relay = TestRelay::start().await;
    let mut clients = Vec::new();
    for _ in 0..3 {
        clients.push(Client::joined(relay.address, name("demo")).await);
    }
    let mut written = Vec::new();
    for round in 0..20 {
        for (index, client) in clients.iter_mut().enumerate() {
            written.push(client.submit(note(&format!("key-{}", round % 7), &format!("{round} by {index}"))));
        }
    }
    let [one, two, three] = &mut clients[..] else { unreachable!() };
    let creations = 3;
    converge(&mut [one, two, three], creations + 60).await;

    let committed = one.committed();
    assert!(written.iter().all(|write| committed.contains(write)), "every write has a place");
    for client in [&clients[0], &clients[1], &clients[2]] {
        let own = client.replica.id().unwrap();
        let own: Vec<_> = committed.iter().filter(|write| write.replica == *own).collect();
        assert!(own.is_sorted_by_key(|write| write.stamp), "writes of one replica commit in its accept order");
        let told = client.events.iter().filter(|event| matches!(event, Event::Committed { .. })).count();
        assert_eq!(told, 20, "each replica is told of its own commits, once");
    }
}

#[tokio::test]
async fn commits_follow_the_order_of_arrival_and_not_of_stamps() {
    let relay = TestRelay::start().await;
    let mut early = Client::joined(relay.address, name("demo")).await;
    let mut late = Client::joined(relay.address, name("demo")).await;

    late.disconnect();
    let accepted_first = late.submit(note("slot", "late"));
    early.submit(note("other", "moves the clock on"));
    early.submit(note("other", "and on"));
    let arrived_first = early.submit(note("slot", "early"));
    assert!(accepted_first.stamp < arrived_first.stamp);
    converge(&mut [&mut early], 5).await;

    late.connect(relay.address).await;
    converge(&mut [&mut early, &mut late], 6).await;
    let csn = |write| early.replica.status(write).unwrap().csn.unwrap();
    assert!(csn(&arrived_first) < csn(&accepted_first));
    let text = early.notes(View::Committed)["slot"].value("text").as_text().unwrap().to_string();
    assert_eq!(text, "late", "the last in the committed order stands");
}

#[tokio::test]
async fn a_client_that_was_away_catches_up_and_brings_what_it_wrote() {
    let relay = TestRelay::start().await;
    let mut here = Client::joined(relay.address, name("demo")).await;
    let mut away = Client::joined(relay.address, name("demo")).await;
    converge(&mut [&mut here, &mut away], 2).await;

    away.disconnect();
    here.submit_many(100, 50);
    converge(&mut [&mut here], 102).await;
    away.submit_many(50, 50);
    assert_eq!(away.replica.summary().only_here, 50);

    away.events.clear();
    away.connect(relay.address).await;
    away.until("it is told that it has caught up", Client::has_caught_up).await;
    assert!(here.committed().iter().all(|write| away.replica.status(write).is_some()));
    converge(&mut [&mut here, &mut away], 152).await;
}

#[tokio::test]
async fn a_session_that_breaks_in_the_middle_of_catching_up_goes_on_where_it_stopped() {
    let relay = TestRelay::start().await;
    let mut here = Client::joined(relay.address, name("demo")).await;
    here.submit_many(60, 50_000);
    converge(&mut [&mut here], 61).await;

    let mut new = Client::new(name("demo"));
    let mut sessions = 0;
    let mut reached = 0;
    while reached < 62 {
        new.connect(relay.address).await;
        new.until("more commits than in the sessions before", |client| client.replica.csn().get() > reached).await;
        reached = new.replica.csn().get();
        sessions += 1;
    }
    assert!(sessions > 2, "3 MB do not come in one piece");
    converge(&mut [&mut here, &mut new], 62).await;
}

#[tokio::test]
async fn an_idle_database_leaves_memory_and_comes_back_on_demand() {
    let store = Arc::new(ReadCountingStore::default());
    let options = Options { idle_after: Duration::ZERO, ..Options::default() };
    let relay = TestRelay::start_with(store.clone(), options).await;
    let mut client = Client::joined(relay.address, name("demo")).await;
    client.submit(note("a", "stays"));
    converge(&mut [&mut client], 2).await;
    assert_eq!(store.loads(), 1);

    client.disconnect();
    // It can be asked for at any time; that it was away only shows in the store.
    within_deadline("the database is loaded again", async {
        while store.loads() < 2 {
            let answer = request(relay.address, "GET", "/v1/databases/demo", &[]).await;
            assert_eq!(answer.status, 200, "{}", answer.text());
        }
    })
    .await;
    client.connect(relay.address).await;
    client.submit(note("b", "comes later"));
    converge(&mut [&mut client], 3).await;
}
