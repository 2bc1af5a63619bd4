//! Files from and for the data folder of a relay that does not run.

use std::{
    fs,
    path::{Path, PathBuf},
};

use bayou_core::{Name, Predicate, Query, ReadOnlyCopy, View};
use bayou_relay::FILE_NAME;
use rusqlite::Connection;
use tempfile::TempDir;

use crate::support::{Client, Program, converge, name, note, run_to_end};

const DATABASE: [&str; 2] = ["--database", "demo"];

fn path(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// Runs the program to its end; its exit code and what it said on both outputs.
async fn run(command: &str, data: &Path, arguments: &[&str]) -> (Option<i32>, String) {
    let all = [&[command, "--data", path(data)], &DATABASE[..], arguments].concat();
    let output = run_to_end(&all).await;
    let said = [output.stdout, output.stderr].concat();
    (output.status.code(), String::from_utf8(said).unwrap())
}

async fn succeeds(command: &str, data: &Path, arguments: &[&str]) -> String {
    let (code, said) = run(command, data, arguments).await;
    assert_eq!(code, Some(0), "{said}");
    said
}

/// Checks that the program does nothing, and says so in one sentence.
async fn is_refused(command: &str, data: &Path, arguments: &[&str]) -> String {
    let (code, said) = run(command, data, arguments).await;
    assert_eq!((code, said.trim_end().lines().count()), (Some(1), 1), "{said}");
    said
}

/// All that a client holds.
fn whole(client: &Client) -> Vec<u8> {
    let files: Vec<_> = client.replica.export(None, usize::MAX).unwrap().collect();
    <[_; 1]>::try_from(files).unwrap()[0].clone().unwrap()
}

/// The data folder of a relay that has stopped, with two clients that know all it held: themselves.
async fn stopped_relay() -> (TempDir, Client, Client) {
    let data = tempfile::tempdir().unwrap();
    let relay = Program::start(data.path()).await;
    let mut ada = Client::joined(relay.address, name("demo")).await;
    let mut bert = Client::joined(relay.address, name("demo")).await;
    converge(&mut [&mut ada, &mut bert], 2).await;
    assert_eq!(relay.signal("TERM").await.code, Some(0));
    ada.disconnect();
    bert.disconnect();
    (data, ada, bert)
}

#[tokio::test]
async fn files_carry_a_write_into_a_data_folder_and_its_commit_out_of_it() {
    let (data, mut ada, mut bert) = stopped_relay().await;
    let folder = tempfile::tempdir().unwrap();
    let [from_ada, reader, for_bert] = ["from-ada", "bert-state", "for-bert"].map(|name| folder.path().join(name));
    let write = ada.submit(note("by file", "without any link"));
    fs::write(&from_ada, whole(&ada)).unwrap();
    let said = succeeds("import", data.path(), &[path(&from_ada)]).await;
    assert!(said.contains("from-ada, with 1 new writes; held through commit 3."), "{said}");
    let said = succeeds("import", data.path(), &[path(&from_ada), path(&from_ada)]).await;
    assert_eq!(said.matches(", with 0 new writes; held through commit 3.").count(), 2, "{said}");

    fs::write(&reader, bert.replica.reader_state().unwrap().to_bytes()).unwrap();
    let arguments = ["--out", path(&for_bert), "--reader", path(&reader)];
    let said = succeeds("export", data.path(), &arguments).await;
    assert!(said.contains("through commit 3") && said.contains("for-bert"), "{said}");
    let import = bert.import(&fs::read(&for_bert).unwrap()).unwrap();
    assert_eq!((import.writes, import.commits, import.complete), (1, 1, true));
    assert!(bert.replica.status(&write).unwrap().is_committed());

    let relay = Program::start(data.path()).await;
    ada.connect(relay.address).await;
    bert.connect(relay.address).await;
    converge(&mut [&mut ada, &mut bert], 3).await;
    assert_eq!(relay.signal("TERM").await.code, Some(0));
}

#[tokio::test]
async fn an_export_of_bounded_files_is_a_numbered_chain_that_anybody_can_read() {
    let (data, mut ada, _) = stopped_relay().await;
    let folder = tempfile::tempdir().unwrap();
    let (from_ada, out) = (folder.path().join("from-ada"), folder.path().join("demo.bayou"));
    ada.submit_many(30, 50_000);
    fs::write(&from_ada, whole(&ada)).unwrap();
    succeeds("import", data.path(), &[path(&from_ada)]).await;
    let said = succeeds("export", data.path(), &["--out", path(&out), "--max-mib", "1"]).await;
    assert!(said.contains("2 files") && said.contains("demo-1.bayou") && said.contains("demo-2.bayou"), "{said}");
    let names = ["demo-1.bayou", "demo-2.bayou"].map(|name| folder.path().join(name));
    let chain = names.map(|name| fs::read(name).unwrap());
    assert!(chain.iter().all(|file| file.len() <= 1024 * 1024));
    let copy = ReadOnlyCopy::open(&chain).unwrap();
    assert!(copy.is_whole());
    assert_eq!(copy.csn().get(), 32);

    let said = is_refused("export", data.path(), &["--out", path(&out), "--max-mib", "1"]).await;
    assert!(said.contains("demo-1.bayou") && said.contains("--out"), "nothing is overwritten: {said}");
    assert_eq!(fs::read(folder.path().join("demo-1.bayou")).unwrap(), chain[0]);
}

#[tokio::test]
async fn a_file_that_cannot_be_used_is_told_and_changes_nothing() {
    let (data, mut ada, _) = stopped_relay().await;
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, bytes: &[u8]| -> PathBuf {
        let path = folder.path().join(name);
        fs::write(&path, bytes).unwrap();
        path
    };
    ada.submit(note("a", "in a file that is damaged"));
    let mut bytes = whole(&ada);
    let last = bytes.len() - 20;
    bytes[last] ^= 1;
    let damaged = file("damaged", &bytes);
    let (_elsewhere, other, _) = stopped_relay().await;
    let other = file("other", &whole(&other));

    for (unusable, reason) in [(&damaged, "damaged"), (&other, "is of database"), (&folder.path().join("no"), "read")] {
        let said = is_refused("import", data.path(), &[path(unusable)]).await;
        assert!(said.contains(reason) && said.contains("nothing has changed"), "{said}");
    }
    let (out, no_state) = (folder.path().join("out"), file("no-state", b"no state"));
    let arguments = ["--out", path(&out), "--reader", path(&no_state)];
    let said = is_refused("export", data.path(), &arguments).await;
    assert!(said.contains("no-state") && said.contains("have it written anew"), "{said}");
    let said = succeeds("export", data.path(), &["--out", path(&out)]).await;
    assert!(said.contains("through commit 2"), "{said}");
}

#[tokio::test]
async fn files_are_for_a_database_that_is_there_and_that_nobody_runs() {
    let data = tempfile::tempdir().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    let export = ["--out", path(&out)];
    for (command, arguments) in [("export", &export[..]), ("import", &[path(&out)])] {
        let said = is_refused(command, data.path(), arguments).await;
        assert!(said.contains("no store") && said.contains("--data"), "{said}");
    }
    let relay = Program::start(data.path()).await;
    for (command, arguments) in [("export", &export[..]), ("import", &[path(&out)])] {
        let said = is_refused(command, data.path(), arguments).await;
        assert!(said.contains("Another relay"), "{said}");
    }
    relay.signal("TERM").await;
    for (command, arguments) in [("export", &export[..]), ("import", &[path(&out)])] {
        let said = is_refused(command, data.path(), arguments).await;
        assert!(said.contains("no database of this name") && said.contains("--database"), "{said}");
    }
    assert!(!out.exists());
}

#[tokio::test]
async fn of_a_damaged_store_what_can_be_read_is_exported_and_the_damage_is_told() {
    let (data, mut ada, mut bert) = stopped_relay().await;
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("rest.bayou");
    let relay = Program::start(data.path()).await;
    ada.connect(relay.address).await;
    for number in 0..3 {
        ada.submit(note(&format!("note-{number}"), "each in a batch of its own"));
        ada.until("the commit", |client| client.has_all(3 + number)).await;
    }
    relay.signal("TERM").await;
    let store = Connection::open(data.path().join(FILE_NAME)).unwrap();
    let damage = "UPDATE batches SET bytes = x'00' WHERE number = (SELECT max(number) - 1 FROM batches)";
    assert_eq!(store.execute(damage, []).unwrap(), 1);
    drop(store);

    let (code, said) = run("export", data.path(), &["--out", path(&out)]).await;
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("is damaged") && said.contains("what could be read, through commit"), "{said}");
    let file = fs::read(&out).unwrap();
    let copy = ReadOnlyCopy::open([&file]).unwrap();
    let query = Query::new(Name::new("notes").unwrap(), Predicate::All);
    assert!(!copy.read(View::Committed, &query).unwrap().is_empty());
    assert!(copy.csn().get() < 5);
    assert!(bert.import(&file).unwrap().complete);
    assert_eq!(bert.replica.csn(), copy.csn());
}
