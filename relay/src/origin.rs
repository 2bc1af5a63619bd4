//! Whom a request is addressed to, and which page has sent it.
//!
//! Loopback is no protection by itself. Any page in the same browser can send requests to it, and can give a name of
//! its own the address 127.0.0.1 (DNS rebinding) so that they even look like its own. The first shows in `Origin`,
//! the second in `Host`.

use std::net::{Ipv4Addr, Ipv6Addr};

use axum::{
    extract::{Request, State},
    http::{
        HeaderMap, Uri,
        header::{HOST, ORIGIN},
        uri::Authority,
    },
    middleware::Next,
    response::Response,
};

use crate::{failure::Failure, http::Relay};

/// The host by which this relay was addressed, once it is checked.
#[derive(Clone, Debug)]
pub(crate) struct CheckedHost(pub(crate) Authority);

/// Lets a request pass that is addressed to this relay and comes from its own page or from no page.
pub(crate) async fn check(State(relay): State<Relay>, mut request: Request, next: Next) -> Response {
    match check_headers(request.headers(), &relay.options.allowed_hosts) {
        Ok(host) => {
            request.extensions_mut().insert(CheckedHost(host));
            next.run(request).await
        }
        Err(failure) => {
            let (host, origin) = (request.headers().get(HOST), request.headers().get(ORIGIN));
            tracing::warn!(path = request.uri().path(), ?host, ?origin, "refused: {}", failure.sentence());
            failure.at(request.uri().path())
        }
    }
}

fn check_headers(headers: &HeaderMap, allowed_hosts: &[String]) -> Result<Authority, Failure> {
    let host: Authority = single(headers, HOST).and_then(|host| host.parse().ok()).ok_or(Failure::NO_HOST)?;
    if host.as_str().contains('@') {
        return Err(Failure::NO_HOST);
    }
    if !is_loopback(host.host()) && !allowed_hosts.iter().any(|allowed| allowed.eq_ignore_ascii_case(host.host())) {
        return Err(Failure::other_host(host.host()));
    }
    // Browsers send `Origin` with every socket and every POST; programs that are no browser send none.
    if headers.contains_key(ORIGIN) {
        let origin: Option<Uri> = single(headers, ORIGIN).and_then(|origin| origin.parse().ok());
        if !origin.is_some_and(|origin| is_same_host(&origin, &host)) {
            return Err(Failure::OTHER_ORIGIN);
        }
    }
    Ok(host)
}

fn single(headers: &HeaderMap, name: axum::http::HeaderName) -> Option<&str> {
    let mut values = headers.get_all(name).iter();
    let value = values.next()?.to_str().ok()?;
    values.next().is_none().then_some(value)
}

fn is_loopback(host: &str) -> bool {
    if let Some(bracketed) = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')) {
        return bracketed.parse().is_ok_and(|address: Ipv6Addr| address.is_loopback());
    }
    host.eq_ignore_ascii_case("localhost") || host.parse().is_ok_and(|address: Ipv4Addr| address.is_loopback())
}

/// Whether the page came from the host that it now speaks to. The scheme is left open, for a proxy may end TLS; it
/// only says which port is meant where none is named.
fn is_same_host(origin: &Uri, host: &Authority) -> bool {
    let default_port = match origin.scheme_str() {
        Some("http") => 80,
        Some("https") => 443,
        _ => return false,
    };
    origin.authority().is_some_and(|origin| {
        origin.host().eq_ignore_ascii_case(host.host())
            && origin.port_u16().unwrap_or(default_port) == host.port_u16().unwrap_or(default_port)
    })
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn is_accepted(host: &'static str, origin: Option<&'static str>) -> bool {
        let mut headers = HeaderMap::new();
        headers.insert(HOST, HeaderValue::from_static(host));
        if let Some(origin) = origin {
            headers.insert(ORIGIN, HeaderValue::from_static(origin));
        }
        check_headers(&headers, &["rooms.example".to_owned()]).is_ok()
    }

    #[test]
    fn loopback_hosts_and_allowed_names_are_accepted() {
        for host in ["127.0.0.1:8787", "127.1.2.3", "localhost", "LOCALHOST:1", "[::1]:8787", "rooms.example:443"] {
            assert!(is_accepted(host, None), "{host}");
        }
        for host in ["evil.example", "127.0.0.1.evil.example", "localhost.evil.example", "192.168.0.7:8787", "[::2]"] {
            assert!(!is_accepted(host, None), "{host}");
        }
        for host in ["", "a b", "user@127.0.0.1", "127.0.0.1;x"] {
            assert!(!is_accepted(host, None), "{host}");
        }
    }

    #[test]
    fn an_origin_must_be_the_host_itself() {
        assert!(is_accepted("127.0.0.1:8787", Some("http://127.0.0.1:8787")));
        assert!(is_accepted("rooms.example", Some("https://rooms.example")));
        assert!(is_accepted("rooms.example:443", Some("https://rooms.example")));
        assert!(is_accepted("localhost:80", Some("http://localhost")));
        for origin in [
            "null",
            "http://127.0.0.1:8788",
            "http://localhost:8787",
            "http://evil.example",
            "http://127.0.0.1:8787.evil.example",
            "file://127.0.0.1:8787",
            "",
        ] {
            assert!(!is_accepted("127.0.0.1:8787", Some(origin)), "{origin}");
        }
    }

    #[test]
    fn a_request_with_two_hosts_or_none_is_refused() {
        let mut headers = HeaderMap::new();
        assert!(check_headers(&headers, &[]).is_err());
        headers.append(HOST, HeaderValue::from_static("localhost"));
        headers.append(HOST, HeaderValue::from_static("evil.example"));
        assert!(check_headers(&headers, &[]).is_err());
    }
}
