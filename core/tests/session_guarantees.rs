//! Session guarantees \[94\], one by one: what goes wrong without, and that it does not go wrong with.

#![allow(clippy::unwrap_used, reason = "a helper that fails fails the test")]

mod support;

use bayou_core::{
    DatabaseId, Event, Guarantees, Knowledge, Lack, Millis, Options, Predicate, Query, Replica, Session, SessionNeed,
    SessionReadError, SessionRefusal, SessionSubmitError, SessionToken, SessionTokenError, TooManyWaits, View, WaitId,
    WriteId, limits::SESSION_WAITS_MAX,
};

use support::{
    NOW, Network,
    generate::{named, note},
};

const TENTATIVE: SessionNeed = SessionNeed::Read(View::Tentative);
const COMMITTED: SessionNeed = SessionNeed::Read(View::Committed);

const ONLY_READ_YOUR_WRITES: Guarantees = Guarantees { read_your_writes: true, ..Guarantees::NONE };
const ONLY_MONOTONIC_READS: Guarantees = Guarantees { monotonic_reads: true, ..Guarantees::NONE };
const ONLY_WRITES_FOLLOW_READS: Guarantees = Guarantees { writes_follow_reads: true, ..Guarantees::NONE };
const ONLY_MONOTONIC_WRITES: Guarantees = Guarantees { monotonic_writes: true, ..Guarantees::NONE };

const ALL_BUT_READ_YOUR_WRITES: Guarantees = Guarantees { read_your_writes: false, ..Guarantees::ALL };
const ALL_BUT_MONOTONIC_READS: Guarantees = Guarantees { monotonic_reads: false, ..Guarantees::ALL };
const ALL_BUT_WRITES_FOLLOW_READS: Guarantees = Guarantees { writes_follow_reads: false, ..Guarantees::ALL };
const ALL_BUT_MONOTONIC_WRITES: Guarantees = Guarantees { monotonic_writes: false, ..Guarantees::ALL };

/// A primary, which is host 0, and three replicas that know of each other.
fn network() -> Network {
    let mut network = Network::with_replicas(3);
    (1..=3).for_each(|host| network.exchange(host, 0));
    network
}

fn session(network: &Network, guarantees: Guarantees) -> Session {
    Session::new(network.hosts[0].replica.database().unwrap(), guarantees)
}

/// The keys of the notes in a view.
fn notes(network: &Network, host: usize, session: &mut Session, view: View) -> Result<Vec<String>, Vec<Lack>> {
    let all = Query::new(named("notes"), Predicate::All);
    match network.hosts[host].replica.read_in(session, view, &all) {
        Ok(rows) => Ok(rows.into_iter().map(|row| row.key.to_string()).collect()),
        Err(SessionReadError::Session(SessionRefusal::Lacking(lacks))) => Err(lacks),
        Err(other) => panic!("{other}"),
    }
}

fn write(network: &mut Network, host: usize, session: &mut Session, key: &str) -> Result<WriteId, Vec<Lack>> {
    match network.hosts[host].replica.submit_in(session, note(key, 1)) {
        Ok((write, outputs)) => {
            network.carry_out(host, outputs);
            Ok(write)
        }
        Err(SessionSubmitError::Session(SessionRefusal::Lacking(lacks))) => Err(lacks),
        Err(other) => panic!("{other}"),
    }
}

/// Takes a session away from a host, over bytes.
fn hand_over(network: &Network, from: usize, session: Session) -> Session {
    let bytes = network.hosts[from].replica.session_token(&session).unwrap().to_bytes();
    drop(session);
    SessionToken::from_bytes(&bytes).unwrap().into()
}

fn lack_of(write: &WriteId, held: u64) -> Lack {
    let held = Knowledge::Through(bayou_core::Stamp::new(held).unwrap());
    Lack::Writes { replica: write.replica.clone(), held, needed: Knowledge::Through(write.stamp) }
}

fn holds(network: &Network, host: usize, write: &WriteId) -> bool {
    network.hosts[host].replica.write(write).is_some()
}

fn wait(network: &mut Network, host: usize, session: &Session, need: SessionNeed, deadline: u64) -> WaitId {
    let (wait, outputs) = network.hosts[host].replica.wait_for(NOW, session, need, Millis(deadline)).unwrap();
    network.carry_out(host, outputs);
    wait
}

/// What was told of waits so far: that they are ready, or why not.
fn told(network: &Network, host: usize) -> Vec<(WaitId, Option<SessionRefusal>)> {
    let of_wait = |event: &Event| match event {
        Event::SessionReady { wait } => Some((*wait, None)),
        Event::SessionRefused { wait, refusal } => Some((*wait, Some(refusal.clone()))),
        _ => None,
    };
    network.hosts[host].events.iter().filter_map(of_wait).collect()
}

fn time_passes(network: &mut Network, host: usize, now: u64) {
    let outputs = network.hosts[host].replica.handle_timeout(Millis(now));
    network.carry_out(host, outputs);
}

#[test]
fn read_your_writes_keeps_a_read_from_missing_a_write() {
    for guarantees in [ALL_BUT_READ_YOUR_WRITES, ONLY_READ_YOUR_WRITES] {
        let mut network = network();
        let mut session = session(&network, guarantees);
        let mine = write(&mut network, 1, &mut session, "mine").unwrap();
        let mut session = hand_over(&network, 1, session);

        let at_another = notes(&network, 2, &mut session, View::Tentative);
        if guarantees == ALL_BUT_READ_YOUR_WRITES {
            assert_eq!(at_another, Ok(vec![]), "without the guarantee the write is missed");
            continue;
        }
        assert_eq!(at_another, Err(vec![lack_of(&mine, 1)]));
        network.exchange(1, 2);
        assert_eq!(notes(&network, 2, &mut session, View::Tentative), Ok(vec!["mine".into()]));
    }
}

#[test]
fn read_your_writes_on_the_committed_view_waits_for_their_commit() {
    for guarantees in [ALL_BUT_READ_YOUR_WRITES, ONLY_READ_YOUR_WRITES] {
        let mut network = network();
        let mut session = session(&network, guarantees);
        write(&mut network, 1, &mut session, "first").unwrap();
        let last = write(&mut network, 1, &mut session, "last").unwrap();

        let at_home = notes(&network, 1, &mut session, View::Committed);
        if guarantees == ALL_BUT_READ_YOUR_WRITES {
            assert_eq!(at_home, Ok(vec![]), "without the guarantee the writes are missed");
            continue;
        }
        assert_eq!(at_home, Err(vec![Lack::Uncommitted { write: last.clone() }]));
        let mut session = hand_over(&network, 1, session);
        let lacks = vec![lack_of(&last, 1), Lack::Uncommitted { write: last }];
        assert_eq!(notes(&network, 0, &mut session, View::Committed), Err(lacks));
        network.exchange(1, 0);
        assert_eq!(notes(&network, 0, &mut session, View::Committed), Ok(vec!["first".into(), "last".into()]));
        let mut session = hand_over(&network, 0, session);
        assert_eq!(notes(&network, 1, &mut session, View::Committed), Ok(vec!["first".into(), "last".into()]));
    }
}

#[test]
fn monotonic_reads_keep_a_read_from_missing_what_was_read() {
    for guarantees in [ALL_BUT_MONOTONIC_READS, ONLY_MONOTONIC_READS] {
        let mut network = network();
        let theirs = network.submit(1, note("theirs", 1));
        let mut session = session(&network, guarantees);
        assert_eq!(notes(&network, 1, &mut session, View::Tentative), Ok(vec!["theirs".into()]));
        let mut session = hand_over(&network, 1, session);

        let at_another = notes(&network, 2, &mut session, View::Tentative);
        if guarantees == ALL_BUT_MONOTONIC_READS {
            assert_eq!(at_another, Ok(vec![]), "without the guarantee the note disappears");
            continue;
        }
        assert!(at_another.unwrap_err().contains(&lack_of(&theirs, 1)));
        // It need not come from where it was read.
        network.exchange(1, 0);
        network.exchange(0, 2);
        assert_eq!(notes(&network, 2, &mut session, View::Tentative), Ok(vec!["theirs".into()]));
    }
}

#[test]
fn monotonic_reads_on_the_committed_view_wait_for_the_commits() {
    for guarantees in [ALL_BUT_MONOTONIC_READS, ONLY_MONOTONIC_READS] {
        let mut network = network();
        let theirs = network.submit(1, note("theirs", 1));
        // Hosts 2 and 3 hold the write, and only host 3 hears of the commit.
        network.exchange(1, 2);
        network.exchange(1, 0);
        network.exchange(0, 3);
        let mut session = session(&network, guarantees);
        assert_eq!(notes(&network, 3, &mut session, View::Committed), Ok(vec!["theirs".into()]));
        let csn = network.hosts[3].replica.csn();
        let mut session = hand_over(&network, 3, session);

        assert!(holds(&network, 2, &theirs));
        let at_another = notes(&network, 2, &mut session, View::Committed);
        if guarantees == ALL_BUT_MONOTONIC_READS {
            assert_eq!(at_another, Ok(vec![]), "without the guarantee the note disappears");
            continue;
        }
        assert_eq!(session.csn_read(), csn);
        let held = network.hosts[2].replica.csn();
        assert_eq!(at_another, Err(vec![Lack::Commits { held, needed: csn }]));
        network.exchange(0, 2);
        assert_eq!(notes(&network, 2, &mut session, View::Committed), Ok(vec!["theirs".into()]));
    }
}

#[test]
fn writes_follow_reads_keep_an_answer_from_coming_before_its_question() {
    for guarantees in [ALL_BUT_WRITES_FOLLOW_READS, ONLY_WRITES_FOLLOW_READS] {
        let mut network = network();
        let question = network.submit(1, note("question", 1));
        let mut session = session(&network, guarantees);
        assert_eq!(notes(&network, 1, &mut session, View::Tentative), Ok(vec!["question".into()]));
        let mut session = hand_over(&network, 1, session);

        let answer = write(&mut network, 2, &mut session, "answer");
        if guarantees == ALL_BUT_WRITES_FOLLOW_READS {
            let answer = answer.unwrap();
            network.exchange(2, 3);
            assert!(holds(&network, 3, &answer) && !holds(&network, 3, &question), "an answer without its question");
            continue;
        }
        assert!(answer.unwrap_err().contains(&lack_of(&question, 1)));
        network.exchange(1, 2);
        let answer = write(&mut network, 2, &mut session, "answer").unwrap();
        assert!(question < answer);
        network.exchange(2, 3);
        assert!(holds(&network, 3, &answer) && holds(&network, 3, &question));
    }
}

#[test]
fn monotonic_writes_keep_a_correction_from_coming_before_what_it_corrects() {
    for guarantees in [ALL_BUT_MONOTONIC_WRITES, ONLY_MONOTONIC_WRITES] {
        let mut network = network();
        let mut session = session(&network, guarantees);
        let first = write(&mut network, 1, &mut session, "first").unwrap();
        let mut session = hand_over(&network, 1, session);

        let second = write(&mut network, 2, &mut session, "second");
        if guarantees == ALL_BUT_MONOTONIC_WRITES {
            let second = second.unwrap();
            network.exchange(2, 0);
            network.exchange(1, 0);
            let csn = |write| network.hosts[0].replica.status(write).unwrap().csn;
            assert!(csn(&second) < csn(&first), "the second write is the first to take effect");
            continue;
        }
        assert_eq!(second, Err(vec![lack_of(&first, 1)]));
        network.exchange(1, 2);
        let second = write(&mut network, 2, &mut session, "second").unwrap();
        network.exchange(2, 0);
        let csn = |write| network.hosts[0].replica.status(write).unwrap().csn;
        assert!(csn(&first) < csn(&second));
    }
}

#[test]
fn a_session_without_guarantees_goes_anywhere_and_remembers_nothing() {
    let mut network = network();
    let mut session = session(&network, Guarantees::NONE);
    write(&mut network, 1, &mut session, "first").unwrap();
    write(&mut network, 2, &mut session, "second").unwrap();
    assert_eq!(notes(&network, 1, &mut session, View::Tentative), Ok(vec!["first".into()]));
    assert_eq!(notes(&network, 2, &mut session, View::Tentative), Ok(vec!["second".into()]));
    assert!(session.read_vector().is_empty() && session.written().next().is_none());
}

#[test]
fn a_read_of_the_committed_view_asks_of_others_no_more_than_what_is_committed() {
    let mut network = network();
    let committed = network.submit(1, note("committed", 1));
    network.exchange(1, 0);
    let tentative = network.submit(1, note("tentative", 1));
    // Somebody new, whom nobody has committed either.
    network.pause();
    let new = network.join_through(1);
    let mut session = session(&network, Guarantees::ALL);
    assert_eq!(notes(&network, 1, &mut session, View::Committed), Ok(vec!["committed".into()]));
    assert!(session.read_vector().covers(&committed) && !session.read_vector().covers(&tentative));
    assert_eq!(session.read_vector().entry(network.hosts[new].replica.id().unwrap()), None);

    let mut session = hand_over(&network, 1, session);
    assert_eq!(notes(&network, 0, &mut session, View::Tentative), Ok(vec!["committed".into()]));
    write(&mut network, 0, &mut session, "answer").unwrap();
    assert!(notes(&network, 0, &mut session, View::Committed).is_err(), "commits are paused");
}

#[test]
fn a_refused_operation_leaves_the_session_as_it_was() {
    let mut network = network();
    let mut session = session(&network, Guarantees::ALL);
    write(&mut network, 1, &mut session, "mine").unwrap();
    network.submit(2, note("theirs", 1));
    let mut session = hand_over(&network, 1, session);
    let before = network.hosts[2].replica.session_token(&session).unwrap();
    assert!(notes(&network, 2, &mut session, View::Tentative).is_err());
    assert!(write(&mut network, 2, &mut session, "more").is_err());
    let too_many =
        Query { order: vec![bayou_core::Order { field: named("x"), descending: false }; 300], ..all_notes() };
    let refused = network.hosts[1].replica.read_in(&mut session, View::Tentative, &too_many);
    assert!(matches!(refused, Err(SessionReadError::Query(_))));
    assert_eq!(network.hosts[2].replica.session_token(&session).unwrap(), before);
}

fn all_notes() -> Query {
    Query::new(named("notes"), Predicate::All)
}

#[test]
fn a_session_leaves_a_replica_once_all_that_it_names_is_stored() {
    let mut network = network();
    network.hosts[1].slow_storage = true;
    let mut session = session(&network, Guarantees::ALL);
    let mine = write(&mut network, 1, &mut session, "mine").unwrap();
    let refused = network.hosts[1].replica.session_token(&session).unwrap_err();
    assert!(matches!(&refused, SessionTokenError::NotSaved { writes, .. } if *writes == [mine]), "{refused:?}");
    network.store(1, usize::MAX);
    network.hosts[1].replica.session_token(&session).unwrap();

    // What came from a peer and was read is stored no sooner.
    let theirs = network.submit(2, note("theirs", 1));
    network.link(1, 2);
    while !holds(&network, 1, &theirs) {
        assert!(network.deliver_one(0).is_some());
    }
    network.hosts[1].replica.session_token(&session).unwrap();
    notes(&network, 1, &mut session, View::Tentative).unwrap();
    let refused = network.hosts[1].replica.session_token(&session).unwrap_err();
    let SessionTokenError::NotSaved { writes, batch } = refused else { panic!("{refused}") };
    assert_eq!(writes, [theirs]);
    assert_eq!(network.hosts[1].unstored.back().unwrap().number, batch);
    network.store(1, usize::MAX);
    network.hosts[1].replica.session_token(&session).unwrap();
}

#[test]
fn a_session_that_read_a_commit_leaves_once_that_is_stored() {
    let mut network = network();
    network.submit(1, note("theirs", 1));
    network.exchange(1, 2);
    network.exchange(1, 0);
    network.hosts[2].slow_storage = true;
    network.exchange(0, 2);
    let mut session = session(&network, Guarantees::ALL);
    assert_eq!(notes(&network, 2, &mut session, View::Committed), Ok(vec!["theirs".into()]));
    let refused = network.hosts[2].replica.session_token(&session).unwrap_err();
    assert!(matches!(&refused, SessionTokenError::NotSaved { writes, .. } if writes.is_empty()), "{refused:?}");
    network.store(2, usize::MAX);
    network.hosts[2].replica.session_token(&session).unwrap();
}

#[test]
fn a_session_does_not_outlive_a_crash_of_its_replica_but_its_token_does() {
    let mut network = network();
    let mut session = session(&network, Guarantees::ALL);
    write(&mut network, 1, &mut session, "stored").unwrap();
    let token = network.hosts[1].replica.session_token(&session).unwrap();
    network.hosts[1].slow_storage = true;
    write(&mut network, 1, &mut session, "lost").unwrap();
    network.crash(1, 0);
    network.hosts[1].slow_storage = false;

    let refused = network.hosts[1].replica.read_in(&mut session, View::Tentative, &all_notes());
    assert_eq!(refused, Err(SessionRefusal::InUseElsewhere.into()));
    // Another write takes the id of the lost one, and the store goes on beyond where it was.
    network.submit(1, note("another", 1));
    network.submit(1, note("yet another", 1));
    assert_eq!(network.hosts[1].replica.session_token(&session), Err(SessionTokenError::InUseElsewhere));

    let mut session = Session::from(token);
    let found = notes(&network, 1, &mut session, View::Tentative).unwrap();
    assert_eq!(found, ["another", "stored", "yet another"]);
}

#[test]
fn a_session_is_used_elsewhere_only_after_it_was_handed_over() {
    let mut network = network();
    let mut session = session(&network, Guarantees::ALL);
    notes(&network, 1, &mut session, View::Tentative).unwrap();
    let refused = network.hosts[2].replica.submit_in(&mut session, note("x", 1)).map(|(write, _)| write);
    assert_eq!(refused, Err(SessionRefusal::InUseElsewhere.into()));
    assert_eq!(network.hosts[2].replica.session_token(&session), Err(SessionTokenError::InUseElsewhere));
    let mut session = hand_over(&network, 1, session);
    network.exchange(1, 2);
    write(&mut network, 2, &mut session, "x").unwrap();
}

#[test]
fn a_session_of_another_database_is_refused() {
    let mut network = network();
    let theirs = DatabaseId::from_random([8; 16]);
    let ours = network.hosts[0].replica.database().unwrap();
    let mut session = Session::new(theirs, Guarantees::NONE);
    let refusal = SessionRefusal::OtherDatabase { ours, theirs };
    let read = network.hosts[1].replica.read_in(&mut session, View::Tentative, &all_notes());
    assert_eq!(read, Err(refusal.clone().into()));
    let written = network.hosts[1].replica.submit_in(&mut session, note("x", 1)).map(|(write, _)| write);
    assert_eq!(written, Err(refusal.clone().into()));
    // Nor is there anything to wait for.
    let wait = wait(&mut network, 1, &session, TENTATIVE, 1_000);
    assert_eq!(told(&network, 1), [(wait, Some(refusal))]);
}

#[test]
fn a_write_in_whose_place_another_one_is_held_is_not_taken_for_it() {
    // Two replicas run on copies of one storage and give the same id to different writes.
    let mut network = network();
    network.pause();
    let mut copy = network.copy();
    let mut session = session(&network, Guarantees::ALL);
    let mine = write(&mut network, 1, &mut session, "mine").unwrap();
    notes(&network, 1, &mut session, View::Tentative).unwrap();
    let theirs = copy.submit(1, note("theirs", 1));
    assert_eq!(mine, theirs);
    let chain = network.hosts[1].replica.write(&mine).unwrap().chain;
    let lack = Lack::OtherWrite { write: mine, chain };

    let mut session = hand_over(&network, 1, session);
    for lacks in [
        notes(&copy, 1, &mut session, View::Tentative).unwrap_err(),
        write(&mut copy, 1, &mut session, "more").unwrap_err(),
    ] {
        assert_eq!(lacks, std::slice::from_ref(&lack));
    }
    // Also where the id has been used further.
    copy.submit(1, note("further", 1));
    copy.exchange(1, 2);
    let lacks = notes(&copy, 2, &mut session, View::Tentative).unwrap_err();
    assert_eq!(lacks, std::slice::from_ref(&lack));
    // It is waited for, in vain.
    let in_vain = wait(&mut copy, 2, &session, TENTATIVE, 1_000);
    copy.submit(1, note("even further", 1));
    copy.exchange(1, 2);
    assert_eq!(told(&copy, 2), []);
    time_passes(&mut copy, 2, 1_000);
    assert_eq!(told(&copy, 2), [(in_vain, Some(SessionRefusal::Lacking(vec![lack])))]);
}

#[test]
fn another_committed_order_is_not_taken_for_the_one_that_was_read() {
    let mut network = network();
    let mut copy = network.copy();
    network.submit(0, note("mine", 1));
    copy.submit(0, note("theirs", 1));
    copy.submit(0, note("further", 1));
    let mut session = session(&network, ONLY_MONOTONIC_READS);
    notes(&network, 0, &mut session, View::Committed).unwrap();
    let through = session.csn_read();
    let mut session = hand_over(&network, 0, session);
    let lacks = vec![Lack::OtherCommits { through }];
    assert_eq!(notes(&copy, 0, &mut session, View::Committed), Err(lacks.clone()));
    let in_vain = wait(&mut copy, 0, &session, COMMITTED, 1_000);
    copy.submit(0, note("even further", 1));
    assert_eq!(told(&copy, 0), []);
    time_passes(&mut copy, 0, 1_000);
    assert_eq!(told(&copy, 0), [(in_vain, Some(SessionRefusal::Lacking(lacks)))]);
}

#[test]
fn a_wait_is_told_once_when_what_it_needs_has_come() {
    let mut network = network();
    let mut session = session(&network, Guarantees::ALL);
    let mine = write(&mut network, 1, &mut session, "mine").unwrap();
    let session = hand_over(&network, 1, session);
    let [tentative, to_write] =
        [TENTATIVE, SessionNeed::Write].map(|need| wait(&mut network, 2, &session, need, 1_000));
    let committed = wait(&mut network, 2, &session, COMMITTED, 1_000);
    assert_eq!(told(&network, 2), []);
    assert_eq!(network.hosts[2].replica.poll_timeout(), Some(Millis(1_000)));

    network.submit(3, note("other", 1));
    network.exchange(3, 2);
    assert_eq!(told(&network, 2), [], "that was not it");
    network.exchange(1, 2);
    assert_eq!(told(&network, 2), [(tentative, None), (to_write, None)]);
    assert!(network.hosts[2].replica.status(&mine).unwrap().csn.is_none());
    network.exchange(2, 0);
    assert_eq!(told(&network, 2), [(tentative, None), (to_write, None), (committed, None)]);

    time_passes(&mut network, 2, 5_000);
    network.exchange(2, 0);
    assert_eq!(told(&network, 2).len(), 3);
    assert_eq!(network.hosts[2].replica.poll_timeout(), None);
    assert!(!network.hosts[2].replica.cancel_wait(committed));
}

#[test]
fn a_wait_for_what_is_there_is_ready_at_once() {
    let mut network = network();
    let session = session(&network, Guarantees::ALL);
    // Even when its deadline has passed.
    let wait = wait(&mut network, 1, &session, SessionNeed::Write, 0);
    assert_eq!(told(&network, 1), [(wait, None)]);
}

#[test]
fn a_wait_ends_at_its_deadline_with_all_that_is_lacking() {
    let mut network = network();
    let mut session = session(&network, Guarantees::ALL);
    write(&mut network, 1, &mut session, "first").unwrap();
    let last = write(&mut network, 1, &mut session, "last").unwrap();
    let session = hand_over(&network, 1, session);
    let later = wait(&mut network, 2, &session, COMMITTED, 9_000);
    let sooner = wait(&mut network, 2, &session, COMMITTED, 1_000);
    assert_eq!(network.hosts[2].replica.poll_timeout(), Some(Millis(1_000)));
    time_passes(&mut network, 2, 999);
    assert_eq!(told(&network, 2), []);
    time_passes(&mut network, 2, 1_000);
    let lacks = SessionRefusal::Lacking(vec![lack_of(&last, 1), Lack::Uncommitted { write: last.clone() }]);
    assert_eq!(told(&network, 2), [(sooner, Some(lacks))]);
    assert_eq!(network.hosts[2].replica.poll_timeout(), Some(Millis(9_000)));

    // By then the writes are there, and only their commits are not.
    network.exchange(1, 2);
    time_passes(&mut network, 2, 20_000);
    let lacks = SessionRefusal::Lacking(vec![Lack::Uncommitted { write: last }]);
    assert_eq!(told(&network, 2)[1..], [(later, Some(lacks))]);
    assert_eq!(network.hosts[2].replica.poll_timeout(), None);
}

#[test]
fn a_wait_that_was_cancelled_is_told_nothing() {
    let mut network = network();
    let mut session = session(&network, Guarantees::ALL);
    write(&mut network, 1, &mut session, "mine").unwrap();
    let session = hand_over(&network, 1, session);
    let cancelled = wait(&mut network, 2, &session, TENTATIVE, 1_000);
    assert!(network.hosts[2].replica.cancel_wait(cancelled));
    assert!(!network.hosts[2].replica.cancel_wait(cancelled));
    assert_eq!(network.hosts[2].replica.poll_timeout(), None);
    network.exchange(1, 2);
    time_passes(&mut network, 2, 1_000);
    assert_eq!(told(&network, 2), []);
}

#[test]
fn only_so_many_sessions_wait() {
    let mut network = network();
    let mut session = session(&network, Guarantees::ALL);
    write(&mut network, 1, &mut session, "mine").unwrap();
    let session = hand_over(&network, 1, session);
    let waits: Vec<WaitId> =
        (0..SESSION_WAITS_MAX).map(|_| wait(&mut network, 2, &session, TENTATIVE, 1_000)).collect();
    let replica = &mut network.hosts[2].replica;
    let refused = replica.wait_for(NOW, &session, TENTATIVE, Millis(1_000)).map(|(wait, _)| wait);
    assert_eq!(refused, Err(TooManyWaits));
    assert!(replica.cancel_wait(waits[7]));
    wait(&mut network, 2, &session, TENTATIVE, 1_000);
    network.exchange(1, 2);
    assert_eq!(told(&network, 2).len(), SESSION_WAITS_MAX);
}

#[test]
fn a_session_can_wait_for_a_replica_to_be_created() {
    let mut network = network();
    let mut session = session(&network, Guarantees::ALL);
    write(&mut network, 0, &mut session, "mine").unwrap();
    let session = hand_over(&network, 0, session);
    let new = network.add_joining();
    let refused = network.hosts[new].replica.read_in(&mut session.clone(), View::Tentative, &all_notes());
    assert_eq!(refused, Err(SessionRefusal::NotReady.into()));
    let ready = wait(&mut network, new, &session, COMMITTED, 1_000);
    let other = Session::new(DatabaseId::from_random([8; 16]), Guarantees::ALL);
    let in_vain = wait(&mut network, new, &other, COMMITTED, 1_000);
    assert_eq!(told(&network, new), []);
    network.exchange(0, new);
    let told = told(&network, new);
    assert!(told.contains(&(ready, None)));
    let refusal = told.iter().find(|(wait, _)| *wait == in_vain).unwrap().1.clone();
    assert!(matches!(refusal, Some(SessionRefusal::OtherDatabase { .. })));

    let mut alone = Replica::join(Options::default(), support::name());
    let (_, outputs) = alone.wait_for(NOW, &session, COMMITTED, Millis(0)).unwrap();
    let said: Vec<_> = outputs.into_iter().collect();
    assert!(matches!(
        &said[..],
        [bayou_core::Output::Event(Event::SessionRefused { refusal: SessionRefusal::NotReady, .. })]
    ));
}

#[test]
fn a_wait_is_told_before_what_it_waited_for_is_stored() {
    let mut network = network();
    let mut session = session(&network, Guarantees::ALL);
    write(&mut network, 1, &mut session, "mine").unwrap();
    let session = hand_over(&network, 1, session);
    network.hosts[2].slow_storage = true;
    let ready = wait(&mut network, 2, &session, TENTATIVE, 1_000);
    network.exchange(1, 2);
    assert_eq!(told(&network, 2), [(ready, None)]);
    let mut session = session;
    assert_eq!(notes(&network, 2, &mut session, View::Tentative), Ok(vec!["mine".into()]));
    // But it does not leave with it.
    assert!(network.hosts[2].replica.session_token(&session).is_err());
}
