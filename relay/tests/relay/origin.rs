//! Whom the relay serves: its own page and programs, addressed by its own name.

use std::sync::Arc;

use bayou_core::SUBPROTOCOL;
use bayou_relay::{MemoryStore, Options};
use tokio_tungstenite::tungstenite::Error;

use crate::support::{TestRelay, handshake, request, upgrade_request};

#[tokio::test]
async fn a_socket_for_the_relays_own_page_is_opened_and_one_for_another_page_is_not() {
    let relay = TestRelay::start().await;
    let own = format!("http://{}", relay.address);
    for (origin, is_served) in [
        (own.as_str(), true),
        ("http://evil.example", false),
        ("null", false),
        ("http://127.0.0.1:1", false),
        ("http://localhost", false),
    ] {
        let mut request = upgrade_request(relay.address, "demo");
        request.headers_mut().insert("Origin", origin.parse().unwrap());
        match handshake(relay.address, request).await {
            Ok(_) => assert!(is_served, "{origin}"),
            Err(Error::Http(response)) => {
                assert!(!is_served, "{origin}");
                assert_eq!(response.status(), 403, "{origin}");
            }
            Err(error) => panic!("{origin}: {error}"),
        }
    }
}

#[tokio::test]
async fn a_request_by_a_name_that_is_not_the_relays_is_refused_with_what_to_do() {
    let options = Options { allowed_hosts: vec!["rooms.example".into()], ..Options::default() };
    let relay = TestRelay::start_with(Arc::new(MemoryStore::new()), options).await;
    for (host, status) in [
        ("rooms.example", 200),
        ("ROOMS.example:80", 200),
        ("localhost:1234", 200),
        ("[::1]", 200),
        ("evil.example", 403),
        ("127.0.0.1.evil.example", 403),
        ("", 400),
    ] {
        let answer = request(relay.address, "GET", "/healthz", &[("Host", host)]).await;
        assert_eq!(answer.status, status, "{host}");
        if status == 403 {
            assert!(answer.text().contains("--allow-host"), "{}", answer.text());
        }
    }
}

#[tokio::test]
async fn commits_are_not_paused_for_another_page() {
    let relay = TestRelay::start().await;
    let path = "/v1/databases/demo/commits/pause";
    let answer = request(relay.address, "POST", path, &[("Origin", "http://evil.example")]).await;
    assert_eq!(answer.status, 403);
    let own = format!("http://{}", relay.address);
    let answer = request(relay.address, "POST", path, &[("Origin", &own)]).await;
    assert_eq!(answer.status, 404, "there is no such database yet");
}

#[tokio::test]
async fn a_socket_without_our_sub_protocol_is_refused() {
    let relay = TestRelay::start().await;
    for offered in [None, Some("bayou.v2"), Some("chat")] {
        let mut request = upgrade_request(relay.address, "demo");
        request.headers_mut().remove("Sec-WebSocket-Protocol");
        if let Some(offered) = offered {
            request.headers_mut().insert("Sec-WebSocket-Protocol", offered.parse().unwrap());
        }
        let Err(Error::Http(response)) = handshake(relay.address, request).await else { panic!("{offered:?}") };
        assert_eq!(response.status(), 400);
        let body = response.body().as_deref().unwrap_or_default();
        assert!(std::str::from_utf8(body).unwrap().contains(SUBPROTOCOL));
    }
    let mut several = upgrade_request(relay.address, "demo");
    several.headers_mut().insert("Sec-WebSocket-Protocol", "bayou.v2, bayou.v1".parse().unwrap());
    let (_, response) = handshake(relay.address, several).await.unwrap();
    assert_eq!(response.headers()["Sec-WebSocket-Protocol"], SUBPROTOCOL);
}

#[tokio::test]
async fn a_socket_of_a_database_with_an_impossible_name_is_refused() {
    let relay = TestRelay::start().await;
    for name in ["Demo", "a%2Fb", "%00", &"x".repeat(65)] {
        let Err(Error::Http(response)) = handshake(relay.address, upgrade_request(relay.address, name)).await else {
            panic!("{name}")
        };
        assert_eq!(response.status(), 404);
    }
    let answer = request(relay.address, "GET", "/v1/databases/demo/socket", &[]).await;
    assert_eq!(answer.status, 400, "no upgrade was asked for");
}
