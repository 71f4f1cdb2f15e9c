//! Entries that were made from files before there were sources.
//!
//! The example program `cli` used to keep the place of an entry in its metadata: `source`, with `path`, `section` (the
//! headings, joined by ` > `; a number in parentheses where they are repeated) and `digest`.

use std::collections::BTreeMap;
use std::path::Path;

use rekall_core::{NewPlace, TextDigest, section_digest};
use rekall_files::file_uri;
use serde_json::Value;

use crate::long_call::Watch;
use crate::{Entry, EntryId, EntryPatch, Error, Rekall};

/// Every file's URI lies under this one.
const FILES: &str = "file:";

/// Entries read at once.
const AT_ONCE: usize = 1_000;

impl Rekall {
    /// Gives all entries the places that their metadata names, and takes these out of the metadata. Done once for a database,
    /// in one transaction: where any file is known as a source there is nothing to do, and no entry is read.
    pub(super) fn adopt_indexed(&self, watch: &Watch<'_>) -> Result<(), Error> {
        if !self.sources(FILES)?.is_empty() {
            return Ok(());
        }
        let found = self.placed_by_metadata(watch)?;
        if found.is_empty() {
            return Ok(());
        }
        self.write(|tx| {
            // Another program may have been here first.
            if !tx.sources(FILES)?.is_empty() {
                return Ok(());
            }
            for (uri, places) in &found {
                // To be read, and compared with what it says now.
                let source = tx.put_source(uri, None, TextDigest::unknown())?;
                for (number, Indexed { id, path }) in (0..).zip(places) {
                    let Ok((row, entry)) = tx.locate(*id) else { continue };
                    if entry.source.is_some() {
                        continue;
                    }
                    let digest = section_digest(path.last().unwrap_or(&entry.title), &entry.content);
                    tx.place_section(row, &NewPlace { source, number, path, line: None, digest, tags: &[] })?;
                    let mut metadata = entry.metadata;
                    metadata.remove("source");
                    tx.update(entry.id, &EntryPatch::new().metadata(metadata))?;
                }
            }
            Ok(())
        })
    }

    /// Walks through all entries, for those that say that they come from a file; by the file's URI.
    fn placed_by_metadata(&self, watch: &Watch<'_>) -> Result<BTreeMap<String, Vec<Indexed>>, Error> {
        let tx = self.store.read()?;
        let mut found: BTreeMap<String, Vec<Indexed>> = BTreeMap::new();
        let mut row = 0;
        loop {
            watch.check_cancelled()?;
            let page = tx.entries_after(row, AT_ONCE)?;
            let Some((last, _)) = page.last() else { return Ok(found) };
            row = *last;
            for (uri, indexed) in page.iter().filter_map(|(_, entry)| Indexed::of(entry)) {
                found.entry(uri).or_default().push(indexed);
            }
        }
    }
}

/// An entry with the place that its metadata names.
struct Indexed {
    id: EntryId,
    path: Vec<String>,
}

impl Indexed {
    /// With the URI of the file.
    fn of(entry: &Entry) -> Option<(String, Self)> {
        if entry.source.is_some() {
            return None;
        }
        let source = entry.metadata.get("source")?;
        let text = |key| source.get(key).and_then(Value::as_str);
        let (path, section) = (Path::new(text("path")?), text("section")?);
        // Hosts have a `source` of their own, too.
        if !path.is_absolute() || text("digest").is_none() {
            return None;
        }
        // The title never had the number.
        let is_numbered = section.ends_with(')') && !entry.title.ends_with(')');
        let section = match section.rsplit_once(" (") {
            Some((headings, _)) if is_numbered => headings,
            _ => section,
        };
        let headings =
            section.split(" > ").filter(|heading| !heading.is_empty()).map(str::to_owned).collect();
        Some((file_uri(path), Self { id: entry.id, path: headings }))
    }
}
