//! One socket's session: frames from the socket to the database and back, until either side ends it.

use std::{future, pin::pin, time::Duration};

use futures_util::{Sink, SinkExt, Stream, StreamExt};
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::{Error, Message, error::ProtocolError};
use tokio_util::sync::CancellationToken;

use crate::{
    close::Close,
    database::Attached,
    outbound::{Item, OutboundQueue},
};

/// How long the close frame itself may take; a peer that does not read will not read this either.
const CLOSE_WITHIN: Duration = Duration::from_secs(1);

/// How a session ended.
#[derive(Debug)]
pub(crate) enum End {
    /// The peer closed it or went away.
    ByPeer(Option<Error>),
    /// This side closed it, for this reason.
    ByRelay(Close),
}

/// Carries frames until one side ends the session. When this side ends it, the close frame has been sent.
///
/// Reading and writing go on independently of each other: a peer that sends much and reads late must not come to a
/// standstill with a relay that does the same.
pub(crate) async fn run<S>(
    socket: &mut S,
    database: &Attached,
    mut queue: OutboundQueue,
    write_within: Duration,
    shutdown: &CancellationToken,
) -> End
where
    S: Stream<Item = Result<Message, Error>> + Sink<Message, Error = Error> + Unpin,
{
    let end = {
        let (mut sink, mut stream) = (&mut *socket).split();
        let reading = pin!(read(&mut stream, database));
        let writing = pin!(write(&mut sink, &mut queue, write_within));
        tokio::select! {
            biased;
            () = shutdown.cancelled() => End::ByRelay(Close::SHUTTING_DOWN),
            end = writing => end,
            end = reading => end,
        }
    };
    if let End::ByRelay(reason) = &end {
        close(socket, reason).await;
    }
    end
}

/// Sends a close frame. Whether it arrives is up to the peer.
pub(crate) async fn close<S>(socket: &mut S, close: &Close)
where
    S: Sink<Message, Error = Error> + Unpin,
{
    let _ = timeout(CLOSE_WITHIN, socket.send(Message::Close(Some(close.frame())))).await;
}

async fn read(stream: &mut (impl Stream<Item = Result<Message, Error>> + Unpin), database: &Attached) -> End {
    loop {
        match stream.next().await {
            Some(Ok(Message::Binary(frame))) => {
                // Waiting here is the back-pressure: this peer's next frame stays in its socket until then.
                if database.receive(frame).await.is_err() {
                    // The database has ended the session; the writing half knows why.
                    return future::pending().await;
                }
            }
            Some(Ok(Message::Text(_))) => return End::ByRelay(Close::TEXT),
            // Tungstenite answers pings; a raw frame is never read.
            Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_))) => {}
            Some(Ok(Message::Close(_))) | None => return End::ByPeer(None),
            Some(Err(error)) => return after(error),
        }
    }
}

/// What to make of a failed read: bad frames get a reason, a lost connection cannot.
fn after(error: Error) -> End {
    match error {
        Error::Capacity(_) => End::ByRelay(Close::TOO_BIG),
        Error::Protocol(ProtocolError::ResetWithoutClosingHandshake) => End::ByPeer(None),
        Error::Protocol(_) => End::ByRelay(Close::MALFORMED),
        Error::Utf8(_) => End::ByRelay(Close::TEXT),
        error => End::ByPeer(Some(error)),
    }
}

async fn write(
    sink: &mut (impl Sink<Message, Error = Error> + Unpin),
    queue: &mut OutboundQueue,
    write_within: Duration,
) -> End {
    let OutboundQueue { items, aborted } = queue;
    let send_queued = async {
        while let Some(item) = items.recv().await {
            match item {
                Item::Frame(frame, _share_until_sent) => {
                    match timeout(write_within, sink.send(Message::Binary(frame))).await {
                        Ok(Ok(())) => {}
                        Ok(Err(error)) => return End::ByPeer(Some(error)),
                        Err(_elapsed) => return End::ByRelay(Close::TOO_SLOW),
                    }
                }
                Item::Close(close) => return End::ByRelay(close),
            }
        }
        // The database let go of this socket without a word: its task has ended by a fault of its own.
        End::ByRelay(Close::FAILED)
    };
    tokio::select! {
        biased;
        Ok(close) = aborted => End::ByRelay(close),
        end = send_queued => end,
    }
}
