//! Reading the page's arguments: a value and the path that leads to it, so that an error says where it is.

use std::fmt;

use js_sys::{Array, Object, Reflect, Uint8Array};
use wasm_bindgen::{JsCast, JsValue};

/// An argument is not of the documented shape.
#[derive(Debug)]
pub(crate) struct InputError {
    path: String,
    problem: String,
}

impl fmt::Display for InputError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.path)?;
        f.write_str(": ")?;
        f.write_str(&self.problem)
    }
}

#[derive(Clone, Copy)]
enum Path<'a> {
    Argument(&'static str),
    Field(&'a Path<'a>, &'a str),
    Element(&'a Path<'a>, u32),
}

impl fmt::Display for Path<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Argument(name) => f.write_str(name),
            Self::Field(of, name) => write!(f, "{of}.{name}"),
            Self::Element(of, index) => write!(f, "{of}[{index}]"),
        }
    }
}

/// A value from the page.
pub(crate) struct Input<'a> {
    value: JsValue,
    path: Path<'a>,
}

impl<'a> Input<'a> {
    pub(crate) const fn argument(name: &'static str, value: JsValue) -> Self {
        Self { value, path: Path::Argument(name) }
    }

    /// An error at this value.
    pub(crate) fn error(&self, problem: impl fmt::Display) -> InputError {
        InputError { path: self.path.to_string(), problem: problem.to_string() }
    }

    pub(crate) const fn value(&self) -> &JsValue {
        &self.value
    }

    pub(crate) fn text(&self) -> Result<String, InputError> {
        self.value.as_string().ok_or_else(|| self.error("a text is expected"))
    }

    pub(crate) fn flag(&self) -> Result<bool, InputError> {
        self.value.as_bool().ok_or_else(|| self.error("true or false is expected"))
    }

    /// A whole number that a JavaScript number holds exactly.
    pub(crate) fn integer(&self) -> Result<i64, InputError> {
        integer(&self.value).ok_or_else(|| self.error("a whole number between -2^53 and 2^53 is expected"))
    }

    pub(crate) fn unsigned(&self) -> Result<u32, InputError> {
        self.integer()?.try_into().map_err(|_| self.error("a whole number from 0 to 2^32 - 1 is expected"))
    }

    pub(crate) fn bytes(&self) -> Option<Vec<u8>> {
        self.value.dyn_ref::<Uint8Array>().map(Uint8Array::to_vec)
    }

    /// An object of a class of the browser; `what` says which is expected.
    pub(crate) fn instance<T: JsCast>(&self, what: &str) -> Result<T, InputError> {
        self.value.clone().dyn_into().map_err(|_| self.error(what))
    }

    /// Whether there is nothing.
    pub(crate) fn is_missing(&self) -> bool {
        self.value.is_undefined() || self.value.is_null()
    }

    pub(crate) fn is_list(&self) -> bool {
        Array::is_array(&self.value)
    }

    /// The elements of a list, each read by `read`.
    pub(crate) fn list<'b, T>(
        &'b self,
        mut read: impl FnMut(&Input<'b>) -> Result<T, InputError>,
    ) -> Result<Vec<T>, InputError> {
        let array = self.value.dyn_ref::<Array>().ok_or_else(|| self.error("a list is expected"))?;
        let element = |index| Input { value: array.get(index), path: Path::Element(&self.path, index) };
        (0..array.length()).map(|index| read(&element(index))).collect()
    }

    /// The elements of a list, or the one thing that stands in place of a list of one, or nothing.
    pub(crate) fn some<'b, T>(
        &'b self,
        mut read: impl FnMut(&Input<'b>) -> Result<T, InputError>,
    ) -> Result<Vec<T>, InputError> {
        if self.is_missing() {
            Ok(Vec::new())
        } else if self.is_list() {
            self.list(read)
        } else {
            Ok(vec![read(self)?])
        }
    }

    /// The field of an object.
    pub(crate) fn field<'b>(&'b self, name: &'b str) -> Input<'b> {
        // Reading from what is no object gives undefined here, and the error where the value is read.
        let value = Reflect::get(&self.value, &JsValue::from_str(name)).unwrap_or(JsValue::UNDEFINED);
        Input { value, path: Path::Field(&self.path, name) }
    }

    /// The field, read by `read` if it is there.
    pub(crate) fn optional<'b, T>(
        &'b self,
        name: &'b str,
        read: impl FnOnce(&Input<'b>) -> Result<T, InputError>,
    ) -> Result<Option<T>, InputError> {
        let field = self.field(name);
        if field.is_missing() { Ok(None) } else { read(&field).map(Some) }
    }

    /// The names and values of a plain object.
    pub(crate) fn entries<T>(
        &self,
        mut read: impl FnMut(&str, &Input<'_>) -> Result<T, InputError>,
    ) -> Result<Vec<T>, InputError> {
        self.expect_object()?;
        self.names().iter().map(|name| read(name, &self.field(name))).collect()
    }

    /// Sees to it that this is an object without other fields than these: a misspelt name is an error, not a default.
    pub(crate) fn only(&self, names: &[&str]) -> Result<(), InputError> {
        self.expect_object()?;
        let other = self.names().into_iter().find(|name| !names.contains(&name.as_str()));
        other.map_or(Ok(()), |name| {
            Err(self.error(format_args!("there is no field {name:?} here, only {}", names.join(", "))))
        })
    }

    fn names(&self) -> Vec<String> {
        Object::keys(self.value.unchecked_ref::<Object>()).iter().filter_map(|name| name.as_string()).collect()
    }

    fn expect_object(&self) -> Result<(), InputError> {
        let is_plain = self.value.is_object() && !self.is_list();
        if is_plain { Ok(()) } else { Err(self.error("an object is expected")) }
    }
}

/// The number as an integer, if it is one and is exact.
#[expect(clippy::cast_possible_truncation, reason = "a whole number within the safe range")]
pub(crate) fn integer(value: &JsValue) -> Option<i64> {
    const SAFE_MAX: f64 = 9_007_199_254_740_991.0;
    value.as_f64().filter(|number| number.fract() == 0.0 && number.abs() <= SAFE_MAX).map(|number| number as i64)
}
