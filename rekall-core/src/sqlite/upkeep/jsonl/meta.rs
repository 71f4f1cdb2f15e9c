//! Values of the table `meta` in JSON, and back.

use rusqlite::types::{Value as Sql, ValueRef};
use serde_json::{Value, json};

use crate::jsonl::{decode, encode};

/// A value of the table `meta` in JSON.
pub(super) fn meta_value(value: ValueRef<'_>) -> Value {
    match value {
        ValueRef::Null => Value::Null,
        ValueRef::Integer(number) => json!(number),
        ValueRef::Real(number) => json!(number),
        ValueRef::Text(text) => json!(String::from_utf8_lossy(text)),
        ValueRef::Blob(bytes) => json!({ "base64": encode(bytes) }),
    }
}

/// And back.
pub(super) fn meta_sql(value: &Value) -> Option<Sql> {
    Some(match value {
        Value::Null => Sql::Null,
        Value::Number(number) => match number.as_i64() {
            Some(number) => Sql::Integer(number),
            None => Sql::Real(number.as_f64()?),
        },
        Value::String(text) => Sql::Text(text.clone()),
        Value::Object(map) if map.len() == 1 => Sql::Blob(decode(map.get("base64")?.as_str()?)?),
        _ => return None,
    })
}
