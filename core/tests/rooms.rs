//! Booking rooms: what is refused at the form, what a cancellation does, and that two committed bookings of one room
//! never overlap.

#![allow(clippy::unwrap_used, reason = "a helper that fails fails the test")]

mod support;

use std::collections::BTreeMap;

use bayou_core::{
    Name, Predicate, Query, ReadOnlyCopy, Replica, Row, View,
    rooms::{
        self, BookingState, BookingView, CancelError, Field, NewBooking, Room, SLOT_MINUTES_MAX, SLOT_MINUTES_MIN, Slot,
    },
};
use proptest::{collection::vec, prelude::*};

use support::{Network, generate::cases};

/// Monday 5 January 2026, 00:00 UTC.
const MONDAY: i64 = 29_459_520;
const PERSON: &str = "person";

fn slot(room: &str, start: i64, minutes: i64) -> Slot {
    Slot { room: room.into(), start: MONDAY + start, end: MONDAY + start + minutes }
}

fn booking(id: &str, wanted: Slot, alternatives: Vec<Slot>) -> NewBooking {
    NewBooking {
        id: id.into(),
        title: "Planning".into(),
        person: PERSON.into(),
        name: "Ada".into(),
        notes: String::new(),
        wanted,
        alternatives,
    }
}

fn office(replicas: usize) -> Network {
    let mut network = Network::with_replicas(replicas);
    network.submit(0, rooms::add_rooms(&rooms::sample_rooms("Europe/Berlin")).unwrap());
    (1..=replicas).for_each(|host| network.exchange(host, 0));
    network
}

fn book(network: &mut Network, host: usize, booking: &NewBooking) {
    let draft = rooms::book(&network.hosts[host].replica, booking).unwrap();
    network.submit(host, draft);
}

fn cancel(network: &mut Network, host: usize, id: &str) {
    let draft = rooms::cancel(&network.hosts[host].replica, id).unwrap();
    network.submit(host, draft);
}

fn shown(network: &Network, host: usize, id: &str) -> BookingView {
    let all = rooms::bookings_of(&network.hosts[host].replica, PERSON);
    let of_id: Vec<BookingView> = all.into_iter().filter(|booking| booking.id == id).collect();
    assert_eq!(of_id.len(), 1, "{id} is shown once");
    of_id.into_iter().next().unwrap()
}

/// The fields that a booking is refused for, each with the alternative that it belongs to.
fn errors(change: impl FnOnce(&mut NewBooking)) -> Vec<(Field, Option<usize>)> {
    let network = office(0);
    let mut booking = booking("b", slot("heron", 600, 60), vec![slot("otter", 600, 60)]);
    change(&mut booking);
    let errors = rooms::validate(&network.hosts[0].replica, &booking);
    for error in &errors {
        assert!(error.message.ends_with('.') && error.message.len() > 10, "a sentence: {error}");
    }
    if !errors.is_empty() {
        assert_eq!(rooms::book(&network.hosts[0].replica, &booking).map(drop), Err(errors.clone()));
    }
    errors.into_iter().map(|error| (error.field, error.alternative)).collect()
}

#[test]
fn a_booking_in_order_has_no_errors() {
    assert_eq!(errors(|_| {}), []);
    assert_eq!(errors(|booking| booking.alternatives.clear()), []);
}

#[test]
fn texts_are_refused_where_they_are_missing_too_long_or_deceptive() {
    type Change = fn(&mut NewBooking);
    let refused: [(&str, Field, Change); 12] = [
        ("no title", Field::Title, |booking| booking.title.clear()),
        ("a title of spaces", Field::Title, |booking| booking.title = " \u{a0}\t ".into()),
        ("a title of 201 characters", Field::Title, |booking| booking.title = "é".repeat(201)),
        ("a title of 10,000 characters", Field::Title, |booking| booking.title = "x".repeat(10_000)),
        ("a title of two lines", Field::Title, |booking| booking.title = "a\nb".into()),
        ("a null character", Field::Title, |booking| booking.title = "a\0b".into()),
        ("an overridden direction", Field::Title, |booking| booking.title = "a\u{202e}b".into()),
        ("an isolated direction", Field::Name, |booking| booking.name = "a\u{2067}b".into()),
        ("no name", Field::Name, |booking| booking.name.clear()),
        ("a name of 101 characters", Field::Name, |booking| booking.name = "x".repeat(101)),
        ("notes of 2,001 characters", Field::Notes, |booking| booking.notes = "x".repeat(2_001)),
        ("notes with an escape", Field::Notes, |booking| booking.notes = "a\u{1b}[2J".into()),
    ];
    for (what, field, change) in refused {
        assert_eq!(errors(change), [(field, None)], "{what}");
    }
}

#[test]
fn texts_are_taken_as_they_are_where_they_are_merely_unusual() {
    let taken: [fn(&mut NewBooking); 6] = [
        |booking| booking.title = "é".repeat(200),
        |booking| booking.title = "<script>alert(1)</script> & \"quotes\"".into(),
        // A mark that belongs to right-to-left scripts.
        |booking| booking.title = "\u{200f}פגישה\u{200e}".into(),
        |booking| booking.name = "👩‍👩‍👧‍👦".into(),
        |booking| booking.notes = "first line\nsecond line".into(),
        |booking| booking.notes = "x".repeat(2_000),
    ];
    for change in taken {
        assert_eq!(errors(change), []);
    }
}

#[test]
fn texts_are_kept_without_the_space_around_them_and_otherwise_untouched() {
    let mut network = office(0);
    let title = "<b>Überraschung</b> \u{200f}";
    let draft = rooms::book(
        &network.hosts[0].replica,
        &NewBooking { title: format!("  {title}\t"), ..booking("b", slot("heron", 600, 60), vec![]) },
    );
    network.submit(0, draft.unwrap());
    assert_eq!(shown(&network, 0, "b").title, title);
}

#[test]
fn slots_are_refused_at_their_fields() {
    let cases: [(&str, Slot, &[Field]); 12] = [
        ("an unknown room", slot("attic", 600, 60), &[Field::Room]),
        ("no room", slot("", 600, 60), &[Field::Room]),
        ("an end before the start", slot("heron", 600, -60), &[Field::End]),
        ("no time at all", slot("heron", 600, 0), &[Field::End]),
        ("too short", slot("heron", 600, SLOT_MINUTES_MIN - 1), &[Field::End]),
        ("too long", slot("heron", 600, SLOT_MINUTES_MAX + 1), &[Field::End]),
        ("before the year 2000", slot("heron", 15_778_079 - MONDAY, 60), &[Field::Start]),
        ("after the year 2199", slot("heron", 120_966_120 - MONDAY, 60), &[Field::Start]),
        ("the first minute there is", Slot { room: "heron".into(), start: i64::MIN, end: i64::MAX }, &[Field::Start]),
        ("an end beyond all numbers", Slot { room: "heron".into(), start: MONDAY, end: i64::MAX }, &[Field::End]),
        ("an end before all numbers", Slot { room: "heron".into(), start: MONDAY, end: i64::MIN }, &[Field::End]),
        ("a wrong room and a wrong end", slot("attic", 600, 0), &[Field::Room, Field::End]),
    ];
    for (what, wrong, fields) in cases {
        let expected = |alternative| fields.iter().map(|field| (*field, alternative)).collect::<Vec<_>>();
        assert_eq!(errors(|booking| booking.wanted = wrong.clone()), expected(None), "{what}");
        assert_eq!(errors(|booking| booking.alternatives.push(wrong.clone())), expected(Some(1)), "{what}");
    }
    for minutes in [SLOT_MINUTES_MIN, SLOT_MINUTES_MAX] {
        assert_eq!(errors(|booking| booking.wanted = slot("heron", 600, minutes)), []);
    }
    for start in [15_778_080, 120_966_119] {
        assert_eq!(errors(|booking| booking.wanted = slot("heron", start - MONDAY, 60)), []);
    }
}

#[test]
fn alternatives_are_few_and_differ() {
    let twice = |booking: &mut NewBooking| booking.alternatives.push(booking.wanted.clone());
    assert_eq!(errors(twice), [(Field::Start, Some(1))]);
    let again = |booking: &mut NewBooking| booking.alternatives.push(slot("otter", 600, 60));
    assert_eq!(errors(again), [(Field::Start, Some(1))]);
    let many = |count: i64| {
        move |booking: &mut NewBooking| {
            booking.alternatives = (1..=count).map(|hour| slot("otter", 600 + hour * 60, 60)).collect();
        }
    };
    assert_eq!(errors(many(20)), []);
    assert_eq!(errors(many(21)), [(Field::Alternatives, None)]);
}

#[test]
fn ids_are_neither_empty_nor_long() {
    assert_eq!(errors(|booking| booking.id.clear()).len(), 1);
    assert_eq!(errors(|booking| booking.id = "x".repeat(65)).len(), 1);
    assert_eq!(errors(|booking| booking.person.clear()).len(), 1);
    assert_eq!(errors(|booking| booking.id = "x".repeat(64)), []);
}

#[test]
fn all_errors_are_told_at_once() {
    let all = errors(|booking| {
        booking.title.clear();
        booking.name.clear();
        booking.wanted.room = "attic".into();
        booking.alternatives[0].end = booking.alternatives[0].start;
    });
    assert_eq!(all, [(Field::Title, None), (Field::Name, None), (Field::Room, None), (Field::End, Some(0))]);
}

#[test]
fn every_booking_that_is_accepted_can_be_submitted() {
    for (character, count) in [("x", 2_000), ("语", 2_000), ("👩", 2_000), ("👩", 200)] {
        for alternatives in [0, 5, 20] {
            let mut network = office(0);
            let slots = (1..=alternatives).map(|hour| slot("magnolia", hour * 60, 60)).collect();
            let large = NewBooking {
                title: character.repeat(200),
                person: "p".repeat(64),
                name: character.repeat(100),
                notes: character.repeat(count),
                ..booking(&"b".repeat(64), slot("magnolia", 0, 60), slots)
            };
            match rooms::book(&network.hosts[0].replica, &large) {
                Ok(draft) => drop(network.submit(0, draft)),
                Err(errors) => {
                    assert_eq!(errors.iter().map(|error| error.field).collect::<Vec<_>>(), [Field::Notes]);
                    assert!(alternatives > 0, "a booking without alternatives always fits");
                }
            }
        }
    }
}

#[test]
fn rooms_are_checked_before_they_are_added() {
    let room = || rooms::sample_rooms("Europe/Berlin").remove(0);
    let fields = |rooms: &[Room]| {
        let errors = rooms::add_rooms(rooms).map(drop).unwrap_err();
        errors.into_iter().map(|error| error.field).collect::<Vec<_>>()
    };
    assert_eq!(fields(&[]), [Field::Room]);
    assert_eq!(fields(&vec![room(); 201]), [Field::Room]);
    assert_eq!(fields(&[Room { id: String::new(), ..room() }]), [Field::Title]);
    assert_eq!(fields(&[Room { id: "x".repeat(65), ..room() }]), [Field::Title]);
    assert_eq!(fields(&[Room { name: " ".into(), ..room() }]), [Field::Name]);
    assert_eq!(fields(&[Room { zone: String::new(), ..room() }]), [Field::Notes]);
    assert_eq!(fields(&[Room { floor: "x".repeat(101), ..room() }]), [Field::Notes]);
    assert_eq!(fields(&[Room { seats: 100_001, ..room() }]), [Field::Room]);
    assert_eq!(fields(&[Room { equipment: vec!["Screen".into(); 31], ..room() }]), [Field::Notes]);
    assert_eq!(fields(&[Room { equipment: vec![String::new()], ..room() }]), [Field::Notes]);
    assert!(rooms::add_rooms(&[room()]).is_ok());
}

#[test]
fn rooms_can_be_changed_by_adding_them_again() {
    let mut network = office(0);
    let heron = Room { seats: 5, name: "Heron the Second".into(), ..rooms::sample_rooms("Europe/Berlin").remove(0) };
    network.submit(0, rooms::add_rooms(std::slice::from_ref(&heron)).unwrap());
    let all = rooms::rooms(&network.hosts[0].replica);
    assert_eq!(all.len(), 6);
    assert!(all.contains(&heron));
    let order: Vec<_> = all.iter().map(|room| (room.floor.clone(), room.name.clone())).collect();
    assert!(order.is_sorted());
}

#[test]
fn neighbours_do_not_overlap() {
    let mut network = office(0);
    for (id, start) in [("a", 600), ("b", 660), ("c", 540)] {
        book(&mut network, 0, &booking(id, slot("heron", start, 60), vec![]));
        assert_eq!(shown(&network, 0, id).state, BookingState::Confirmed);
    }
    let between = booking("d", slot("heron", 659, SLOT_MINUTES_MIN), vec![]);
    book(&mut network, 0, &between);
    let lost = shown(&network, 0, "d");
    assert_eq!(lost.state, BookingState::NotPlaced);
    let in_the_way: Vec<&str> = lost.in_the_way.iter().map(|blocker| blocker.id.as_str()).collect();
    assert_eq!(in_the_way, ["a", "b"]);
    let taken = rooms::taken(&network.hosts[0].replica, &between.wanted);
    assert_eq!(taken.iter().map(|booking| booking.id.as_str()).collect::<Vec<_>>(), ["a", "b"]);
}

#[test]
fn a_booking_goes_through_its_states() {
    let mut network = office(1);
    network.pause();
    network.hosts[1].slow_storage = true;
    book(&mut network, 1, &booking("b", slot("heron", 600, 60), vec![]));
    assert_eq!(shown(&network, 1, "b").state, BookingState::Saving);
    network.store_at_once(1);
    assert_eq!(shown(&network, 1, "b").state, BookingState::Saved);
    network.exchange(1, 0);
    assert_eq!(shown(&network, 1, "b").state, BookingState::Tentative);
    network.resume();
    network.exchange(1, 0);
    assert_eq!(shown(&network, 1, "b").state, BookingState::Confirmed);

    // So does its cancellation.
    network.pause();
    network.hosts[1].slow_storage = true;
    cancel(&mut network, 1, "b");
    let states = |network: &Network| {
        let view = shown(network, 1, "b");
        (view.state, view.cancelling)
    };
    assert_eq!(states(&network), (BookingState::Saving, true));
    network.store_at_once(1);
    assert_eq!(states(&network), (BookingState::Saved, true));
    network.exchange(1, 0);
    assert_eq!(states(&network), (BookingState::Tentative, true));
    network.resume();
    network.exchange(1, 0);
    assert_eq!(states(&network), (BookingState::Cancelled, false));
}

#[test]
fn who_looks_on_sees_rooms_and_bookings_as_the_writer_of_the_file_does() {
    let mut network = office(1);
    book(&mut network, 1, &booking("a", slot("heron", 600, 60), vec![]));
    book(&mut network, 1, &booking("b", slot("heron", 600, 60), vec![slot("otter", 600, 60)]));
    network.exchange(1, 0);
    network.pause();
    book(&mut network, 1, &booking("c", slot("heron", 720, 60), vec![]));
    network.exchange(1, 0);
    let primary = &network.hosts[0].replica;
    let file = primary.export(None, usize::MAX).unwrap().next().unwrap().unwrap();
    let copy = ReadOnlyCopy::open([file]).unwrap();
    let all = rooms::bookings(&copy, MONDAY, MONDAY + 24 * 60);
    let states: Vec<_> = all.iter().map(|booking| (booking.id.as_str(), booking.state)).collect();
    assert_eq!(
        states,
        [("a", BookingState::Confirmed), ("b", BookingState::Moved), ("c", BookingState::Tentative)],
        "what is with the primary is saved there, and not on this device"
    );
    assert_eq!(all[1].in_the_way.len(), 1);
    assert_eq!(rooms::rooms(&copy), rooms::rooms(primary));
}

#[test]
fn only_what_stands_can_be_cancelled() {
    let mut network = office(1);
    let error = |network: &Network, id: &str| rooms::cancel(&network.hosts[1].replica, id).map(drop);
    assert_eq!(error(&network, "unknown"), Err(CancelError::Unknown));
    assert_eq!(error(&network, ""), Err(CancelError::Unknown));
    assert_eq!(error(&network, &"x".repeat(1_000)), Err(CancelError::Unknown));

    book(&mut network, 1, &booking("a", slot("heron", 600, 60), vec![]));
    book(&mut network, 1, &booking("b", slot("heron", 600, 60), vec![]));
    // At present it has no place, but it may yet get one: it can be given up.
    assert_eq!(error(&network, "b"), Ok(()));
    network.exchange(1, 0);
    assert_eq!(shown(&network, 1, "b").state, BookingState::NotPlaced);
    assert_eq!(error(&network, "b"), Err(CancelError::NotPlaced));
    cancel(&mut network, 1, "a");
    assert_eq!(error(&network, "a"), Err(CancelError::Cancelled));
    network.exchange(1, 0);
    assert_eq!(error(&network, "a"), Err(CancelError::Cancelled));
}

#[test]
fn a_cancellation_of_what_has_moved_meanwhile_still_gives_it_up() {
    let mut network = office(2);
    let (ada, bert) = (1, 2);
    book(&mut network, ada, &booking("a", slot("heron", 600, 60), vec![slot("otter", 600, 60)]));
    cancel(&mut network, ada, "a");
    book(&mut network, bert, &booking("b", slot("heron", 600, 60), vec![]));
    network.exchange(bert, 0);
    network.exchange(ada, 0);
    network.exchange(bert, 0);
    for host in [0, ada, bert] {
        assert_eq!(shown(&network, host, "a").state, BookingState::Cancelled);
        assert_eq!(shown(&network, host, "b").state, BookingState::Confirmed);
        assert!(rooms::taken(&network.hosts[host].replica, &slot("otter", 600, 60)).is_empty());
    }
}

#[test]
fn two_cancellations_of_one_booking_are_one() {
    let mut network = office(2);
    book(&mut network, 1, &booking("a", slot("heron", 600, 60), vec![]));
    network.exchange(1, 0);
    network.exchange(2, 0);
    cancel(&mut network, 1, "a");
    cancel(&mut network, 2, "a");
    for host in [1, 2, 1] {
        network.exchange(host, 0);
    }
    for host in 0..=2 {
        assert_eq!(shown(&network, host, "a").state, BookingState::Cancelled);
    }
    // The slot is free once, for one.
    book(&mut network, 1, &booking("b", slot("heron", 600, 60), vec![]));
    book(&mut network, 2, &booking("c", slot("heron", 600, 60), vec![]));
    for host in [1, 2, 1] {
        network.exchange(host, 0);
    }
    assert_eq!(shown(&network, 0, "b").state, BookingState::Confirmed);
    assert_eq!(shown(&network, 0, "c").state, BookingState::NotPlaced);
}

#[test]
fn a_booking_that_lost_its_slot_regains_it_if_the_winner_is_cancelled_before_it_in_the_order() {
    let mut network = office(2);
    let (ada, bert) = (1, 2);
    book(&mut network, ada, &booking("a", slot("heron", 600, 60), vec![]));
    book(&mut network, bert, &booking("b", slot("heron", 600, 60), vec![slot("otter", 600, 60)]));
    network.exchange(ada, bert);
    assert_eq!(shown(&network, bert, "b").slot, slot("otter", 600, 60));
    cancel(&mut network, ada, "a");
    // Ada reaches the primary first, with her booking and its cancellation; Bert's follows.
    network.pause();
    network.exchange(ada, 0);
    network.resume();
    network.exchange(bert, 0);
    let standing = rooms::bookings(&network.hosts[0].replica, MONDAY, MONDAY + 24 * 60);
    assert_eq!(standing.len(), 1);
    assert_eq!(standing[0].id, "b");
}

#[derive(Clone, Debug)]
enum Act {
    Book { host: usize, wanted: (usize, i64, i64), alternatives: Vec<(usize, i64, i64)> },
    Cancel { host: usize, which: usize },
    Meet { left: usize, right: usize, frames: Vec<usize> },
    Restart(usize),
    Pause(bool),
}

const ROOMS: [&str; 2] = ["heron", "otter"];
const HOSTS: usize = 4;

fn act() -> impl Strategy<Value = Act> {
    let place = || (0..ROOMS.len(), 0..8_i64, 1..4_i64);
    prop_oneof![
        6 => (0..HOSTS, place(), vec(place(), 0..3))
            .prop_map(|(host, wanted, alternatives)| Act::Book { host, wanted, alternatives }),
        2 => (0..HOSTS, 0..20_usize).prop_map(|(host, which)| Act::Cancel { host, which }),
        4 => (0..HOSTS, 0..HOSTS, vec(any::<usize>(), 0..25))
            .prop_map(|(left, right, frames)| Act::Meet { left, right, frames }),
        1 => (0..HOSTS).prop_map(Act::Restart),
        1 => any::<bool>().prop_map(Act::Pause),
    ]
}

fn rows(replica: &Replica, view: View, relation: &str) -> Vec<Row> {
    replica.read(view, &Query::new(Name::new(relation).unwrap(), Predicate::All)).unwrap()
}

/// In neither view do two bookings of a room overlap, and each stands at one of the places that were asked for.
fn check_bookings(replica: &Replica, asked: &BTreeMap<String, NewBooking>) {
    for view in [View::Committed, View::Tentative] {
        let standing: Vec<(String, Slot)> = rows(replica, view, "bookings")
            .iter()
            .map(|row| {
                let number = |field: &str| row.value(field).as_int().unwrap();
                let room = row.value("room").as_text().unwrap().to_string();
                let slot = Slot { room, start: number("start"), end: number("end") };
                let booking = &asked[row.key.as_str()];
                let choice = usize::try_from(number("choice")).unwrap();
                let expected = choice.checked_sub(1).map_or(&booking.wanted, |index| &booking.alternatives[index]);
                assert_eq!(&slot, expected, "{}: a slot that was asked for and checked", row.key);
                (row.key.to_string(), slot)
            })
            .collect();
        for (index, (id, slot)) in standing.iter().enumerate() {
            for (other_id, other) in &standing[..index] {
                let overlap = slot.room == other.room && slot.start < other.end && other.start < slot.end;
                assert!(!overlap, "{view:?}: {id} and {other_id} overlap");
            }
        }
    }
}

proptest! {
    #![proptest_config(cases(60))]

    #[test]
    fn two_bookings_of_one_room_never_overlap_and_what_is_final_stays(acts in vec(act(), 1..40)) {
        let mut network = office(HOSTS - 1);
        let mut asked: BTreeMap<String, NewBooking> = BTreeMap::new();
        let mut finals: BTreeMap<String, (BookingState, Slot)> = BTreeMap::new();
        for act in acts {
            match act {
                Act::Book { host, wanted, alternatives } => {
                    let slot = |(room, start, length): (usize, i64, i64)| slot(ROOMS[room], start * 30, length * 30);
                    let wanted = slot(wanted);
                    let mut others: Vec<Slot> = alternatives.into_iter().map(slot).filter(|other| *other != wanted).collect();
                    others.dedup();
                    if others.len() == 2 && others[0] == others[1] {
                        others.pop();
                    }
                    let new = booking(&format!("b{}", asked.len()), wanted, others);
                    book(&mut network, host, &new);
                    asked.insert(new.id.clone(), new);
                }
                Act::Cancel { host, which } => {
                    let draft = rooms::cancel(&network.hosts[host].replica, &format!("b{which}"));
                    if let Ok(draft) = draft {
                        network.submit(host, draft);
                    }
                }
                Act::Meet { left, right, frames } if left != right => {
                    network.link(left, right);
                    for choice in frames {
                        if let Some(host) = network.deliver_one(choice) {
                            check_bookings(&network.hosts[host].replica, &asked);
                        }
                    }
                    network.unlink(left, right);
                }
                Act::Meet { .. } => {}
                Act::Restart(host) => network.restart(host),
                Act::Pause(true) => network.pause(),
                Act::Pause(false) => network.resume(),
            }
            for host in &network.hosts {
                check_bookings(&host.replica, &asked);
                check_finals(&host.replica, &mut finals);
            }
        }

        network.resume();
        for host in (1..HOSTS).chain(1..HOSTS) {
            network.exchange(host, 0);
        }
        let views = |host: usize| rooms::bookings_of(&network.hosts[host].replica, PERSON);
        let first = views(0);
        prop_assert_eq!(first.len(), asked.len(), "no booking has vanished, and none is shown twice");
        for host in 0..HOSTS {
            prop_assert_eq!(&views(host), &first);
            check_finals(&network.hosts[host].replica, &mut finals);
        }
        for view in &first {
            prop_assert!(is_final(view.state), "{}: {:?}", view.id, view.state);
            // It has the first of its places that was free when its turn came: those before it were taken.
            if view.state == BookingState::Moved {
                prop_assert!(!view.in_the_way.is_empty());
            }
        }
    }
}

const fn is_final(state: BookingState) -> bool {
    matches!(state, BookingState::Confirmed | BookingState::Moved | BookingState::NotPlaced | BookingState::Cancelled)
}

/// What is final stays as it is, but for a cancellation of what stood.
fn check_finals(replica: &Replica, finals: &mut BTreeMap<String, (BookingState, Slot)>) {
    for view in rooms::bookings_of(replica, PERSON) {
        if !is_final(view.state) {
            continue;
        }
        let stood = (view.state, view.slot);
        let Some(before) = finals.insert(view.id.clone(), stood.clone()) else { continue };
        let cancelled = |from: BookingState, to: BookingState| {
            to == BookingState::Cancelled && matches!(from, BookingState::Confirmed | BookingState::Moved)
        };
        if cancelled(stood.0, before.0) {
            // This replica has not heard of the cancellation.
            finals.insert(view.id, before);
        } else {
            assert!(stood == before || cancelled(before.0, stood.0), "{}: {before:?}, then {stood:?}", view.id);
        }
    }
}

#[test]
fn the_writes_of_the_application_can_be_told_in_words() {
    let mut network = office(1);
    book(&mut network, 1, &booking("b", slot("heron", 0, 60), vec![slot("otter", 0, 60), slot("delta", 0, 60)]));
    cancel(&mut network, 1, "b");
    let replica = &network.hosts[1].replica;
    let words: Vec<_> =
        replica.inspect(100).log.iter().map(|row| rooms::describe(replica, replica.write(&row.id).unwrap())).collect();
    let told: Vec<_> = words.iter().map(Option::as_deref).collect();
    assert_eq!(
        told,
        [
            // The creation of the replica is the engine's write, not the application's.
            None,
            Some("add 6 rooms"),
            Some("book “Planning” in Heron, or one of 2 alternatives"),
            Some("cancel “Planning”"),
        ]
    );
}
