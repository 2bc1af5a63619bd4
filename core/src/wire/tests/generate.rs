//! Anything that can be said on the wire or stored.

use proptest::{collection::vec, option, prelude::*, sample, strategy::BoxedStrategy};

use crate::{
    digest::Digest,
    draft::{Alternative, Condition, DependencyCheck, Draft, Expectation, Operation, UpdateSet},
    id::{DatabaseId, DatabaseName, ReplicaId, WriteId},
    limits::{NAME_BYTES_MAX, REASON_BYTES_MAX, STAMP_MAX},
    query::{Comparison, Order, Predicate, Query},
    stamp::{Csn, Stamp, Term},
    tuple_store::TupleKey,
    value::{Fields, Key, Name, Text, Tuple, Value},
    wire::{
        IdTable, Interner, WireVector,
        frame::{Batch, Commit, Frame, Hello, Progress},
        record::{Identity, Log, LogRecord, Record},
        snapshot::{self, Outcomes, SnapshotPart, Tuples, WireOmitted, wire_reigns},
    },
    write::{Body, Write, WriteKind},
    write_log::{Reign, Reigns},
};

fn number() -> impl Strategy<Value = u64> {
    prop_oneof![8 => 0..300_u64, 1 => sample::select(vec![STAMP_MAX - 1, STAMP_MAX, 1 << 32]), 1 => 0..=STAMP_MAX]
}

fn stamp() -> impl Strategy<Value = Stamp> {
    number().prop_map(|number| Stamp::new(number).unwrap())
}

fn csn() -> impl Strategy<Value = Csn> {
    number().prop_map(|number| Csn::new(number).unwrap())
}

fn term() -> impl Strategy<Value = Term> {
    any::<u8>().prop_map(|number| postcard::from_bytes(&[number & 0x7f]).unwrap())
}

fn digest() -> impl Strategy<Value = Digest> {
    any::<u8>().prop_map(|seed| Digest::EMPTY.chained(&[&[seed]]))
}

fn replica_id() -> impl Strategy<Value = ReplicaId> {
    vec(1..200_u64, 0..6).prop_map(|steps| {
        let rising = steps.iter().scan(0, |sum, step| {
            *sum += step;
            Stamp::new(*sum)
        });
        ReplicaId::try_from(rising.collect::<Vec<_>>()).unwrap()
    })
}

fn name() -> impl Strategy<Value = Name> {
    any::<String>().prop_map(|text| {
        let end = (0..=NAME_BYTES_MAX.min(text.len())).rev().find(|&at| text.is_char_boundary(at)).unwrap();
        Name::new(&text[..end]).or_else(|_| Name::new("n")).unwrap()
    })
}

fn key() -> impl Strategy<Value = Key> {
    name().prop_map(|name| Key::new(name.as_str()).unwrap())
}

fn value() -> BoxedStrategy<Value> {
    let element = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        any::<i64>().prop_map(Value::Int),
        any::<String>().prop_map(|text| Value::from(text.as_str())),
        vec(any::<u8>(), 0..20).prop_map(|bytes| Value::Bytes(bytes.into())),
    ];
    prop_oneof![4 => element.clone(), 1 => vec(element, 0..4).prop_map(Value::from)].boxed()
}

fn fields() -> BoxedStrategy<Fields> {
    proptest::collection::btree_map(name(), value(), 0..4).prop_map(|fields| Fields::new(fields).unwrap()).boxed()
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

fn predicate() -> BoxedStrategy<Predicate> {
    let leaf = prop_oneof![
        Just(Predicate::All),
        (comparison(), key()).prop_map(|(comparison, key)| Predicate::Key(comparison, key)),
        (name(), comparison(), value()).prop_map(|(name, comparison, value)| Predicate::Field(name, comparison, value)),
        (name(), name(), any::<i64>(), any::<i64>()).prop_map(|(start_field, end_field, start, end)| {
            Predicate::Overlaps { start_field, end_field, start, end }
        }),
    ];
    let tree = leaf.prop_recursive(4, 24, 4, |part| {
        prop_oneof![
            vec(part.clone(), 0..4).prop_map(Predicate::And),
            vec(part.clone(), 0..4).prop_map(Predicate::Or),
            part.prop_map(|part| Predicate::Not(Box::new(part))),
        ]
    });
    tree.boxed()
}

fn check() -> BoxedStrategy<DependencyCheck> {
    let order = (name(), any::<bool>()).prop_map(|(field, descending)| Order { field, descending });
    let query = (name(), predicate(), vec(order, 0..3), any::<Option<u32>>())
        .prop_map(|(from, filter, order, limit)| Query { from, filter, order, limit });
    let expect = prop_oneof![
        Just(Expectation::None),
        Just(Expectation::Some),
        any::<u32>().prop_map(Expectation::Count),
        vec((key(), fields()), 0..3).prop_map(Expectation::Exactly),
    ];
    vec((query, expect).prop_map(|(query, expect)| Condition { query, expect }), 0..3).prop_map(DependencyCheck).boxed()
}

fn update() -> BoxedStrategy<UpdateSet> {
    let relation = || name().prop_filter("the engine's own", |name| !name.as_str().starts_with("bayou."));
    let operation = prop_oneof![
        (relation(), key(), fields()).prop_map(|(name, key, fields)| Operation::Insert(name, key, fields)),
        (relation(), key(), fields()).prop_map(|(name, key, fields)| Operation::Put(name, key, fields)),
        (relation(), key(), fields()).prop_map(|(name, key, fields)| Operation::Patch(name, key, fields)),
        (relation(), key()).prop_map(|(name, key)| Operation::Delete(name, key)),
    ];
    vec(operation, 0..4).prop_map(UpdateSet).boxed()
}

pub(crate) fn draft() -> BoxedStrategy<Draft> {
    let alternative = (check(), update()).prop_map(|(check, update)| Alternative { check, update });
    (update(), check(), vec(alternative, 0..3), fields())
        .prop_map(|(update, check, alternatives, report)| Draft { update, check, alternatives, report })
        .boxed()
}

fn kind() -> impl Strategy<Value = WriteKind> {
    let again = (digest(), draft()).prop_map(|(tag, draft)| WriteKind::Again { tag, draft });
    let plain = prop_oneof![Just(WriteKind::CreateReplica), Just(WriteKind::RetireReplica), Just(WriteKind::Consent)];
    let role = (replica_id(), term()).prop_map(|(to, term)| WriteKind::HandOver { to, term });
    let taken = term().prop_map(|term| WriteKind::TakeOver { term });
    prop_oneof![6 => draft().prop_map(WriteKind::Update), 2 => plain, 1 => again, 1 => role, 1 => taken]
}

pub(super) fn write() -> BoxedStrategy<Write> {
    (replica_id(), 1..=STAMP_MAX, any::<sample::Index>(), digest(), kind())
        .prop_map(|(replica, number, previous, chain, kind)| {
            let previous = Stamp::new(previous.index(usize::try_from(number).unwrap()) as u64).unwrap();
            let id = WriteId { stamp: Stamp::new(number).unwrap(), replica };
            Write::accepted(id, previous, chain, Body::new(&kind).unwrap())
        })
        .boxed()
}

fn vector() -> BoxedStrategy<WireVector> {
    vec((replica_id(), stamp(), digest()), 0..5).prop_map(|entries| entries.into_iter().collect()).boxed()
}

fn database_name() -> impl Strategy<Value = DatabaseName> {
    "[a-z0-9-]{1,64}".prop_map(|name| DatabaseName::parse(&name).unwrap())
}

fn reigns() -> BoxedStrategy<Reigns> {
    let reign = (term(), option::of(replica_id()), csn(), digest()).prop_map(|(term, primary, after, prefix)| Reign {
        term,
        primary,
        after,
        prefix,
    });
    let from_the_beginning = |mut reigns: Vec<Reign>| {
        reigns[0].after = Csn::ZERO;
        Reigns::new(reigns).unwrap_or_default()
    };
    vec(reign, 1..4).prop_map(from_the_beginning).boxed()
}

fn hello() -> BoxedStrategy<Hello> {
    let who = (database_name(), any::<Option<[u8; 16]>>(), option::of(replica_id()), any::<[bool; 3]>());
    let what = (reigns(), csn(), digest(), vector(), csn(), vector());
    let more = (option::of(csn()), option::of((csn(), digest(), tuple_key())));
    (who, what, more)
        .prop_map(|((name, database, replica, flags), (reigns, csn, prefix, vector, omitted_csn, omitted), more)| {
            let [renew, primary, paused] = flags;
            let database = database.map(DatabaseId::from_random);
            let reigns = wire_reigns(&reigns);
            let omitted_vector = omitted;
            let (outcomes_after, incoming) = more;
            Hello {
                name,
                database,
                replica,
                renew,
                primary,
                outcomes_after,
                paused,
                reigns,
                csn,
                prefix,
                vector,
                omitted_csn,
                omitted_vector,
                incoming,
            }
        })
        .boxed()
}

fn tuple_key() -> impl Strategy<Value = TupleKey> {
    (name(), key())
}

fn tuples() -> impl Strategy<Value = Tuples> {
    vec((tuple_key(), fields(), write()), 0..3).prop_map(|tuples| {
        let mut interner = Interner::default();
        let tuple = |(key, fields, write): (TupleKey, Fields, Write)| {
            snapshot::tuple(&mut interner, &key.0, &key.1, &Tuple { fields, written_by: write.id })
        };
        let tuples = tuples.into_iter().map(tuple).collect();
        Tuples { replicas: interner.finish(), tuples }
    })
}

fn omitted() -> BoxedStrategy<WireOmitted> {
    (csn(), vector(), digest(), reigns())
        .prop_map(|(csn, vector, prefix, reigns)| WireOmitted { csn, vector, prefix, reigns: wire_reigns(&reigns) })
        .boxed()
}

fn snapshot_part() -> BoxedStrategy<SnapshotPart> {
    (csn(), digest(), option::of(tuple_key()), tuples(), option::of(omitted()))
        .prop_map(|(csn, digest, after, tuples, end)| {
            let (outcomes, end) = (Outcomes::default(), end.map(Box::new));
            SnapshotPart { csn, digest, after, tuples, outcomes, end }
        })
        .boxed()
}

fn batch() -> BoxedStrategy<Batch> {
    let after = (0..STAMP_MAX - 10).prop_map(|number| Csn::new(number).unwrap());
    (after, vec((term(), write(), any::<bool>()), 0..4), vec(write(), 0..4))
        .prop_map(|(after, committed, waiting)| {
            let mut interner = Interner::default();
            let mut commits = Vec::new();
            for (term, write, whole) in &committed {
                commits.push((
                    *term,
                    if *whole {
                        Commit::Whole(interner.write(write))
                    } else {
                        Commit::Notification(interner.id(&write.id), write.chain)
                    },
                    (!*whole).then(|| Text::new("not allowed")),
                ));
            }
            let tentative = waiting.iter().map(|write| interner.write(write)).collect();
            Batch { replicas: interner.finish(), after, commits, tentative }
        })
        .boxed()
}

pub(super) fn frame() -> BoxedStrategy<Frame> {
    let progress = (vector(), vec(replica_id(), 0..3), csn(), any::<u64>())
        .prop_map(|(raised, retired, csn, batches)| Progress { raised, retired, csn, batches });
    let farewell = (any::<u16>(), any::<String>()).prop_map(|(code, reason)| {
        let end = (0..=REASON_BYTES_MAX.min(reason.len())).rev().find(|&at| reason.is_char_boundary(at)).unwrap();
        Frame::Farewell { code, reason: reason[..end].into() }
    });
    prop_oneof![
        3 => hello().prop_map(|hello| Frame::Hello(Box::new(hello))),
        1 => replica_id().prop_map(Frame::Created),
        4 => batch().prop_map(Frame::Batch),
        2 => snapshot_part().prop_map(Frame::Snapshot),
        1 => Just(Frame::DeclineCommits),
        2 => progress.prop_map(Frame::Progress),
        1 => Just(Frame::CaughtUp),
        1 => any::<bool>().prop_map(|paused| Frame::Primary { paused }),
        1 => Just(Frame::Ping),
        1 => farewell,
    ]
    .boxed()
}

pub(super) fn record() -> BoxedStrategy<Record> {
    let identity = (any::<[u8; 16]>(), database_name(), replica_id()).prop_map(|(database, name, replica)| {
        let database = DatabaseId::from_random(database);
        Record::Identity(Identity { database, name, replica })
    });
    let log = vec((write(), csn(), term(), any::<bool>()), 0..4).prop_map(|entries| {
        let mut interner = Interner::default();
        let entry = |(write, csn, term, is_commit): &(Write, Csn, Term, bool), interner: &mut Interner| {
            if *is_commit {
                LogRecord::Commit(interner.id(&write.id), *csn, *term, None)
            } else {
                LogRecord::Write(interner.write(write))
            }
        };
        let entries = entries.iter().map(|parts| entry(parts, &mut interner)).collect();
        let replicas: IdTable = interner.finish();
        Record::Log(Log { replicas, entries })
    });
    prop_oneof![
        1 => identity,
        3 => log,
        1 => vector().prop_map(Record::Elsewhere),
        1 => any::<bool>().prop_map(Record::Paused),
        1 => snapshot_part().prop_map(Record::Snapshot),
        1 => tuples().prop_map(Record::CheckpointTuples),
    ]
    .boxed()
}
