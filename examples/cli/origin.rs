//! Where a note comes from: the file and line that a person opens.

use std::path::Path;

use rekall::Entry;
use rekall::files::path_of_uri;

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
