//! Writes and queries for property tests, over so few relations, keys and values that they meet all the time.

use std::env;

use bayou_core::{
    Alternative, Comparison, Condition, DependencyCheck, Draft, Expectation, Fields, Key, Name, Operation, Order,
    Predicate, Query, UpdateSet, Value, relation,
};
use proptest::{
    collection::vec,
    option,
    prelude::{Just, ProptestConfig, Strategy, any},
    prop_oneof,
    sample::{self, Index},
    strategy::BoxedStrategy,
    test_runner::RngSeed,
};

/// The same cases at every run. `PROPTEST_CASES` asks for more of them, `PROPTEST_RNG_SEED` for others.
pub(crate) fn cases(cases: u32) -> ProptestConfig {
    let asked = ProptestConfig::default();
    ProptestConfig {
        cases: if env::var_os("PROPTEST_CASES").is_some() { asked.cases } else { cases },
        rng_seed: if asked.rng_seed == RngSeed::Random { RngSeed::Fixed(0x62_6179_6f75) } else { asked.rng_seed },
        failure_persistence: None,
        max_shrink_iters: 2_000,
        ..asked
    }
}

/// The relations that the drafts write to and ask, the engine's own among them.
pub(crate) fn relations() -> Vec<Name> {
    vec![named("a"), named("b"), relation::INDEXES, relation::ERRORS]
}

pub(crate) fn named(name: &str) -> Name {
    Name::new(name).unwrap()
}

pub(crate) fn keyed(key: &str) -> Key {
    Key::new(key).unwrap()
}

pub(crate) fn fields_of<'a>(fields: impl IntoIterator<Item = (&'a str, Value)>) -> Fields {
    Fields::new(fields.into_iter().map(|(name, value)| (named(name), value))).unwrap()
}

/// A write of one tuple of this many bytes, and some.
pub(crate) fn note(key: &str, bytes: usize) -> Draft {
    let operation =
        Operation::Put(named("notes"), keyed(key), fields_of([("text", "x".repeat(bytes).as_str().into())]));
    Draft { update: UpdateSet(vec![operation]), ..Draft::default() }
}

fn relation_name() -> impl Strategy<Value = Name> {
    sample::select(vec![named("a"), named("b")])
}

fn key() -> impl Strategy<Value = Key> {
    sample::select(vec!["k0", "k1", "k2", "k3"]).prop_map(keyed)
}

fn point() -> impl Strategy<Value = i64> {
    prop_oneof![12 => 0..9_i64, 1 => sample::select(vec![i64::MIN, i64::MIN / 2 - 2, i64::MAX / 2 + 2, i64::MAX])]
}

fn value() -> BoxedStrategy<Value> {
    let element = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        (0..3_i64).prop_map(Value::from),
        sample::select(vec!["", "t", "u"]).prop_map(Value::from),
        vec(0..2_u8, 0..2).prop_map(|bytes| Value::Bytes(bytes.into())),
    ];
    let list = vec(element.clone(), 0..3).prop_map(Value::from);
    prop_oneof![4 => element, 3 => point().prop_map(Value::from), 1 => list].boxed()
}

/// A booking takes the time from `s` to `e`; `x` and `y` hold anything.
fn fields() -> BoxedStrategy<Fields> {
    let interval = option::weighted(0.7, (value_or_point(), value_or_point()));
    let fields = (option::of(value()), option::of(value()), interval).prop_map(|(x, y, interval)| {
        let (start, end) = interval.unzip();
        let all = [("x", x), ("y", y), ("s", start), ("e", end)];
        fields_of(all.into_iter().filter_map(|(name, value)| Some((name, value?))))
    });
    fields.boxed()
}

fn value_or_point() -> impl Strategy<Value = Value> {
    prop_oneof![1 => value(), 9 => point().prop_map(Value::from)]
}

fn field_name() -> impl Strategy<Value = Name> {
    sample::select(vec!["x", "y", "s", "e"]).prop_map(named)
}

fn comparison() -> impl Strategy<Value = Comparison> {
    sample::select(vec![
        Comparison::Equal,
        Comparison::Less,
        Comparison::LessOrEqual,
        Comparison::Greater,
        Comparison::GreaterOrEqual,
    ])
}

pub(crate) fn predicate() -> BoxedStrategy<Predicate> {
    let overlaps = (point(), point()).prop_map(|(start, end)| Predicate::Overlaps {
        start_field: named("s"),
        end_field: named("e"),
        start,
        end,
    });
    let equal = (field_name(), value()).prop_map(|(name, value)| Predicate::equal(name, value));
    let leaf = prop_oneof![
        1 => Just(Predicate::All),
        2 => (comparison(), key()).prop_map(|(comparison, key)| Predicate::Key(comparison, key)),
        2 => (field_name(), comparison(), value())
            .prop_map(|(name, comparison, value)| Predicate::Field(name, comparison, value)),
        2 => equal,
        3 => overlaps,
    ];
    let tree = leaf.prop_recursive(3, 12, 3, |part| {
        prop_oneof![
            2 => vec(part.clone(), 0..4).prop_map(Predicate::And),
            1 => vec(part.clone(), 0..4).prop_map(Predicate::Or),
            1 => part.prop_map(|part| Predicate::Not(Box::new(part))),
        ]
    });
    tree.boxed()
}

pub(crate) fn query() -> BoxedStrategy<Query> {
    let from = prop_oneof![8 => relation_name(), 1 => sample::select(relations())];
    let order = (field_name(), any::<bool>()).prop_map(|(field, descending)| Order { field, descending });
    (from, predicate(), vec(order, 0..3), option::weighted(0.3, 0..4_u32))
        .prop_map(|(from, filter, order, limit)| Query { from, filter, order, limit })
        .boxed()
}

fn expectation() -> impl Strategy<Value = Expectation> {
    prop_oneof![
        3 => Just(Expectation::None),
        3 => Just(Expectation::Some),
        1 => (0..4_u32).prop_map(Expectation::Count),
        1 => vec((key(), fields()), 0..2).prop_map(Expectation::Exactly),
    ]
}

fn check() -> BoxedStrategy<DependencyCheck> {
    let condition = (query(), expectation()).prop_map(|(query, expect)| Condition { query, expect });
    vec(condition, 0..3).prop_map(DependencyCheck).boxed()
}

fn update() -> BoxedStrategy<UpdateSet> {
    let operation = prop_oneof![
        2 => (relation_name(), key(), fields()).prop_map(|(name, key, fields)| Operation::Insert(name, key, fields)),
        3 => (relation_name(), key(), fields()).prop_map(|(name, key, fields)| Operation::Put(name, key, fields)),
        2 => (relation_name(), key(), fields()).prop_map(|(name, key, fields)| Operation::Patch(name, key, fields)),
        2 => (relation_name(), key()).prop_map(|(name, key)| Operation::Delete(name, key)),
        1 => index_operation(),
    ];
    vec(operation, 0..4).prop_map(UpdateSet).boxed()
}

/// The definition of an index, mostly one that makes sense.
pub(crate) fn index_operation() -> BoxedStrategy<Operation> {
    let by = sample::subsequence(vec!["x", "y"], 0..=2)
        .prop_map(|names| Value::from(names.into_iter().map(Value::from).collect::<Vec<_>>()));
    let definition = (relation_name(), option::of(by), any::<bool>()).prop_map(|(relation, by, interval)| {
        let bounds = interval.then(|| [("start", Value::from("s")), ("end", Value::from("e"))]);
        let by = by.map(|by| ("by", by));
        let relation = ("relation", Value::from(relation.as_str()));
        fields_of([relation].into_iter().chain(by).chain(bounds.into_iter().flatten()))
    });
    let nonsense = (value(), value())
        .prop_map(|(by, start)| fields_of([("relation", Value::from("a")), ("by", by), ("start", start)]));
    let put = (key(), prop_oneof![5 => definition, 1 => nonsense])
        .prop_map(|(key, fields)| Operation::Put(relation::INDEXES, key, fields));
    prop_oneof![6 => put, 1 => key().prop_map(|key| Operation::Delete(relation::INDEXES, key))].boxed()
}

pub(crate) fn draft() -> BoxedStrategy<Draft> {
    let alternative = (check(), update()).prop_map(|(check, update)| Alternative { check, update });
    (update(), check(), vec(alternative, 0..3), fields())
        .prop_map(|(update, check, alternatives, report)| Draft { update, check, alternatives, report })
        .boxed()
}

/// What bytes can suffer.
#[derive(Clone, Debug)]
pub(crate) enum Damage {
    Set(Index, u8),
    Flip(Index, u8),
    Insert(Index, u8),
    Remove(Index),
    CutAt(Index),
    /// A length or number becomes one that takes all the bytes that a number can take.
    Enlarge(Index),
    Repeat(Index, Index),
}

pub(crate) fn damage() -> impl Strategy<Value = Damage> {
    let at = any::<Index>;
    prop_oneof![
        3 => (at(), any::<u8>()).prop_map(|(at, byte)| Damage::Set(at, byte)),
        3 => (at(), 0..8_u8).prop_map(|(at, bit)| Damage::Flip(at, bit)),
        1 => (at(), any::<u8>()).prop_map(|(at, byte)| Damage::Insert(at, byte)),
        1 => at().prop_map(Damage::Remove),
        1 => at().prop_map(Damage::CutAt),
        1 => at().prop_map(Damage::Enlarge),
        1 => (at(), at()).prop_map(|(from, to)| Damage::Repeat(from, to)),
    ]
}

pub(crate) fn suffer(bytes: &mut Vec<u8>, damages: &[Damage]) {
    for damage in damages {
        if bytes.is_empty() {
            return;
        }
        let length = bytes.len();
        match damage {
            Damage::Set(at, byte) => bytes[at.index(length)] = *byte,
            Damage::Flip(at, bit) => bytes[at.index(length)] ^= 1 << bit,
            Damage::Insert(at, byte) => bytes.insert(at.index(length), *byte),
            Damage::Remove(at) => drop(bytes.remove(at.index(length))),
            Damage::CutAt(at) => bytes.truncate(at.index(length)),
            Damage::Enlarge(at) => {
                let at = at.index(length);
                bytes.splice(at..=at, [0xff; 9].into_iter().chain([1]));
            }
            Damage::Repeat(from, to) => {
                let (from, to) = (from.index(length), to.index(length));
                let part = bytes[from.min(to)..from.max(to)].to_vec();
                bytes.extend(part);
            }
        }
    }
}
