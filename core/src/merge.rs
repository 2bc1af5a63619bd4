//! Executing a draft: dependency check, update set, alternatives, error log. Check and update are one atomic step.

use std::sync::Arc;

use crate::{
    draft::{Condition, DependencyCheck, Draft, Expectation, Operation, UpdateSet},
    execution::id_key,
    id::WriteId,
    limits::{BLOCKERS_MAX, FIELDS_MAX, TUPLE_BYTES_MAX},
    outcome::{Attempt, Branch, Conflict, Outcome, Step},
    relation,
    tuple_store::{Effect, Tables},
    value::{Fields, Key, Name, Row, Tuple, Value},
};

/// Executes a draft on the data it meets. The result depends on that data and on nothing else.
pub(crate) fn execute_draft(tables: &mut Tables, id: &WriteId, draft: &Draft) -> (Vec<Effect>, Outcome) {
    let mut attempts = Vec::new();
    let alternatives = (0_u16..).zip(&draft.alternatives).map(|(index, alternative)| {
        (Step::Alternative(index), Branch::Alternative(index), &alternative.check, &alternative.update)
    });
    let steps = core::iter::once((Step::Update, Branch::Update, &draft.check, &draft.update)).chain(alternatives);
    for (step, branch, check, update) in steps {
        match check_holds(tables, check).and_then(|()| apply(tables, id, update)) {
            Ok(effects) => return (effects, Outcome { branch, attempts }),
            Err(conflict) => attempts.push(Attempt { step, conflict }),
        }
    }
    (vec![report(tables, id, &draft.report)], Outcome { branch: Branch::Reported, attempts })
}

fn check_holds(tables: &Tables, check: &DependencyCheck) -> Result<(), Conflict> {
    for (index, condition) in (0_u16..).zip(&check.0) {
        let mut found = tables.query(&condition.query, needed(condition));
        let holds = match &condition.expect {
            Expectation::None => found.is_empty(),
            Expectation::Some => !found.is_empty(),
            Expectation::Count(count) => found.len() == *count as usize,
            Expectation::Exactly(rows) => {
                let same =
                    |(row, (key, fields)): (&Row, &(Key, Fields))| row.key == *key && row.tuple.fields == *fields;
                found.len() == rows.len() && found.iter().zip(rows).all(same)
            }
        };
        if !holds {
            found.truncate(BLOCKERS_MAX);
            return Err(Conflict::Check { index, found });
        }
    }
    Ok(())
}

/// How many of the tuples that a condition asks for its answer depends on.
fn needed(condition: &Condition) -> usize {
    let needed = match &condition.expect {
        Expectation::None | Expectation::Some => BLOCKERS_MAX,
        Expectation::Count(count) => (*count as usize).saturating_add(1),
        Expectation::Exactly(rows) => rows.len() + 1,
    };
    needed.max(BLOCKERS_MAX)
}

/// Applies all operations, or none and says which one could not be.
fn apply(tables: &mut Tables, id: &WriteId, update: &UpdateSet) -> Result<Vec<Effect>, Conflict> {
    let mut effects = Vec::with_capacity(update.0.len());
    for operation in &update.0 {
        match after(tables, id, operation) {
            Ok(tuple) => effects.push(tables.set(operation.relation(), operation.key(), tuple)),
            Err(conflict) => {
                tables.undo(&effects);
                return Err(conflict);
            }
        }
    }
    Ok(effects)
}

/// The tuple that an operation leaves behind.
fn after(tables: &mut Tables, id: &WriteId, operation: &Operation) -> Result<Option<Arc<Tuple>>, Conflict> {
    let fields = match operation {
        Operation::Insert(relation, key, fields) => match tables.tuple(relation, key) {
            None => fields.clone(),
            Some(_) => return Err(Conflict::KeyTaken { relation: relation.clone(), key: key.clone() }),
        },
        Operation::Put(_, _, fields) => fields.clone(),
        Operation::Patch(relation, key, fields) => match tables.tuple(relation, key) {
            Some(tuple) => {
                let patched = tuple.fields.patched(fields);
                if patched.len() > FIELDS_MAX || patched.bytes() > TUPLE_BYTES_MAX {
                    return Err(Conflict::TupleFull { relation: relation.clone(), key: key.clone() });
                }
                patched
            }
            None => return Err(Conflict::KeyMissing { relation: relation.clone(), key: key.clone() }),
        },
        Operation::Delete(..) => return Ok(None),
    };
    Ok(Some(Arc::new(Tuple { fields: tables.sharing_names(fields), written_by: id.clone() })))
}

/// Records the write in the error log \[95 §4.3\].
fn report(tables: &mut Tables, id: &WriteId, fields: &Fields) -> Effect {
    const WRITE: Name = Name::literal("write");
    let text = id.to_string();
    let fields = tables.sharing_names(fields.with(WRITE, Value::from(text.as_str())));
    let key = id_key(id);
    tables.set(&relation::ERRORS, &key, Some(Arc::new(Tuple { fields, written_by: id.clone() })))
}
