//! A relay whose store was set back to an old copy: it takes the primary role anew, and no commit is given out twice.

use std::{collections::BTreeMap, net::SocketAddr, path::Path};

use bayou_core::{Csn, Event, Term, View, WriteId};
use tempfile::TempDir;

use crate::support::{Client, Program, converge, name, note, request, run_to_end};

/// A copy of a data folder on which no relay runs.
fn copy(data: &Path) -> TempDir {
    let copy = tempfile::tempdir().unwrap();
    for file in std::fs::read_dir(data).unwrap() {
        let file = file.unwrap();
        std::fs::copy(file.path(), copy.path().join(file.file_name())).unwrap();
    }
    copy
}

async fn take_over(data: &Path) -> String {
    let output = run_to_end(&["take-over", "--data", data.to_str().unwrap(), "--database", "demo"]).await;
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

async fn resume(relay: SocketAddr) {
    let resumed = request(relay, "POST", "/v1/databases/demo/commits/resume", &[]).await;
    assert_eq!(resumed.status, 204, "{}", resumed.text());
}

/// Which write each client saw under which number, by term.
#[derive(Default)]
struct Seen(BTreeMap<(Term, Csn), WriteId>);

impl Seen {
    /// Adds what a client holds, and checks that no number within a term was given twice.
    fn add(&mut self, client: &Client) {
        for row in client.replica.inspect(usize::MAX).log {
            let Some((csn, term)) = row.committed else { continue };
            let before = self.0.insert((term, csn), row.id.clone());
            assert!(before.is_none_or(|before| before == row.id), "commit {csn} of {term:?} was given twice");
        }
    }
}

/// Two clients, of which the second has left before the first wrote what the copy of the store does not hold.
struct Accident {
    data: TempDir,
    knows_more: Client,
    knows_less: Client,
    /// The write that the copy does not hold.
    later: WriteId,
    seen: Seen,
}

/// Everything up to the start of the relay on an old copy of its store.
async fn accident() -> Accident {
    let data = tempfile::tempdir().unwrap();
    let relay = Program::start(data.path()).await;
    let mut knows_more = Client::joined(relay.address, name("demo")).await;
    let mut knows_less = Client::joined(relay.address, name("demo")).await;
    knows_more.submit(note("early", "in the copy"));
    converge(&mut [&mut knows_more, &mut knows_less], 3).await;
    relay.signal("TERM").await;
    let copy = copy(data.path());

    let relay = Program::start(data.path()).await;
    knows_more.connect(relay.address).await;
    let later = knows_more.submit(note("later", "not in the copy"));
    knows_more.until("the commit", |client| client.has_all(4)).await;
    relay.kill().await;
    knows_more.disconnect();
    let mut seen = Seen::default();
    seen.add(&knows_more);
    Accident { data: copy, knows_more, knows_less, later, seen }
}

#[tokio::test]
async fn a_restored_relay_takes_later_commits_from_a_replica_that_knows_them_before_it_gives_out_its_own() {
    let Accident { data, mut knows_more, mut knows_less, later, mut seen } = accident().await;
    let words = take_over(data.path()).await;
    assert!(words.contains("commit 3") && words.contains("lost") && words.contains("resume"), "{words}");
    assert_eq!(take_over(data.path()).await, words, "twice is the same as once");

    let relay = Program::start(data.path()).await;
    let answer = request(relay.address, "GET", "/v1/databases/demo", &[]).await;
    assert!(answer.text().contains(r#""csn":3"#) && answer.text().contains(r#""paused":true"#), "{}", answer.text());
    knows_less.connect(relay.address).await;
    let meanwhile = knows_less.submit(note("meanwhile", "while nothing is committed"));
    knows_less
        .until("the relay holds the write", |client| !client.acknowledged(std::slice::from_ref(&meanwhile)).is_empty())
        .await;
    assert_eq!(knows_less.replica.csn().get(), 3, "nothing is committed before it is resumed");

    knows_more.events.clear();
    knows_more.connect(relay.address).await;
    knows_more.until("it has told what it knows", Client::has_caught_up).await;
    knows_less.until("the later commit, from the old term", |client| client.replica.csn().get() == 4).await;
    assert!(knows_less.replica.status(&later).unwrap().is_committed());
    resume(relay.address).await;
    // The beginning of the term, and what waited.
    converge(&mut [&mut knows_more, &mut knows_less], 6).await;
    assert_eq!(knows_more.notes(View::Committed).len(), 3);
    let mut newcomer = Client::joined(relay.address, name("demo")).await;
    converge(&mut [&mut knows_more, &mut knows_less, &mut newcomer], 7).await;
    for client in [&knows_more, &knows_less, &newcomer] {
        seen.add(client);
    }
    let ended = relay.signal("TERM").await;
    assert_eq!(ended.code, Some(0), "{}", ended.log);
}

#[tokio::test]
async fn commits_that_nobody_brings_in_time_are_void_and_their_writes_are_committed_anew() {
    let Accident { data, mut knows_more, mut knows_less, later, mut seen } = accident().await;
    take_over(data.path()).await;
    let relay = Program::start(data.path()).await;
    resume(relay.address).await;
    knows_less.connect(relay.address).await;
    knows_less.submit(note("instead", "under the number of another write, in a later term"));
    knows_less.until("the commits", |client| client.has_all(5)).await;
    seen.add(&knows_less);

    knows_more.connect(relay.address).await;
    while !knows_more.has_all(6) {
        // The session that brought the news of the later term is begun anew.
        if knows_more.closed.is_some() {
            knows_more.connect(relay.address).await;
        }
        knows_more.until("the commits or the end", |client| client.has_all(6) || client.closed.is_some()).await;
    }
    converge(&mut [&mut knows_more, &mut knows_less], 6).await;
    let voided = Event::CommitsVoided { after: Csn::new(3).unwrap(), count: 1 };
    assert!(knows_more.events.contains(&voided), "{:?}", knows_more.events);
    assert!(knows_more.replica.status(&later).unwrap().is_committed());
    for key in ["early", "later", "instead"] {
        assert!(knows_less.notes(View::Committed).contains_key(key), "{key}");
    }
    seen.add(&knows_more);
    seen.add(&knows_less);
    relay.signal("TERM").await;
}

#[tokio::test]
async fn a_restored_relay_that_nobody_told_finds_it_out_and_gives_out_no_commit_twice() {
    let Accident { data, mut knows_more, mut knows_less, mut seen, .. } = accident().await;
    let relay = Program::start(data.path()).await;
    knows_more.connect(relay.address).await;
    knows_more.until("it hears that commits are paused", |client| client.replica.commits_paused()).await;
    knows_less.connect(relay.address).await;
    knows_less.submit(note("meanwhile", "while nothing is committed"));
    knows_less.until("the later commit", |client| client.replica.csn().get() == 4).await;
    resume(relay.address).await;
    converge(&mut [&mut knows_more, &mut knows_less], 6).await;
    seen.add(&knows_more);
    seen.add(&knows_less);
    let ended = relay.signal("TERM").await;
    assert!(ended.log.contains("old copy"), "{}", ended.log);
}
