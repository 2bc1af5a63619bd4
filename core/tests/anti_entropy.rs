//! What travels between two replicas: all that one lacks, once, in order, and no more at a time than the other takes
//! \[97 §3\].

#![allow(clippy::unwrap_used, reason = "a helper that fails fails the test")]

mod support;

use bayou_core::{
    Event, PeerKind, WriteId,
    limits::{BATCH_BYTES_TARGET, FRAME_BYTES_MAX, IN_FLIGHT_BYTES_MAX, WRITE_BYTES_MAX},
};
use proptest::{collection::vec, prelude::*};

use support::{
    Network,
    generate::{cases, note},
};

/// The most that a sender has under way: its window, and the batch that filled it.
const UNDER_WAY_MAX: usize = IN_FLIGHT_BYTES_MAX + BATCH_BYTES_TARGET + WRITE_BYTES_MAX + 1024;

fn log(network: &Network, host: usize) -> Vec<(WriteId, Option<u64>)> {
    let log = network.hosts[host].replica.inspect(usize::MAX).log.into_iter();
    log.map(|row| (row.id, row.committed.map(|(csn, _)| csn.get()))).collect()
}

fn bytes_under_way(network: &Network, from: usize, to: usize) -> usize {
    network.under_way(from, to).iter().map(|frame| frame.len()).sum()
}

fn bytes_sent(network: &Network, from: usize, to: usize) -> usize {
    network.bytes_sent.get(&(from, to)).copied().unwrap_or(0)
}

/// Nearly as large as a write may be. Eighteen of them fill the window.
const LARGE: usize = 60 * 1024;

fn submit_large(network: &mut Network, host: usize, count: usize) {
    for number in 0..count {
        network.submit(host, note(&format!("{host}-{number}"), LARGE));
    }
}

#[test]
fn a_long_absence_is_made_up_for_in_batches_within_the_window() {
    let mut network = Network::with_replicas(1);
    submit_large(&mut network, 1, 24);
    network.link(1, 0);
    // The primary's hello reaches the laptop, which offers as much as the window takes. Nothing is acknowledged yet.
    assert!(network.deliver_between(0, 1));
    let frames = network.under_way(1, 0);
    let largest = frames.iter().map(|frame| frame.len()).max().unwrap();
    assert!(largest > LARGE && largest < BATCH_BYTES_TARGET + 1024, "{largest}");
    assert!(largest <= FRAME_BYTES_MAX);
    let window = bytes_under_way(&network, 1, 0);
    assert!(window > IN_FLIGHT_BYTES_MAX && window <= UNDER_WAY_MAX, "{window}");

    // What the application goes on writing waits.
    submit_large(&mut network, 1, 3);
    assert_eq!(bytes_under_way(&network, 1, 0), window);

    // Each acknowledgement makes room for more, and never for more than the window.
    while network.deliver_one(0).is_some() {
        assert!(bytes_under_way(&network, 1, 0) <= UNDER_WAY_MAX);
    }
    assert_eq!(log(&network, 0), log(&network, 1));
    assert_eq!(network.hosts[1].replica.summary().tentative, 0);
}

#[test]
fn a_receiver_that_does_not_take_anything_holds_up_nobody_else() {
    let mut network = Network::with_replicas(2);
    let (sender, slow) = (1, 2);
    network.hosts[slow].slow_storage = true;
    network.link(sender, slow);
    network.link(sender, 0);
    network.settle();
    network.store(slow, usize::MAX);
    network.settle();
    submit_large(&mut network, sender, 24);
    network.settle();
    assert_eq!(network.hosts[0].replica.csn().get(), 26, "the primary has everything");
    let received = bytes_sent(&network, sender, slow);
    assert!(received <= UNDER_WAY_MAX, "{received}");

    network.store_at_once(slow);
    network.settle();
    assert_eq!(log(&network, slow), log(&network, 0));
}

#[test]
fn a_write_that_is_inserted_behind_the_catch_up_is_not_skipped() {
    let mut network = Network::with_replicas(3);
    let (sender, receiver, other) = (1, 2, 3);
    network.pause();
    // The other's writes stand before, among and behind those of the sender in log order.
    (0..30).for_each(|number| {
        network.submit(other, note(&format!("early-{number}"), 10));
    });
    (0..10).for_each(|number| {
        network.submit(sender, note(&format!("small-{number}"), 10));
    });
    submit_large(&mut network, sender, 20);
    (0..40).for_each(|number| {
        network.submit(other, note(&format!("late-{number}"), 10));
    });

    // The sender's window fills in the middle of its scan.
    network.link(sender, receiver);
    assert!(network.deliver_between(receiver, sender));
    assert!(bytes_under_way(&network, sender, receiver) > IN_FLIGHT_BYTES_MAX);
    let first_large = network.hosts[sender].replica.inspect(usize::MAX).log;
    let early: Vec<WriteId> = log(&network, other).into_iter().map(|(id, _)| id).collect();
    assert!(first_large.iter().any(|row| early.iter().any(|id| *id > row.id)), "some stand ahead of the scan");

    // Meanwhile it hears of the other's.
    network.link(sender, other);
    while network.deliver_between(sender, other) || network.deliver_between(other, sender) {}
    assert!(early.iter().all(|id| network.hosts[sender].replica.write(id).is_some()));
    assert!(
        early.iter().all(|id| network.hosts[receiver].replica.write(id).is_none() || id.replica.creation().is_none())
    );
    network.unlink(sender, other);

    network.settle();
    assert_eq!(log(&network, receiver), log(&network, sender));
    assert!(network.hosts.iter().all(|host| host.disconnects.is_empty()));
}

proptest! {
    #![proptest_config(cases(4))]

    #[test]
    fn whatever_is_inserted_while_a_catch_up_runs_arrives_too(
        before in vec((1..4_usize, prop_oneof![Just(10), Just(LARGE)]), 40..60),
        meetings in vec((any::<bool>(), 0..40_usize), 1..6),
        writes in vec((1..4_usize, prop_oneof![Just(10), Just(LARGE)]), 0..6),
        deliveries in vec(any::<usize>(), 60),
    ) {
        let mut network = Network::with_replicas(3);
        let (sender, receiver, other) = (1, 2, 3);
        for (number, (host, bytes)) in before.into_iter().enumerate() {
            network.submit(host, note(&number.to_string(), bytes));
        }
        network.link(sender, receiver);
        let mut writes = writes.into_iter().enumerate();
        let mut deliveries = deliveries.into_iter().cycle();
        for (with_primary, frames) in meetings {
            let peer = if with_primary { 0 } else { other };
            network.link(sender, peer);
            for _ in 0..frames {
                let _ = network.deliver_one(deliveries.next().unwrap());
            }
            if let Some((number, (host, bytes))) = writes.next() {
                network.submit(host, note(&format!("later-{number}"), bytes));
            }
            network.unlink(sender, peer);
        }
        network.settle();
        let (sent, received) = (log(&network, sender), log(&network, receiver));
        prop_assert_eq!(sent, received, "both directions have run to their ends");
        for host in &network.hosts {
            prop_assert_eq!(&host.disconnects, &[]);
        }
    }
}

#[test]
fn what_a_peer_announces_is_not_what_one_holds() {
    let mut network = Network::with_replicas(2);
    let write = network.submit(1, note("a", 10));
    network.exchange(1, 0);

    // The hello names the write; the link is lost before the write comes.
    network.link(0, 2);
    let before = network.hosts[2].replica.version_vector().clone();
    assert!(network.deliver_between(0, 2));
    assert!(network.hosts[2].events.iter().any(|event| matches!(event, Event::LinkReady { .. })));
    network.unlink(0, 2);
    assert_eq!(network.hosts[2].replica.version_vector(), &before);
    assert!(!network.hosts[2].replica.version_vector().covers(&write));

    // So the next one to come is asked for it, too.
    network.exchange(1, 2);
    assert!(network.hosts[2].replica.status(&write).unwrap().csn.is_some());
}

#[test]
fn what_arrives_twice_is_held_once() {
    let mut network = Network::with_replicas(3);
    // Two links to the same peer and one around it: everything comes three times.
    for (left, right) in [(1, 2), (1, 2), (1, 3), (3, 2)] {
        network.link(left, right);
    }
    network.settle();
    let batches = network.hosts[2].stored.len();
    for number in 0..4 {
        network.submit(1, note(&number.to_string(), 10));
    }
    for choice in [2, 0, 3, 1].into_iter().cycle().take(40) {
        let _ = network.deliver_one(choice);
    }
    network.settle();
    assert_eq!(log(&network, 2), log(&network, 1));
    assert_eq!(log(&network, 2).iter().filter(|(_, csn)| csn.is_none()).count(), 4);
    assert_eq!(network.hosts[2].stored.len(), batches + 4, "nothing is stored twice");
    assert!(network.hosts.iter().all(|host| host.disconnects.is_empty()));
}

#[test]
fn a_late_copy_of_a_committed_write_is_not_taken_for_a_new_one() {
    let mut network = Network::with_replicas(3);
    let (author, laggard, informed) = (1, 2, 3);
    let write = network.submit(author, note("a", 30 * 1024));
    network.exchange(author, laggard);
    network.exchange(author, 0);
    network.exchange(informed, 0);
    let before = (log(&network, informed), network.hosts[informed].stored.len());

    // The laggard holds it as tentative and does not know that the other has it as committed.
    assert_eq!(network.hosts[laggard].replica.status(&write).unwrap().csn, None);
    network.exchange(laggard, informed);
    assert_eq!((log(&network, informed), network.hosts[informed].stored.len()), before);
    assert!(bytes_sent(&network, laggard, informed) < 1024, "it is not even sent");

    // What the laggard gets is a notification, not the write again.
    assert_eq!(log(&network, laggard), log(&network, informed));
    assert!(bytes_sent(&network, informed, laggard) < 1024);
}

#[test]
fn a_session_that_was_cut_off_is_gone_on_with_where_it_ended() {
    let mut network = Network::with_replicas(1);
    let (writes, creations) = (12, 1);
    submit_large(&mut network, 1, writes);
    network.link(1, 0);
    while log(&network, 0).len() < writes / 2 {
        network.deliver_one(0);
    }
    network.unlink(1, 0);
    let held = log(&network, 0).len() - creations;
    network.bytes_sent.clear();
    network.exchange(1, 0);
    assert_eq!(log(&network, 0).len(), writes + creations);
    let rest = (writes - held) * LARGE;
    let sent = bytes_sent(&network, 1, 0);
    assert!(held < writes && sent >= rest && sent < rest + LARGE, "{sent} bytes for a rest of {rest}");
}

#[test]
fn once_caught_up_writes_and_commits_flow_from_hand_to_hand_as_they_come() {
    let mut network = Network::with_replicas(3);
    for (left, right) in [(0, 1), (1, 2), (2, 3)] {
        network.link(left, right);
    }
    network.settle();
    for host in 0..=3 {
        let caught_up = network.hosts[host].events.iter().filter(|event| matches!(event, Event::CaughtUp { .. }));
        assert!(caught_up.count() >= 1);
    }
    network.bytes_sent.clear();
    let write = network.submit(3, note("a", 30 * 1024));
    network.settle();
    for host in &network.hosts {
        assert!(host.replica.status(&write).unwrap().csn.is_some());
    }
    // It went to the primary, and its commit came back without it.
    assert!(bytes_sent(&network, 1, 0) > 30 * 1024);
    assert!([(0, 1), (1, 2), (2, 3)].iter().all(|(from, to)| bytes_sent(&network, *from, *to) < 1024));
    assert!(network.hosts[3].events.contains(&Event::Committed { write }));
}

#[test]
fn what_came_from_a_peer_is_not_sent_back_to_it() {
    /// The kind of a message is its second byte; that of a batch is 2.
    fn batches(frames: &[&[u8]]) -> usize {
        frames.iter().filter(|frame| frame[1] == 2).count()
    }
    let mut network = Network::with_replicas(1);
    network.link(0, 1);
    network.settle();
    // Its writes come from the primary with their commits; those of the laptop come back as notifications.
    network.submit(0, note("theirs", 10));
    network.submit(1, note("mine", 10));
    let sent_by_laptop = batches(&network.under_way(1, 0));
    assert_eq!(sent_by_laptop, 1);
    while network.deliver_between(0, 1) {}
    assert_eq!(batches(&network.under_way(1, 0)), sent_by_laptop, "it acknowledges, and offers nothing");
    while network.deliver_between(1, 0) {}
    assert_eq!(batches(&network.under_way(0, 1)), 1, "the notification");
    while network.deliver_between(0, 1) {}
    assert_eq!(batches(&network.under_way(1, 0)), 0);
    network.settle();
    assert_eq!(log(&network, 0), log(&network, 1));
}

#[test]
fn a_peer_of_the_same_device_gets_everything_as_any_other() {
    let mut network = Network::with_replicas(2);
    let write = network.submit(1, note("a", 10));
    network.link_as(PeerKind::SameDevice, 1, 2);
    network.settle();
    assert!(network.hosts[2].replica.write(&write).is_some());
}

#[test]
fn what_was_inserted_behind_the_scan_arrives_before_what_was_written_with_knowledge_of_it() {
    // So that Writes Follow Reads and Monotonic Writes hold wherever a link is lost: who holds a write holds all that
    // its accepter held when it was written.
    let mut network = Network::with_replicas(4);
    let (sender, receiver, asker, answerer) = (1, 2, 3, 4);
    (1..=4).for_each(|host| network.exchange(host, 0));
    network.pause();
    for number in 0..30 {
        network.submit(sender, note(&format!("n{number:02}"), 60_000));
    }
    // The stamp of the question is low: the asker has heard of nothing. That of the answer is high.
    let question = network.submit(asker, note("question", 1));
    network.exchange(sender, answerer);
    network.exchange(asker, answerer);
    let answer = network.submit(answerer, note("answer", 60_000));
    for number in 0..5 {
        network.submit(answerer, note(&format!("more{number}"), 60_000));
    }

    // The sender has sent what may be under way, and hears of question and answer in the middle of its scan.
    network.link(sender, receiver);
    assert!(network.deliver_between(receiver, sender), "the receiver's hello");
    network.link(sender, answerer);
    while network.hosts[sender].replica.write(&answer).is_none() {
        assert!(network.deliver_between(answerer, sender) || network.deliver_between(sender, answerer));
    }
    network.unlink(sender, answerer);
    assert!(network.hosts[sender].replica.write(&question).is_some());
    let holds = |network: &Network, write| network.hosts[receiver].replica.write(write).is_some();
    while network.deliver_between(sender, receiver) || network.deliver_between(receiver, sender) {
        assert!(!holds(&network, &answer) || holds(&network, &question), "an answer without its question");
    }
    assert!(holds(&network, &answer) && holds(&network, &question));
}
