//! The REST interface.

use crate::support::{Client, TestRelay, converge, name, note, request};

#[tokio::test]
async fn a_database_is_described_and_asking_for_one_does_not_make_it() {
    let relay = TestRelay::start().await;
    let path = "/v1/databases/demo";
    let answer = request(relay.address, "GET", path, &[]).await;
    assert_eq!(answer.status, 404);
    assert!(answer.text().contains("no database of this name"), "{}", answer.text());
    assert_eq!(request(relay.address, "GET", path, &[]).await.status, 404, "still not there");

    let mut client = Client::joined(relay.address, name("demo")).await;
    client.submit(note("a", "text"));
    converge(&mut [&mut client], 2).await;
    let answer = request(relay.address, "GET", path, &[]).await;
    assert_eq!(answer.header("content-type"), Some("application/json"));
    let expected = serde_json::json!({
        "name": "demo",
        "id": client.replica.database().unwrap().to_string(),
        "csn": 2,
        "replicas": 2,
        "paused": false,
    });
    assert_eq!(serde_json::from_slice::<serde_json::Value>(&answer.body).unwrap(), expected);
}

#[tokio::test]
async fn only_the_demo_database_is_paused_by_anybody_and_every_replica_is_told() {
    let relay = TestRelay::start().await;
    let _private = Client::joined(relay.address, name("private")).await;
    for action in ["pause", "resume"] {
        let answer = request(relay.address, "POST", &format!("/v1/databases/private/commits/{action}"), &[]).await;
        assert_eq!(answer.status, 403);
        assert!(answer.text().contains("demo"), "{}", answer.text());
    }
    let mut client = Client::joined(relay.address, name("demo")).await;
    let get = request(relay.address, "GET", "/v1/databases/demo/commits/pause", &[]).await;
    assert_eq!(get.status, 405);
    for (action, paused) in [("pause", true), ("pause", true), ("resume", false), ("resume", false)] {
        let answer = request(relay.address, "POST", &format!("/v1/databases/demo/commits/{action}"), &[]).await;
        assert_eq!(answer.status, 204);
        client.until("the replica is told", |client| client.replica.commits_paused() == paused).await;
    }
}

#[tokio::test]
async fn a_relay_that_can_read_its_store_is_healthy() {
    let relay = TestRelay::start().await;
    let answer = request(relay.address, "GET", "/healthz", &[]).await;
    assert_eq!((answer.status, answer.text()), (200, "ok\n"));
}

#[tokio::test]
async fn an_address_of_the_interface_that_is_not_there_is_never_answered_with_the_page() {
    let relay = TestRelay::start().await;
    let answer = request(relay.address, "GET", "/v1/nothing", &[]).await;
    assert_eq!(answer.status, 404);
    assert_eq!(answer.header("content-type"), Some("application/json"));
    assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
    assert_eq!(answer.header("content-security-policy"), Some("default-src 'none'; frame-ancestors 'none'"));
}
