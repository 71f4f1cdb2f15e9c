//! Entries that were made from files before there were sources.
//!
//! The example program `cli` used to keep the place of an entry in its metadata: `source`, with `path`, `section` (the
//! headings, joined by ` > `; a number in parentheses where they are repeated) and `digest`.

use std::collections::{BTreeMap, HashSet};
use std::path::Path;

use rekall_core::{NewPlace, ReadTx, TextDigest, section_digest};
use rekall_files::{FileRef, file_uri};
use serde_json::Value;

use crate::long_call::Watch;
use crate::{Entry, EntryId, EntryPatch, Error, Filter, Rekall};

/// Every file's URI lies under this one.
const FILES: &str = "file:";

/// Entries read at once.
const AT_ONCE: usize = 1_000;

impl Rekall {
    /// Gives entries the places that their metadata names, and takes these out of the metadata: those of all files that are
    /// no source yet, in one transaction. What a source is has entries of its own by then, so that entries that name it stay
    /// as they are. Looked for when one of these files is no source; then every entry is read that comes from no file.
    pub(super) fn adopt_indexed(&self, files: &[FileRef], watch: &Watch<'_>) -> Result<(), Error> {
        let tx = self.store.read()?;
        let known: HashSet<String> = tx.sources(FILES)?.into_iter().map(|source| source.uri).collect();
        if files.iter().all(|file| known.contains(&file.uri)) {
            return Ok(());
        }
        let mut found = placed_by_metadata(&*tx, watch)?;
        drop(tx);
        found.retain(|uri, _| !known.contains(uri));
        if found.is_empty() {
            return Ok(());
        }
        self.write(|tx| {
            for (uri, places) in &found {
                // Another program may have been here first.
                if tx.source(uri)?.is_some() {
                    continue;
                }
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
}

/// Walks through the entries that come from no file, for those that say that they do; by the file's URI.
fn placed_by_metadata(tx: &dyn ReadTx, watch: &Watch<'_>) -> Result<BTreeMap<String, Vec<Indexed>>, Error> {
    let all = Filter::new().any_status().include_expired();
    let placed: HashSet<i64> = tx.matching(&all.clone().source(FILES))?.into_iter().collect();
    let mut rows = tx.matching(&all)?;
    rows.retain(|row| !placed.contains(row));
    let mut found: BTreeMap<String, Vec<Indexed>> = BTreeMap::new();
    for rows in rows.chunks(AT_ONCE) {
        watch.check_cancelled()?;
        for (_, entry) in tx.readable_entries(rows)? {
            if let Some((uri, indexed)) = entry.ok().as_ref().and_then(Indexed::of) {
                found.entry(uri).or_default().push(indexed);
            }
        }
    }
    Ok(found)
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
