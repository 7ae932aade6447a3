//! Values on their way into a statement and out of a row. Both databases know these five kinds and no others: truth is 0 or 1,
//! times and numbers are integers.

use crate::{Error, Result};

/// One value, borrowed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Value<'v> {
    Null,
    Integer(i64),
    Real(f64),
    Text(&'v str),
    Blob(&'v [u8]),
}

/// What can be a parameter.
pub(crate) trait ToValue {
    fn to_value(&self) -> Value<'_>;
}

/// What can be read from a column.
pub(crate) trait FromValue: Sized {
    fn from_value(value: Value<'_>) -> Result<Self>;
}

/// The parameters of a statement, `?1` first.
pub(crate) trait Params {
    fn count(&self) -> usize;
    fn value(&self, at: usize) -> Value<'_>;
}

/// Parameters of any kinds: `params![client, name]`.
macro_rules! params {
    () => { &[] as &[&dyn $crate::engine::sql::ToValue] };
    ($($value:expr),+ $(,)?) => { &[$(&$value as &dyn $crate::engine::sql::ToValue),+] as &[&dyn $crate::engine::sql::ToValue] };
}
pub(crate) use params;

/// One row of parameters of a statement that is run for many: `row![client, name]`.
macro_rules! row {
    ($($value:expr),+ $(,)?) => { [$($crate::engine::sql::Value::from($value)),+] };
}
pub(crate) use row;

impl Params for &[&dyn ToValue] {
    fn count(&self) -> usize {
        self.len()
    }

    fn value(&self, at: usize) -> Value<'_> {
        self[at].to_value()
    }
}

/// A row of parameters of a statement that is run for many.
impl<const N: usize> Params for &[Value<'_>; N] {
    fn count(&self) -> usize {
        N
    }

    fn value(&self, at: usize) -> Value<'_> {
        self[at]
    }
}

/// No parameters: `[]`.
impl Params for [Value<'static>; 0] {
    fn count(&self) -> usize {
        0
    }

    fn value(&self, _: usize) -> Value<'_> {
        Value::Null
    }
}

/// Parameters of one kind: `[client]`.
macro_rules! array {
    ($($count:literal)+) => {$(
        impl<T: ToValue> Params for [T; $count] {
            fn count(&self) -> usize {
                $count
            }

            fn value(&self, at: usize) -> Value<'_> {
                self[at].to_value()
            }
        }
    )+};
}
array!(1 2 3 4);

macro_rules! integers {
    ($($kind:ident)+) => {$(
        impl ToValue for $kind {
            fn to_value(&self) -> Value<'_> {
                Value::Integer(i64::from(*self))
            }
        }

        impl From<$kind> for Value<'_> {
            fn from(value: $kind) -> Self {
                Self::Integer(i64::from(value))
            }
        }

        impl FromValue for $kind {
            fn from_value(value: Value<'_>) -> Result<Self> {
                match value {
                    Value::Integer(number) => Self::try_from(number).map_err(|_| odd(value, stringify!($kind))),
                    _ => Err(odd(value, stringify!($kind))),
                }
            }
        }
    )+};
}
integers!(i64 i32 u8 u16 u32);

impl From<bool> for Value<'_> {
    fn from(value: bool) -> Self {
        Self::Integer(i64::from(value))
    }
}

impl<'v> From<&'v str> for Value<'v> {
    fn from(value: &'v str) -> Self {
        Self::Text(value)
    }
}

impl<'v> From<&'v [u8]> for Value<'v> {
    fn from(value: &'v [u8]) -> Self {
        Self::Blob(value)
    }
}

impl<'v, T: Into<Self>> From<Option<T>> for Value<'v> {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

impl ToValue for bool {
    fn to_value(&self) -> Value<'_> {
        Value::Integer(i64::from(*self))
    }
}

impl FromValue for bool {
    fn from_value(value: Value<'_>) -> Result<Self> {
        i64::from_value(value).map(|number| number != 0)
    }
}

impl ToValue for f64 {
    fn to_value(&self) -> Value<'_> {
        Value::Real(*self)
    }
}

impl FromValue for f64 {
    fn from_value(value: Value<'_>) -> Result<Self> {
        match value {
            Value::Real(number) => Ok(number),
            Value::Integer(number) => Ok(number as Self),
            _ => Err(odd(value, "a number")),
        }
    }
}

impl ToValue for str {
    fn to_value(&self) -> Value<'_> {
        Value::Text(self)
    }
}

impl ToValue for String {
    fn to_value(&self) -> Value<'_> {
        Value::Text(self)
    }
}

impl FromValue for String {
    fn from_value(value: Value<'_>) -> Result<Self> {
        match value {
            Value::Text(text) => Ok(text.to_owned()),
            _ => Err(odd(value, "text")),
        }
    }
}

impl ToValue for [u8] {
    fn to_value(&self) -> Value<'_> {
        Value::Blob(self)
    }
}

impl ToValue for Vec<u8> {
    fn to_value(&self) -> Value<'_> {
        Value::Blob(self)
    }
}

impl FromValue for Vec<u8> {
    fn from_value(value: Value<'_>) -> Result<Self> {
        match value {
            Value::Blob(bytes) => Ok(bytes.to_vec()),
            _ => Err(odd(value, "bytes")),
        }
    }
}

impl<const N: usize> ToValue for [u8; N] {
    fn to_value(&self) -> Value<'_> {
        Value::Blob(self)
    }
}

impl<const N: usize> FromValue for [u8; N] {
    fn from_value(value: Value<'_>) -> Result<Self> {
        match value {
            Value::Blob(bytes) => bytes.try_into().map_err(|_| odd(value, "bytes of another length")),
            _ => Err(odd(value, "bytes")),
        }
    }
}

impl ToValue for Value<'_> {
    fn to_value(&self) -> Value<'_> {
        *self
    }
}

impl<T: ToValue + ?Sized> ToValue for &T {
    fn to_value(&self) -> Value<'_> {
        (**self).to_value()
    }
}

impl<T: ToValue> ToValue for Option<T> {
    fn to_value(&self) -> Value<'_> {
        self.as_ref().map_or(Value::Null, ToValue::to_value)
    }
}

impl<T: FromValue> FromValue for Option<T> {
    fn from_value(value: Value<'_>) -> Result<Self> {
        match value {
            Value::Null => Ok(None),
            value => T::from_value(value).map(Some),
        }
    }
}

/// A stored value is not what the program expects: its contents stay out of the message.
fn odd(value: Value<'_>, wanted: &str) -> Error {
    let found = match value {
        Value::Null => "nothing",
        Value::Integer(_) => "an integer",
        Value::Real(_) => "a fraction",
        Value::Text(_) => "text",
        Value::Blob(_) => "bytes",
    };
    Error::Damaged(format!("a column holds {found} where {wanted} is expected"))
}
