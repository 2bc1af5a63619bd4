//! Every bound on a write: what is within it is accepted, what is over it gets a clear error and has changed nothing.

#![allow(clippy::unwrap_used, reason = "a helper that fails fails the test")]

mod support;

use bayou_core::{
    Alternative, Branch, Comparison, Condition, Conflict, DependencyCheck, Draft, DraftError, Expectation, Fields,
    IdError, Key, Name, Operation, Order, Predicate, Query, QueryError, SubmitError, UpdateSet, Value, ValueError,
    View, WriteId,
    limits::{
        ALTERNATIVES_MAX, CHECKS_MAX, EXPECTED_ROWS_MAX, FIELDS_MAX, KEY_BYTES_MAX, NAME_BYTES_MAX, NESTING_MAX,
        OPERATIONS_MAX, PREDICATE_PARTS_MAX, TUPLE_BYTES_MAX, WRITE_BYTES_MAX,
    },
    relation,
};

use support::{
    Network,
    generate::{fields_of, keyed, named, note},
};

fn updates(operations: Vec<Operation>) -> Draft {
    Draft { update: UpdateSet(operations), ..Draft::default() }
}

fn delete() -> Operation {
    Operation::Delete(named("a"), keyed("k"))
}

fn asks(filter: Predicate) -> Draft {
    checks(vec![Condition { query: Query::new(named("a"), filter), expect: Expectation::None }])
}

fn checks(conditions: Vec<Condition>) -> Draft {
    Draft { check: DependencyCheck(conditions), ..Draft::default() }
}

fn condition() -> Condition {
    Condition { query: Query::new(named("a"), Predicate::All), expect: Expectation::None }
}

fn expects(rows: usize) -> Draft {
    let rows = (0..rows).map(|number| (keyed(&number.to_string()), Fields::none())).collect();
    checks(vec![Condition { expect: Expectation::Exactly(rows), ..condition() }])
}

fn nested(depth: usize) -> Predicate {
    (1..depth).fold(Predicate::All, |part, _| Predicate::Not(Box::new(part)))
}

fn many_fields(count: usize) -> Fields {
    Fields::new((0..count).map(|number| (named(&format!("f{number}")), Value::Null))).unwrap()
}

fn alternatives(count: usize, check: &DependencyCheck) -> Draft {
    let alternative = Alternative { check: check.clone(), update: UpdateSet::default() };
    Draft { alternatives: vec![alternative; count], ..Draft::default() }
}

#[test]
fn a_draft_is_accepted_up_to_each_limit_and_refused_beyond_it() {
    let parts = |count: usize| Predicate::And(vec![Predicate::All; count - 1]);
    let ordered = |orders: usize| {
        let order = Order { field: named("x"), descending: false };
        let query = Query { order: vec![order; orders], ..Query::new(named("a"), Predicate::All) };
        checks(vec![Condition { query, expect: Expectation::None }])
    };
    let too_many_parts = DraftError::Query(QueryError::TooManyParts { parts: PREDICATE_PARTS_MAX + 1 });
    let list = Value::from(vec![Value::from(vec![Value::Null])]);
    let cases: [(&str, Draft, Draft, DraftError); 9] = [
        (
            "operations",
            updates(vec![delete(); OPERATIONS_MAX]),
            updates(vec![delete(); OPERATIONS_MAX + 1]),
            DraftError::TooManyOperations { operations: OPERATIONS_MAX + 1 },
        ),
        (
            "alternatives",
            alternatives(ALTERNATIVES_MAX, &DependencyCheck::default()),
            alternatives(ALTERNATIVES_MAX + 1, &DependencyCheck::default()),
            DraftError::TooManyAlternatives { alternatives: ALTERNATIVES_MAX + 1 },
        ),
        (
            "queries",
            checks(vec![condition(); CHECKS_MAX]),
            checks(vec![condition(); CHECKS_MAX + 1]),
            DraftError::TooManyChecks { queries: CHECKS_MAX + 1 },
        ),
        (
            "expected tuples",
            expects(EXPECTED_ROWS_MAX),
            expects(EXPECTED_ROWS_MAX + 1),
            DraftError::TooManyExpectedRows { rows: EXPECTED_ROWS_MAX + 1 },
        ),
        ("parts", asks(parts(PREDICATE_PARTS_MAX)), asks(parts(PREDICATE_PARTS_MAX + 1)), too_many_parts.clone()),
        ("orders", ordered(PREDICATE_PARTS_MAX - 1), ordered(PREDICATE_PARTS_MAX), too_many_parts),
        ("depth", asks(nested(NESTING_MAX)), asks(nested(NESTING_MAX + 1)), DraftError::Query(QueryError::TooDeep)),
        (
            "lists",
            asks(Predicate::equal(named("x"), vec![Value::Null])),
            asks(Predicate::equal(named("x"), list)),
            DraftError::Query(QueryError::Value(ValueError::NestedList)),
        ),
        (
            "report",
            Draft { report: many_fields(FIELDS_MAX - 1), ..Draft::default() },
            Draft { report: many_fields(FIELDS_MAX), ..Draft::default() },
            DraftError::ReportTooLarge,
        ),
    ];
    for (what, within, beyond, error) in cases {
        let mut network = Network::new();
        network.submit(0, within.clone());
        assert_eq!(within.validate(), Ok(()), "{what}");
        refuses(&mut network, &beyond, &error);

        // The same of an alternative, which nobody may need for years.
        let hidden = Alternative { check: beyond.check.clone(), update: beyond.update.clone() };
        if hidden != Alternative::default() {
            refuses(&mut network, &Draft { alternatives: vec![hidden], ..Draft::default() }, &error);
        }
    }
}

#[track_caller]
fn refuses(network: &mut Network, draft: &Draft, error: &DraftError) {
    let replica = &mut network.hosts[0].replica;
    let before = (replica.version_vector().clone(), replica.inspect(0).clock);
    assert_eq!(replica.submit(draft.clone()).map(drop), Err(SubmitError::Draft(error.clone())));
    assert_eq!(draft.validate(), Err(error.clone()));
    assert_eq!((replica.version_vector().clone(), replica.inspect(0).clock), before, "nothing has changed");
    assert!(error.to_string().len() > 20, "{error}");
}

#[test]
fn a_write_is_as_large_as_a_write_may_be_and_no_larger() {
    let mut network = Network::with_replicas(1);
    let overhead = {
        let probe = network.submit(0, note("k", 50_000));
        network.hosts[0].replica.write(&probe).unwrap().bytes() - 50_000
    };
    let largest = WRITE_BYTES_MAX - overhead;
    let write = network.submit(0, note("k", largest));
    assert_eq!(network.hosts[0].replica.write(&write).unwrap().bytes(), WRITE_BYTES_MAX);
    refuses(&mut network, &note("k", largest + 1), &DraftError::TooLarge { bytes: WRITE_BYTES_MAX + 1 });

    // What one has accepted all others carry.
    network.exchange(0, 1);
    assert!(network.hosts[1].replica.write(&write).is_some());
}

#[test]
fn the_engines_own_relations_are_written_by_the_engine_alone() {
    let mut network = Network::new();
    for name in ["bayou.errors", "bayou.", "bayou.anything"] {
        let operations = [
            Operation::Insert(named(name), keyed("k"), Fields::none()),
            Operation::Put(named(name), keyed("k"), Fields::none()),
            Operation::Patch(named(name), keyed("k"), Fields::none()),
            Operation::Delete(named(name), keyed("k")),
        ];
        for operation in operations {
            let error = DraftError::ReservedRelation { relation: named(name) };
            refuses(&mut network, &updates(vec![operation]), &error);
        }
    }
    // All may define indexes, and names that merely look alike are free.
    let free = |name| Operation::Put(named(name), keyed("k"), Fields::none());
    network
        .submit(0, updates(vec![Operation::Put(relation::INDEXES, keyed("k"), Fields::none()), free("bayouerrors")]));
}

#[test]
fn names_keys_and_fields_have_their_lengths() {
    let text = |bytes: usize| "é".repeat(bytes / 2) + &"x".repeat(bytes % 2);
    assert!(Name::new(&text(NAME_BYTES_MAX)).is_ok());
    assert_eq!(Name::new(&text(NAME_BYTES_MAX + 1)), Err(ValueError::NameLength { bytes: NAME_BYTES_MAX + 1 }));
    assert_eq!(Name::new(""), Err(ValueError::NameLength { bytes: 0 }));
    assert!(Key::new(&text(KEY_BYTES_MAX)).is_ok());
    assert_eq!(Key::new(&text(KEY_BYTES_MAX + 1)), Err(ValueError::KeyLength { bytes: KEY_BYTES_MAX + 1 }));
    assert_eq!(Key::new(""), Err(ValueError::KeyLength { bytes: 0 }));

    assert_eq!(many_fields(FIELDS_MAX).len(), FIELDS_MAX);
    let fields = (0..=FIELDS_MAX).map(|number| (named(&format!("f{number}")), Value::Null));
    assert_eq!(Fields::new(fields), Err(ValueError::TooManyFields { fields: FIELDS_MAX + 1 }));
    let twice = [(named("x"), Value::Null), (named("x"), Value::from(1))];
    assert_eq!(Fields::new(twice), Err(ValueError::FieldOrder { name: "x".into() }));
    let nested = Value::from(vec![Value::from(Vec::new())]);
    assert_eq!(Fields::new([(named("x"), nested)]), Err(ValueError::NestedList));
    assert_eq!("".parse::<WriteId>(), Err(IdError::WriteId));
}

#[test]
fn a_query_over_a_limit_is_refused_by_read_as_by_submit() {
    let network = Network::new();
    let read = |filter| network.hosts[0].replica.read(View::Tentative, &Query::new(named("a"), filter)).map(drop);
    assert_eq!(read(nested(NESTING_MAX)), Ok(()));
    assert_eq!(read(nested(NESTING_MAX + 1)), Err(QueryError::TooDeep));
    assert_eq!(read(nested(3_000)), Err(QueryError::TooDeep));
    let parts = PREDICATE_PARTS_MAX + 1;
    assert_eq!(read(Predicate::Or(vec![Predicate::All; parts - 1])), Err(QueryError::TooManyParts { parts }));
}

#[test]
fn a_patch_that_would_make_a_tuple_too_wide_is_a_conflict() {
    let mut network = Network::new();
    network.submit(0, updates(vec![Operation::Put(named("a"), keyed("k"), many_fields(FIELDS_MAX))]));
    let patch = |field: &str| updates(vec![Operation::Patch(named("a"), keyed("k"), fields_of([(field, 1.into())]))]);
    let over = network.submit(0, patch("one_more"));
    let outcome = network.hosts[0].replica.status(&over).unwrap().outcome.unwrap();
    assert_eq!(outcome.branch, Branch::Reported);
    assert_eq!(outcome.attempts[0].conflict, Conflict::TupleFull { relation: named("a"), key: keyed("k") });
    let same = network.submit(0, patch("f1"));
    assert_eq!(network.hosts[0].replica.status(&same).unwrap().outcome.unwrap().branch, Branch::Update);
}

#[test]
fn an_outcome_remembers_a_few_of_many_tuples_in_the_way() {
    let mut network = Network::new();
    let all =
        (0..50).map(|number| Operation::Put(named("a"), keyed(&format!("{number:02}")), Fields::none())).collect();
    network.submit(0, updates(all));
    for expect in [Expectation::None, Expectation::Count(49), Expectation::Exactly(Vec::new())] {
        let write = network.submit(0, checks(vec![Condition { expect, ..condition() }]));
        let outcome = network.hosts[0].replica.status(&write).unwrap().outcome.unwrap();
        let Conflict::Check { index: 0, found } = &outcome.attempts[0].conflict else { panic!("{outcome:?}") };
        let keys: Vec<&str> = found.iter().map(|row| row.key.as_str()).collect();
        assert_eq!(keys, ["00", "01", "02", "03"]);
    }
    let exact = network.submit(0, checks(vec![Condition { expect: Expectation::Count(50), ..condition() }]));
    assert_eq!(network.hosts[0].replica.status(&exact).unwrap().outcome.unwrap().branch, Branch::Update);
}

#[test]
fn exactly_these_tuples_means_all_of_them_in_order_and_no_others() {
    let mut network = Network::new();
    let row = |number: i64| (keyed(&format!("{number:02}")), fields_of([("n", number.into())]));
    let all = (0..10).map(row).map(|(key, fields)| Operation::Put(named("a"), key, fields)).collect();
    network.submit(0, updates(all));
    let mut holds = |rows: Vec<(Key, Fields)>| {
        let write = network.submit(0, checks(vec![Condition { expect: Expectation::Exactly(rows), ..condition() }]));
        network.hosts[0].replica.status(&write).unwrap().outcome.unwrap().branch == Branch::Update
    };
    assert!(holds((0..10).map(row).collect()));
    assert!(!holds((0..9).map(row).collect()), "one too many is there");
    assert!(!holds((0..11).map(row).collect()), "one is missing");
    assert!(!holds((0..10).rev().map(row).collect()), "in another order");
    let changed = |number: i64| if number == 7 { (row(7).0, Fields::none()) } else { row(number) };
    assert!(!holds((0..10).map(changed).collect()), "with another field");
}

#[test]
fn an_update_set_is_applied_whole_or_not_at_all() {
    let mut network = Network::new();
    let insert = |key: &str| Operation::Insert(named("a"), keyed(key), Fields::none());
    network.submit(0, updates(vec![insert("taken")]));
    let write = network.submit(0, updates(vec![insert("new"), delete(), insert("taken"), insert("never")]));
    let replica = &network.hosts[0].replica;
    assert_eq!(replica.status(&write).unwrap().outcome.unwrap().branch, Branch::Reported);
    let keys = |relation: Name| {
        let rows = replica.read(View::Committed, &Query::new(relation, Predicate::All)).unwrap();
        rows.iter().map(|row| row.key.to_string()).collect::<Vec<_>>()
    };
    assert_eq!(keys(named("a")), ["taken"]);
    assert_eq!(keys(relation::ERRORS), [write.to_string()]);

    // Operations see what those before them did.
    let write = network.submit(0, updates(vec![insert("b"), Operation::Delete(named("a"), keyed("b")), insert("b")]));
    assert_eq!(network.hosts[0].replica.status(&write).unwrap().outcome.unwrap().branch, Branch::Update);
}

#[test]
fn keys_between_bounds_that_exclude_each_other_are_none() {
    let mut network = Network::new();
    network.submit(0, updates(vec![Operation::Put(named("a"), keyed("k"), Fields::none())]));
    let key = |comparison, text| Predicate::Key(comparison, keyed(text));
    let read = |parts: Vec<Predicate>| {
        let query = Query::new(named("a"), Predicate::And(parts));
        network.hosts[0].replica.read(View::Committed, &query).unwrap().len()
    };
    assert_eq!(read(vec![key(Comparison::Greater, "z"), key(Comparison::Less, "a")]), 0);
    assert_eq!(read(vec![key(Comparison::Equal, "a"), key(Comparison::Equal, "k")]), 0);
    assert_eq!(read(vec![key(Comparison::Greater, "k"), key(Comparison::Less, "k")]), 0);
    assert_eq!(read(vec![key(Comparison::GreaterOrEqual, "k"), key(Comparison::LessOrEqual, "k")]), 1);
}

#[test]
fn patches_do_not_make_a_tuple_larger_than_one_write_can() {
    let mut network = Network::new();
    network.submit(0, updates(vec![Operation::Put(named("a"), keyed("k"), Fields::none())]));
    let text = "x".repeat(50_000);
    let patch = |field: usize| {
        let fields = fields_of([(format!("f{field}").as_str(), text.as_str().into())]);
        updates(vec![Operation::Patch(named("a"), keyed("k"), fields)])
    };
    let branches = (0..8).map(|field| {
        let write = network.submit(0, patch(field));
        network.hosts[0].replica.status(&write).unwrap().outcome.unwrap().branch
    });
    let fit = branches.filter(|branch| *branch == Branch::Update).count();
    assert_eq!(fit, TUPLE_BYTES_MAX / 50_000);
}
