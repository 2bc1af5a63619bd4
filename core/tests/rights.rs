//! What a host's rights let in, where a write is accepted.

#![allow(clippy::unwrap_used, reason = "a helper that fails fails the test")]

mod support;

use std::sync::mpsc::{Sender, channel};

use bayou_core::{
    Draft, Guarantees, Key, Operation, Predicate, ProposedWrite, Query, Refusal, ReplicaId, Rights, RightsData,
    Session, SessionNeed, SessionSubmitError, SubmitError, UpdateSet, View, limits::REASON_BYTES_MAX,
};

use support::{
    Network,
    generate::{fields_of, keyed, named, note},
};

/// Who stands in the relation `writers` may write; the first replica may everything.
struct Listed;

impl Rights for Listed {
    fn judge(&self, write: &ProposedWrite<'_>, data: &RightsData<'_>) -> Result<(), Refusal> {
        let key = Key::new(&write.accepter.to_string()).unwrap();
        let filter = Predicate::Key(bayou_core::Comparison::Equal, key.clone());
        let found = data.query(&Query::new(named("writers"), filter)).unwrap();
        let tuple = data.tuple(&named("writers"), &key);
        assert_eq!(found.first().map(|row| &*row.tuple), tuple, "two ways to ask the same");
        if *write.accepter == ReplicaId::first() || tuple.is_some() {
            return Ok(());
        }
        Err(Refusal::new("not listed"))
    }
}

/// Lets nothing in, and says this.
struct Closed(&'static str);

impl Rights for Closed {
    fn judge(&self, _: &ProposedWrite<'_>, _: &RightsData<'_>) -> Result<(), Refusal> {
        Err(Refusal::new(self.0))
    }
}

fn listing(host: &ReplicaId) -> Draft {
    let put = Operation::Put(named("writers"), keyed(&host.to_string()), fields_of([]));
    Draft { update: UpdateSet(vec![put]), ..Draft::default() }
}

fn unlisting(host: &ReplicaId) -> Draft {
    let delete = Operation::Delete(named("writers"), keyed(&host.to_string()));
    Draft { update: UpdateSet(vec![delete]), ..Draft::default() }
}

fn refused(network: &mut Network, host: usize) -> SubmitError {
    network.hosts[host].replica.submit(note("x", 1)).map(drop).unwrap_err()
}

#[test]
fn grants_and_revocations_travel_as_writes() {
    let mut network = Network::with_replicas(1);
    let laptop = network.hosts[1].replica.id().unwrap().clone();
    for host in [0, 1] {
        network.hosts[host].replica.set_rights(Box::new(Listed));
    }
    let refusal = SubmitError::Refused(Refusal::new("not listed"));
    assert_eq!(refused(&mut network, 1), refusal);
    assert_eq!(refusal.to_string(), "refused: not listed");

    network.submit(0, listing(&laptop));
    assert_eq!(refused(&mut network, 1), refusal, "the grant has not arrived");
    network.exchange(0, 1);
    network.submit(1, note("mine", 1));
    network.submit(0, unlisting(&laptop));
    network.exchange(0, 1);
    assert_eq!(refused(&mut network, 1), refusal);
}

#[test]
fn a_write_is_judged_by_all_that_is_known_where_it_is_accepted() {
    let mut network = Network::with_replicas(2);
    network.pause();
    let laptop = network.hosts[1].replica.id().unwrap().clone();
    network.hosts[1].replica.set_rights(Box::new(Listed));
    network.submit(2, listing(&laptop));
    network.exchange(1, 2);
    // The grant is tentative.
    network.submit(1, note("mine", 1));
}

#[test]
fn a_refused_write_leaves_everything_as_it_was() {
    let mut network = Network::with_replicas(1);
    network.submit(1, note("before", 1));
    let shown = |network: &Network| {
        let inspection = network.hosts[1].replica.inspect(usize::MAX);
        let log: Vec<_> = inspection.log.into_iter().map(|row| row.id).collect();
        (log, inspection.clock, inspection.vector, network.hosts[1].stored.len())
    };
    let before = shown(&network);
    network.hosts[1].replica.set_rights(Box::new(Closed("closed")));
    refused(&mut network, 1);
    assert_eq!(shown(&network), before);
    // What is over a limit is told as such.
    let too_large = network.hosts[1].replica.submit(note("x", 100_000)).map(drop);
    assert!(matches!(too_large, Err(SubmitError::Draft(_))));
}

#[test]
fn a_write_in_a_session_is_judged_and_a_refused_one_is_not_remembered() {
    let mut network = Network::with_replicas(1);
    network.hosts[1].replica.set_rights(Box::new(Closed("closed")));
    let mut session = Session::new(network.hosts[1].replica.database().unwrap(), Guarantees::ALL);
    let refused = network.hosts[1].replica.submit_in(&mut session, note("x", 1)).map(drop);
    assert_eq!(refused, Err(SessionSubmitError::Submit(Refusal::new("closed").into())));
    assert_eq!(session.written().next(), None);
    // A session that can be served is ready. Whether its write is let in is another question.
    let (_, outputs) =
        network.hosts[1].replica.wait_for(support::NOW, &session, SessionNeed::Write, support::NOW).unwrap();
    assert!(matches!(
        outputs.into_iter().next(),
        Some(bayou_core::Output::Event(bayou_core::Event::SessionReady { .. }))
    ));
}

#[test]
fn what_another_replica_has_accepted_is_carried_on() {
    let mut network = Network::with_replicas(2);
    network.pause();
    network.hosts[2].replica.set_rights(Box::new(Closed("closed")));
    let write = network.submit(1, note("theirs", 1));
    network.exchange(1, 2);
    let all = Query::new(named("notes"), Predicate::All);
    assert_eq!(network.hosts[2].replica.read(View::Tentative, &all).unwrap().len(), 1);
    network.exchange(2, 0);
    assert!(network.hosts[0].replica.write(&write).is_some());
}

#[test]
fn a_replica_with_rights_may_go_from_thread_to_thread() {
    const fn may<T: Send + Sync>() {}
    const { may::<bayou_core::Replica>() }
}

#[test]
fn a_reason_is_cut_where_it_is_too_long_between_two_characters() {
    let short = "ü".repeat(REASON_BYTES_MAX / 2);
    assert_eq!(Refusal::new(&short).reason().as_str(), short);
    let long = format!("x{short}");
    assert_eq!(Refusal::new(&long).reason().len(), REASON_BYTES_MAX - 1);
    assert!(long.starts_with(Refusal::new(&long).reason().as_str()));
}

#[test]
fn rights_are_told_what_is_asked_and_by_whom() {
    struct Notes(Sender<String>);
    impl Rights for Notes {
        fn judge(&self, write: &ProposedWrite<'_>, _: &RightsData<'_>) -> Result<(), Refusal> {
            let keys: Vec<_> =
                write.draft().unwrap().update.0.iter().map(|operation| operation.key().to_string()).collect();
            assert!(write.id.is_none(), "it has not been accepted");
            self.0.send(format!("{} {keys:?}", write.accepter)).unwrap();
            Ok(())
        }
    }
    let mut network = Network::with_replicas(1);
    let (notes, noted) = channel();
    network.hosts[1].replica.set_rights(Box::new(Notes(notes)));
    network.submit(1, note("a", 1));
    network.submit(1, note("b", 1));
    assert_eq!(noted.try_iter().collect::<Vec<_>>(), [r#"0.1 ["a"]"#, r#"0.1 ["b"]"#]);
}
