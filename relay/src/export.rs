//! What a database holds, for who has no replica of it and only looks on: in files, as the engine makes them.

use axum::{
    body::{Body, to_bytes},
    extract::{Path, State},
    http::{
        HeaderValue,
        header::{CACHE_CONTROL, CONTENT_TYPE},
    },
    response::{IntoResponse, Response},
};
use bayou_core::{ReaderState, limits::READER_STATE_BYTES_MAX};
use tokio::time::timeout;

use crate::{
    database::ExportFailed,
    failure::Failure,
    http::{Relay, known, parse},
};

/// Answers with the next file for a reader, which says in the request's body what it holds; an empty body holds nothing.
pub(crate) async fn export(
    State(relay): State<Relay>,
    Path(name): Path<String>,
    body: Body,
) -> Result<Response, Failure> {
    let exporting = async {
        let database = known(&relay, &parse(&name)?)?;
        let bytes = to_bytes(body, READER_STATE_BYTES_MAX).await.map_err(|_| Failure::NO_READER)?;
        let reader = if bytes.is_empty() { None } else { Some(read(&bytes)?) };
        database.export(reader).await.map_err(|failed| match failed {
            ExportFailed::Unavailable => Failure::UNAVAILABLE,
            ExportFailed::Refused(error) => Failure::no_file(&error),
        })
    };
    let file = timeout(relay.options.export_within, exporting).await.map_err(|_| Failure::BUSY)??;
    let headers = [
        (CONTENT_TYPE, HeaderValue::from_static("application/octet-stream")),
        (CACHE_CONTROL, HeaderValue::from_static("no-store")),
    ];
    Ok((headers, file).into_response())
}

fn read(bytes: &[u8]) -> Result<ReaderState, Failure> {
    ReaderState::from_bytes(bytes).map_err(|_| Failure::NO_READER)
}
