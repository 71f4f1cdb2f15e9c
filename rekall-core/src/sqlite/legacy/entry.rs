//! From a row of `entries`, and what hangs on it, to an entry.

use serde_json::{Map, Value, json};

use super::cell::{Cell, Fields};
use super::read::{Attached, LegacyLink, Planned};
use super::report::Notes;
use super::time::{self, OffsetSource, Resolved, Zone};
use super::{LegacyFile, context};
use crate::{Entry, EntryId, Status};

/// Keys of `legacy` that are no columns of `entries`. A column of such a name is kept as `column:NAME`.
const OWN_KEYS: [&str; 7] = [
    "schema",
    "utc_offset_minutes",
    "utc_offset_from",
    "context",
    "context_keywords",
    "entry_sources",
    "links",
];

/// An entry ready to be written, but for its vectors.
pub(super) struct Converted {
    /// Its `legacy` is still in `kept`.
    pub(super) entry: Entry,
    pub(super) kept: Map<String, Value>,
    pub(super) created: Resolved,
    /// When it was changed, as written.
    pub(super) updated: Option<time::Written>,
}

/// What the conversion of every entry needs to know.
pub(super) struct Converter<'a> {
    pub(super) file: &'a LegacyFile,
    pub(super) zone: &'a Zone,
    /// Whether the file has a table of keywords.
    pub(super) has_keywords: bool,
    /// The id here of an old id: of this file, or already in the store.
    pub(super) resolve: &'a dyn Fn(&str) -> Option<EntryId>,
}

impl Converter<'_> {
    pub(super) fn convert(
        &self,
        mut fields: Fields,
        planned: &Planned,
        attached: &mut Attached,
        links: &[&LegacyLink],
        notes: &mut Notes,
    ) -> Converted {
        let name = planned.id.to_string();
        let mut kept = Map::new();
        let _ = fields.take("id");
        match &planned.old_id {
            Some(old) if *old == name => {}
            old => {
                notes.add(
                    "ids that are no ULIDs, replaced and kept in `legacy`",
                    format!("{name} for {old:?}"),
                );
                kept.insert("id".to_owned(), json!(old));
            }
        }
        let (created, updated_ms, updated) = self.times(&mut fields, &mut kept, planned, notes);
        let mut required = |column: &'static str,
                            text: Option<String>,
                            otherwise: &str,
                            remark: &'static str,
                            kept: &mut Map<_, _>| {
            text.unwrap_or_else(|| {
                notes.add(remark, &name);
                kept.insert(column.to_owned(), Value::Null);
                otherwise.to_owned()
            })
        };
        let title = fields.take_name("title", &mut kept);
        let title = required("title", title, "", "titles that were NULL, now empty", &mut kept);
        let content = fields.take_text("content", &mut kept);
        let content = required("content", content, "", "contents that were NULL, now empty", &mut kept);
        let kind = fields.take_name("type", &mut kept);
        let kind = required("type", kind, "note", "types that were NULL, now \"note\"", &mut kept);
        let project = fields.take_name("project", &mut kept);
        let memory_type = fields.take_name("memory_type", &mut kept);
        let status = status(&mut fields, &mut kept, &name, notes);
        let confidence = confidence(&mut fields, &mut kept, &name, notes);
        let superseded_by = fields.take_text("superseded_by", &mut kept).and_then(|old| {
            let found = (self.resolve)(&old).filter(|newer| *newer != planned.id);
            if found.is_none() {
                notes.add("superseded_by that names no other entry, kept in `legacy`", &name);
                kept.insert("superseded_by".to_owned(), Value::String(old));
            }
            found
        });
        let context = context::take(&mut fields, &mut kept, &name, notes);

        // All columns with a place are taken by now; no other may pass for a key of ours.
        for (column, value) in fields.rest() {
            let taken = OWN_KEYS.contains(&column.as_str()) || kept.contains_key(&column);
            kept.insert(if taken { format!("column:{column}") } else { column }, value);
        }
        let old_id = planned.old_id.as_deref().unwrap_or_default();
        if self.has_keywords {
            let keywords = attached.keywords.remove(old_id).unwrap_or_default();
            let mut expected: Vec<String> = context
                .iter()
                .flat_map(|context| &context.trigger_keywords)
                .map(|word| word.to_lowercase())
                .collect();
            expected.sort_unstable();
            expected.dedup();
            if keywords != expected {
                kept.insert("context_keywords".to_owned(), json!(keywords));
            }
        }
        if let Some(sources) = attached.sources.remove(old_id) {
            kept.insert("entry_sources".to_owned(), Value::Array(sources));
        }
        if !links.is_empty() {
            kept.insert("links".to_owned(), links.iter().map(|link| without_places(link)).collect());
        }
        kept.insert("schema".to_owned(), json!(self.file.schema));
        let entry = Entry {
            id: planned.id,
            title,
            content,
            kind,
            project,
            tags: attached.tags.remove(old_id).unwrap_or_default(),
            status,
            superseded_by,
            confidence,
            memory_type: memory_type.unwrap_or_else(|| "episodic".to_owned()),
            context,
            metadata: Map::new(),
            legacy: None,
            source: None,
            created_at: created.utc_ms,
            updated_at: updated_ms,
            expires_at: None,
            valid_from: None,
            valid_to: None,
        };
        Converted { entry, kept, created, updated }
    }

    /// The times of creation and change. As written, both stay in `legacy`.
    fn times(
        &self,
        fields: &mut Fields,
        kept: &mut Map<String, Value>,
        planned: &Planned,
        notes: &mut Notes,
    ) -> (Resolved, i64, Option<time::Written>) {
        let mut read = |column: &'static str| {
            let cell = fields.take(column);
            let written = cell.text().and_then(time::parse);
            if written.is_none() {
                notes.add("times that cannot be read, kept in `legacy`", format!("{} {column}", planned.id));
            }
            kept.insert(column.to_owned(), cell.to_json());
            written
        };
        let (created, updated) = (read("created_at"), read("updated_at"));
        let first = match created.or(updated) {
            Some(written) if created.is_some() => self.zone.resolve(written, planned.old_id.as_deref()),
            Some(written) => self.zone.resolve(written, None),
            None => {
                let utc_ms = i64::try_from(planned.id.timestamp_ms()).unwrap_or(0);
                Resolved { utc_ms, offset_minutes: 0, source: OffsetSource::Assumed }
            }
        };
        let last = match updated {
            Some(written) if created != updated => self.zone.resolve(written, None).utc_ms,
            _ => first.utc_ms,
        };
        kept.insert("utc_offset_minutes".to_owned(), json!(first.offset_minutes));
        kept.insert("utc_offset_from".to_owned(), json!(first.source));
        (first, last, updated)
    }
}

fn status(fields: &mut Fields, kept: &mut Map<String, Value>, name: &str, notes: &mut Notes) -> Status {
    match fields.take_text("status", kept).as_deref() {
        None | Some("active") => Status::Active,
        Some("obsolete") => Status::Obsolete,
        // The Python tool searched what is "active" and nothing else.
        Some(other) => {
            notes.add("statuses that are unknown, now obsolete, kept in `legacy`", name);
            kept.insert("status".to_owned(), json!(other));
            Status::Obsolete
        }
    }
}

fn confidence(fields: &mut Fields, kept: &mut Map<String, Value>, name: &str, notes: &mut Notes) -> u8 {
    match fields.take("confidence") {
        Cell::Integer(number @ 0..=5) => number as u8,
        other => {
            notes.add("confidences that are not 0 to 5, kept in `legacy`", name);
            kept.insert("confidence".to_owned(), other.to_json());
            match other {
                Cell::Integer(number) => number.clamp(0, 5) as u8,
                Cell::Real(number) => number.clamp(0.0, 5.0) as u8,
                _ => 2,
            }
        }
    }
}

/// What the row of a link holds besides its columns here.
fn without_places(link: &LegacyLink) -> Value {
    let mut row = link.row.clone();
    row.remove("source_id");
    row.remove("reason");
    Value::Object(row)
}
