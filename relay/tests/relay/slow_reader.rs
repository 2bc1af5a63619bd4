//! A client that stops reading gets no more of the relay's memory than a bound, and nobody else waits for it.

use std::{sync::Arc, time::Duration};

use bayou_relay::{MemoryStore, Options};

use crate::support::{
    Client, TestRelay, converge, handshake, name, open_narrow_socket, upgrade_request, within_deadline,
};

async fn until_a_place_is_free(relay: &TestRelay) {
    let refused = async || handshake(relay.address, upgrade_request(relay.address, "demo")).await.is_err();
    within_deadline("a place is free", async { while refused().await {} }).await;
}

#[tokio::test]
async fn a_client_that_does_not_read_is_disconnected_while_the_others_go_on() {
    // A place for each of the three, so that a free one shows that the slow one has been disconnected.
    let options = Options { write_within: Duration::from_secs(3), connections_max: 3, ..Options::default() };
    let relay = TestRelay::start_narrow(options).await;

    let mut writer = Client::joined(relay.address, name("demo")).await;
    let mut reader = Client::joined(relay.address, name("demo")).await;
    let mut slow = Client::joined(relay.address, name("demo")).await;
    converge(&mut [&mut writer, &mut reader, &mut slow], 3).await;

    // Far more than fits on the way to the slow one: into its socket, the relay's queue and the engine's window.
    for written in (10..=100).step_by(10) {
        writer.submit_many(10, 50_000);
        converge(&mut [&mut writer, &mut reader], 3 + written).await;
    }

    until_a_place_is_free(&relay).await;
    // What was on its way still arrives, then the end.
    slow.until_closed().await;
    assert!(slow.replica.csn().get() < 103, "it was not served to the end");
    slow.connect(relay.address).await;
    converge(&mut [&mut writer, &mut reader, &mut slow], 103).await;
}

#[tokio::test]
async fn a_relay_and_a_client_that_both_have_much_to_send_do_not_wait_for_each_other() {
    let relay = TestRelay::start_narrow(Options::default()).await;
    let mut here = Client::joined(relay.address, name("demo")).await;
    let mut away = Client::joined(relay.address, name("demo")).await;
    converge(&mut [&mut here, &mut away], 2).await;
    away.disconnect();
    here.submit_many(30, 50_000);
    converge(&mut [&mut here], 32).await;
    away.submit_many(30, 50_000);

    // This client does not read while it sends. The relay reads all the same, though it has just as much to send.
    away.connect_over(open_narrow_socket(relay.address, &name("demo")).await);
    converge(&mut [&mut here, &mut away], 62).await;
}

#[tokio::test]
async fn a_client_that_sends_no_request_does_not_keep_its_connection() {
    let options = Options { request_head_within: Duration::from_millis(50), ..Options::default() };
    let relay = TestRelay::start_with(Arc::new(MemoryStore::new()), options).await;
    let mut connection = tokio::net::TcpStream::connect(relay.address).await.unwrap();
    tokio::io::AsyncWriteExt::write_all(&mut connection, b"GET / HT").await.unwrap();
    let mut rest = Vec::new();
    let end = tokio::io::AsyncReadExt::read_to_end(&mut connection, &mut rest);
    within_deadline("the relay hangs up", end).await.unwrap();
}

#[tokio::test]
async fn connections_beyond_the_limit_are_refused_until_one_ends() {
    let options = Options { connections_max: 1, ..Options::default() };
    let relay = TestRelay::start_with(Arc::new(MemoryStore::new()), options).await;
    let mut first = Client::joined(relay.address, name("demo")).await;
    assert!(handshake(relay.address, upgrade_request(relay.address, "demo")).await.is_err());
    converge(&mut [&mut first], 1).await;
    drop(first);
    until_a_place_is_free(&relay).await;
}
