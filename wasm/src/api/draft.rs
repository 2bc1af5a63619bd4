//! Drafts and queries, as the page writes them.

use bayou_core::{
    Alternative, Comparison, Condition, DependencyCheck, Draft, Expectation, Fields, Key, Operation, Order, Predicate,
    Query, UpdateSet, limits::NESTING_MAX,
};
use wasm_bindgen::prelude::*;

use super::{
    input::{Input, InputError},
    value::{read_fields, read_key, read_name, read_value},
};

#[wasm_bindgen(typescript_custom_section)]
const TYPES: &str = r#"
/** How two values are compared: by kind (null, boolean, number, text, bytes, list), then by content. */
export type Comparison = "=" | "<" | "<=" | ">" | ">=";

/** A condition on one tuple. */
export type Predicate =
    /** The field compares so with the value; a field that is not there is `null`. */
    | { field: string; is: Comparison; value: Value }
    /** The key compares so with the text. */
    | { key: Comparison; value: string }
    /** The half-open interval between two integer fields shares a point with `start` to `end`. */
    | { overlaps: readonly [startField: string, endField: string]; start: number; end: number }
    | { all: readonly Predicate[] }
    | { any: readonly Predicate[] }
    | { not: Predicate };

/** A question to one relation of a view. The result has a total order: by `order`, then by key. */
export interface Query {
    from: string;
    /** Which tuples; a list means all of its conditions. Without it: every tuple. */
    where?: Predicate | readonly Predicate[];
    order?: readonly (string | { field: string; descending?: boolean })[];
    limit?: number;
}

/** One change of one tuple. */
export type Operation =
    /** A new tuple; that the key is taken is a conflict. */
    | { insert: string; key: string; fields: Fields }
    /** The tuple, whether or not there is one. */
    | { put: string; key: string; fields: Fields }
    /** These fields of the tuple; that there is no such tuple is a conflict. */
    | { patch: string; key: string; fields: Fields }
    /** No tuple, whether or not there was one. */
    | { delete: string; key: string };

/** A query with its expected result: no tuple, at least one, so many, or exactly these in the query's order. */
export interface Check {
    query: Query;
    expect: "none" | "some" | number | readonly { key: string; fields: Fields }[];
}

/**
 * What is to be written. When it is executed, at its place in the log, `check` is asked of the data found there. If it
 * holds, `update` is applied, all or nothing; if not, the first of `alternatives` whose own check holds; if none does,
 * the write changes nothing and is recorded in the relation `bayou.errors` with the fields of `report`.
 */
export interface Draft {
    update: readonly Operation[];
    check?: Check | readonly Check[];
    alternatives?: readonly { update: readonly Operation[]; check?: Check | readonly Check[] }[];
    report?: Fields;
}
"#;

pub(super) fn read_draft(draft: &Input<'_>) -> Result<Draft, InputError> {
    draft.only(&["update", "check", "alternatives", "report"])?;
    let (update, check) = read_step(draft)?;
    let alternatives = draft.field("alternatives").some(|alternative| {
        alternative.only(&["update", "check"])?;
        let (update, check) = read_step(alternative)?;
        Ok(Alternative { check, update })
    })?;
    let report = draft.optional("report", read_fields)?.unwrap_or_else(Fields::none);
    Ok(Draft { update, check, alternatives, report })
}

fn read_step(step: &Input<'_>) -> Result<(UpdateSet, DependencyCheck), InputError> {
    let update = step.field("update").list(read_operation)?;
    let check = step.field("check").some(read_condition)?;
    Ok((UpdateSet(update), DependencyCheck(check)))
}

fn read_operation(operation: &Input<'_>) -> Result<Operation, InputError> {
    let kinds =
        [("insert", Operation::Insert as fn(_, _, _) -> _), ("put", Operation::Put), ("patch", Operation::Patch)];
    for (kind, build) in kinds {
        if let Some(relation) = operation.optional(kind, read_name)? {
            operation.only(&[kind, "key", "fields"])?;
            return Ok(build(relation, read_key(&operation.field("key"))?, read_fields(&operation.field("fields"))?));
        }
    }
    if let Some(relation) = operation.optional("delete", read_name)? {
        operation.only(&["delete", "key"])?;
        return Ok(Operation::Delete(relation, read_key(&operation.field("key"))?));
    }
    Err(operation.error("an operation has a field insert, put, patch or delete with the name of a relation"))
}

fn read_condition(check: &Input<'_>) -> Result<Condition, InputError> {
    check.only(&["query", "expect"])?;
    Ok(Condition { query: read_query(&check.field("query"))?, expect: read_expectation(&check.field("expect"))? })
}

fn read_expectation(expect: &Input<'_>) -> Result<Expectation, InputError> {
    if expect.is_list() {
        let rows = expect.list(|row| {
            row.only(&["key", "fields"])?;
            Ok((read_key(&row.field("key"))?, read_fields(&row.field("fields"))?))
        })?;
        return Ok(Expectation::Exactly(rows));
    }
    match expect.value().as_string().as_deref() {
        Some("none") => Ok(Expectation::None),
        Some("some") => Ok(Expectation::Some),
        Some(_) => Err(expect.error(r#""none", "some", a number or a list of rows is expected"#)),
        None => expect.unsigned().map(Expectation::Count),
    }
}

pub(super) fn read_query(query: &Input<'_>) -> Result<Query, InputError> {
    query.only(&["from", "where", "order", "limit"])?;
    let mut filters = query.field("where").some(|predicate| read_predicate(predicate, 0))?;
    let filter = match filters.len() {
        0 => Predicate::All,
        1 => filters.remove(0),
        _ => Predicate::And(filters),
    };
    let order = query.field("order").some(|order| {
        if order.value().is_string() {
            return Ok(Order { field: read_name(order)?, descending: false });
        }
        order.only(&["field", "descending"])?;
        let descending = order.optional("descending", Input::flag)?.unwrap_or(false);
        Ok(Order { field: read_name(&order.field("field"))?, descending })
    })?;
    let limit = query.optional("limit", Input::unsigned)?;
    Ok(Query { from: read_name(&query.field("from"))?, filter, order, limit })
}

fn read_predicate(predicate: &Input<'_>, depth: usize) -> Result<Predicate, InputError> {
    if depth > NESTING_MAX {
        return Err(predicate.error("this nests too deeply"));
    }
    let has = |name: &str| !predicate.field(name).is_missing();
    let parts = |name: &str| predicate.field(name).list(|part| read_predicate(part, depth + 1));
    if has("field") {
        predicate.only(&["field", "is", "value"])?;
        let field = read_name(&predicate.field("field"))?;
        let comparison = read_comparison(&predicate.field("is"))?;
        Ok(Predicate::Field(field, comparison, read_value(&predicate.field("value"))?))
    } else if has("key") {
        predicate.only(&["key", "value"])?;
        let key: Key = read_key(&predicate.field("value"))?;
        Ok(Predicate::Key(read_comparison(&predicate.field("key"))?, key))
    } else if has("overlaps") {
        predicate.only(&["overlaps", "start", "end"])?;
        let fields = predicate.field("overlaps").list(read_name)?;
        let [start_field, end_field] = <[_; 2]>::try_from(fields)
            .map_err(|_| predicate.field("overlaps").error("the names of two fields are expected"))?;
        let (start, end) = (predicate.field("start").integer()?, predicate.field("end").integer()?);
        Ok(Predicate::Overlaps { start_field, end_field, start, end })
    } else if has("all") {
        predicate.only(&["all"])?;
        parts("all").map(Predicate::And)
    } else if has("any") {
        predicate.only(&["any"])?;
        parts("any").map(Predicate::Or)
    } else if has("not") {
        predicate.only(&["not"])?;
        Ok(Predicate::Not(Box::new(read_predicate(&predicate.field("not"), depth + 1)?)))
    } else {
        Err(predicate.error("a condition has a field named field, key, overlaps, all, any or not"))
    }
}

fn read_comparison(comparison: &Input<'_>) -> Result<Comparison, InputError> {
    match comparison.value().as_string().as_deref() {
        Some("=") => Ok(Comparison::Equal),
        Some("<") => Ok(Comparison::Less),
        Some("<=") => Ok(Comparison::LessOrEqual),
        Some(">") => Ok(Comparison::Greater),
        Some(">=") => Ok(Comparison::GreaterOrEqual),
        _ => Err(comparison.error(r#""=", "<", "<=", ">" or ">=" is expected"#)),
    }
}
