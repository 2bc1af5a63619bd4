//! The same writes and commits come to the same log and the same data, by whatever road they arrive; and to make room
//! for a write that arrives late, undo and redo cost what they are said to cost and change nothing else \[95 §5\].

#![allow(clippy::unwrap_used, reason = "a helper that fails fails the test")]

mod support;

use bayou_core::{
    Draft, Event, LogRow, Outcome, Predicate, Query, ReorderCost, Replica, Row, View, WriteId, WriteKind,
};
use proptest::{collection::vec, prelude::*};

use support::{
    Network,
    generate::{cases, draft, note, query, relations},
    model::{Model, Story},
};

/// All that a replica shows of its log and its data.
#[derive(Debug, PartialEq)]
struct Shown {
    log: Vec<(WriteId, Option<u64>, Outcome)>,
    views: Vec<Vec<Row>>,
}

fn shown(replica: &Replica, queries: &[Query]) -> Shown {
    let log = replica.inspect(usize::MAX).log.into_iter();
    let log = log.map(|LogRow { id, committed, outcome, .. }| (id, committed.map(|(csn, _)| csn.get()), outcome));
    let all: Vec<_> = relations().into_iter().map(|relation| Query::new(relation, Predicate::All)).collect();
    let views = [View::Committed, View::Tentative]
        .into_iter()
        .flat_map(|view| all.iter().chain(queries).map(move |query| replica.read(view, query).unwrap()));
    Shown { log: log.collect(), views: views.collect() }
}

/// One road by which writes travel: who meets whom, and how far each meeting gets before the link is lost.
type Road = Vec<(usize, usize, Vec<usize>)>;

const HOSTS: usize = 5;

fn road() -> impl Strategy<Value = Road> {
    vec((0..HOSTS, 0..HOSTS, vec(any::<usize>(), 0..20)), 0..20)
}

fn travel(network: &mut Network, road: &Road) {
    for (left, right, choices) in road {
        if left != right {
            network.link(*left, *right);
            for choice in choices {
                network.deliver_one(*choice);
            }
            network.unlink(*left, *right);
        }
    }
    // In the end, everybody has heard everything.
    for host in (1..HOSTS).chain(1..HOSTS) {
        network.exchange(host, 0);
    }
}

proptest! {
    #![proptest_config(cases(40))]

    #[test]
    fn any_arrival_order_of_the_same_writes_and_commits_gives_the_same_log_and_the_same_data(
        committed in vec((0..3_usize, draft()), 0..8),
        tentative in vec((0..3_usize, draft()), 0..10),
        one in road(),
        other in road(),
        queries in vec(query(), 3),
    ) {
        // Some writes are committed, known here and there; others came after the primary had paused.
        let mut network = Network::with_replicas(HOSTS - 1);
        for (host, draft) in committed {
            network.submit(host, draft);
            if host != 0 {
                network.exchange(host, 0);
            }
        }
        network.pause();
        for (host, draft) in tentative {
            network.submit(host, draft);
        }

        let universes = [one, other].map(|road| {
            let mut universe = network.copy();
            travel(&mut universe, &road);
            universe
        });
        let expected = shown(&universes[0].hosts[0].replica, &queries);
        for universe in &universes {
            for host in &universe.hosts {
                prop_assert_eq!(&shown(&host.replica, &queries), &expected);
                prop_assert_eq!(&host.disconnects, &[]);
            }
        }
    }

    #[test]
    fn a_late_write_gives_what_its_arrival_in_order_would_have_given_and_costs_what_is_said(
        committed in vec(draft(), 0..4),
        late in vec(draft(), 1..4),
        early in vec(draft(), 1..8),
        queries in vec(query(), 3),
    ) {
        let (author, late_author, in_order) = (1, 2, 3);
        let mut network = Network::with_replicas(3);
        committed.into_iter().for_each(|draft| drop(network.submit(0, draft)));
        (1..=3).for_each(|host| network.exchange(host, 0));
        network.pause();
        // The ids of the two authors differ and the stamps begin alike, so that the writes stand between each other.
        let early: Vec<WriteId> = early.into_iter().map(|draft| network.submit(author, draft)).collect();
        let late: Vec<WriteId> = late.into_iter().map(|draft| network.submit(late_author, draft)).collect();
        let before = shown(&network.hosts[author].replica, &queries);
        let mut expected_cost = expected_cost(&network, author, &early, &late);

        network.hosts[author].events.clear();
        network.exchange(author, late_author);
        let costs: Vec<ReorderCost> = network.hosts[author].events.iter().filter_map(|event| match event {
            Event::Reordered { undone, redone, outcomes_changed } => {
                Some(ReorderCost { undone: *undone, redone: *redone, outcomes_changed: *outcomes_changed })
            }
            _ => None,
        }).collect();
        if expected_cost.undone == 0 {
            expected_cost = ReorderCost::default();
        }
        prop_assert_eq!(costs.iter().copied().sum::<Cost>().0, expected_cost);
        prop_assert!(costs.len() <= 1, "one batch, at most one rollback");
        prop_assert_eq!(network.hosts[author].replica.inspect(0).last_reorder, costs.last().copied());

        // A replica that hears of them one by one in their order never rolls back.
        network.exchange(author, 0);
        let reordered_before = reordered(&network, in_order);
        network.exchange(in_order, 0);
        prop_assert_eq!(reordered(&network, in_order), reordered_before);
        prop_assert_eq!(
            shown(&network.hosts[author].replica, &queries),
            shown(&network.hosts[in_order].replica, &queries)
        );
        prop_assert!(before.log.len() < network.hosts[author].replica.inspect(usize::MAX).log.len());
    }
}

fn reordered(network: &Network, host: usize) -> usize {
    network.hosts[host].events.iter().filter(|event| matches!(event, Event::Reordered { .. })).count()
}

/// Costs of several rollbacks add up.
struct Cost(ReorderCost);

impl std::iter::Sum<ReorderCost> for Cost {
    fn sum<I: Iterator<Item = ReorderCost>>(costs: I) -> Self {
        Self(costs.fold(ReorderCost::default(), |sum, cost| ReorderCost {
            undone: sum.undone + cost.undone,
            redone: sum.redone + cost.redone,
            outcomes_changed: sum.outcomes_changed + cost.outcomes_changed,
        }))
    }
}

/// What the arrival of `late` costs a replica that holds `early`: all that stands behind the first of them is undone
/// and, with them, done again.
fn expected_cost(network: &Network, author: usize, early: &[WriteId], late: &[WriteId]) -> ReorderCost {
    let replica = &network.hosts[author].replica;
    let write = |id: &WriteId| {
        let holder = network.hosts.iter().find_map(|host| host.replica.write(id));
        holder.unwrap().clone()
    };
    let mut committed = Model::default();
    let log = replica.inspect(usize::MAX).log;
    for row in log.iter().filter(|row| row.committed.is_some()) {
        committed.execute(&write(&row.id));
    }
    let stories = |ids: &[&WriteId]| -> Vec<Story> {
        let mut model = committed.clone();
        ids.iter().map(|id| model.execute(&write(id))).collect()
    };
    let before: Vec<&WriteId> = early.iter().collect();
    let mut after: Vec<&WriteId> = early.iter().chain(late).collect();
    after.sort();
    let first_late = late.iter().min().unwrap();
    let undone: Vec<&WriteId> = early.iter().filter(|id| *id > first_late).collect();
    let (stories_before, stories_after) = (stories(&before), stories(&after));
    let branch = |ids: &[&WriteId], stories: &[Story], id: &WriteId| {
        stories[ids.iter().position(|other| *other == id).unwrap()].branch
    };
    let changed =
        undone.iter().filter(|id| branch(&before, &stories_before, id) != branch(&after, &stories_after, id)).count();
    ReorderCost {
        undone: u32::try_from(undone.len()).unwrap(),
        redone: u32::try_from(undone.len() + late.len()).unwrap(),
        outcomes_changed: u32::try_from(changed).unwrap(),
    }
}

#[test]
fn replicas_agree_on_the_tentative_order_without_a_primary() {
    let mut network = Network::with_replicas(4);
    for round in 0..3 {
        for host in 1..=4 {
            network.submit(host, note(&format!("{host}-{round}"), 10));
        }
    }
    // From hand to hand, and back.
    for (left, right) in [(1, 2), (2, 3), (3, 4), (3, 2), (2, 1)] {
        network.exchange(left, right);
    }
    let first = shown(&network.hosts[1].replica, &[]);
    assert_eq!(first.log.iter().filter(|(_, csn, _)| csn.is_none()).count(), 12);
    for host in 2..=4 {
        assert_eq!(shown(&network.hosts[host].replica, &[]), first);
    }
}

#[test]
fn the_primary_hears_of_the_later_write_first_and_a_replica_that_holds_both_reorders() {
    let mut network = Network::with_replicas(3);
    let (ada, bert, cleo) = (1, 2, 3);
    let a = network.submit(ada, note("a", 1));
    (0..3).for_each(|_| drop(network.submit(bert, Draft::default())));
    let b = network.submit(bert, note("b", 1));
    assert!(a < b);
    // Cleo holds both, in the tentative order. Bert has not heard of Ada's.
    network.exchange(cleo, bert);
    network.exchange(cleo, ada);
    let tentative = |network: &Network, host: usize| -> Vec<WriteId> {
        let log = network.hosts[host].replica.inspect(usize::MAX).log.into_iter();
        log.filter(|row| row.committed.is_none()).map(|row| row.id).collect()
    };
    assert_eq!((tentative(&network, cleo).first(), tentative(&network, cleo).last()), (Some(&a), Some(&b)));

    // Bert's writes are committed. Cleo hears of it from Bert, as notifications, with Ada's write still tentative.
    network.exchange(bert, 0);
    let events = network.hosts[cleo].events.len();
    network.exchange(cleo, bert);
    let cost = ReorderCost { undone: 5, redone: 5, outcomes_changed: 0 };
    let reordered = Event::Reordered { undone: cost.undone, redone: cost.redone, outcomes_changed: 0 };
    assert_eq!(network.hosts[cleo].events[events..].iter().filter(|event| **event == reordered).count(), 1);
    let status = |write: &WriteId| network.hosts[cleo].replica.status(write).unwrap();
    assert!(status(&b).csn.is_some());
    assert_eq!(status(&a).csn, None);
    assert_eq!(tentative(&network, cleo), [a]);
}

#[test]
fn commits_of_what_stands_first_anyway_undo_nothing() {
    let mut network = Network::with_replicas(2);
    network.exchange(1, 0);
    (0..5).for_each(|number| drop(network.submit(1, note(&number.to_string(), 1))));
    network.exchange(1, 0);
    assert_eq!(network.hosts[1].replica.summary().tentative, 0);
    assert_eq!(reordered(&network, 1), 0);
    // All five, and the two creations.
    assert_eq!(network.hosts[1].replica.csn().get(), 7);
    let creations = network.hosts[1].replica.inspect(usize::MAX).log;
    let is_creation =
        |row: &&LogRow| matches!(network.hosts[1].replica.write(&row.id).unwrap().kind(), WriteKind::CreateReplica);
    assert_eq!(creations.iter().filter(is_creation).count(), 2);
}
