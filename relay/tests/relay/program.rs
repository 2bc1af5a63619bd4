//! The program: its one line, its options, and its one sentence when it cannot serve.

use std::{net::TcpListener, path::Path};

use bayou_relay::{FILE_NAME, FORMAT_VERSION};

use crate::support::{Client, Program, name, page_folder, request, run_to_end};

/// Runs the program with arguments that it cannot serve with, and checks that it says so in one sentence.
async fn refusal(arguments: &[&str]) -> String {
    let output = run_to_end(arguments).await;
    let (stdout, stderr) = (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
    assert_eq!(output.status.code(), Some(1), "{stderr}");
    assert_eq!(stdout, "");
    assert_eq!(stderr.trim_end().lines().count(), 1, "one sentence: {stderr}");
    stderr
}

fn arguments<'a>(listen: &'a str, data: &'a Path) -> [&'a str; 5] {
    ["--listen", listen, "--data", data.to_str().unwrap(), "--no-page"]
}

#[tokio::test]
async fn it_prints_where_it_is_and_ends_with_0_at_a_signal() {
    for signal in ["TERM", "INT"] {
        let data = tempfile::tempdir().unwrap();
        let relay = Program::start(data.path()).await;
        assert_eq!(relay.line, format!("Bayou is running at http://{}/", relay.address));
        assert_eq!(request(relay.address, "GET", "/healthz", &[]).await.status, 200);
        let ended = relay.signal(signal).await;
        assert_eq!(ended.code, Some(0), "{}", ended.log);
    }
}

#[tokio::test]
async fn it_serves_the_page_of_a_folder() {
    let (data, page) = (tempfile::tempdir().unwrap(), page_folder());
    let relay = Program::start_with(data.path(), &["--page", page.path().to_str().unwrap()]).await;
    assert_eq!(request(relay.address, "GET", "/d/demo", &[]).await.status, 200);
    relay.signal("TERM").await;
}

#[tokio::test]
async fn it_logs_json_if_asked_to() {
    let data = tempfile::tempdir().unwrap();
    let relay = Program::start_with(data.path(), &["--no-page", "--log-format", "json"]).await;
    Client::joined(relay.address, name("demo")).await;
    let ended = relay.signal("TERM").await;
    assert!(!ended.log.is_empty());
    for line in ended.log.lines() {
        let line: serde_json::Value = serde_json::from_str(line).unwrap();
        assert!(line["level"].is_string() && line["timestamp"].is_string());
    }
}

#[tokio::test]
async fn a_second_relay_on_the_same_data_is_refused_and_the_first_goes_on() {
    let data = tempfile::tempdir().unwrap();
    let first = Program::start(data.path()).await;
    let sentence = refusal(&arguments("127.0.0.1:0", data.path())).await;
    assert!(sentence.contains("Another relay") && sentence.contains("--data"), "{sentence}");
    Client::joined(first.address, name("demo")).await;
    first.kill().await;

    Program::start(data.path()).await.signal("TERM").await;
}

#[tokio::test]
async fn a_port_in_use_is_told() {
    let data = tempfile::tempdir().unwrap();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let sentence = refusal(&arguments(&address, data.path())).await;
    assert!(sentence.contains(&address) && sentence.contains("--listen"), "{sentence}");
}

#[tokio::test]
async fn an_address_that_is_none_is_told() {
    let data = tempfile::tempdir().unwrap();
    let sentence = refusal(&arguments("nonsense", data.path())).await;
    assert!(sentence.contains("nonsense") && sentence.contains("--listen"), "{sentence}");
}

#[tokio::test]
async fn a_host_name_that_could_never_match_is_told() {
    for host in ["rooms.example:443", "https://rooms.example", ""] {
        let output = run_to_end(&["--no-page", "--allow-host", host]).await;
        assert_eq!(output.status.code(), Some(2), "{host}");
        assert!(String::from_utf8(output.stderr).unwrap().contains("host name without"), "{host}");
    }
}

#[tokio::test]
async fn a_data_folder_that_cannot_be_used_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    std::fs::write(&file, "in the way").unwrap();
    for data in [file.clone(), file.join("below")] {
        let sentence = refusal(&arguments("127.0.0.1:0", &data)).await;
        assert!(sentence.contains("cannot be used") && sentence.contains("--data"), "{sentence}");
    }
}

#[tokio::test]
async fn a_store_that_cannot_be_used_is_told() {
    let data = tempfile::tempdir().unwrap();
    Program::start(data.path()).await.signal("TERM").await;
    let store = data.path().join(FILE_NAME);
    let connection = rusqlite::Connection::open(&store).unwrap();
    connection.execute("UPDATE format SET version = ?1", [FORMAT_VERSION + 1]).unwrap();
    drop(connection);
    let sentence = refusal(&arguments("127.0.0.1:0", data.path())).await;
    assert!(sentence.contains("newer relay"), "{sentence}");

    std::fs::write(&store, "a text in the place of the store, long enough to be read as one").unwrap();
    let sentence = refusal(&arguments("127.0.0.1:0", data.path())).await;
    assert!(sentence.contains("not a store"), "{sentence}");
}

#[tokio::test]
async fn the_primary_role_is_taken_only_of_a_database_that_is_there_and_that_nobody_runs() {
    let (data, empty) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let folder = data.path().to_str().unwrap();
    let relay = Program::start(data.path()).await;
    Client::joined(relay.address, name("demo")).await;
    let sentence = refusal(&["take-over", "--data", folder, "--database", "demo"]).await;
    assert!(sentence.contains("Another relay"), "{sentence}");
    relay.signal("TERM").await;

    let sentence = refusal(&["take-over", "--data", folder, "--database", "demi"]).await;
    assert!(sentence.contains("demi") && sentence.contains("no database of this name"), "{sentence}");
    let nowhere = empty.path().join("nowhere");
    let sentence = refusal(&["take-over", "--data", nowhere.to_str().unwrap(), "--database", "demo"]).await;
    assert!(sentence.contains("no store") && sentence.contains("--data"), "{sentence}");
    assert!(!nowhere.exists(), "nothing is made");
}

#[tokio::test]
async fn a_page_that_has_not_been_built_is_told() {
    let (data, page) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let sentence = refusal(&[
        "--listen",
        "127.0.0.1:0",
        "--data",
        data.path().to_str().unwrap(),
        "--page",
        page.path().to_str().unwrap(),
    ])
    .await;
    assert!(sentence.contains("cargo xtask build") && sentence.contains("--page"), "{sentence}");
}
