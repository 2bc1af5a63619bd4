//! What is served at which address.

use std::{net::SocketAddr, sync::Arc};

use axum::{
    Json, Router,
    extract::{Extension, Path, Request, State},
    http::StatusCode,
    middleware,
    response::Response,
    routing::{get, post},
};
use bayou_core::DatabaseName;
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tower_http::compression::{CompressionLayer, DefaultPredicate, Predicate, predicate::NotForContentType};

use crate::{
    database::{Database, Description, PauseError, Unavailable},
    directory::{Directory, OpenRefused},
    export::export,
    failure::Failure,
    headers,
    options::Options,
    origin, page, socket,
};

/// What every request handler may use.
#[derive(Clone, Debug)]
pub(crate) struct Relay {
    pub(crate) directory: Arc<Directory>,
    pub(crate) options: Arc<Options>,
    /// Cancelled when the relay is to end.
    pub(crate) shutdown: CancellationToken,
    /// Connections and sockets, for which a shutdown waits.
    pub(crate) tasks: TaskTracker,
}

pub(crate) fn router(relay: Relay) -> Router {
    Router::new()
        .route("/healthz", get(healthz))
        .route("/v1/databases/{name}", get(describe))
        .route("/v1/databases/{name}/socket", get(open_socket))
        .route("/v1/databases/{name}/export", post(export))
        .route("/v1/databases/{name}/commits/pause", post(pause_commits))
        .route("/v1/databases/{name}/commits/resume", post(resume_commits))
        .fallback(page::serve)
        // What the build has compressed is sent as it is; the rest is compressed here.
        .layer(
            CompressionLayer::new().compress_when(DefaultPredicate::new().and(NotForContentType::const_new("font/"))),
        )
        .layer(middleware::from_fn_with_state(relay.clone(), origin::check))
        .layer(middleware::map_response(headers::secure))
        .with_state(relay)
}

/// Healthy is who can read the store.
async fn healthz(State(relay): State<Relay>) -> Result<&'static str, Failure> {
    match relay.directory.store().databases().await {
        Ok(_) => Ok("ok\n"),
        Err(error) => {
            tracing::error!(%error, "the store cannot be read");
            Err(Failure::UNAVAILABLE)
        }
    }
}

async fn open_socket(
    State(relay): State<Relay>,
    Extension(address): Extension<SocketAddr>,
    Path(name): Path<String>,
    request: Request,
) -> Result<Response, Failure> {
    socket::accept(&relay, parse(&name)?, address, request)
}

async fn describe(State(relay): State<Relay>, Path(name): Path<String>) -> Result<Json<Description>, Failure> {
    let database = known(&relay, &parse(&name)?)?;
    database.describe().await.map(Json).map_err(|Unavailable| Failure::UNAVAILABLE)
}

async fn pause_commits(State(relay): State<Relay>, Path(name): Path<String>) -> Result<StatusCode, Failure> {
    set_commits_paused(&relay, &name, true).await
}

async fn resume_commits(State(relay): State<Relay>, Path(name): Path<String>) -> Result<StatusCode, Failure> {
    set_commits_paused(&relay, &name, false).await
}

async fn set_commits_paused(relay: &Relay, name: &str, paused: bool) -> Result<StatusCode, Failure> {
    let name = parse(name)?;
    if name != relay.options.demo {
        return Err(Failure::ONLY_DEMO);
    }
    match known(relay, &name)?.pause_commits(paused).await {
        Ok(()) => Ok(StatusCode::NO_CONTENT),
        Err(PauseError::NotPrimary) => Err(Failure::NOT_PRIMARY),
        Err(PauseError::TooOld) => Err(Failure::TOO_OLD),
        Err(PauseError::Unavailable) => Err(Failure::UNAVAILABLE),
    }
}

pub(crate) fn parse(name: &str) -> Result<DatabaseName, Failure> {
    DatabaseName::parse(name).map_err(|_| Failure::NO_NAME)
}

/// A database that exists: asking for one must not make it.
pub(crate) fn known(relay: &Relay, name: &DatabaseName) -> Result<Database, Failure> {
    match relay.directory.open_known(name) {
        None => Err(Failure::NO_DATABASE),
        Some(Ok(database)) => Ok(database),
        Some(Err(OpenRefused::ShuttingDown | OpenRefused::TooMany)) => Err(Failure::SHUTTING_DOWN),
    }
}
