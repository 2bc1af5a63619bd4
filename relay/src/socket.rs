//! From an HTTP request to a WebSocket, and to its orderly end.

use std::{net::SocketAddr, time::Duration};

use axum::{
    body::Body,
    extract::Request,
    http::{HeaderValue, header::SEC_WEBSOCKET_PROTOCOL},
    response::Response,
};
use bayou_core::{DatabaseName, SUBPROTOCOL, limits::FRAME_BYTES_MAX};
use hyper_util::rt::TokioIo;
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    time::timeout,
};
use tokio_tungstenite::{
    WebSocketStream,
    tungstenite::{
        handshake::server::create_response_with_body,
        protocol::{Role, WebSocketConfig},
    },
};
use tracing::Instrument;

use crate::{
    close::Close,
    directory::OpenRefused,
    failure::Failure,
    http::Relay,
    outbound,
    server::ConnectionPermit,
    session::{self, End},
};

/// Kept for the whole life of each socket, so it decides what an idle one costs.
const READ_BUFFER_BYTES: usize = 4 * 1024;
/// Bounds what answers to a flood of pings can pile up for a peer that does not read them.
const WRITE_BUFFER_BYTES_MAX: usize = 2 * FRAME_BYTES_MAX;
/// How long, and for how many bytes, to listen to a peer that was told that this side has closed.
const LINGER: Duration = Duration::from_secs(1);
const LINGER_BYTES_MAX: usize = 8 * FRAME_BYTES_MAX;

/// Answers a request for a WebSocket, and serves that once the connection has become one.
pub(crate) fn accept(
    relay: &Relay,
    name: DatabaseName,
    address: SocketAddr,
    mut request: Request,
) -> Result<Response, Failure> {
    let mut response =
        create_response_with_body(&request, Body::empty).map_err(|error| Failure::no_web_socket(&error))?;
    if !offers_our_protocol(&request) {
        return Err(Failure::OTHER_PROTOCOL);
    }
    response.headers_mut().insert(SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_static(SUBPROTOCOL));

    let upgrade = hyper::upgrade::on(&mut request);
    let permit = request.extensions().get::<ConnectionPermit>().cloned();
    let span = tracing::info_span!("socket", database = %name, %address);
    let relay = relay.clone();
    let tasks = relay.tasks.clone();
    let socket = async move {
        let _counted_until_closed = permit;
        match upgrade.await {
            Ok(upgraded) => serve(&relay, &name, TokioIo::new(upgraded)).await,
            Err(error) => tracing::debug!(%error, "lost before it became a WebSocket"),
        }
    };
    tasks.spawn(socket.instrument(span));
    Ok(response)
}

fn offers_our_protocol(request: &Request) -> bool {
    let headers = request.headers().get_all(SEC_WEBSOCKET_PROTOCOL).iter();
    let mut offers = headers.filter_map(|value| value.to_str().ok()).flat_map(|value| value.split(','));
    offers.any(|offer| offer.trim() == SUBPROTOCOL)
}

async fn serve<T>(relay: &Relay, name: &DatabaseName, connection: T)
where
    T: AsyncRead + AsyncWrite + Unpin,
{
    let config = WebSocketConfig::default()
        .read_buffer_size(READ_BUFFER_BYTES)
        .write_buffer_size(0)
        .max_write_buffer_size(WRITE_BUFFER_BYTES_MAX)
        .max_message_size(Some(FRAME_BYTES_MAX))
        .max_frame_size(Some(FRAME_BYTES_MAX));
    let mut socket = WebSocketStream::from_raw_socket(connection, Role::Server, Some(config)).await;
    match converse(relay, name, &mut socket).await {
        End::ByPeer(None) => tracing::debug!("closed by the peer"),
        End::ByPeer(Some(error)) => tracing::debug!(%error, "lost"),
        End::ByRelay(close) if close == Close::SHUTTING_DOWN => tracing::debug!("closed for the shutdown"),
        End::ByRelay(Close { code, reason }) => tracing::warn!(code, %reason, "closed by the relay"),
    }
    hang_up(socket).await;
}

async fn converse<T>(relay: &Relay, name: &DatabaseName, socket: &mut WebSocketStream<T>) -> End
where
    T: AsyncRead + AsyncWrite + Unpin,
{
    let (outbound, queue) = outbound::queue(relay.options.queue_bytes_max);
    let refusal = match relay.directory.open(name) {
        Ok(database) => match database.attach(outbound).await {
            Ok(attached) => {
                tracing::debug!(peer = attached.peer().0, "open");
                let end = session::run(socket, &attached, queue, relay.options.write_within, &relay.shutdown).await;
                attached.detach().await;
                return end;
            }
            Err(_unavailable) => Close::FAILED,
        },
        Err(OpenRefused::TooMany) => Close::TOO_MANY_DATABASES,
        Err(OpenRefused::ShuttingDown) => Close::SHUTTING_DOWN,
    };
    // A browser shows a page nothing of a refused upgrade, but the reason of a close; so the reason goes there.
    session::close(socket, &refusal).await;
    End::ByRelay(refusal)
}

/// Ends the connection so that what was said last still arrives.
///
/// Closing a TCP connection while bytes of the peer are unread resets it, and a reset can overtake the close frame.
/// So this side only says that it is done, and reads on until the peer is done too, within bounds.
async fn hang_up<T>(mut socket: WebSocketStream<T>)
where
    T: AsyncRead + AsyncWrite + Unpin,
{
    let farewell = async {
        // After a close by the peer this sends the answer to it; after one by this side it does nothing.
        let _ = socket.close(None).await;
        let connection = socket.get_mut();
        connection.shutdown().await?;
        let mut ignored = [0; 4096];
        let mut bytes_read = 0;
        while bytes_read < LINGER_BYTES_MAX {
            match connection.read(&mut ignored).await? {
                0 => break,
                count => bytes_read += count,
            }
        }
        std::io::Result::Ok(())
    };
    // Whatever goes wrong here, the connection is over.
    let _ = timeout(LINGER, farewell).await;
}
