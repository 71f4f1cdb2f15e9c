//! Rows of an unknown shape, and their JSON.
//!
//! SQLite lets any column hold a value of any type. A value that its place in the new file cannot take as it
//! is goes there as near as possible, and as it was into the entry's `legacy`. JSON has no bytes: a BLOB
//! becomes `{"$hex": "…"}`, text that is not UTF-8 `{"$text": "…"}` (its bytes in hexadecimal), an infinite
//! number `{"$real": "inf"}`. Columns that are NULL are left out.

use rusqlite::types::ValueRef;
use rusqlite::{Row, Statement};
use serde_json::{Map, Value, json};

/// One value as stored.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Cell {
    Null,
    Integer(i64),
    Real(f64),
    Text(String),
    /// Text that is not UTF-8.
    BadText(Vec<u8>),
    Blob(Vec<u8>),
}

impl Cell {
    pub(super) fn of(value: ValueRef<'_>) -> Self {
        match value {
            ValueRef::Null => Self::Null,
            ValueRef::Integer(number) => Self::Integer(number),
            ValueRef::Real(number) => Self::Real(number),
            ValueRef::Text(bytes) => match std::str::from_utf8(bytes) {
                Ok(text) => Self::Text(text.to_owned()),
                Err(_) => Self::BadText(bytes.to_owned()),
            },
            ValueRef::Blob(bytes) => Self::Blob(bytes.to_owned()),
        }
    }

    pub(super) fn to_json(&self) -> Value {
        match self {
            Self::Null => Value::Null,
            Self::Integer(number) => json!(number),
            Self::Real(number) if number.is_finite() => json!(number),
            Self::Real(number) => json!({ "$real": if *number > 0.0 { "inf" } else { "-inf" } }),
            Self::Text(text) => json!(text),
            Self::BadText(bytes) => json!({ "$text": hex(bytes) }),
            Self::Blob(bytes) => json!({ "$hex": hex(bytes) }),
        }
    }

    /// The value as text, as near as possible; `None` for NULL.
    fn readable(&self) -> Option<String> {
        match self {
            Self::Null => None,
            Self::Integer(number) => Some(number.to_string()),
            Self::Real(number) => Some(number.to_string()),
            Self::Text(text) => Some(text.clone()),
            Self::BadText(bytes) | Self::Blob(bytes) => Some(String::from_utf8_lossy(bytes).into_owned()),
        }
    }

    /// The text of a text value.
    pub(super) fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }
}

pub(super) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// A row: its columns, from which one takes what one knows; the rest is then carried along.
#[derive(Debug, Clone)]
pub(super) struct Fields(Vec<(String, Cell)>);

impl Fields {
    /// Reads a row, from column number `skip` on.
    pub(super) fn read(row: &Row<'_>, names: &[String], skip: usize) -> rusqlite::Result<Self> {
        let mut fields = Vec::with_capacity(names.len());
        for (at, name) in names.iter().enumerate().skip(skip) {
            fields.push((name.clone(), Cell::of(row.get_ref(at)?)));
        }
        Ok(Self(fields))
    }

    /// The column's value, which is then gone; NULL when there is no such column.
    pub(super) fn take(&mut self, name: &str) -> Cell {
        match self.0.iter().position(|(known, _)| known == name) {
            Some(at) => self.0.swap_remove(at).1,
            None => Cell::Null,
        }
    }

    /// The column as a name: no NUL in it, at which C and SQL's functions would end. What stood there is kept then.
    pub(super) fn take_name(&mut self, name: &str, kept: &mut Map<String, Value>) -> Option<String> {
        let text = self.take_text(name, kept)?;
        if !text.contains('\0') {
            return Some(text);
        }
        let readable = text.replace('\0', "\u{fffd}");
        kept.entry(name).or_insert(Value::String(text));
        Some(readable)
    }

    /// The column as text. What is not text is also put into `kept`, as it is.
    pub(super) fn take_text(&mut self, name: &str, kept: &mut Map<String, Value>) -> Option<String> {
        match self.take(name) {
            Cell::Null => None,
            Cell::Text(text) => Some(text),
            other => {
                kept.insert(name.to_owned(), other.to_json());
                other.readable()
            }
        }
    }

    /// Everything that is left, NULLs excepted.
    pub(super) fn rest(self) -> impl Iterator<Item = (String, Value)> {
        self.0.into_iter().filter(|(_, cell)| *cell != Cell::Null).map(|(name, cell)| (name, cell.to_json()))
    }

    /// The whole row, NULLs excepted.
    pub(super) fn into_json(self) -> Value {
        Value::Object(self.rest().collect())
    }
}

/// The names of a statement's columns.
pub(super) fn names(statement: &Statement<'_>) -> Vec<String> {
    statement.column_names().map(str::to_owned).collect()
}

/// A name as SQL wants it.
pub(super) fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}
