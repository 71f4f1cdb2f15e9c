//! Entries that were made from files before there were sources.
//!
//! The example program `cli` used to keep the place of an entry in its metadata: `source`, with `path`, `section` (the
//! headings, joined by ` > `; a number in parentheses where they are repeated) and `digest`.

use std::collections::{HashMap, HashSet};

use rekall_core::{NewPlace, TextDigest, is_under, section_digest};
use rekall_files::{FileRef, file_uri};
use serde_json::Value;

use crate::long_call::Watch;
use crate::{Entry, EntryPatch, Error, Rekall};

/// Entries read, and given a place, at once.
const AT_ONCE: usize = 1_000;

impl Rekall {
    /// Gives entries under these scopes the places that their metadata names, and takes these out of the metadata. Done once
    /// for a scope: where a source is known there is nothing to do, and no entry is read.
    pub(super) fn adopt_indexed(
        &self,
        scopes: &[String],
        files: &[FileRef],
        watch: &Watch<'_>,
    ) -> Result<(), Error> {
        let mut unknown = Vec::new();
        for scope in scopes {
            if self.sources(scope)?.is_empty() {
                unknown.push(scope.as_str());
            }
        }
        let found = if unknown.is_empty() {
            HashMap::new()
        } else {
            self.placed_by_metadata(&unknown, files, watch)?
        };
        let mut found: Vec<(String, Vec<Indexed>)> = found.into_iter().collect();
        found.sort_unstable_by(|one, other| one.0.cmp(&other.0));
        for sources in found.chunks(AT_ONCE / 4) {
            watch.check_cancelled()?;
            self.write(|tx| {
                for (uri, entries) in sources {
                    // To be read, and compared with what it says now.
                    let source = tx.put_source(uri, None, TextDigest::unknown())?;
                    let first = tx.sections(source)?.last().map_or(0, |last| last.number.max(-1) + 1);
                    for (number, indexed) in (first..).zip(entries) {
                        let Ok((row, entry)) = tx.locate(indexed.entry.id) else { continue };
                        if entry.source.is_some() {
                            continue;
                        }
                        let place = NewPlace {
                            source,
                            number,
                            path: &indexed.path,
                            line: None,
                            digest: section_digest(
                                indexed.path.last().unwrap_or(&entry.title),
                                &entry.content,
                            ),
                            tags: &[],
                        };
                        tx.place_section(row, &place)?;
                        let mut metadata = entry.metadata;
                        metadata.remove("source");
                        tx.update(entry.id, &EntryPatch::new().metadata(metadata))?;
                    }
                }
                Ok(())
            })?;
        }
        Ok(())
    }

    /// Walks through all entries, for those that say that they come from a file under the scopes.
    fn placed_by_metadata(
        &self,
        scopes: &[&str],
        files: &[FileRef],
        watch: &Watch<'_>,
    ) -> Result<HashMap<String, Vec<Indexed>>, Error> {
        let there: HashSet<&str> = files.iter().map(|file| file.uri.as_str()).collect();
        let tx = self.store.read()?;
        let mut found: HashMap<String, Vec<Indexed>> = HashMap::new();
        let mut row = 0;
        loop {
            watch.check_cancelled()?;
            let page = tx.entries_after(row, AT_ONCE)?;
            let Some((last, _)) = page.last() else { return Ok(found) };
            row = *last;
            for (_, entry) in page {
                let Some(indexed) = Indexed::of(entry) else { continue };
                let is_ours = there.contains(indexed.uri.as_str())
                    || scopes.iter().any(|scope| is_under(&indexed.uri, scope));
                if is_ours {
                    found.entry(indexed.uri.clone()).or_default().push(indexed);
                }
            }
        }
    }
}

/// An entry with the place that its metadata names.
struct Indexed {
    entry: Entry,
    uri: String,
    path: Vec<String>,
}

impl Indexed {
    fn of(entry: Entry) -> Option<Self> {
        if entry.source.is_some() {
            return None;
        }
        let source = entry.metadata.get("source")?;
        let text = |key| source.get(key).and_then(Value::as_str);
        let (path, section) = (text("path")?, text("section")?);
        let uri = file_uri(std::path::Path::new(path));
        // The title never had the number.
        let is_numbered = section.ends_with(')') && !entry.title.ends_with(')');
        let section = match section.rsplit_once(" (") {
            Some((headings, _)) if is_numbered => headings,
            _ => section,
        };
        let path = section.split(" > ").filter(|heading| !heading.is_empty()).map(str::to_owned).collect();
        Some(Self { entry, uri, path })
    }
}
