//! Serves the built page from its folder.

use std::{
    io,
    path::{Path, PathBuf},
};

use axum::{
    body::Body,
    extract::{Extension, State},
    http::{
        HeaderMap, HeaderValue, Method, StatusCode, Uri,
        header::{
            ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG,
            IF_NONE_MATCH, VARY,
        },
    },
    response::{IntoResponse, Response},
};
use bayou_core::DatabaseName;
use tokio::task::spawn_blocking;

use crate::{
    failure::{Failure, REST},
    headers::page_policy,
    http::Relay,
    origin::CheckedHost,
};

/// The file that is the page.
pub(crate) const INDEX: &str = "index.html";

/// Names under here carry a hash of their content, so what was once fetched stays right.
const ASSETS: &str = "assets/";

/// Forms that the build may have put beside a file, best first.
const ENCODINGS: [(&str, &str); 2] = [("br", "br"), ("gzip", "gz")];

/// Answers everything that no other route takes.
pub(crate) async fn serve(
    State(relay): State<Relay>,
    Extension(CheckedHost(host)): Extension<CheckedHost>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
) -> Response {
    match find_answer(&relay, &method, uri.path(), &headers).await {
        Ok(mut response) => {
            response.headers_mut().insert(CONTENT_SECURITY_POLICY, page_policy(&host));
            response
        }
        Err(failure) => failure.at(uri.path()),
    }
}

async fn find_answer(relay: &Relay, method: &Method, path: &str, headers: &HeaderMap) -> Result<Response, Failure> {
    if path.starts_with(REST) {
        return Err(Failure::NOTHING_HERE);
    }
    if !matches!(*method, Method::GET | Method::HEAD) {
        return Err(Failure::READ_ONLY);
    }
    let folder = relay.options.page.clone().ok_or(Failure::NO_PAGE)?;
    let file = file_of(path)?;
    let found = {
        let (file, accepted) = (file.clone(), accepted_encodings(headers));
        spawn_blocking(move || find(&folder, &file, &accepted)).await
    };
    let found = match found.map_err(io::Error::from).flatten() {
        Ok(found) => found,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Err(if file == INDEX { Failure::PAGE_NOT_BUILT } else { Failure::NOTHING_HERE });
        }
        Err(error) => {
            tracing::error!(%file, %error, "a file of the page cannot be read");
            return Err(Failure::PAGE_UNREADABLE);
        }
    };
    Ok(answer(&file, found, headers))
}

/// The file, relative to the page's folder, that an address names.
fn file_of(path: &str) -> Result<String, Failure> {
    if path == "/" {
        return Ok(INDEX.to_owned());
    }
    if let Some(name) = path.strip_prefix("/d/") {
        return DatabaseName::parse(name).map(|_| INDEX.to_owned()).map_err(|_| Failure::NO_NAME);
    }
    // The build gives plain names. With anything else refused, no path leads out of the folder or to a hidden file.
    let plain = |segment: &str| {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
        !segment.is_empty() && !segment.starts_with('.') && segment.bytes().all(allowed)
    };
    match path.strip_prefix('/') {
        Some(file) if file.split('/').all(plain) => Ok(file.to_owned()),
        _ => Err(Failure::NOTHING_HERE),
    }
}

/// A file's content in the best form that is there and accepted.
#[derive(Debug)]
struct Found {
    bytes: Vec<u8>,
    encoding: Option<&'static str>,
}

fn find(folder: &Path, file: &str, accepted: &[&'static str]) -> io::Result<Found> {
    let plain = folder.join(file);
    for (encoding, extension) in ENCODINGS {
        if accepted.contains(&encoding) {
            let encoded = PathBuf::from(format!("{}.{extension}", plain.display()));
            match std::fs::read(encoded) {
                Ok(bytes) => return Ok(Found { bytes, encoding: Some(encoding) }),
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(error),
            }
        }
    }
    if plain.is_dir() {
        return Err(io::ErrorKind::NotFound.into());
    }
    Ok(Found { bytes: std::fs::read(plain)?, encoding: None })
}

/// Which of our encodings a client takes.
fn accepted_encodings(headers: &HeaderMap) -> Vec<&'static str> {
    let offers: Vec<&str> = headers
        .get_all(ACCEPT_ENCODING)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .collect();
    let is_accepted = |encoding: &str| {
        offers.iter().any(|offer| {
            let (name, quality) = offer.split_once(';').unwrap_or((offer, "q=1"));
            let refused = quality.trim().strip_prefix("q=").is_some_and(|quality| quality.parse() == Ok(0.0));
            name.trim().eq_ignore_ascii_case(encoding) && !refused
        })
    };
    ENCODINGS.iter().map(|(encoding, _)| *encoding).filter(|encoding| is_accepted(encoding)).collect()
}

fn answer(file: &str, found: Found, request: &HeaderMap) -> Response {
    let Found { bytes, encoding } = found;
    let etag = etag(&bytes);
    let mut response = if is_known(request, &etag) {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        let mut response = Response::new(Body::from(bytes));
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(media_type(file)));
        if let Some(encoding) = encoding {
            response.headers_mut().insert(CONTENT_ENCODING, HeaderValue::from_static(encoding));
        }
        response
    };
    let headers = response.headers_mut();
    let caching = if file.starts_with(ASSETS) { "public, max-age=31536000, immutable" } else { "no-cache" };
    headers.insert(CACHE_CONTROL, HeaderValue::from_static(caching));
    headers.insert(VARY, HeaderValue::from_static("accept-encoding"));
    headers.insert(ETAG, etag);
    response
}

/// Weak, for what is not compressed yet may be on its way to the client: the same content, not the same bytes.
fn etag(bytes: &[u8]) -> HeaderValue {
    let digest = blake3::hash(bytes).to_hex();
    HeaderValue::try_from(format!("W/\"{}\"", &digest[..32])).expect("hexadecimal digits are a header value")
}

fn is_known(request: &HeaderMap, etag: &HeaderValue) -> bool {
    let known = request.get_all(IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
    known.flat_map(|value| value.split(',')).any(|tag| tag.trim() == "*" || tag.trim() == etag)
}

/// With `nosniff` a browser takes this at its word: a script or an engine of another type is not run.
fn media_type(file: &str) -> &'static str {
    match file.rsplit_once('.').map_or("", |(_, extension)| extension) {
        "html" => "text/html; charset=utf-8",
        "js" | "mjs" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "wasm" => "application/wasm",
        "json" | "map" => "application/json",
        "webmanifest" => "application/manifest+json",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "jpg" | "jpeg" => "image/jpeg",
        "webp" => "image/webp",
        "ico" => "image/x-icon",
        "woff2" => "font/woff2",
        "txt" | "md" => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_paths_lead_to_files() {
        assert_eq!(file_of("/").unwrap(), "index.html");
        assert_eq!(file_of("/d/demo").unwrap(), "index.html");
        assert_eq!(file_of("/assets/index-Bx_1.js").unwrap(), "assets/index-Bx_1.js");
        for path in
            ["/../secret", "/a/../b", "/.git/config", "/%2e%2e/secret", "//x", "/a//b", "/a\\b", "/d/Demo", "/d/"]
        {
            assert!(file_of(path).is_err(), "{path}");
        }
    }

    #[test]
    fn an_encoding_is_used_only_if_it_is_accepted() {
        let accepted = |value: &'static str| {
            let headers = HeaderMap::from_iter([(ACCEPT_ENCODING, HeaderValue::from_static(value))]);
            accepted_encodings(&headers)
        };
        assert_eq!(accepted("gzip, deflate, br, zstd"), ["br", "gzip"]);
        assert_eq!(accepted("gzip;q=0.5, br;q=0"), ["gzip"]);
        assert_eq!(accepted("br; q=0.0"), [""; 0]);
        assert_eq!(accepted("identity"), [""; 0]);
    }
}
