//! What the relay has acknowledged survives whatever happens to it.

use std::collections::{BTreeMap, BTreeSet};

use bayou_core::{Csn, WriteId};
use bayou_relay::Options;
use futures_util::future::join_all;
use tokio::sync::watch;

use crate::support::{Client, GatedStore, Program, TestRelay, converge, name, note, request, within_deadline};

/// What clients know at the moment of a crash, and may rely on.
#[derive(Default)]
struct Known {
    acknowledged: Vec<WriteId>,
    commits: BTreeMap<Csn, WriteId>,
}

impl Known {
    fn of(clients: &[Client], written: &[Vec<WriteId>]) -> Self {
        let mut known = Self::default();
        for (client, written) in clients.iter().zip(written) {
            known.acknowledged.extend(client.acknowledged(written));
            for write in client.committed() {
                let csn = client.replica.status(&write).unwrap().csn.unwrap();
                let before = known.commits.insert(csn, write.clone());
                assert!(before.is_none_or(|before| before == write), "clients agree on commit {csn}");
            }
        }
        known
    }

    fn assert_held_by(&self, client: &Client) {
        for write in &self.acknowledged {
            assert!(client.replica.status(write).is_some(), "{write} was acknowledged");
        }
        for (csn, write) in &self.commits {
            assert_eq!(client.replica.status(write).and_then(|status| status.csn), Some(*csn), "{write} was committed");
        }
    }
}

#[tokio::test]
async fn a_relay_killed_in_mid_load_has_lost_nothing_that_it_acknowledged() {
    let data = tempfile::tempdir().unwrap();
    let mut relay = Program::start(data.path()).await;
    let mut clients = Vec::new();
    for _ in 0..3 {
        clients.push(Client::joined(relay.address, name("demo")).await);
    }
    let mut replicas: Vec<_> = clients.iter().map(|client| client.replica.id().unwrap().clone()).collect();
    let mut written = vec![Vec::new(); clients.len()];

    for round in 1..=3 {
        // All write without a pause until the relay dies, with writes at every stage between a client and the disk.
        let acknowledgements = watch::Sender::new(0);
        let load = join_all(clients.iter_mut().zip(&mut written).map(async |(client, written)| {
            while client.closed.is_none() {
                let some = client.submit_many(5, 200);
                client
                    .until("an acknowledgement, or the end of the relay", |client| {
                        client.closed.is_some() || !client.acknowledged(&some[..1]).is_empty()
                    })
                    .await;
                written.extend(some);
                acknowledgements.send_modify(|count| *count += 1);
            }
        }));
        let death = async {
            acknowledgements.subscribe().wait_for(|count| *count >= 10 * round).await.unwrap();
            relay.kill().await;
        };
        tokio::join!(load, death);
        let known = Known::of(&clients, &written);
        assert!(known.acknowledged.len() >= 10 * round && known.commits.len() >= replicas.len());

        relay = Program::start(data.path()).await;
        let mut observer = Client::joined(relay.address, name("demo")).await;
        let creation = observer.replica.id().unwrap().creation().unwrap();
        let is_committed =
            |client: &Client| client.replica.status(&creation).is_some_and(|status| status.csn.is_some());
        observer.until("the creation of the observer is committed", is_committed).await;
        known.assert_held_by(&observer);
        replicas.push(observer.replica.id().unwrap().clone());

        // Then the clients come back with what was under way.
        for client in &mut clients {
            client.connect(relay.address).await;
        }
        let total = written.iter().map(Vec::len).sum::<usize>() + replicas.len();
        let mut all: Vec<_> = clients.iter_mut().chain([&mut observer]).collect();
        converge(&mut all, total as u64).await;
        known.assert_held_by(&observer);
    }
    let distinct: BTreeSet<_> = replicas.iter().collect();
    assert_eq!(distinct.len(), replicas.len(), "no id was given out twice: {replicas:?}");
    let ended = relay.signal("TERM").await;
    assert_eq!(ended.code, Some(0), "{}", ended.log);
}

#[tokio::test]
async fn nobody_learns_of_a_write_before_it_is_stored() {
    let store = GatedStore::new();
    let relay = TestRelay::start_with(store.clone(), Options::default()).await;
    let mut writer = Client::joined(relay.address, name("demo")).await;
    let mut reader = Client::joined(relay.address, name("demo")).await;
    converge(&mut [&mut writer, &mut reader], 2).await;

    store.shut().await;
    let write = writer.submit(note("a", "not yet"));
    writer.flush().await;
    within_deadline("the relay asks for the write to be stored", store.until_one_waits()).await;
    // The database goes on while its store does not; what it could tell by mistake it has told before these answers.
    assert_eq!(request(relay.address, "GET", "/v1/databases/demo", &[]).await.status, 200);
    writer.round_trip().await;
    reader.round_trip().await;
    assert!(writer.acknowledged(std::slice::from_ref(&write)).is_empty());
    assert_eq!(reader.replica.csn().get(), 2);
    assert!(reader.replica.status(&write).is_none());

    store.open();
    converge(&mut [&mut writer, &mut reader], 3).await;
    assert_eq!(writer.acknowledged(std::slice::from_ref(&write)), [write]);
}

#[tokio::test]
async fn a_pause_of_commits_survives_a_restart() {
    let data = tempfile::tempdir().unwrap();
    let relay = Program::start(data.path()).await;
    let mut client = Client::joined(relay.address, name("demo")).await;
    client.submit(note("a", "before"));
    converge(&mut [&mut client], 2).await;

    let paused = request(relay.address, "POST", "/v1/databases/demo/commits/pause", &[]).await;
    assert_eq!((paused.status, paused.text()), (204, ""));
    client.until("the client knows of the pause", |client| client.replica.commits_paused()).await;
    let write = client.submit(note("b", "while paused"));
    let is_tentative = |client: &Client| {
        client.replica.status(&write).is_some_and(|status| status.known_elsewhere && status.csn.is_none())
    };
    client.until("the relay holds the write", is_tentative).await;
    relay.kill().await;

    let relay = Program::start(data.path()).await;
    let answer = request(relay.address, "GET", "/v1/databases/demo", &[]).await;
    assert!(answer.text().contains(r#""csn":2"#) && answer.text().contains(r#""paused":true"#), "{}", answer.text());
    client.events.clear();
    client.connect(relay.address).await;
    client.until("it has caught up", Client::has_caught_up).await;
    assert!(is_tentative(&client) && client.replica.commits_paused());

    let resumed = request(relay.address, "POST", "/v1/databases/demo/commits/resume", &[]).await;
    assert_eq!(resumed.status, 204);
    converge(&mut [&mut client], 3).await;
    client.until("the client knows that commits go on", |client| !client.replica.commits_paused()).await;
    relay.signal("TERM").await;
}

#[tokio::test]
async fn a_shutdown_closes_the_sockets_with_1001_and_keeps_everything() {
    let data = tempfile::tempdir().unwrap();
    let relay = Program::start(data.path()).await;
    let mut client = Client::joined(relay.address, name("demo")).await;
    client.submit_many(50, 100);
    client.flush().await;
    let (ended, closed) = tokio::join!(relay.signal("TERM"), client.until_closed());
    assert_eq!(ended.code, Some(0), "{}", ended.log);
    assert_eq!(closed, Some((1001, "the relay is shutting down".to_owned())));

    let relay = Program::start(data.path()).await;
    client.connect(relay.address).await;
    converge(&mut [&mut client], 51).await;
    relay.signal("INT").await;
}
