//! Rows of `entry` as they are, and making readable those that are not, without losing a byte of them.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rusqlite::types::{Value as Sql, ValueRef};
use rusqlite::{Connection, Row, params_from_iter};
use serde_json::{Map, Value, json};

use crate::engine::ScopeRows;
use crate::{Context, EntryId, Error, json as exact};

/// Columns in the order of [`RawEntry`]. Casting nothing: a foreign program may have stored any type.
pub(crate) const COLUMNS: [&str; 18] = [
    "ulid",
    "title",
    "content",
    "kind",
    "project",
    "tags",
    "status",
    "superseded_by",
    "confidence",
    "memory_type",
    "context",
    "metadata",
    "legacy",
    "created_at",
    "updated_at",
    "expires_at",
    "valid_from",
    "valid_to",
];
const ULID: usize = 0;
const LEGACY: usize = 12;

/// A row of `entry`, whatever it holds.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct RawEntry {
    pub(crate) row: i64,
    values: Vec<Sql>,
}

impl RawEntry {
    /// The statement that [`read`](Self::read) reads, up to its WHERE.
    pub(crate) fn select() -> String {
        format!("SELECT id, {} FROM entry", COLUMNS.join(", "))
    }

    /// The same for a file that may lack some of the columns: these are nothing.
    pub(crate) fn select_what_is_there(connection: &Connection) -> Result<String, Error> {
        let mut statement = connection.prepare("SELECT name FROM pragma_table_info('entry')")?;
        let found: Vec<String> = statement.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?;
        let columns = COLUMNS.map(|column| match found.iter().any(|name| name == column) {
            true => column.to_owned(),
            false => format!("NULL AS {column}"),
        });
        Ok(format!("SELECT id, {} FROM entry", columns.join(", ")))
    }

    pub(crate) fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        let mut values = Vec::with_capacity(COLUMNS.len());
        for column in 1..=COLUMNS.len() {
            // Text that is not UTF-8 counts as bytes.
            values.push(match row.get_ref(column)? {
                ValueRef::Null => Sql::Null,
                ValueRef::Integer(number) => Sql::Integer(number),
                ValueRef::Real(number) => Sql::Real(number),
                ValueRef::Blob(bytes) => Sql::Blob(bytes.to_vec()),
                ValueRef::Text(bytes) => match std::str::from_utf8(bytes) {
                    Ok(text) => Sql::Text(text.to_owned()),
                    Err(_) => Sql::Blob(bytes.to_vec()),
                },
            });
        }
        Ok(Self { row: row.get(0)?, values })
    }

    /// The id, when it is one.
    pub(crate) fn id(&self) -> Option<EntryId> {
        match &self.values[ULID] {
            Sql::Text(text) => self.memory().name(text)?.parse().ok(),
            _ => None,
        }
    }

    /// The rows that its own is one of.
    fn memory(&self) -> ScopeRows {
        ScopeRows::owning(self.row)
    }

    /// The id as it is stored, if it is one.
    pub(crate) fn key(&self) -> Option<String> {
        self.id().map(|id| self.memory().key(&id.to_string()))
    }

    /// Columns that cannot be read, with the reason.
    pub(crate) fn faults(&self) -> Vec<(&'static str, String)> {
        let columns = COLUMNS.iter().zip(&self.values);
        let faults = columns.filter_map(|(&column, value)| match column {
            "ulid" if self.id().is_some() => None,
            column => Some((column, fault(column, value)?)),
        });
        faults.collect()
    }

    /// Gives every unreadable column a readable value, and keeps what was there under `unreadable` in the
    /// legacy column. `fresh` is the id for an entry without one. Gives the names of the columns changed.
    pub(crate) fn repair(&mut self, fresh: EntryId) -> Vec<&'static str> {
        let faults = self.faults();
        if faults.is_empty() {
            return Vec::new();
        }
        let mut kept = Map::new();
        for (column, _) in &faults {
            let index = COLUMNS.iter().position(|name| name == column).unwrap_or(LEGACY);
            kept.insert((*column).to_owned(), keep(&self.values[index]));
            self.values[index] = match index {
                ULID => Sql::Text(self.memory().key(&nearest_id(&self.values[index], fresh).to_string())),
                _ => readable(column, &self.values[index]),
            };
        }
        let legacy = match &self.values[LEGACY] {
            Sql::Text(text) => exact::read(text).unwrap_or(Value::Null),
            _ => Value::Null,
        };
        let mut legacy = match legacy {
            Value::Object(map) => map,
            Value::Null => Map::new(),
            // As text: one level more might be one too many.
            other => Map::from_iter([("legacy".to_owned(), Value::String(other.to_string()))]),
        };
        legacy.insert("unreadable".to_owned(), Value::Object(kept));
        self.values[LEGACY] = Sql::Text(Value::Object(legacy).to_string());
        faults.into_iter().map(|(column, _)| column).collect()
    }

    /// Gives the entry another id, when its own is taken.
    pub(crate) fn rename(&mut self, fresh: EntryId) {
        self.values[ULID] = Sql::Text(self.memory().key(&fresh.to_string()));
    }

    /// Writes the values over the row.
    pub(crate) fn update(&self, connection: &Connection) -> Result<(), Error> {
        let set: Vec<String> = COLUMNS.iter().map(|column| format!("{column} = ?")).collect();
        let sql = format!("UPDATE entry SET {} WHERE id = ?", set.join(", "));
        connection.prepare_cached(&sql)?.execute(self.parameters())?;
        Ok(())
    }

    /// Writes the row into another file, under the same row number.
    pub(crate) fn insert(&self, connection: &Connection) -> Result<(), Error> {
        let marks = vec!["?"; COLUMNS.len() + 1].join(", ");
        let sql = format!("INSERT INTO entry ({}, id) VALUES ({marks})", COLUMNS.join(", "));
        connection.prepare_cached(&sql)?.execute(self.parameters())?;
        Ok(())
    }

    /// A column's text; empty where it is none.
    pub(crate) fn text(&self, column: &str) -> &str {
        match self.value(column) {
            Some(Sql::Text(text)) => text,
            _ => "",
        }
    }

    /// A column's number; `None` where it is none.
    pub(crate) fn integer(&self, column: &str) -> Option<i64> {
        match self.value(column) {
            Some(Sql::Integer(number)) => Some(*number),
            _ => None,
        }
    }

    fn value(&self, column: &str) -> Option<&Sql> {
        COLUMNS.iter().zip(&self.values).find(|(name, _)| **name == column).map(|(_, value)| value)
    }

    fn parameters(&self) -> impl rusqlite::Params {
        params_from_iter(self.values.iter().cloned().chain([Sql::Integer(self.row)]))
    }
}

/// What is wrong with a column's value; `None` when it can be read.
fn fault(column: &str, value: &Sql) -> Option<String> {
    let text = match value {
        Sql::Text(text) => Some(text.as_str()),
        _ => None,
    };
    let expected = match column {
        "ulid" => Some("a ULID, in a scope with its number before it"),
        "tags" => unless(text.is_some_and(parses::<Vec<String>>), "a JSON array of texts"),
        "context" => {
            unless(*value == Sql::Null || text.is_some_and(parses::<Context>), "a JSON object of context")
        }
        "metadata" => unless(text.is_some_and(parses::<Map<String, Value>>), "a JSON object"),
        "legacy" => unless(*value == Sql::Null || text.is_some_and(parses::<Value>), "JSON"),
        "project" => unless(*value == Sql::Null || text.is_some(), "text"),
        "status" => unless(matches!(text, Some("active" | "obsolete")), "active or obsolete"),
        "superseded_by" => unless(matches!(value, Sql::Null | Sql::Integer(_)), "a row number"),
        "confidence" => unless(matches!(value, Sql::Integer(0..=255)), "0 to 255"),
        "created_at" | "updated_at" => unless(matches!(value, Sql::Integer(_)), "an integer"),
        "expires_at" | "valid_from" | "valid_to" => {
            unless(matches!(value, Sql::Null | Sql::Integer(_)), "an integer or nothing")
        }
        _ => unless(text.is_some(), "text"),
    }?;
    Some(format!("{column} must be {expected}, got {}", shown(value)))
}

fn unless(sound: bool, expected: &'static str) -> Option<&'static str> {
    (!sound).then_some(expected)
}

fn parses<T: serde::de::DeserializeOwned>(text: &str) -> bool {
    exact::read::<T>(text).is_ok()
}

fn as_text(value: &Sql) -> Option<String> {
    match value {
        Sql::Null => None,
        Sql::Integer(number) => Some(number.to_string()),
        Sql::Real(number) => Some(number.to_string()),
        Sql::Text(text) => Some(text.clone()),
        Sql::Blob(bytes) => Some(String::from_utf8_lossy(bytes).into_owned()),
    }
}

/// The id that stands there in some spelling, with the number of whatever scope before it; `fresh`: there is none.
fn nearest_id(value: &Sql, fresh: EntryId) -> EntryId {
    let text = as_text(value).unwrap_or_default();
    let bare = text.rsplit_once('/').map_or(&*text, |(_, bare)| bare);
    EntryId::in_any_case(bare).unwrap_or(fresh)
}

/// A value that can be read, as near as possible to what was there.
fn readable(column: &str, value: &Sql) -> Sql {
    let text = as_text(value);
    let number = || text.as_ref().and_then(|text| text.trim().parse::<f64>().ok());
    match column {
        "tags" => Sql::Text("[]".to_owned()),
        // What was said stays searchable.
        "context" => text.map_or(Sql::Null, |text| Sql::Text(json!({ "text": text }).to_string())),
        "metadata" => Sql::Text("{}".to_owned()),
        // An entry whose end cannot be read has none.
        "legacy" | "superseded_by" | "expires_at" | "valid_from" | "valid_to" => Sql::Null,
        "project" => text.map_or(Sql::Null, Sql::Text),
        "status" => Sql::Text("active".to_owned()),
        // Numbers out of range go to the nearest bound.
        "confidence" => Sql::Integer(number().map_or(2, |number| number.clamp(0.0, 5.0) as i64)),
        "created_at" | "updated_at" => Sql::Integer(number().map_or(0, |number| number as i64)),
        _ => Sql::Text(text.unwrap_or_default()),
    }
}

/// The value in JSON, whole.
fn keep(value: &Sql) -> Value {
    match value {
        Sql::Null => Value::Null,
        Sql::Integer(number) => json!(number),
        Sql::Real(number) if number.is_finite() => json!(number),
        Sql::Real(number) => json!(number.to_string()),
        Sql::Text(text) => json!(text),
        Sql::Blob(bytes) => json!({ "base64": STANDARD.encode(bytes) }),
    }
}

fn shown(value: &Sql) -> String {
    match value {
        Sql::Null => "nothing".to_owned(),
        Sql::Integer(number) => number.to_string(),
        Sql::Real(number) => number.to_string(),
        Sql::Text(text) => format!("{:?}", text.chars().take(40).collect::<String>()),
        Sql::Blob(bytes) => format!("{} bytes", bytes.len()),
    }
}
