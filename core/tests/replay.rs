//! When the data follows the log while a peer catches up.

#![allow(clippy::unwrap_used, reason = "a helper that fails fails the test")]

mod support;

use bayou_core::{
    Draft, Event, Fields, Guarantees, Key, Lack, Millis, Operation, Predicate, Query, Session, SessionReadError,
    SessionRefusal, UpdateSet, Value, View, WriteId,
    limits::{REPLAY_DELAY_MS_MAX, REPLAY_WRITES_MIN},
};

use support::{NOW, Network, generate::named};

const PENDING: usize = REPLAY_WRITES_MIN + 100;
/// Some ten batches.
const REMOTE: usize = 800;
const TAB: usize = 1;
const OTHER: usize = 2;

fn note(key: &str) -> Draft {
    let text = Fields::new([(named("text"), Value::from("x".repeat(1_500).as_str()))]).unwrap();
    let operation = Operation::Put(named("notes"), Key::new(key).unwrap(), text);
    Draft { update: UpdateSet(vec![operation]), ..Draft::default() }
}

fn has(network: &Network, host: usize, key: &str) -> bool {
    let query = Query::new(named("notes"), Predicate::Key(bayou_core::Comparison::Equal, Key::new(key).unwrap()));
    !network.hosts[host].replica.read(View::Tentative, &query).unwrap().is_empty()
}

/// A tab and another one that have written without knowledge of each other; the first write of the other one.
fn apart() -> (Network, WriteId) {
    let mut network = Network::with_replicas(2);
    network.exchange(TAB, 0);
    (0..PENDING).for_each(|index| drop(network.submit(TAB, note(&format!("tab-{index}")))));
    let first = network.submit(OTHER, note("other-0"));
    (1..REMOTE).for_each(|index| drop(network.submit(OTHER, note(&format!("other-{index}")))));
    (network, first)
}

/// Delivers greetings and the first batch of the other one to the tab, which has not caught up then.
fn begin(network: &mut Network) {
    network.link(TAB, OTHER);
    for (from, to) in [(OTHER, TAB), (TAB, OTHER), (OTHER, TAB)] {
        assert!(network.deliver_between(from, to));
    }
    assert!(network.hosts[TAB].replica.poll_timeout().unwrap() <= Millis(NOW.0 + REPLAY_DELAY_MS_MAX));
}

#[test]
fn what_is_pending_is_replayed_a_few_times_however_many_batches_arrive() {
    let (mut network, first) = apart();
    network.link(TAB, OTHER);
    let mut frames = 0;
    while network.deliver_one(0).is_some() {
        frames += 1;
    }
    assert!(frames > 8, "many batches arrived");
    let redone = |event: &Event| if let Event::Reordered { redone, .. } = event { *redone as usize } else { 0 };
    let redone: usize = network.hosts[TAB].events.iter().map(redone).sum();
    assert!((PENDING + REMOTE..2 * (PENDING + REMOTE)).contains(&redone), "{redone} writes were executed again");
    let status = network.hosts[TAB].replica.status(&first).unwrap();
    assert!(status.outcome.is_some());
    let all = Query::new(named("notes"), Predicate::All);
    let [rows, others] = [TAB, OTHER].map(|host| network.hosts[host].replica.read(View::Tentative, &all).unwrap());
    assert_eq!(rows, others);
    assert_eq!(rows.len(), PENDING + REMOTE);
}

#[test]
fn data_that_waits_for_a_peer_does_not_wait_long() {
    let (mut network, _) = apart();
    begin(&mut network);
    assert!(!has(&network, TAB, "other-0"));
    let outputs = network.hosts[TAB].replica.handle_timeout(Millis(NOW.0 + REPLAY_DELAY_MS_MAX));
    network.carry_out(TAB, outputs);
    assert!(has(&network, TAB, "other-0"));
}

#[test]
fn data_that_waits_for_a_peer_follows_when_the_link_breaks() {
    let (mut network, _) = apart();
    begin(&mut network);
    network.unlink(TAB, OTHER);
    assert!(has(&network, TAB, "other-0"));
}

#[test]
fn a_write_meets_all_that_was_inserted_before_it() {
    let (mut network, _) = apart();
    begin(&mut network);
    network.submit(TAB, note("tab-last"));
    assert!(has(&network, TAB, "other-0") && has(&network, TAB, "tab-last"));
}

#[test]
fn a_session_is_not_shown_data_that_have_not_followed() {
    let (mut network, first) = apart();
    let mut session = Session::new(network.hosts[0].replica.database().unwrap(), Guarantees::ALL);
    let all = Query::new(named("notes"), Predicate::All);
    network.hosts[OTHER].replica.read_in(&mut session, View::Tentative, &all).unwrap();
    let token = network.hosts[OTHER].replica.session_token(&session).unwrap();
    begin(&mut network);
    let read = network.hosts[TAB].replica.read_in(&mut Session::from(token), View::Tentative, &all);
    let Err(SessionReadError::Session(SessionRefusal::Lacking(lacks))) = read else { panic!("it was admitted") };
    let held = |lack: &Lack| match lack {
        Lack::Writes { replica, held, .. } => Some((replica.clone(), *held)),
        _ => None,
    };
    let before = bayou_core::Knowledge::Through(first.replica.creation().unwrap().stamp);
    assert!(lacks.iter().filter_map(held).any(|lack| lack == (first.replica.clone(), before)), "{lacks:?}");

    // Nor does a new session remember to have read them.
    let mut fresh = Session::new(network.hosts[0].replica.database().unwrap(), Guarantees::ALL);
    network.hosts[TAB].replica.read_in(&mut fresh, View::Tentative, &all).unwrap();
    assert!(!fresh.read_vector().covers(&first));
}
