//! Where a note comes from: the file and line that a person opens.

use std::ffi::OsStr;
use std::io;
use std::path::{Path, PathBuf};

use rekall::Entry;
use rekall::files::{file_uri, path_of_uri};

/// The place in the source that the note is kept in step with: `path:line` of a file, relative to `base` where it lies
/// below; of another source its URI.
pub(crate) fn place(entry: &Entry, base: Option<&Path>) -> Option<String> {
    let source = entry.source.as_ref()?;
    let Some(path) = path_of_uri(&source.uri) else {
        // After a URI, `:12` would look like a port.
        let line = source.line.map(|line| format!(", line {line}")).unwrap_or_default();
        return Some(format!("{}{line}", source.uri));
    };
    // Relative to the root of all files a path would only lose its slash.
    let base = base.filter(|base| base.parent().is_some());
    let below = base.and_then(|base| path.strip_prefix(base).ok()).filter(|path| *path != Path::new(""));
    let shown = below.unwrap_or(&path).display();
    Some(source.line.map_or_else(|| shown.to_string(), |line| format!("{shown}:{line}")))
}

/// Where a program or person that remembered the note said that it is from.
pub(crate) fn said(entry: &Entry) -> Option<&str> {
    entry.metadata.get(SAID).and_then(|source| source.as_str()).filter(|source| !source.trim().is_empty())
}

/// The key of the metadata that says it.
pub(crate) const SAID: &str = "source";

/// The URI of a source that a person names: as it is, or of a path, which need not be there any more.
pub(crate) fn uri_of(named: &OsStr) -> io::Result<String> {
    let path = Path::new(named);
    if let Some(uri) = named.to_str().filter(|text| has_scheme(text) && !path.exists()) {
        return Ok(uri.to_owned());
    }
    Ok(file_uri(&without_links(&std::path::absolute(path)?)))
}

/// Whether a text begins as URIs do. One letter is a drive of Windows.
fn has_scheme(text: &str) -> bool {
    text.split_once(':').is_some_and(|(scheme, _)| {
        let plain = |character: char| character.is_ascii_alphanumeric() || "+-.".contains(character);
        scheme.len() > 1
            && scheme.starts_with(|first: char| first.is_ascii_alphabetic())
            && scheme.chars().all(plain)
    })
}

/// The path as a run over its folder names it: links are followed as far as there is anything.
fn without_links(path: &Path) -> PathBuf {
    if let Ok(canonical) = path.canonicalize() {
        return canonical;
    }
    match (path.parent(), path.file_name()) {
        (Some(parent), Some(name)) => without_links(parent).join(name),
        _ => path.to_owned(),
    }
}
