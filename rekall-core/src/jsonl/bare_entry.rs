//! LineReader of a file that is no export: entries as people and other tools write them.

use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};

use super::line_reader::invalid_line;
use super::records::{EntryLine, LinkLine};
use crate::entry::EntryJson;
use crate::{Entry, EntryId, Error};

/// The line of an export that says the same. Like an entry that is remembered, it is held to the limits, and waits for its
/// vectors.
pub(crate) fn entry(
    line: u64,
    json: &[u8],
    now: i64,
    next_id: impl FnOnce() -> Result<EntryId, Error>,
) -> Result<EntryLine, Error> {
    let read = EntryJson::parse(json).map_err(|error| {
        let said = error.to_string();
        invalid_line(line, "an entry", said.strip_prefix("expected an entry in JSON: ").unwrap_or(&said))
    })?;
    let id = match read.id {
        Some(id) => id,
        None => next_id()?,
    };
    let entry = Entry::of(read.entry, id, read.origin, now);
    Ok(EntryLine {
        id,
        title: entry.title,
        content: entry.content,
        kind: entry.kind,
        project: entry.project,
        tags: raw(line, &entry.tags)?,
        status: entry.status,
        superseded_by: read.superseded_by,
        confidence: entry.confidence,
        memory_type: entry.memory_type,
        context: entry.context.as_ref().map(|context| raw(line, context)).transpose()?,
        metadata: raw(line, &entry.metadata)?,
        legacy: entry.legacy.as_ref().map(|legacy| raw(line, legacy)).transpose()?,
        created_at: entry.created_at,
        updated_at: entry.updated_at,
        expires_at: entry.expires_at,
        valid_from: entry.valid_from,
        valid_to: entry.valid_to,
        source: None,
        usage: None,
        links: read
            .links
            .into_iter()
            .map(|link| LinkLine {
                target: link.target,
                relation: link.relation,
                reason: link.reason,
                created_at: link.created_at.unwrap_or(now),
            })
            .collect(),
        vectors: Vec::new(),
        pending: true,
        quarantine: Vec::new(),
    })
}

fn raw(line: u64, value: &impl Serialize) -> Result<Box<RawValue>, Error> {
    to_raw_value(value).map_err(|error| invalid_line(line, "an entry", error.to_string()))
}
