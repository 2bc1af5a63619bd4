//! Sessions that no client would have: too large ones, and one that has read a stamp from an absurd future.

use super::*;
use crate::{
    limits::SESSION_BYTES_MAX,
    replica::{SessionSubmitError, SessionTokenError},
    session::{Guarantees, Lack, Session, SessionNeed, SessionRefusal},
    vector::{Knowledge, VectorEntry},
};

#[test]
fn a_session_that_names_too_much_does_not_leave() {
    let mut session = Session::new(database(), Guarantees::ALL);
    for number in 1..60_000 {
        let creation = WriteId { stamp: stamp(number), replica: ReplicaId::first() };
        let entry = VectorEntry { stamp: stamp(number), chain: Digest::EMPTY };
        session.named.written.insert(ReplicaId::created_by(&creation).unwrap(), entry);
    }
    let refused = Laptop::new().replica.session_token(&session).unwrap_err();
    assert!(matches!(refused, SessionTokenError::TooLarge { bytes } if bytes > SESSION_BYTES_MAX));
}

#[test]
fn a_session_does_not_write_before_what_it_has_read_or_written_from_an_absurd_future() {
    let mut laptop = Laptop::new();
    let far = laptop.primary.write(STAMP_JUMP_MAX + 10, put("far"));
    laptop.hear(GOOD, &Writing::after(1).tentative(&far).frame());
    let lacks = vec![Lack::OrderedAhead { write: far.id.clone() }];
    let all = Query::new(Name::new("notes").unwrap(), Predicate::All);
    let mut sessions =
        [Guarantees::ALL, Guarantees { writes_follow_reads: false, ..Guarantees::ALL }].map(|guarantees| {
            let mut session = Session::new(database(), guarantees);
            assert_eq!(laptop.replica.read_in(&mut session, View::Tentative, &all).unwrap().len(), 1);
            session
        });
    let WriteKind::Update(answer) = put("answer") else { unreachable!("it puts a tuple") };

    let refused = laptop.replica.submit_in(&mut sessions[0], answer.clone()).map(drop);
    assert_eq!(refused, Err(SessionSubmitError::Session(SessionRefusal::Lacking(lacks))));
    let (wait, outputs) = laptop.replica.wait_for(NOW, &sessions[0], SessionNeed::Write, Millis(1_000)).unwrap();
    assert_eq!(carry_out(&mut laptop.replica, outputs).events, []);

    // Who does not ask for it gets what the guarantee is there to prevent.
    let (early, outputs) = laptop.replica.submit_in(&mut sessions[1], answer.clone()).unwrap();
    carry_out(&mut laptop.replica, outputs);
    assert!(early < far.id);

    let said = laptop.hear(GOOD, &Writing::after(1).notify(&far).frame());
    assert!(said.events.contains(&Event::SessionReady { wait }));
    let (_, outputs) = laptop.replica.submit_in(&mut sessions[0], answer).unwrap();
    carry_out(&mut laptop.replica, outputs);
}

/// Another replica is created, writes, and retires.
fn retiring() -> [Write; 3] {
    let mut primary = Author::first();
    primary.write(1, WriteKind::CreateReplica);
    let creation = primary.write(2, WriteKind::CreateReplica);
    let mut other = Author::created_by(&creation);
    let theirs = other.write(3, put("theirs"));
    let retirement = other.write(4, WriteKind::RetireReplica);
    [creation, theirs, retirement]
}

fn all_notes() -> Query {
    Query::new(Name::new("notes").unwrap(), Predicate::All)
}

#[test]
fn a_session_that_names_a_replica_is_served_where_its_retirement_is_known() {
    let [creation, theirs, retirement] = retiring();
    let other = theirs.id.replica.clone();
    let mut here = Laptop::new();
    here.hear(GOOD, &Writing::after(1).tentative(&creation).tentative(&theirs).frame());
    let mut session = Session::new(database(), Guarantees::ALL);
    here.replica.read_in(&mut session, View::Tentative, &all_notes()).unwrap();
    assert_eq!(session.read_vector().entry(&other).unwrap().stamp, stamp(3));
    let before = here.replica.session_token(&session).unwrap();
    here.hear(GOOD, &Writing::after(1).tentative(&retirement).frame());
    assert_eq!(here.replica.version_vector().entry(&other), None);
    assert_eq!(here.replica.read_in(&mut session, View::Tentative, &all_notes()).unwrap().len(), 1);
    let after = here.replica.session_token(&session).unwrap();

    // Where all is known: also to one that never saw the replica before it retired.
    let mut there = Laptop::new();
    there.hear(GOOD, &Writing::after(1).tentative(&creation).tentative(&theirs).tentative(&retirement).frame());
    for token in [before.clone(), after.clone()] {
        let mut session = Session::from(token);
        assert_eq!(there.replica.read_in(&mut session, View::Tentative, &all_notes()).unwrap().len(), 1);
        let (wait, outputs) = there.replica.wait_for(NOW, &session, SessionNeed::Write, Millis(1_000)).unwrap();
        let said = carry_out(&mut there.replica, outputs);
        assert_eq!(said.events, [Event::SessionReady { wait }]);
    }

    // Where the retirement has not been heard of: who has read it needs it.
    let mut elsewhere = Laptop::new();
    elsewhere.hear(GOOD, &Writing::after(1).tentative(&creation).tentative(&theirs).frame());
    elsewhere.replica.read_in(&mut before.into(), View::Tentative, &all_notes()).unwrap();
    let mut session = Session::from(after);
    let lack = Lack::Writes { replica: other, held: Knowledge::Through(stamp(3)), needed: Knowledge::Retired };
    let refused = elsewhere.replica.read_in(&mut session, View::Tentative, &all_notes());
    assert_eq!(refused, Err(SessionRefusal::Lacking(vec![lack]).into()));
    let need = SessionNeed::Read(View::Tentative);
    let (wait, outputs) = elsewhere.replica.wait_for(NOW, &session, need, Millis(1_000)).unwrap();
    assert_eq!(carry_out(&mut elsewhere.replica, outputs).events, []);
    let said = elsewhere.hear(GOOD, &Writing::after(1).tentative(&retirement).frame());
    assert!(said.events.contains(&Event::SessionReady { wait }));
}

#[test]
fn a_read_of_the_committed_view_does_not_rest_on_a_tentative_retirement() {
    let [creation, theirs, retirement] = retiring();
    let mut here = Laptop::new();
    let batch = Writing::after(1).commit(&creation).commit(&theirs).tentative(&retirement);
    here.hear(GOOD, &batch.frame());
    let mut session = Session::new(database(), Guarantees::ALL);
    assert_eq!(here.replica.read_in(&mut session, View::Committed, &all_notes()).unwrap().len(), 1);
    assert_eq!(session.read_vector().entry(&theirs.id.replica).unwrap().stamp, stamp(3));

    // So it is served where the retirement is not known, and the commits are not either.
    let mut session = Session::from(here.replica.session_token(&session).unwrap());
    let mut there = Laptop::new();
    there.hear(GOOD, &Writing::after(1).tentative(&creation).tentative(&theirs).frame());
    assert_eq!(there.replica.read_in(&mut session, View::Tentative, &all_notes()).unwrap().len(), 1);
}
