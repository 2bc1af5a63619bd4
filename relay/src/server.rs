//! Accepts connections and serves HTTP on them.
//!
//! `axum::serve` has no bound on connections and none on the time a request's head may take; this has both.

use std::{io, net::SocketAddr, pin::pin, sync::Arc};

use axum::{Router, body::Body, http::Request};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore},
    time::{Duration, sleep},
};
use tower::ServiceExt;

use crate::http::Relay;

/// How long to wait when the operating system has no more file descriptors; closing connections frees some.
const AFTER_FAILED_ACCEPT: Duration = Duration::from_millis(500);

/// Counts a connection for as long as a copy of this lives: a socket keeps it beyond the request.
#[derive(Clone, Debug)]
pub(crate) struct ConnectionPermit(#[expect(dead_code, reason = "held for its drop")] Arc<OwnedSemaphorePermit>);

/// Accepts until the shutdown.
pub(crate) async fn serve(listener: TcpListener, router: Router, relay: &Relay) {
    let connections = Arc::new(Semaphore::new(relay.options.connections_max));
    loop {
        let accepted = tokio::select! {
            biased;
            () = relay.shutdown.cancelled() => return,
            accepted = listener.accept() => accepted,
        };
        let (stream, address) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                if !is_of_one_connection(&error) {
                    tracing::error!(%error, "no connection can be accepted at present");
                    sleep(AFTER_FAILED_ACCEPT).await;
                }
                continue;
            }
        };
        let Ok(permit) = Arc::clone(&connections).try_acquire_owned() else {
            tracing::warn!(%address, "refused: there are as many connections as there may be");
            continue;
        };
        let permit = ConnectionPermit(Arc::new(permit));
        relay.tasks.spawn(connection(stream, address, permit, router.clone(), relay.clone()));
    }
}

/// Errors of a connection that was gone before it was accepted, as opposed to those of the listener.
fn is_of_one_connection(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionRefused | io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset
    )
}

async fn connection(stream: TcpStream, address: SocketAddr, permit: ConnectionPermit, router: Router, relay: Relay) {
    // Frames are small and each is wanted at once.
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%address, %error, "no delay could not be set");
    }
    let service = service_fn(|request: Request<Incoming>| {
        let mut request = request.map(Body::new);
        request.extensions_mut().insert(address);
        request.extensions_mut().insert(permit.clone());
        router.clone().oneshot(request)
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(relay.options.request_head_within)
        .serve_connection(TokioIo::new(stream), service)
        .with_upgrades();
    let mut connection = pin!(connection);
    let served = tokio::select! {
        served = connection.as_mut() => served,
        () = relay.shutdown.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = served {
        tracing::debug!(%address, %error, "a connection was lost");
    }
}
