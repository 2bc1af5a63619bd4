//! The static page and its headers.

use std::sync::Arc;

use bayou_relay::{MemoryStore, Options};
use tempfile::TempDir;

use crate::support::{TestRelay, page_folder, request};

async fn relay_with_page() -> (TestRelay, TempDir) {
    let folder = page_folder();
    let options = Options { page: Some(folder.path().to_owned()), ..Options::default() };
    (TestRelay::start_with(Arc::new(MemoryStore::new()), options).await, folder)
}

#[tokio::test]
async fn the_page_is_served_at_the_root_and_for_every_database() {
    let (relay, _folder) = relay_with_page().await;
    for path in ["/", "/d/demo", "/d/another-1", "/index.html", "/?relay=off"] {
        let answer = request(relay.address, "GET", path, &[]).await;
        assert_eq!(answer.status, 200, "{path}");
        assert_eq!(answer.header("content-type"), Some("text/html; charset=utf-8"));
        assert_eq!(answer.header("cache-control"), Some("no-cache"));
        assert!(answer.text().contains("<title>Bayou</title>"));
    }
    for path in ["/d/Demo", "/d/", "/d/a/b", "/nothing", "/assets/nothing.js", "/assets", "/.secret", "/../Cargo.toml"]
    {
        let answer = request(relay.address, "GET", path, &[]).await;
        assert_eq!(answer.status, 404, "{path}");
        assert_eq!(answer.header("content-type"), Some("text/plain; charset=utf-8"));
        assert!(answer.text().ends_with(".\n"), "a sentence: {}", answer.text());
    }
    assert_eq!(request(relay.address, "POST", "/", &[]).await.status, 405);
    let head = request(relay.address, "HEAD", "/", &[]).await;
    assert_eq!((head.status, head.body.len()), (200, 0));
}

#[tokio::test]
async fn the_page_may_run_its_own_files_and_speak_to_its_own_host_only() {
    let (relay, _folder) = relay_with_page().await;
    let answer = request(relay.address, "GET", "/", &[]).await;
    let policy = answer.header("content-security-policy").unwrap();
    for part in [
        "default-src 'self'",
        "script-src 'self' 'wasm-unsafe-eval'",
        &format!("connect-src 'self' ws://{0} wss://{0}", relay.address),
        "frame-ancestors 'none'",
        "object-src 'none'",
        "base-uri 'none'",
    ] {
        assert!(policy.split("; ").any(|found| found == part), "{part} in {policy}");
    }
    assert!(!policy.contains("unsafe-inline"), "{policy}");
    assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
    assert_eq!(answer.header("referrer-policy"), Some("no-referrer"));
    assert_eq!(answer.header("cross-origin-opener-policy"), Some("same-origin"));
}

#[tokio::test]
async fn an_unchanged_page_is_not_sent_again_and_a_changed_one_is() {
    let (relay, folder) = relay_with_page().await;
    let first = request(relay.address, "GET", "/", &[]).await;
    let etag = first.header("etag").unwrap();
    let again = request(relay.address, "GET", "/d/demo", &[("If-None-Match", etag)]).await;
    assert_eq!((again.status, again.body.len()), (304, 0));
    assert_eq!(again.header("etag"), Some(etag));

    std::fs::write(folder.path().join("index.html"), "<!doctype html><title>Bayou 2</title>").unwrap();
    let changed = request(relay.address, "GET", "/", &[("If-None-Match", etag)]).await;
    assert_eq!(changed.status, 200);
    assert!(changed.text().contains("Bayou 2"));
}

#[tokio::test]
async fn assets_are_kept_for_ever_and_sent_as_the_build_compressed_them() {
    let (relay, _folder) = relay_with_page().await;
    let path = "/assets/engine-1a2b.wasm";
    for (accepted, encoding, body) in [
        ("gzip, deflate, br, zstd", Some("br"), &b"stands for brotli"[..]),
        ("gzip", Some("gzip"), b"stands for gzip"),
        ("br;q=0, identity", None, b"\0asm plain"),
    ] {
        let answer = request(relay.address, "GET", path, &[("Accept-Encoding", accepted)]).await;
        assert_eq!(answer.header("content-encoding"), encoding);
        assert_eq!(answer.body, body);
        assert_eq!(answer.header("content-type"), Some("application/wasm"));
        assert_eq!(answer.header("cache-control"), Some("public, max-age=31536000, immutable"));
        assert_eq!(answer.header("vary").map(str::to_ascii_lowercase).as_deref(), Some("accept-encoding"));
    }
}

/// A browser compares what it is sent with what it runs. From a copy it would never learn of a new version.
#[tokio::test]
async fn the_service_worker_and_the_manifest_are_asked_for_each_time() {
    let (relay, folder) = relay_with_page().await;
    for (path, media_type) in
        [("/sw.js", "text/javascript; charset=utf-8"), ("/manifest.webmanifest", "application/manifest+json")]
    {
        let answer = request(relay.address, "GET", path, &[]).await;
        assert_eq!(answer.status, 200, "{path}");
        assert_eq!(answer.header("content-type"), Some(media_type));
        assert_eq!(answer.header("cache-control"), Some("no-cache"));
        let etag = answer.header("etag").unwrap();
        assert_eq!(request(relay.address, "GET", path, &[("If-None-Match", etag)]).await.status, 304);
        std::fs::write(folder.path().join(&path[1..]), "another").unwrap();
        let changed = request(relay.address, "GET", path, &[("If-None-Match", etag)]).await;
        assert_eq!((changed.status, &changed.body[..]), (200, &b"another"[..]));
    }
}

#[tokio::test]
async fn what_the_build_left_plain_is_compressed_on_the_way() {
    let (relay, _folder) = relay_with_page().await;
    let path = "/assets/index-3c4d.js";
    let plain = request(relay.address, "GET", path, &[]).await;
    assert_eq!(plain.header("content-encoding"), None);
    assert_eq!(plain.header("content-type"), Some("text/javascript; charset=utf-8"));
    for encoding in ["br", "gzip"] {
        let answer = request(relay.address, "GET", path, &[("Accept-Encoding", encoding)]).await;
        assert_eq!(answer.header("content-encoding"), Some(encoding));
        assert!(answer.header("vary").is_some());
        assert!(answer.body.len() < plain.body.len() / 4, "{} of {} bytes", answer.body.len(), plain.body.len());
    }
}

#[tokio::test]
async fn a_page_that_is_not_there_is_explained_in_a_sentence() {
    let folder = tempfile::tempdir().unwrap();
    let options = Options { page: Some(folder.path().to_owned()), ..Options::default() };
    let not_built = TestRelay::start_with(Arc::new(MemoryStore::new()), options).await;
    let answer = request(not_built.address, "GET", "/", &[]).await;
    assert_eq!(answer.status, 404);
    assert!(answer.text().contains("cargo xtask build"), "{}", answer.text());

    let none = TestRelay::start().await;
    let answer = request(none.address, "GET", "/", &[]).await;
    assert!(answer.text().contains("serves no page"), "{}", answer.text());
}
