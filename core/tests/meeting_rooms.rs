//! The meeting-room scheduler of \[95\], as a walk through the engine.
//!
//! Two people book rooms, each on a replica of their own, while nothing connects them. Read from top to bottom it is
//! the story that the whole project tells.

#![allow(clippy::unwrap_used, reason = "a step of the story that fails fails the test")]

mod support;

use bayou_core::{
    Replica, View,
    rooms::{self, BookingState, BookingView, NewBooking, Slot},
};

use support::Network;

/// Monday 5 January 2026, 00:00 UTC.
const MONDAY: i64 = 29_459_520;
const HOUR: i64 = 60;

const PRIMARY: usize = 0;

fn slot(room: &str, hour: i64) -> Slot {
    let start = MONDAY + hour * HOUR;
    Slot { room: room.into(), start, end: start + HOUR }
}

fn booking(id: &str, name: &str, wanted: Slot, alternatives: Vec<Slot>) -> NewBooking {
    let title = format!("{name}'s meeting");
    NewBooking {
        id: id.into(),
        title,
        person: format!("person-{name}"),
        name: name.into(),
        notes: String::new(),
        wanted,
        alternatives,
    }
}

fn shown(replica: &Replica, id: &str) -> BookingView {
    let all =
        ["Ada", "Bert", "Cleo"].into_iter().flat_map(|name| rooms::bookings_of(replica, &format!("person-{name}")));
    all.into_iter().find(|booking| booking.id == id).unwrap_or_else(|| panic!("{id} is not known"))
}

/// A primary with rooms, and two laptops that know them.
fn office() -> (Network, usize, usize) {
    let mut network = Network::with_replicas(2);
    let (ada, bert) = (1, 2);
    let draft = rooms::add_rooms(&rooms::sample_rooms("Europe/Berlin")).unwrap();
    network.submit(ada, draft);
    network.exchange(ada, PRIMARY);
    network.exchange(bert, PRIMARY);
    assert_eq!(rooms::rooms(&network.hosts[bert].replica).len(), 6);
    (network, ada, bert)
}

fn book(network: &mut Network, host: usize, booking: &NewBooking) {
    let draft = rooms::book(&network.hosts[host].replica, booking).unwrap();
    network.submit(host, draft);
}

#[test]
fn two_people_book_one_slot_offline_and_the_second_to_reach_the_primary_moves() {
    let (mut network, ada, bert) = office();

    // Both are offline. Each books Heron at ten; Bert would also take Otter.
    book(&mut network, ada, &booking("a", "Ada", slot("heron", 10), vec![]));
    book(&mut network, bert, &booking("b", "Bert", slot("heron", 10), vec![slot("otter", 10)]));

    // Neither waits for anything. Each sees the own booking, saved here and nowhere else.
    assert_eq!(shown(&network.hosts[ada].replica, "a").state, BookingState::Saved);
    assert_eq!(shown(&network.hosts[bert].replica, "b").state, BookingState::Saved);
    assert_eq!(shown(&network.hosts[bert].replica, "b").slot, slot("heron", 10));

    // The two laptops meet, without the primary. The write with the lower id stands first in the tentative order of
    // both, so that both show the same: Bert's would move. It is still tentative.
    network.exchange(ada, bert);
    for host in [ada, bert] {
        let replica = &network.hosts[host].replica;
        let moved = shown(replica, "b");
        assert_eq!((moved.state, moved.slot, moved.alternative), (BookingState::Tentative, slot("otter", 10), Some(0)));
        assert_eq!(moved.in_the_way[0].name, "Ada");
        assert_eq!(rooms::bookings(replica, MONDAY, MONDAY + 24 * HOUR).len(), 2);
        assert!(replica.read(View::Committed, &all_bookings()).unwrap().is_empty());
    }

    // Bert's laptop reaches the primary. It holds both writes by then, and offers them in its log order.
    network.exchange(bert, PRIMARY);
    network.exchange(ada, PRIMARY);
    for host in [PRIMARY, ada, bert] {
        let replica = &network.hosts[host].replica;
        assert_eq!(shown(replica, "a").state, BookingState::Confirmed);
        assert_eq!(shown(replica, "b").state, BookingState::Moved);
    }
}

#[test]
fn commit_order_overtakes_tentative_order() {
    let (mut network, ada, bert) = office();
    book(&mut network, ada, &booking("a", "Ada", slot("heron", 10), vec![slot("heron", 11)]));
    book(&mut network, bert, &booking("b", "Bert", slot("heron", 10), vec![]));

    // Ada's write is the first in the tentative order, but Bert's is the first at the primary.
    network.exchange(bert, PRIMARY);
    assert_eq!(shown(&network.hosts[bert].replica, "b").state, BookingState::Confirmed);
    assert_eq!(shown(&network.hosts[ada].replica, "a").slot, slot("heron", 10), "Ada has not heard of it");

    // Ada's replica takes its write back, puts Bert's first, and tries the alternative: it did not lose it.
    network.exchange(ada, PRIMARY);
    let moved = shown(&network.hosts[ada].replica, "a");
    assert_eq!((moved.state, moved.slot), (BookingState::Moved, slot("heron", 11)));
    assert_eq!(moved.in_the_way[0].name, "Bert");
}

#[test]
fn a_booking_for_which_nothing_fits_is_not_placed_and_says_why() {
    let (mut network, ada, bert) = office();
    book(&mut network, ada, &booking("a1", "Ada", slot("heron", 10), vec![]));
    book(&mut network, ada, &booking("a2", "Ada", slot("otter", 10), vec![]));
    book(&mut network, bert, &booking("b", "Bert", slot("heron", 10), vec![slot("otter", 10)]));
    network.exchange(ada, PRIMARY);
    network.exchange(bert, PRIMARY);

    let lost = shown(&network.hosts[bert].replica, "b");
    assert_eq!((lost.state, lost.placed), (BookingState::NotPlaced, false));
    let in_the_way: Vec<&str> = lost.in_the_way.iter().map(|blocker| blocker.id.as_str()).collect();
    assert_eq!(in_the_way, ["a1", "a2"]);
    assert_eq!((lost.wanted, lost.alternatives), (slot("heron", 10), vec![slot("otter", 10)]), "ready to try again");
}

#[test]
fn a_cancellation_frees_the_slot_for_those_who_come_after_it() {
    let (mut network, ada, bert) = office();
    book(&mut network, ada, &booking("a", "Ada", slot("heron", 10), vec![]));
    network.exchange(ada, PRIMARY);
    network.exchange(bert, PRIMARY);

    let draft = rooms::cancel(&network.hosts[ada].replica, "a").unwrap();
    network.submit(ada, draft);
    let giving_up = shown(&network.hosts[ada].replica, "a");
    assert_eq!((giving_up.state, giving_up.cancelling), (BookingState::Saved, true));

    network.exchange(ada, PRIMARY);
    network.exchange(bert, PRIMARY);
    book(&mut network, bert, &booking("b", "Bert", slot("heron", 10), vec![]));
    network.exchange(bert, PRIMARY);
    assert_eq!(shown(&network.hosts[bert].replica, "a").state, BookingState::Cancelled);
    assert_eq!(shown(&network.hosts[bert].replica, "b").state, BookingState::Confirmed);
    assert_eq!(rooms::cancel(&network.hosts[bert].replica, "a"), Err(rooms::CancelError::Cancelled));
}

#[test]
fn while_the_primary_is_paused_everything_else_goes_on() {
    let (mut network, ada, bert) = office();
    let outputs = network.hosts[PRIMARY].replica.pause_commits().unwrap();
    network.carry_out(PRIMARY, outputs);
    book(&mut network, bert, &booking("b", "Bert", slot("heron", 10), vec![]));
    book(&mut network, ada, &booking("a", "Ada", slot("heron", 10), vec![slot("heron", 11)]));
    for host in [bert, ada, bert] {
        network.exchange(host, PRIMARY);
    }
    for host in [PRIMARY, ada, bert] {
        assert_eq!(shown(&network.hosts[host].replica, "b").state, BookingState::Tentative);
        assert!(network.hosts[host].replica.commits_paused());
    }

    // What waited commits in log order, in which Ada's write stands first, though Bert's came first.
    let outputs = network.hosts[PRIMARY].replica.resume_commits().unwrap();
    network.carry_out(PRIMARY, outputs);
    network.exchange(ada, PRIMARY);
    assert_eq!(shown(&network.hosts[ada].replica, "a").state, BookingState::Confirmed);
    assert_eq!(shown(&network.hosts[ada].replica, "b").state, BookingState::NotPlaced);
}

#[test]
fn a_restart_forgets_nothing_that_was_saved() {
    let (mut network, ada, bert) = office();
    book(&mut network, ada, &booking("a", "Ada", slot("heron", 10), vec![slot("heron", 11)]));
    book(&mut network, bert, &booking("b", "Bert", slot("heron", 10), vec![]));
    network.restart(ada);
    assert_eq!(shown(&network.hosts[ada].replica, "a").state, BookingState::Saved);
    network.exchange(bert, PRIMARY);
    network.restart(PRIMARY);
    network.exchange(ada, PRIMARY);
    network.restart(ada);
    assert_eq!(shown(&network.hosts[ada].replica, "a").state, BookingState::Moved);
    assert_eq!(shown(&network.hosts[PRIMARY].replica, "b").state, BookingState::Confirmed);
}

fn all_bookings() -> bayou_core::Query {
    bayou_core::Query::new(bayou_core::Name::new("bookings").unwrap(), bayou_core::Predicate::All)
}
