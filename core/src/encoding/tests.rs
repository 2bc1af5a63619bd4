//! What is encoded is decoded as it was, and what is decoded is bounded, whatever the bytes are.

use proptest::{collection::vec, prelude::*, sample};

use super::{decode, decode::decode_counting, encode, encode::encode_within, words};
use crate::{
    draft::{Alternative, Condition, DependencyCheck, Draft, DraftError, Expectation, Operation, UpdateSet},
    limits::{FIELDS_MAX, NESTING_MAX, WRITE_BYTES_MAX, WRITE_EXPANDED_BYTES_MAX},
    query::{Predicate, Query, QueryError},
    value::{Fields, Key, Name, Text, Value},
    wire::tests::{cases, generate},
    write::{Body, WriteError, WriteKind},
};

fn named(name: &str) -> Name {
    Name::new(name).unwrap()
}

fn keyed(key: &str) -> Key {
    Key::new(key).unwrap()
}

fn fields(fields: &[(&str, Value)]) -> Fields {
    Fields::new(fields.iter().map(|(field, value)| (named(field), value.clone()))).unwrap()
}

fn word_index(text: &str) -> Option<usize> {
    words::index(text, words::hash(text.as_bytes()))
}

fn bytes(draft: &Draft) -> Vec<u8> {
    encode(draft, Vec::new()).unwrap()
}

fn put(key: &str, fields: Fields) -> Operation {
    Operation::Put(named("rooms"), keyed(key), fields)
}

fn updates(operations: Vec<Operation>) -> Draft {
    Draft { update: UpdateSet(operations), ..Draft::default() }
}

/// Fields over so few names and values that one write repeats most of them.
fn alike() -> BoxedStrategy<Fields> {
    let element = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        sample::select(vec![0, 1, 29_459_520, 29_459_550, i64::MIN, i64::MAX]).prop_map(Value::Int),
        sample::select(vec!["", "room", "heron", "a text that is longer than what is stored in place"])
            .prop_map(Value::from),
        sample::select(vec![vec![], vec![0], b"room".to_vec()]).prop_map(|bytes| Value::Bytes(bytes.into())),
    ];
    let value = prop_oneof![3 => element.clone(), 1 => vec(element, 0..3).prop_map(Value::from)];
    let name = sample::select(vec!["a", "b", "c", "room", "start"]).prop_map(named);
    proptest::collection::btree_map(name, value, 0..5).prop_map(|fields| Fields::new(fields).unwrap()).boxed()
}

fn repetitive_draft() -> impl Strategy<Value = Draft> {
    let operation = (0..4_u8, alike()).prop_map(|(kind, fields)| {
        let (relation, key) = (named("a"), keyed("heron"));
        match kind {
            0 => Operation::Insert(relation, key, fields),
            1 => Operation::Put(relation, key, fields),
            2 => Operation::Patch(relation, key, fields),
            _ => Operation::Delete(relation, key),
        }
    });
    let condition = (alike(), alike()).prop_map(|(asked, expected)| {
        let parts = asked.iter().map(|(name, value)| Predicate::equal(name.clone(), value.clone()));
        let query = Query::new(named("a"), Predicate::And(parts.collect()));
        Condition { query, expect: Expectation::Exactly(vec![(keyed("b"), expected)]) }
    });
    let step = (vec(condition, 0..3), vec(operation, 0..4))
        .prop_map(|(conditions, operations)| (DependencyCheck(conditions), UpdateSet(operations)));
    (step.clone(), vec(step, 0..4), alike()).prop_map(|((check, update), alternatives, report)| {
        let alternatives = alternatives.into_iter().map(|(check, update)| Alternative { check, update });
        Draft { update, check, alternatives: alternatives.collect(), report }
    })
}

/// The expanded size, counted over the draft itself.
fn expanded_bytes(draft: &Draft) -> usize {
    let value = |value: &Value| match value {
        Value::List(list) => 8 + list.iter().map(element).sum::<usize>(),
        value => element(value),
    };
    let fields = |fields: &Fields| fields.iter().map(|(name, it)| text(name.as_str()) + value(it)).sum::<usize>();
    fn text(text: &str) -> usize {
        8 + text.len()
    }
    fn element(value: &Value) -> usize {
        match value {
            Value::Text(it) => text(it),
            Value::Bytes(bytes) => 8 + bytes.len(),
            _ => 8,
        }
    }
    fn predicate(part: &Predicate, value: &dyn Fn(&Value) -> usize) -> usize {
        8 + match part {
            Predicate::All => 0,
            Predicate::Key(_, key) => text(key.as_str()),
            Predicate::Field(name, _, it) => text(name.as_str()) + value(it),
            Predicate::Overlaps { start_field, end_field, .. } => {
                text(start_field.as_str()) + text(end_field.as_str()) + 16
            }
            Predicate::And(parts) | Predicate::Or(parts) => parts.iter().map(|part| predicate(part, value)).sum(),
            Predicate::Not(part) => predicate(part, value),
        }
    }
    let condition = |Condition { query, expect }: &Condition| {
        let order: usize = query.order.iter().map(|order| text(order.field.as_str())).sum();
        let rows = if let Expectation::Exactly(rows) = expect { rows.as_slice() } else { &[] };
        let rows: usize = rows.iter().map(|(key, it)| text(key.as_str()) + fields(it)).sum();
        text(query.from.as_str()) + predicate(&query.filter, &value) + order + rows
    };
    let operation = |operation: &Operation| {
        let content = match operation {
            Operation::Insert(_, _, it) | Operation::Put(_, _, it) | Operation::Patch(_, _, it) => fields(it),
            Operation::Delete(..) => 0,
        };
        text(operation.relation().as_str()) + text(operation.key().as_str()) + content
    };
    let step = |check: &DependencyCheck, update: &UpdateSet| {
        check.0.iter().map(condition).sum::<usize>() + update.0.iter().map(operation).sum::<usize>()
    };
    let alternatives: usize = draft.alternatives.iter().map(|it| step(&it.check, &it.update)).sum();
    step(&draft.check, &draft.update) + alternatives + fields(&draft.report)
}

proptest! {
    #![proptest_config(cases(300))]

    #[test]
    fn a_draft_is_decoded_as_it_was_encoded(draft in prop_oneof![generate::draft(), repetitive_draft()]) {
        let (encoded, expanded) = encode_within(&draft, Vec::new(), WRITE_EXPANDED_BYTES_MAX);
        let (decoded, counted) = decode_counting(&encoded).unwrap();
        prop_assert_eq!(bytes(&decoded), encoded);
        prop_assert_eq!(decoded, draft.clone());
        // Writer, reader and definition agree on the expanded size, or one would refuse what another accepts.
        prop_assert_eq!(counted, expanded);
        prop_assert_eq!(counted, expanded_bytes(&draft));
    }

    #[test]
    fn a_draft_with_changed_bytes_is_decoded_within_bounds_or_refused(
        draft in repetitive_draft(), changes in vec((any::<sample::Index>(), any::<u8>()), 1..4)
    ) {
        let mut changed = bytes(&draft);
        for (at, byte) in changes {
            let at = at.index(changed.len());
            changed[at] = byte;
        }
        if let Ok((draft, counted)) = decode_counting(&changed) {
            prop_assert_eq!(counted, expanded_bytes(&draft));
            prop_assert_eq!(decode(&bytes(&draft)), Ok(draft));
        }
    }
}

proptest! {
    #![proptest_config(cases(30))]

    #[test]
    fn a_draft_that_is_cut_short_or_goes_on_is_refused(draft in repetitive_draft(), more in any::<u8>()) {
        let mut bytes = bytes(&draft);
        for end in 0..bytes.len() {
            prop_assert_eq!(decode(&bytes[..end]), Err(WriteError::Malformed));
        }
        bytes.push(more);
        prop_assert_eq!(decode(&bytes), Err(WriteError::Malformed));
    }
}

proptest! {
    #![proptest_config(cases(2_000))]

    #[test]
    fn any_bytes_are_decoded_within_bounds_or_refused(bytes in vec(prop_oneof![2 => 0..60_u8, 1 => any::<u8>()], 0..200)) {
        if let Ok((draft, counted)) = decode_counting(&bytes) {
            prop_assert!(counted <= WRITE_EXPANDED_BYTES_MAX);
            prop_assert_eq!(counted, expanded_bytes(&draft));
        }
    }
}

#[test]
fn the_bytes_are_those_of_the_description() {
    let word = |text: &str| 7 + u8::try_from(word_index(text).unwrap()).unwrap();
    let entry = |index: u8| 7 + 40 + index;
    let room = fields(&[("floor", "Floor 0".into()), ("seats", Value::Int(-3)), ("zone", "UTC".into())]);
    let other =
        fields(&[("floor", "Floor 0".into()), ("seats", Value::Int(300)), ("x", true.into()), ("zone", "UTC".into())]);
    let list = Value::from(vec![Value::Int(300), "UTC".into()]);
    let is_there = Query { limit: Some(300), ..Query::new(named("rooms"), Predicate::equal(named("x"), list.clone())) };
    let draft = Draft {
        update: UpdateSet(vec![put("heron", room), put("UTC", other)]),
        check: DependencyCheck(Vec::new()),
        alternatives: vec![Alternative {
            check: DependencyCheck(vec![Condition { query: is_there, expect: Expectation::Some }]),
            update: UpdateSet(vec![Operation::Delete(named("rooms"), keyed("heron"))]),
        }],
        report: fields(&[("key", list)]),
    };
    let expected: Vec<Vec<u8>> = vec![
        vec![0, 2],
        [vec![1, word("rooms"), 4, 5], b"heron".to_vec(), vec![6]].concat(),
        [
            vec![word("floor"), 4, 7],
            b"Floor 0".to_vec(),
            vec![word("seats"), 3, 5, word("zone"), 4, 3],
            b"UTC".to_vec(),
        ]
        .concat(),
        // Over the fields above: other seats, by 303 more, and x, which is a text like any other.
        vec![1, word("rooms"), entry(3), 5, word("seats"), 3, 0xde, 0x04, 4, 1, b'x', 2],
        vec![1],
        vec![1, 1 | 8, word("rooms"), 7, entry(5), 6, 2, entry(4), entry(3), 0xac, 0x02],
        vec![1, 3, word("rooms"), entry(0)],
        vec![2, word("key"), entry(6)],
    ];
    assert_eq!(bytes(&draft), expected.concat());
    assert_eq!(decode(&expected.concat()), Ok(draft));
}

#[test]
fn each_word_is_found_at_its_place() {
    for (index, word) in words::WORDS.iter().enumerate() {
        assert_eq!(word_index(word), Some(index), "{word}");
        assert_eq!(words::word(index), Some(Text::new(word)), "{word}");
    }
    for text in ["", "r", "Rooms", "roomss", "\0"] {
        assert_eq!(word_index(text), None, "{text}");
    }
    assert_eq!(words::word(words::WORDS.len()), None);
}

#[test]
fn what_the_format_cannot_say_is_refused() {
    // An update set of one insertion into "rooms" under "id", then these fields, no alternatives, no report.
    let word = |text: &str| 7 + u8::try_from(word_index(text).unwrap()).unwrap();
    let (rooms, id) = (word("rooms"), word("id"));
    let with = |fields: &[u8]| decode(&[&[0, 1, 0, rooms, id], fields, &[0, 0]].concat());
    assert!(with(&[0]).is_ok());
    assert!(with(&[2, id, 0]).is_ok());
    assert!(with(&[4, id, 0, rooms, 0]).is_ok());
    let refused: [(&str, &[u8]); 17] = [
        ("a number that is not in its shortest form", &[0x82, 0x00, id, 0]),
        ("a number of 2^64", &[2, id, 3, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x02]),
        ("a number of eleven bytes", &[2, id, 3, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x00]),
        ("fields over others where there are none", &[3, id, 0]),
        ("no fields over others where there are none", &[1]),
        ("a field twice", &[4, id, 0, id, 1]),
        ("fields out of order", &[4, rooms, 0, id, 0]),
        ("a name that is no text", &[2, 1, 0]),
        ("an empty name", &[2, 4, 0, 0]),
        ("a name that is a list", &[2, 6, 0, 0]),
        ("an entry that is not there yet", &[2, id, 7 + 40]),
        ("an entry beyond all", &[2, id, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01]),
        ("a text that is not UTF-8", &[2, id, 4, 1, 0xff]),
        ("a list in a list", &[2, id, 6, 1, 6, 0]),
        ("a list in a list, by its entry", &[4, id, 6, 0, rooms, 6, 1, 7 + 40]),
        ("a text of more bytes than there are", &[2, id, 4, 0x7f, 0]),
        ("a list of more values than there are bytes", &[2, id, 6, 0x7f, 0]),
    ];
    for (what, fields) in refused {
        assert_eq!(with(fields), Err(WriteError::Malformed), "{what}");
    }
    let condition = |condition: &[u8]| decode(&[&[1], condition, &[0, 0, 0]].concat());
    assert!(condition(&[0, rooms, 0]).is_ok());
    for (what, bytes) in [
        ("an unknown bit", &[16, rooms, 0][..]),
        ("an order by nothing", &[4, rooms, 0, 0]),
        ("a direction that is none", &[4, rooms, 0, 1, id, 2]),
        ("a limit of 2^32", &[8, rooms, 0, 0x80, 0x80, 0x80, 0x80, 0x10]),
        ("an interval from a text", &[0, rooms, 12, id, id, id, 3, 0]),
        ("more parts than there are bytes", &[0, rooms, 0xff, 0xff, 0x03]),
    ] {
        assert_eq!(condition(bytes), Err(WriteError::Malformed), "{what}");
    }
    assert_eq!(decode(&[0, 1, 4, rooms, id, 0, 0, 0]), Err(WriteError::Malformed), "an unknown operation");
}

#[test]
fn a_predicate_is_decoded_as_deep_as_one_may_be() {
    let nested = |depth: usize| {
        let filter = (1..depth).fold(Predicate::All, |part, _| Predicate::Not(Box::new(part)));
        let condition = Condition { query: Query::new(named("rooms"), filter), expect: Expectation::None };
        Draft { check: DependencyCheck(vec![condition]), ..Draft::default() }
    };
    assert_eq!(decode(&bytes(&nested(NESTING_MAX))), Ok(nested(NESTING_MAX)));
    for depth in [NESTING_MAX + 1, 10_000] {
        let error = WriteError::Draft(DraftError::Query(QueryError::TooDeep));
        assert_eq!(decode(&bytes(&nested(depth))), Err(error), "{depth}");
    }
}

#[test]
fn fields_over_others_are_no_more_than_a_tuple_may_have() {
    let many = |from: usize| Fields::new((from..from + FIELDS_MAX).map(|at| (named(&format!("{at:03}")), Value::Null)));
    let draft = updates(vec![put("a", many(0).unwrap()), put("b", many(0).unwrap())]);
    assert_eq!(decode(&bytes(&draft)), Ok(draft.clone()));
    // The last byte before the alternatives says that nothing is put over the first fields; here it is one more.
    let mut more = bytes(&draft);
    let at = more.len() - 3;
    assert_eq!(more[at..], [1, 0, 0]);
    more.splice(at..=at, [3, 4, 1, b'x', 0]);
    assert_eq!(decode(&more), Err(WriteError::Malformed));
}

#[test]
fn a_write_is_refused_before_it_expands_beyond_its_bound() {
    let text = "x".repeat(WRITE_BYTES_MAX / 2);
    let large = fields(&[("text", text.as_str().into())]);
    let list =
        |value: &Value, times: usize| fields(&[("a", value.clone()), ("b", Value::from(vec![value.clone(); times]))]);
    let bombs = [
        ("a text in every operation", updates((0..500).map(|at| put(&at.to_string(), large.clone())).collect())),
        ("a text in every element of a list", updates(vec![put("a", list(&text.as_str().into(), 1_000))])),
        ("a list in every operation", updates(vec![put("a", list(&Value::Null, 10_000)); 10])),
        (
            "fields in every alternative",
            Draft {
                alternatives: vec![
                    Alternative { update: UpdateSet(vec![put("a", large)]), ..Alternative::default() };
                    crate::limits::ALTERNATIVES_MAX
                ],
                ..Draft::default()
            },
        ),
    ];
    for (what, bomb) in bombs {
        let (encoded, _) = encode_within(&bomb, vec![0], usize::MAX);
        assert!(encoded.len() <= WRITE_BYTES_MAX, "{what}: {} bytes", encoded.len());
        let error = DraftError::ExpandsTooFar;
        assert_eq!(bomb.validate(), Err(error.clone()), "{what}");
        assert_eq!(Body::parse(encoded.into()).map(drop), Err(WriteError::Draft(error)), "{what}");
    }
}

#[test]
fn a_write_expands_as_far_as_its_bound_and_no_further() {
    let of = |bytes: usize| {
        let note = "x".repeat(30_000);
        let large = fields(&[("note", note.as_str().into())]);
        let rest = fields(&[("text", "x".repeat(bytes).as_str().into())]);
        let operations = (0..8).map(|key| put(&key.to_string(), large.clone()));
        updates(operations.chain([put("e", rest)]).collect())
    };
    let largest = WRITE_EXPANDED_BYTES_MAX - expanded_bytes(&of(0));
    let body = Body::new(&WriteKind::Update(of(largest))).unwrap();
    assert_eq!(Body::parse(body.bytes.clone()).map(|(body, _)| body), Ok(body));
    assert_eq!(of(largest + 1).validate(), Err(DraftError::ExpandsTooFar));
    let (bytes, _) = encode_within(&of(largest + 1), vec![0], usize::MAX);
    assert_eq!(Body::parse(bytes.into()).map(drop), Err(WriteError::Draft(DraftError::ExpandsTooFar)));
}
