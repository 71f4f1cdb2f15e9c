//! The result of a command, for people and for programs.

use rekall::{Entry, Hit, Recalled};
use serde_json::{Map, Value, json};
use std::time::Duration;

/// What a command found out or did.
pub(crate) struct Report {
    /// For programs: printed with `--json`, as the only document.
    pub(crate) json: Value,
    /// For people.
    pub(crate) text: String,
    /// What kept the result from being complete; goes to the standard error.
    pub(crate) notes: Vec<String>,
    /// Whether damage was found: the command did its work, and scripts should still stop.
    pub(crate) damage: bool,
}

impl Report {
    pub(crate) fn new(json: Value, text: impl Into<String>) -> Self {
        Self { json, text: text.into(), notes: Vec::new(), damage: false }
    }

    /// Marks the report as one of damage.
    pub(crate) fn of_damage(mut self) -> Self {
        self.damage = true;
        self
    }

    /// Adds what is to be said beside the result.
    pub(crate) fn notes(mut self, notes: impl IntoIterator<Item = String>) -> Self {
        self.notes.extend(notes);
        self
    }
}

/// A search: `{"hits", "degraded", "elapsed_ms"}`.
pub(crate) fn recalled(found: &Recalled) -> Value {
    json!({
        "hits": found.hits.iter().map(hit).collect::<Vec<_>>(),
        "degraded": found.degraded.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "elapsed_ms": ms(found.elapsed),
    })
}

/// A hit: `{"id", "title", "similarity", "score", "chunk", "explain"}`.
pub(crate) fn hit(hit: &Hit) -> Value {
    json!({
        "id": hit.entry.id,
        "title": hit.entry.title,
        "similarity": hit.similarity.map(number),
        "score": hit.score,
        "chunk": hit.chunk,
        "explain": hit.explain,
    })
}

/// An entry as a JSON object, to which more can be added.
pub(crate) fn entry(entry: &Entry) -> Map<String, Value> {
    match serde_json::to_value(entry) {
        Ok(Value::Object(fields)) => fields,
        // An entry is a struct of texts, numbers and JSON values: there is nothing in it that JSON cannot
        // hold.
        _ => Map::new(),
    }
}

/// Milliseconds with three decimals.
pub(crate) fn ms(time: Duration) -> f64 {
    (time.as_secs_f64() * 1e6).round() / 1e3
}

/// An `f32` with the digits it has, not those that widening to `f64` would add.
fn number(value: f32) -> f64 {
    value.to_string().parse().unwrap_or_else(|_| value.into())
}
