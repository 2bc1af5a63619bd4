//! The reference model: what a log means, said in the plainest way.
//!
//! Writes are executed one after the other on maps of maps. There is no undo, no index, no second view and no limit on
//! a search. Of the engine it uses the types in which applications say what they want, and none of its logic.

use core::cmp::Ordering;
use std::{collections::BTreeMap, rc::Rc};

use bayou_core::{
    Branch, Comparison, Condition, Conflict, DependencyCheck, Draft, Expectation, Fields, Operation, Outcome,
    Predicate, Query, Row, Step, UpdateSet, Value, Write, WriteId, WriteKind,
};

pub(crate) type PlainFields = BTreeMap<String, Value>;

/// A tuple with its key: the key, the fields, and the write that last changed it.
pub(crate) type PlainRow = (String, PlainFields, WriteId);

/// What became of a write, and why.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Story {
    pub(crate) branch: Branch,
    pub(crate) clashes: Vec<(Step, Clash)>,
}

/// Why a step was not taken.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Clash {
    Check(usize, Vec<PlainRow>),
    Taken(String, String),
    Missing(String, String),
    Full(String, String),
}

/// Tuples by key. A copy of a model shares what has not changed since.
type Relation = BTreeMap<Rc<str>, Rc<(PlainFields, WriteId)>>;

/// Relations by name.
#[derive(Clone, Debug, Default)]
pub(crate) struct Model {
    relations: BTreeMap<Rc<str>, Rc<Relation>>,
}

impl Model {
    /// Executes a write that the primary has not refused.
    pub(crate) fn execute(&mut self, write: &Write) -> Story {
        match write.kind() {
            WriteKind::Update(draft) => self.execute_draft(&write.id, &draft),
            WriteKind::Again { tag, draft } => {
                if self.relation("bayou.again").contains_key(tag.to_string().as_str()) {
                    return Story::plain(Branch::Duplicate);
                }
                let story = self.execute_draft(&write.id, &draft);
                self.put("bayou.again", &tag.to_string(), PlainFields::new(), &write.id);
                story
            }
            // They say that there is a replica, or is none, and change no tuple.
            WriteKind::CreateReplica | WriteKind::RetireReplica => Story::plain(Branch::Update),
            WriteKind::Consent => {
                self.put("bayou.consents", &write.id.replica.to_string(), PlainFields::new(), &write.id);
                Story::plain(Branch::Update)
            }
            WriteKind::HandOver { to, term } => self.begin_term(&write.id, &to.to_string(), term.get()),
            WriteKind::TakeOver { term } => self.begin_term(&write.id, &write.id.replica.to_string(), term.get()),
            WriteKind::Unknown(_) => Story::plain(Branch::Unknown),
        }
    }

    /// Executes a write that the primary has refused.
    pub(crate) fn refuse(&mut self, write: &Write, reason: &str) -> Story {
        if matches!(write.kind(), WriteKind::CreateReplica) {
            let created = format!("{}.{}", write.id.replica, write.id.stamp);
            self.put("bayou.refused", &created, PlainFields::from([("reason".into(), Value::from(reason))]), &write.id);
        }
        Story::plain(Branch::Refused)
    }

    fn begin_term(&mut self, id: &WriteId, primary: &str, term: u32) -> Story {
        let fields = [("replica".into(), Value::from(primary)), ("term".into(), Value::Int(term.into()))];
        self.put("bayou.primary", "primary", PlainFields::from(fields), id);
        self.relation("bayou.consents").clear();
        Story::plain(Branch::Update)
    }

    fn put(&mut self, relation: &str, key: &str, fields: PlainFields, id: &WriteId) {
        self.relation(relation).insert(key.into(), Rc::new((fields, id.clone())));
    }

    /// The tuples of a relation in the order of their keys.
    pub(crate) fn relation_tuples(&self, name: &str) -> impl Iterator<Item = (&str, &PlainFields, &WriteId)> {
        let relation = self.relations.get(name).into_iter();
        relation.flat_map(|relation| relation.iter().map(|(key, tuple)| (key.as_ref(), &tuple.0, &tuple.1)))
    }

    /// Whether the creation of a replica by this write was refused.
    pub(crate) fn refuses(&self, creation: &WriteId) -> bool {
        self.relation_tuples("bayou.refused").any(|(_, _, written_by)| written_by == creation)
    }

    /// All tuples in the order of relation and key.
    pub(crate) fn tuples(&self) -> impl Iterator<Item = (&str, &str, &PlainFields, &WriteId)> {
        self.relations.iter().flat_map(|(name, relation)| {
            relation.iter().map(move |(key, tuple)| (name.as_ref(), key.as_ref(), &tuple.0, &tuple.1))
        })
    }

    fn execute_draft(&mut self, id: &WriteId, draft: &Draft) -> Story {
        let mut clashes = Vec::new();
        match self.attempt(id, &draft.check, &draft.update) {
            Ok(()) => return Story { branch: Branch::Update, clashes },
            Err(clash) => clashes.push((Step::Update, clash)),
        }
        for (index, alternative) in draft.alternatives.iter().enumerate() {
            let index = u16::try_from(index).expect("a draft has few alternatives");
            match self.attempt(id, &alternative.check, &alternative.update) {
                Ok(()) => return Story { branch: Branch::Alternative(index), clashes },
                Err(clash) => clashes.push((Step::Alternative(index), clash)),
            }
        }
        let mut report = plain(&draft.report);
        report.insert("write".into(), Value::from(id.to_string().as_str()));
        self.put("bayou.errors", &id.to_string(), report, id);
        Story { branch: Branch::Reported, clashes }
    }

    /// Changes everything or nothing.
    fn attempt(&mut self, id: &WriteId, check: &DependencyCheck, update: &UpdateSet) -> Result<(), Clash> {
        for (index, condition) in check.0.iter().enumerate() {
            let found = self.find(&condition.query);
            if !is_expected(&found, condition) {
                return Err(Clash::Check(index, found.into_iter().take(4).collect()));
            }
        }
        let mut changed = self.clone();
        update.0.iter().try_for_each(|operation| changed.apply(id, operation))?;
        *self = changed;
        Ok(())
    }

    fn apply(&mut self, id: &WriteId, operation: &Operation) -> Result<(), Clash> {
        let at = (operation.relation().to_string(), operation.key().to_string());
        let relation = self.relation(&at.0);
        let after = match operation {
            Operation::Insert(_, _, fields) if !relation.contains_key(at.1.as_str()) => plain(fields),
            Operation::Insert(..) => return Err(Clash::Taken(at.0, at.1)),
            Operation::Put(_, _, fields) => plain(fields),
            Operation::Patch(_, _, fields) => {
                let Some(before) = relation.get(at.1.as_str()) else { return Err(Clash::Missing(at.0, at.1)) };
                let mut after = before.0.clone();
                after.extend(plain(fields));
                if after.len() > 64 {
                    return Err(Clash::Full(at.0, at.1));
                }
                after
            }
            Operation::Delete(..) => {
                relation.remove(at.1.as_str());
                return Ok(());
            }
        };
        relation.insert(at.1.into(), Rc::new((after, id.clone())));
        Ok(())
    }

    /// Looks at every tuple of the relation.
    pub(crate) fn find(&self, query: &Query) -> Vec<PlainRow> {
        let relation = self.relations.get(query.from.as_str());
        let tuples = relation.into_iter().flat_map(|relation| relation.iter());
        let mut rows: Vec<PlainRow> = tuples
            .filter(|(key, tuple)| is_met(&query.filter, key, &tuple.0))
            .map(|(key, tuple)| (key.to_string(), tuple.0.clone(), tuple.1.clone()))
            .collect();
        // They are in the order of their keys. The last field to sort by is the first of the order.
        for by in query.order.iter().rev() {
            rows.sort_by(|left, right| {
                let order = compare(field(&left.1, by.field.as_str()), field(&right.1, by.field.as_str()));
                if by.descending { order.reverse() } else { order }
            });
        }
        if let Some(limit) = query.limit {
            rows.truncate(limit as usize);
        }
        rows
    }

    fn relation(&mut self, name: &str) -> &mut Relation {
        Rc::make_mut(self.relations.entry(name.into()).or_default())
    }
}

impl Story {
    const fn plain(branch: Branch) -> Self {
        Self { branch, clashes: Vec::new() }
    }

    /// What the engine tells, in the model's words.
    pub(crate) fn told(outcome: &Outcome) -> Self {
        let clash = |conflict: &Conflict| match conflict {
            Conflict::Check { index, found } => Clash::Check(usize::from(*index), plain_rows(found)),
            Conflict::KeyTaken { relation, key } => Clash::Taken(relation.to_string(), key.to_string()),
            Conflict::KeyMissing { relation, key } => Clash::Missing(relation.to_string(), key.to_string()),
            Conflict::TupleFull { relation, key } => Clash::Full(relation.to_string(), key.to_string()),
            Conflict::Refused { .. } => panic!("the model refuses nothing"),
        };
        let clashes = outcome.attempts.iter().map(|attempt| (attempt.step, clash(&attempt.conflict)));
        Self { branch: outcome.branch, clashes: clashes.collect() }
    }
}

/// The rows that the engine returns, in the model's words.
pub(crate) fn plain_rows(rows: &[Row]) -> Vec<PlainRow> {
    let row = |row: &Row| (row.key.to_string(), plain(&row.tuple.fields), row.tuple.written_by.clone());
    rows.iter().map(row).collect()
}

fn plain(fields: &Fields) -> PlainFields {
    fields.iter().map(|(name, value)| (name.to_string(), value.clone())).collect()
}

fn field<'a>(fields: &'a PlainFields, name: &str) -> &'a Value {
    fields.get(name).unwrap_or(&Value::Null)
}

fn is_expected(found: &[PlainRow], condition: &Condition) -> bool {
    match &condition.expect {
        Expectation::None => found.is_empty(),
        Expectation::Some => !found.is_empty(),
        Expectation::Count(count) => found.len() as u64 == u64::from(*count),
        Expectation::Exactly(rows) => {
            let expected: Vec<_> = rows.iter().map(|(key, fields)| (key.to_string(), plain(fields))).collect();
            let found: Vec<_> = found.iter().map(|(key, fields, _)| (key.clone(), fields.clone())).collect();
            found == expected
        }
    }
}

fn is_met(predicate: &Predicate, key: &str, fields: &PlainFields) -> bool {
    match predicate {
        Predicate::All => true,
        Predicate::Key(comparison, with) => compares(*comparison, key.as_bytes().cmp(with.as_str().as_bytes())),
        Predicate::Field(name, comparison, with) => compares(*comparison, compare(field(fields, name.as_str()), with)),
        Predicate::Overlaps { start_field, end_field, start, end } => {
            match (field(fields, start_field.as_str()), field(fields, end_field.as_str())) {
                // Some point is in both: the later start comes before the earlier end.
                (Value::Int(from), Value::Int(to)) => from < to && start < end && from < end && start < to,
                _ => false,
            }
        }
        Predicate::And(all) => all.iter().all(|part| is_met(part, key, fields)),
        Predicate::Or(any) => any.iter().any(|part| is_met(part, key, fields)),
        Predicate::Not(part) => !is_met(part, key, fields),
    }
}

fn compares(comparison: Comparison, order: Ordering) -> bool {
    match comparison {
        Comparison::Equal => order == Ordering::Equal,
        Comparison::Less => order == Ordering::Less,
        Comparison::LessOrEqual => order != Ordering::Greater,
        Comparison::Greater => order == Ordering::Greater,
        Comparison::GreaterOrEqual => order != Ordering::Less,
    }
}

fn compare(left: &Value, right: &Value) -> Ordering {
    const fn kind(value: &Value) -> u8 {
        match value {
            Value::Null => 0,
            Value::Bool(_) => 1,
            Value::Int(_) => 2,
            Value::Text(_) => 3,
            Value::Bytes(_) => 4,
            Value::List(_) => 5,
        }
    }
    match (left, right) {
        (Value::Bool(left), Value::Bool(right)) => left.cmp(right),
        (Value::Int(left), Value::Int(right)) => left.cmp(right),
        (Value::Text(left), Value::Text(right)) => left.as_bytes().cmp(right.as_bytes()),
        (Value::Bytes(left), Value::Bytes(right)) => left.cmp(right),
        (Value::List(left), Value::List(right)) => {
            let first_difference =
                left.iter().zip(right.iter()).map(|(left, right)| compare(left, right)).find(|order| order.is_ne());
            first_difference.unwrap_or_else(|| left.len().cmp(&right.len()))
        }
        (left, right) => kind(left).cmp(&kind(right)),
    }
}
