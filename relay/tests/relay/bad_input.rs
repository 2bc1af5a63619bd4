//! What does not fit costs the one socket that sent it, with a code and a reason. Nobody else notices.

use std::sync::Arc;

use bayou_core::{DatabaseId, Options as ReplicaOptions, Output, Replica, limits::FRAME_BYTES_MAX};
use bayou_relay::{MemoryStore, Options};
use futures_util::SinkExt;
use tokio::io::AsyncWriteExt;
use tokio_tungstenite::tungstenite::{
    Message,
    protocol::frame::{
        Frame,
        coding::{Data, OpCode},
    },
};

use crate::support::{Client, Closed, TestRelay, converge, name, note};

/// Lets a client of an established session send messages, and tells how it was closed for that. Another client's session
/// goes on meanwhile.
async fn closed_for(messages: impl IntoIterator<Item = Message>) -> Closed {
    let relay = TestRelay::start().await;
    let mut other = Client::joined(relay.address, name("demo")).await;
    let mut offender = Client::joined(relay.address, name("demo")).await;
    converge(&mut [&mut other, &mut offender], 2).await;

    for message in messages {
        offender.socket().send(message).await.unwrap();
    }
    let closed = offender.until_closed().await;

    other.submit(note("a", "goes on"));
    converge(&mut [&mut other], 3).await;
    assert_eq!(other.closed, None);
    offender.connect(relay.address).await;
    converge(&mut [&mut other, &mut offender], 3).await;
    drop((other, offender));
    relay.stop().await;
    closed
}

#[track_caller]
fn assert_closed(closed: Closed, code: u16, reason_part: &str) {
    let (found, reason) = closed.expect("a close frame");
    assert_eq!(found, code, "{reason}");
    assert!(reason.contains(reason_part), "{reason}");
}

fn binary(bytes: impl Into<Vec<u8>>) -> Message {
    Message::Binary(bytes.into().into())
}

#[tokio::test]
async fn bytes_that_are_no_frame_close_the_socket() {
    assert_closed(closed_for([binary([1, 255, 255, 255])]).await, 4400, "cannot be read");
    assert_closed(closed_for([binary([])]).await, 4400, "cannot be read");
}

#[tokio::test]
async fn a_frame_of_another_version_closes_the_socket() {
    assert_closed(closed_for([binary([99, 0, 0])]).await, 4426, "version 99");
}

#[tokio::test]
async fn a_text_message_closes_the_socket() {
    assert_closed(closed_for([Message::text("hello")]).await, 1003, "binary");
}

#[tokio::test]
async fn a_message_over_the_limit_closes_the_socket_and_the_reason_arrives() {
    assert_closed(closed_for([binary(vec![1; FRAME_BYTES_MAX + 1])]).await, 1009, "larger");
    // The relay has decided by the first bytes of this one, and must not cut its sender off in the middle.
    assert_closed(closed_for([binary(vec![1; 6 * FRAME_BYTES_MAX])]).await, 1009, "larger");
}

#[tokio::test]
async fn a_message_over_the_limit_in_pieces_closes_the_socket() {
    let piece =
        |opcode, is_last| Message::Frame(Frame::message(vec![1; FRAME_BYTES_MAX], OpCode::Data(opcode), is_last));
    assert_closed(closed_for([piece(Data::Binary, false), piece(Data::Continue, true)]).await, 1009, "larger");
}

#[tokio::test]
async fn a_message_of_exactly_the_limit_is_left_to_the_engine() {
    assert_closed(closed_for([binary(vec![1; FRAME_BYTES_MAX])]).await, 4400, "cannot be read");
}

#[tokio::test]
async fn broken_web_socket_framing_closes_the_socket() {
    let relay = TestRelay::start().await;
    let mut offender = Client::joined(relay.address, name("demo")).await;
    // A data frame whose reserved bits are set, masked by zeroes.
    offender.socket().get_mut().write_all(&[0xf2, 0x81, 0, 0, 0, 0, 7]).await.unwrap();
    assert_closed(offender.until_closed().await, 1002, "protocol");
}

#[tokio::test]
async fn a_first_message_that_is_no_hello_closes_the_socket() {
    let relay = TestRelay::start().await;
    let mut client = Client::joined(relay.address, name("demo")).await;
    client.connect(relay.address).await;
    // The hello is still with the client, so that this comes first.
    client.socket().send(binary([1, 6])).await.unwrap();
    assert_closed(client.until_closed().await, 4405, "before the hello");
}

#[tokio::test]
async fn a_replica_of_another_database_of_the_same_name_is_refused() {
    let relay = TestRelay::start().await;
    let mut member = Client::joined(relay.address, name("demo")).await;

    let id = DatabaseId::from_random([42; 16]);
    let (mut replica, outputs) = Replica::found(ReplicaOptions::default(), id, name("demo"));
    for output in outputs {
        if let Output::Persist(batch) = output {
            for output in replica.handle_persisted(batch.number) {
                drop(output);
            }
        }
    }
    let mut stranger = Client::with_replica(replica);
    stranger.connect(relay.address).await;
    assert_closed(stranger.until_closed().await, 4409, "same name");

    member.submit(note("a", "goes on"));
    converge(&mut [&mut member], 2).await;
}

#[tokio::test]
async fn a_database_beyond_the_limit_is_refused_with_a_reason() {
    let options = Options { databases_max: 2, ..Options::default() };
    let relay = TestRelay::start_with(Arc::new(MemoryStore::new()), options).await;
    let mut one = Client::joined(relay.address, name("one")).await;
    Client::joined(relay.address, name("two")).await;
    let mut three = Client::new(name("three"));
    three.connect(relay.address).await;
    assert_closed(three.until_closed().await, 1013, "databases");
    one.connect(relay.address).await;
    converge(&mut [&mut one], 1).await;
}
