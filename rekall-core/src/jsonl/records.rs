//! The lines of an export, in JSON. `docs/jsonl.md` describes them.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::de::{DeserializeOwned, IgnoredAny};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;

use crate::{EntryId, Status, json as exact};

/// What the first line says it is.
pub(crate) const FORMAT: &str = "rekall";
/// Newest version that is read, and the one that is written.
pub(crate) const VERSION: u64 = 1;

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
#[allow(missing_docs, reason = "docs/jsonl.md describes the keys")]
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExportHeader {
    pub format: String,
    pub version: u64,
    /// Number of entry lines; an import with another number of lines is refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub entries: Option<u64>,
    #[serde(default)]
    pub spaces: Vec<SpaceLine>,
    /// What the file knows about where it came from: keys `legacy:…` of the table `meta`.
    #[serde(default)]
    pub meta: Vec<(String, Value)>,
}

/// A space whose vectors follow.
#[allow(missing_docs, reason = "docs/jsonl.md describes the keys")]
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SpaceLine {
    pub number: i64,
    pub fingerprint: String,
    pub dimensions: usize,
    pub state: String,
    pub created_at: i64,
}

/// One entry. JSON of the host's is carried as it stands in the file, so that no number loses a digit.
#[allow(missing_docs, reason = "docs/jsonl.md describes the keys")]
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EntryLine {
    pub id: EntryId,
    pub title: String,
    pub content: String,
    pub kind: String,
    pub project: Option<String>,
    pub tags: Box<RawValue>,
    pub status: Status,
    pub superseded_by: Option<EntryId>,
    pub confidence: u8,
    pub memory_type: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub context: Option<Box<RawValue>>,
    pub metadata: Box<RawValue>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub legacy: Option<Box<RawValue>>,
    pub created_at: i64,
    pub updated_at: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub valid_from: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub valid_to: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<SectionLine>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub usage: Option<UsageLine>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub links: Vec<LinkLine>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub vectors: Vec<VectorLine>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub pending: bool,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub quarantine: Vec<QuarantineLine>,
}

/// The place of an entry in its source.
#[allow(missing_docs, reason = "docs/jsonl.md describes the keys")]
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SectionLine {
    pub uri: String,
    pub number: i64,
    pub path: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<i64>,
    pub digest: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<String>,
}

/// How often an entry was used.
#[allow(missing_docs, reason = "docs/jsonl.md describes the keys")]
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UsageLine {
    pub last_used_at: i64,
    pub uses: i64,
}

/// A link that starts at the entry.
#[allow(missing_docs, reason = "docs/jsonl.md describes the keys")]
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LinkLine {
    pub target: EntryId,
    pub relation: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    pub created_at: i64,
}

/// A vector of the entry.
#[allow(missing_docs, reason = "docs/jsonl.md describes the keys")]
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VectorLine {
    pub space: i64,
    pub role: String,
    pub chunk: u16,
    pub start: u32,
    pub end: u32,
    pub digest: String,
    pub vector: String,
}

/// A vector in the quarantine. Whatever was wrong with it stays as it was.
#[allow(missing_docs, reason = "docs/jsonl.md describes the keys")]
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct QuarantineLine {
    pub space: Option<i64>,
    pub role: Option<i64>,
    pub chunk: Option<i64>,
    pub reason: String,
    pub vector: Option<String>,
    pub found_at: i64,
}

/// Bytes in base64.
#[must_use]
pub fn encode(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

/// Bytes from base64; `None`: the text is none.
#[must_use]
pub fn decode(text: &str) -> Option<Vec<u8>> {
    STANDARD.decode(text).ok()
}

/// JSON without the blanks between its tokens, otherwise letter by letter the same: one line, whichever program wrote it.
///
/// # Errors
/// What the text is not.
pub fn minified(json: &str) -> serde_json::Result<Box<RawValue>> {
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

/// JSON as a store holds it, if it is what an import will accept.
///
/// # Errors
/// What the text is not.
pub fn stored_json<T: DeserializeOwned>(text: &str) -> serde_json::Result<Box<RawValue>> {
    exact::read::<T>(text).and_then(|_| minified(text))
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
