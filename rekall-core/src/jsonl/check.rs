//! What an imported line must be, whatever the engine.

use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

use super::line_reader::invalid_line;
use super::records::{EntryLine, minified};
use crate::{Error, json as exact};

/// JSON as a store will hold it: what can be read back, letter by letter as it stands in the line.
pub(crate) fn readable<T: DeserializeOwned>(
    line: u64,
    field: &str,
    json: &RawValue,
) -> Result<String, Error> {
    let text = json.get();
    match (exact::read::<T>(text), minified(text)) {
        (Ok(_), Ok(json)) => Ok(json.get().to_owned()),
        (Err(error), _) | (_, Err(error)) => {
            let start: String = text.chars().take(80).collect();
            Err(invalid_line(line, format!("{field} of an entry"), format!("{error}: {start}")))
        }
    }
}

/// Names end at a NUL for C and for SQL's functions: the rest would be lost on them.
pub(crate) fn check_names(line: u64, entry: &EntryLine) -> Result<(), Error> {
    let names = [
        ("title", Some(&entry.title)),
        ("kind", Some(&entry.kind)),
        ("project", entry.project.as_ref()),
        ("memory_type", Some(&entry.memory_type)),
    ];
    for (field, name) in names {
        if let Some(at) = name.and_then(|name| name.find('\0')) {
            return Err(invalid_line(line, format!("a {field} without NUL"), format!("one at byte {at}")));
        }
    }
    let tags: Vec<String> = exact::read(entry.tags.get()).unwrap_or_default();
    if tags.iter().any(|tag| tag.contains('\0')) {
        return Err(invalid_line(line, "tags without NUL", entry.tags.get()));
    }
    if entry.links.iter().any(|link| link.relation.contains('\0')) {
        return Err(invalid_line(line, "relations without NUL", "one with NUL"));
    }
    Ok(())
}
