//! The lines of an export, in JSON. `docs/jsonl.md` describes them.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rusqlite::types::{Value as Sql, ValueRef};
use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use serde_json::{Value, json};

use crate::{EntryId, Status};

/// What the first line says it is.
pub(super) const FORMAT: &str = "rekall";
/// Newest version that is read, and the one that is written.
pub(super) const VERSION: u64 = 1;

/// What distinguishes a header from an entry.
#[derive(Deserialize)]
pub(super) struct Named {
    #[serde(default)]
    pub(super) format: Option<IgnoredAny>,
}

/// As much of the first line as every version has.
#[derive(Deserialize)]
pub(super) struct Signature {
    pub(super) format: String,
    pub(super) version: u64,
}

/// The first line.
#[derive(Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ExportHeader {
    pub(super) format: String,
    pub(super) version: u64,
    /// Number of entry lines; an import with another number of lines is refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) entries: Option<u64>,
    #[serde(default)]
    pub(super) spaces: Vec<SpaceLine>,
    /// What the file knows about where it came from: keys `legacy:…` of the table `meta`.
    #[serde(default)]
    pub(super) meta: Vec<(String, Value)>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SpaceLine {
    pub(super) number: i64,
    pub(super) fingerprint: String,
    pub(super) dimensions: usize,
    pub(super) state: String,
    pub(super) created_at: i64,
}

/// One entry. JSON of the host's is carried as it stands in the file, so that no number loses a digit.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct EntryLine {
    pub(super) id: EntryId,
    pub(super) title: String,
    pub(super) content: String,
    pub(super) kind: String,
    pub(super) project: Option<String>,
    pub(super) tags: Box<RawValue>,
    pub(super) status: Status,
    pub(super) superseded_by: Option<EntryId>,
    pub(super) confidence: u8,
    pub(super) memory_type: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) context: Option<Box<RawValue>>,
    pub(super) metadata: Box<RawValue>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) legacy: Option<Box<RawValue>>,
    pub(super) created_at: i64,
    pub(super) updated_at: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) expires_at: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) valid_from: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) valid_to: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) source: Option<SectionLine>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) usage: Option<UsageLine>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) links: Vec<LinkLine>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) vectors: Vec<VectorLine>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(super) pending: bool,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) quarantine: Vec<QuarantineLine>,
}

/// The place of an entry in its source.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SectionLine {
    pub(super) uri: String,
    pub(super) number: i64,
    pub(super) path: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) line: Option<i64>,
    pub(super) digest: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) tags: Vec<String>,
}

/// How often an entry was used.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct UsageLine {
    pub(super) last_used_at: i64,
    pub(super) uses: i64,
}

/// A link that starts at the entry.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct LinkLine {
    pub(super) target: EntryId,
    pub(super) relation: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) reason: Option<String>,
    pub(super) created_at: i64,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct VectorLine {
    pub(super) space: i64,
    pub(super) role: String,
    pub(super) chunk: u16,
    pub(super) start: u32,
    pub(super) end: u32,
    pub(super) digest: String,
    pub(super) vector: String,
}

/// A vector in the quarantine. Whatever was wrong with it stays as it was.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct QuarantineLine {
    pub(super) space: Option<i64>,
    pub(super) role: Option<i64>,
    pub(super) chunk: Option<i64>,
    pub(super) reason: String,
    pub(super) vector: Option<String>,
    pub(super) found_at: i64,
}

pub(super) fn encode(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

pub(super) fn decode(text: &str) -> Option<Vec<u8>> {
    STANDARD.decode(text).ok()
}

/// JSON without the blanks between its tokens, otherwise letter by letter the same: one line, whichever program wrote it.
pub(super) fn minified(json: &str) -> serde_json::Result<Box<RawValue>> {
    let mut short = String::with_capacity(json.len());
    let (mut quoted, mut escaped) = (false, false);
    for character in json.chars() {
        if quoted || !character.is_ascii_whitespace() {
            short.push(character);
        }
        if quoted {
            quoted = escaped || character != '"';
            escaped = !escaped && character == '\\';
        } else {
            quoted = character == '"';
        }
    }
    RawValue::from_string(short)
}

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blanks_go_only_between_tokens() {
        let json =
            "{ \"a b\" : [1e400,\t\"x \\\" y \\\\\" , 12345678901234567890123 ],\r\n\"c\": \"\u{2028} \" }";
        assert_eq!(
            minified(json).unwrap().get(),
            "{\"a b\":[1e400,\"x \\\" y \\\\\",12345678901234567890123],\"c\":\"\u{2028} \"}"
        );
        assert!(minified("[1,").is_err());
    }
}
