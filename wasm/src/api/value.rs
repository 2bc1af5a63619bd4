//! Values, fields and rows, both ways.

use bayou_core::{Fields, Key, Name, Row, Value};
use js_sys::{Array, Object, Uint8Array};
use wasm_bindgen::prelude::*;

use super::input::{Input, InputError, integer};
use crate::platform::{object, set};

#[wasm_bindgen(typescript_custom_section)]
const TYPES: &str = r#"
/**
 * A value of a field. Numbers are whole and safe (`Number.isSafeInteger`); a 64-bit integer beyond that is a `bigint`.
 * A list holds no lists.
 */
export type Value = null | boolean | number | bigint | string | Uint8Array | readonly Value[];

/**
 * The named fields of a tuple. A field that is not there reads as `null`.
 */
export type Fields = { readonly [name: string]: Value };

/**
 * A tuple of a view.
 */
export interface Row {
    readonly key: string;
    readonly fields: Fields;
    /** Id of the write that last put or patched it. */
    readonly write: string;
}
"#;

pub(super) fn read_name(input: &Input<'_>) -> Result<Name, InputError> {
    Name::new(&input.text()?).map_err(|error| input.error(error))
}

pub(super) fn read_key(input: &Input<'_>) -> Result<Key, InputError> {
    Key::new(&input.text()?).map_err(|error| input.error(error))
}

pub(super) fn read_fields(input: &Input<'_>) -> Result<Fields, InputError> {
    let fields = input.entries(|name, value| {
        let name = Name::new(name).map_err(|error| value.error(error))?;
        Ok((name, read_value(value)?))
    })?;
    Fields::new(fields).map_err(|error| input.error(error))
}

pub(super) fn read_value(input: &Input<'_>) -> Result<Value, InputError> {
    if input.is_list() {
        return Ok(Value::List(input.list(read_single)?.into()));
    }
    read_single(input)
}

fn read_single(input: &Input<'_>) -> Result<Value, InputError> {
    let value = input.value();
    if value.is_null() {
        Ok(Value::Null)
    } else if let Some(flag) = value.as_bool() {
        Ok(Value::Bool(flag))
    } else if let Some(text) = value.as_string() {
        Ok(Value::from(text.as_str()))
    } else if let Some(number) = integer(value) {
        Ok(Value::Int(number))
    } else if let Some(bytes) = input.bytes() {
        Ok(Value::Bytes(bytes.into()))
    } else if value.is_bigint() {
        i64::try_from(value.clone()).map(Value::Int).map_err(|_| input.error("an integer has at most 64 bits"))
    } else {
        Err(input.error("null, true, false, a whole number, a text, bytes or, outside a list, a list is expected"))
    }
}

pub(super) fn rows_to_js(rows: &[Row]) -> JsValue {
    rows.iter().map(row_to_js).collect::<Array>().into()
}

fn row_to_js(row: &Row) -> JsValue {
    let fields = Object::new();
    for (name, value) in row.tuple.fields.iter() {
        set(&fields, name.as_str(), &value_to_js(value));
    }
    object(&[
        ("key", row.key.as_str().into()),
        ("fields", fields.into()),
        ("write", row.tuple.written_by.to_string().into()),
    ])
}

fn value_to_js(value: &Value) -> JsValue {
    match value {
        Value::Null => JsValue::NULL,
        Value::Bool(flag) => JsValue::from_bool(*flag),
        Value::Int(number) => integer_to_js(*number),
        Value::Text(text) => JsValue::from_str(text),
        Value::Bytes(bytes) => Uint8Array::from(&**bytes).into(),
        Value::List(list) => list.iter().map(value_to_js).collect::<Array>().into(),
    }
}

#[expect(clippy::cast_precision_loss, reason = "exact within the safe range, which is checked")]
fn integer_to_js(number: i64) -> JsValue {
    let as_number = JsValue::from_f64(number as f64);
    if integer(&as_number) == Some(number) { as_number } else { JsValue::from(number) }
}
