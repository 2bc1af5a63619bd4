//! An index changes how fast a query is answered, never the answer (and so never an outcome). Nor does it change
//! anything whether the data was written here or came from a checkpoint.

#![allow(clippy::unwrap_used, reason = "a helper that fails fails the test")]

mod support;

use bayou_core::{
    Draft, Fields, Key, Operation, Outcome, Predicate, Query, Replica, UpdateSet, Value, View, limits::INDEXES_MAX,
    relation,
};
use proptest::{collection::vec, prelude::*, sample};

use support::{
    Network,
    files::truncate,
    generate::{cases, draft, fields_of, index_operation, keyed, named, query, relations},
    model::{Model, PlainRow, plain_rows},
};

/// A draft whose definitions of indexes are taken out, so that only the data remains.
fn without_indexes(mut draft: Draft) -> Draft {
    let only_data = |update: &mut UpdateSet| update.0.retain(|operation| *operation.relation() != relation::INDEXES);
    only_data(&mut draft.update);
    draft.alternatives.iter_mut().for_each(|alternative| only_data(&mut alternative.update));
    draft
}

fn index_draft(definitions: Vec<Operation>) -> Draft {
    Draft { update: UpdateSet(definitions), ..Draft::default() }
}

fn asks_data(query: &Query) -> bool {
    query.from != relation::INDEXES
}

/// What can be read, but for the definitions themselves. Ids of writes differ between a replica that defines indexes
/// and one that does not; the order of the writes does not.
fn answers(replica: &Replica, queries: &[Query]) -> Vec<Vec<(Key, Fields)>> {
    let all = relations().into_iter().map(|relation| Query::new(relation, Predicate::All));
    let queries = all.chain(queries.iter().cloned()).filter(asks_data).filter(|query| query.from != relation::ERRORS);
    let rows =
        queries.flat_map(|query| [View::Committed, View::Tentative].map(|view| replica.read(view, &query).unwrap()));
    rows.map(|rows| rows.iter().map(|row| (row.key.clone(), row.tuple.fields.clone())).collect()).collect()
}

/// Truncates the log, stores the data anew, and begins again from what is stored.
fn begin_again(network: &mut Network, host: usize) {
    truncate(network, host);
    let outputs = network.hosts[host].replica.checkpoint();
    network.carry_out(host, outputs);
    network.store_at_once(host);
    network.restart(host);
}

fn overlap_draft((key, fields): (u8, Option<Fields>)) -> Draft {
    let operation = match fields {
        Some(fields) => Operation::Put(named("a"), keyed(&key.to_string()), fields),
        None => Operation::Delete(named("a"), keyed(&key.to_string())),
    };
    Draft { update: UpdateSet(vec![operation]), ..Draft::default() }
}

proptest! {
    #![proptest_config(cases(150))]

    #[test]
    fn the_same_writes_give_the_same_data_and_answers_with_indexes_and_without(
        drafts in vec(draft().prop_map(without_indexes), 1..14),
        definitions in vec((0..14_usize, vec(index_operation(), 1..4)), 0..5),
        restarted_at in vec(0..14_usize, 0..3),
        queries in vec(query(), 12),
    ) {
        let mut plain = Network::new();
        let mut indexed = Network::new();
        for (index, draft) in drafts.iter().enumerate() {
            if restarted_at.contains(&index) {
                begin_again(&mut indexed, 0);
            }
            for (_, definitions) in definitions.iter().filter(|(at, _)| *at == index) {
                indexed.submit(0, index_draft(definitions.clone()));
            }
            // A check may ask for the definitions themselves, which are data like any other.
            if draft.check.0.iter().chain(draft.alternatives.iter().flat_map(|alternative| &alternative.check.0))
                .all(|condition| asks_data(&condition.query) && condition.query.from != relation::ERRORS)
            {
                let with = indexed.submit(0, draft.clone());
                let without = plain.submit(0, draft.clone());
                let branch = |outcome: Outcome| outcome.branch;
                prop_assert_eq!(
                    branch(indexed.hosts[0].replica.status(&with).unwrap().outcome.unwrap()),
                    branch(plain.hosts[0].replica.status(&without).unwrap().outcome.unwrap())
                );
            }
        }
        prop_assert_eq!(
            answers(&indexed.hosts[0].replica, &queries),
            answers(&plain.hosts[0].replica, &queries)
        );
    }

    #[test]
    fn an_indexed_query_finds_what_a_look_at_every_tuple_finds(
        tuples in vec((0..12_u8, draft_fields()), 0..24),
        definitions in vec(index_operation(), 1..6),
        defined_at in any::<sample::Index>(),
        restarted_at in vec(0..25_usize, 0..3),
        queries in vec(overlap_query(), 12),
    ) {
        let mut network = Network::new();
        let mut model = Model::default();
        let mut drafts: Vec<Draft> = tuples.into_iter().map(overlap_draft).collect();
        drafts.insert(defined_at.index(drafts.len() + 1), index_draft(definitions));
        for (index, draft) in drafts.into_iter().enumerate() {
            if restarted_at.contains(&index) {
                begin_again(&mut network, 0);
            }
            let id = network.submit(0, draft);
            model.execute(network.hosts[0].replica.write(&id).unwrap());
        }
        let replica = &network.hosts[0].replica;
        for query in queries {
            let found: Vec<PlainRow> = plain_rows(&replica.read(View::Tentative, &query).unwrap());
            prop_assert_eq!(found, model.find(&query), "{:?}", query);
        }
    }

    #[test]
    fn what_is_taken_back_leaves_the_data_that_came_from_a_checkpoint(
        definitions in vec(index_operation(), 1..6),
        before in vec((0..12_u8, draft_fields()), 0..16),
        offline in vec(((0..12_u8, draft_fields()), 0..12_u8), 1..8),
        meanwhile in vec((0..12_u8, draft_fields()), 1..8),
        queries in vec(overlap_query(), 12),
    ) {
        let mut network = Network::with_replicas(2);
        network.submit(0, index_draft(definitions));
        for draft in before.into_iter().map(overlap_draft) {
            network.submit(0, draft);
        }
        network.exchange(0, 1);
        begin_again(&mut network, 1);
        for (change, needed) in offline {
            let mut draft = overlap_draft(change);
            // Where that tuple is gone meanwhile, nothing of the draft applies any more.
            draft.update.0.push(Operation::Patch(named("a"), keyed(&needed.to_string()), Fields::none()));
            network.submit(1, draft);
        }
        for draft in meanwhile.into_iter().map(overlap_draft) {
            network.submit(0, draft);
        }
        // Only what is committed arrives: what was written offline is taken back and executed after it.
        network.pause();
        network.exchange(0, 1);
        let [of_log, of_checkpoint] = [0, 1].map(|host| answers(&network.hosts[host].replica, &queries));
        prop_assert_eq!(of_log, of_checkpoint);
    }
}

/// Intervals of every length, and values that are none.
fn draft_fields() -> impl Strategy<Value = Option<Fields>> {
    let point = prop_oneof![
        6 => (-3..12_i64).prop_map(Value::from),
        2 => sample::select(vec![i64::MIN, i64::MIN + 1, -(1 << 62) - 9, (1 << 62) + 5, i64::MAX - 1, i64::MAX])
            .prop_map(Value::from),
        1 => sample::select(vec![Value::Null, Value::from("3"), Value::from(true)]),
    ];
    let x = sample::select(vec![Value::Null, Value::from(0), Value::from("t")]);
    let fields = (point.clone(), point, x.clone(), x)
        .prop_map(|(start, end, x, y)| fields_of([("s", start), ("e", end), ("x", x), ("y", y)]));
    prop_oneof![5 => fields.prop_map(Some), 1 => Just(None)]
}

/// Queries that some index serves.
fn overlap_query() -> impl Strategy<Value = Query> {
    let point = prop_oneof![
        6 => -3..12_i64,
        1 => sample::select(vec![i64::MIN, (1 << 62) + 5, i64::MAX - 1, i64::MAX]),
    ];
    let overlaps = (point.clone(), point).prop_map(|(start, end)| Predicate::Overlaps {
        start_field: named("s"),
        end_field: named("e"),
        start,
        end,
    });
    let value = sample::select(vec![Value::Null, Value::from(0), Value::from("t")]);
    let equal = (sample::select(vec!["x", "y"]), value).prop_map(|(name, value)| Predicate::equal(named(name), value));
    (overlaps, vec(equal, 0..3), any::<bool>(), proptest::option::of(0..5_u32)).prop_map(
        |(overlaps, equal, interval, limit)| {
            let parts = interval.then_some(overlaps).into_iter().chain(equal).collect();
            Query { limit, ..Query::new(named("a"), Predicate::And(parts)) }
        },
    )
}

#[test]
fn an_index_finds_an_interval_longer_than_a_number_can_say() {
    let mut network = Network::new();
    let interval = [("relation", Value::from("a")), ("start", Value::from("s")), ("end", Value::from("e"))];
    network.submit(0, index_draft(vec![Operation::Put(relation::INDEXES, keyed("i"), fields_of(interval))]));
    let always = fields_of([("s", i64::MIN.into()), ("e", i64::MAX.into())]);
    let draft =
        Draft { update: UpdateSet(vec![Operation::Put(named("a"), keyed("always"), always)]), ..Draft::default() };
    network.submit(0, draft);
    let filter = Predicate::Overlaps { start_field: named("s"), end_field: named("e"), start: 0, end: 10 };
    let found = network.hosts[0].replica.read(View::Tentative, &Query::new(named("a"), filter)).unwrap();
    assert_eq!(found.len(), 1);
}

#[test]
fn definitions_beyond_the_limit_are_data_and_no_indexes() {
    let mut network = Network::new();
    let definition = |number: usize| {
        let fields = fields_of([
            ("relation", Value::from("a")),
            ("by", Value::from(vec![Value::from(format!("f{number}").as_str())])),
        ]);
        Operation::Put(relation::INDEXES, keyed(&number.to_string()), fields)
    };
    network.submit(0, index_draft((0..INDEXES_MAX + 4).map(definition).collect()));
    let last = format!("f{}", INDEXES_MAX + 3);
    let put = Operation::Put(named("a"), keyed("k"), fields_of([(last.as_str(), Value::from(1))]));
    network.submit(0, Draft { update: UpdateSet(vec![put]), ..Draft::default() });
    let replica = &network.hosts[0].replica;
    let all = Query::new(relation::INDEXES, Predicate::All);
    assert_eq!(replica.read(View::Tentative, &all).unwrap().len(), INDEXES_MAX + 4);
    let query = Query::new(named("a"), Predicate::equal(named(&last), 1));
    assert_eq!(replica.read(View::Tentative, &query).unwrap().len(), 1);
}
