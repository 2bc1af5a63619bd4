//! Headers that every answer carries.

use axum::{
    http::{
        HeaderName, HeaderValue,
        header::{CONTENT_SECURITY_POLICY, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS},
        uri::Authority,
    },
    response::Response,
};

/// The policy of answers that are no page: whatever a browser takes them for, they can do nothing.
const NOTHING: HeaderValue = HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'");

/// Adds them, and a policy where the handler has set none.
pub(crate) async fn secure(mut response: Response) -> Response {
    let headers = response.headers_mut();
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers.insert(HeaderName::from_static("cross-origin-opener-policy"), HeaderValue::from_static("same-origin"));
    headers.insert(HeaderName::from_static("cross-origin-resource-policy"), HeaderValue::from_static("same-origin"));
    headers.entry(CONTENT_SECURITY_POLICY).or_insert(NOTHING);
    response
}

/// The policy of the page: its own files, its engine, and sockets to the host it came from.
///
/// `'self'` covers sockets of the same host by the current standard; they are named for browsers of before it. (A policy
/// cannot name an IPv6 address.)
pub(crate) fn page_policy(host: &Authority) -> HeaderValue {
    let sockets = if host.as_str().starts_with('[') { String::new() } else { format!(" ws://{host} wss://{host}") };
    let policy = format!(
        "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; img-src 'self' data:; \
         connect-src 'self'{sockets}; object-src 'none'; base-uri 'none'; form-action 'self'; \
         frame-ancestors 'none'"
    );
    HeaderValue::try_from(policy).expect("an authority has visible ASCII characters only")
}
