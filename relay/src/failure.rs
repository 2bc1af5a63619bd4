//! What a request gets that cannot be served: a status and one sentence.

use std::borrow::Cow;

use axum::{
    Json,
    http::{HeaderValue, StatusCode, header::ALLOW},
    response::{IntoResponse, Response},
};
use bayou_core::ExportError;
use tokio_tungstenite::tungstenite;

/// Where the REST interface and the sockets are.
pub(crate) const REST: &str = "/v1/";

/// An answer to a request that cannot be served: `{ "error": "..." }` for programs, which is how it answers a handler of
/// the REST interface, or the plain sentence for people, see [`Failure::at`].
#[derive(Clone, Debug)]
pub(crate) struct Failure {
    status: StatusCode,
    sentence: Cow<'static, str>,
}

impl Failure {
    pub(crate) const NOTHING_HERE: Self = Self::new(StatusCode::NOT_FOUND, "There is nothing at this address.");
    pub(crate) const NO_DATABASE: Self = Self::new(
        StatusCode::NOT_FOUND,
        "There is no database of this name; it is made when a replica first connects to it.",
    );
    pub(crate) const NO_NAME: Self =
        Self::new(StatusCode::NOT_FOUND, "A database name has 1 to 64 characters from a-z, 0-9 and -.");
    pub(crate) const READ_ONLY: Self =
        Self::new(StatusCode::METHOD_NOT_ALLOWED, "Only GET and HEAD are served at this address.");
    pub(crate) const OTHER_PROTOCOL: Self =
        Self::new(StatusCode::BAD_REQUEST, "This relay speaks the WebSocket sub-protocol bayou.v1 only.");
    pub(crate) const ONLY_DEMO: Self =
        Self::new(StatusCode::FORBIDDEN, "Only the commits of a demo database can be paused by anybody.");
    pub(crate) const NOT_PRIMARY: Self =
        Self::new(StatusCode::CONFLICT, "Another replica holds the primary role of this database.");
    pub(crate) const TOO_OLD: Self = Self::new(
        StatusCode::CONFLICT,
        "A write of a newer version has to be committed first: start a relay of that version on this store.",
    );
    pub(crate) const NO_READER: Self =
        Self::new(StatusCode::BAD_REQUEST, "The body has to be what a reader says that it holds, or empty.");
    pub(crate) const BUSY: Self =
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "The database is written to all the time; try again later.");
    pub(crate) const UNAVAILABLE: Self =
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "The store cannot be used at present; the relay's log says why.");
    pub(crate) const SHUTTING_DOWN: Self =
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "The relay is shutting down; try again later.");
    pub(crate) const NO_HOST: Self =
        Self::new(StatusCode::BAD_REQUEST, "A request needs one Host header that names this relay.");
    pub(crate) const OTHER_ORIGIN: Self =
        Self::new(StatusCode::FORBIDDEN, "A page of another origin may not use this relay.");
    pub(crate) const NO_PAGE: Self = Self::new(StatusCode::NOT_FOUND, "This relay serves no page.");
    pub(crate) const PAGE_NOT_BUILT: Self = Self::new(
        StatusCode::NOT_FOUND,
        "The page has not been built: run `cargo xtask build`, or give the folder of a built page with --page.",
    );

    pub(crate) const PAGE_UNREADABLE: Self =
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "A file of the page cannot be read; the relay's log says why.");

    const fn new(status: StatusCode, sentence: &'static str) -> Self {
        Self { status, sentence: Cow::Borrowed(sentence) }
    }

    pub(crate) fn no_web_socket(error: &tungstenite::Error) -> Self {
        let sentence = format!("This address is for WebSocket connections ({error}).");
        Self { status: StatusCode::BAD_REQUEST, sentence: sentence.into() }
    }

    /// The engine makes no file: who holds less than this reader, or nothing, may ask.
    pub(crate) fn no_file(error: &ExportError) -> Self {
        Self { status: StatusCode::CONFLICT, sentence: format!("No file can be made for this reader: {error}.").into() }
    }

    pub(crate) fn other_host(host: &str) -> Self {
        let sentence =
            format!("This relay is not known as {host}; if it should be, start it with --allow-host {host}.");
        Self { status: StatusCode::FORBIDDEN, sentence: sentence.into() }
    }

    /// The answer at this address: what is outside the REST interface a person has opened in a browser.
    pub(crate) fn at(self, path: &str) -> Response {
        if path.starts_with(REST) {
            return self.into_response();
        }
        let mut response = (self.status, format!("{}\n", self.sentence)).into_response();
        self.add_headers(&mut response);
        response
    }

    pub(crate) fn sentence(&self) -> &str {
        &self.sentence
    }

    fn add_headers(&self, response: &mut Response) {
        if self.status == StatusCode::METHOD_NOT_ALLOWED {
            response.headers_mut().insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
        }
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let mut response = (self.status, Json(serde_json::json!({ "error": self.sentence }))).into_response();
        self.add_headers(&mut response);
        response
    }
}
