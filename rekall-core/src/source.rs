//! Where entries come from: sources, and the places of their sections.

use serde::{Deserialize, Serialize};

use crate::{EntryId, Error, TextDigest, limits};

/// The place that an entry comes from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct SourceRef {
    /// Names the source: a file, a page, anything.
    pub uri: String,
    /// The headings above the section and its own, outermost first; empty for what stands above the first one.
    #[serde(default)]
    pub path: Vec<String>,
    /// The line in which the section begins, from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<u32>,
    /// Of the section as the source had it: see [`section_digest`].
    pub digest: TextDigest,
}

/// Identifies what a section says: its own heading, or the title of one without, and its text. The headings above are not
/// part of it, so that a section can move.
///
/// ```
/// # use rekall_core::section_digest;
/// assert_eq!(section_digest("Usage", "Run it."), section_digest("Usage", "Run it."));
/// assert_ne!(section_digest("Usage", "Run it."), section_digest("Usage", "Stop it."));
/// ```
#[must_use]
pub fn section_digest(heading: &str, text: &str) -> TextDigest {
    TextDigest::of(&[heading, "\n", text].concat())
}

/// A source that the file knows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct StoredSource {
    /// Its number in the file.
    pub number: i64,
    /// Its name.
    pub uri: String,
    /// By what its reader recognizes that it has not changed; `None`: it has to be read.
    pub stamp: Option<String>,
    /// Of all that was read when it was synchronized last.
    pub digest: TextDigest,
    /// When that was: milliseconds since 1970 (UTC).
    pub synced_at: i64,
    /// How many entries come from it.
    pub sections: u64,
}

/// A section of a source as the file knows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct StoredSection {
    /// Row number of its entry.
    pub row: i64,
    /// Its entry.
    pub id: EntryId,
    /// Number of its source.
    pub source: i64,
    /// Its place among the sections of the source, from 0; negative: it is there no longer, and the run that noticed has
    /// not come to its end.
    pub number: i64,
    /// See [`SourceRef::path`].
    pub path: Vec<String>,
    /// See [`SourceRef::line`].
    pub line: Option<u32>,
    /// See [`section_digest`].
    pub digest: TextDigest,
    /// Those of the entry's tags that the source gave it.
    pub tags: Vec<String>,
}

/// The place of an entry, to be stored.
#[derive(Debug, Clone, Copy)]
pub struct NewPlace<'a> {
    /// Number of the source.
    pub source: i64,
    /// Its place among the sections of the source, from 0.
    pub number: i64,
    /// See [`SourceRef::path`].
    pub path: &'a [String],
    /// See [`SourceRef::line`].
    pub line: Option<u32>,
    /// See [`section_digest`].
    pub digest: TextDigest,
    /// The tags that the source gives the entry.
    pub tags: &'a [String],
}

/// Longest URI, in bytes of UTF-8.
const URI_BYTES: usize = 8 << 10;

/// Refuses a URI that no source can have.
///
/// # Errors
/// [`Error::Empty`], [`Error::TooLong`], [`Error::Nul`]; [`Error::OutOfRange`] for one that begins with the character U+0001, as the URIs of
/// sources in scopes do where they are stored.
pub fn check_uri(uri: &str) -> Result<(), Error> {
    limits::required("uri of a source", uri, URI_BYTES)?;
    if uri.starts_with('\u{1}') {
        return Err(Error::OutOfRange {
            field: "uri of a source",
            expected: "one that does not begin with the character U+0001",
            got: format!("{uri:?}"),
        });
    }
    Ok(())
}

/// Whether a URI is this one or lies under it: `file:///a` holds `file:///a/b.md`, and not `file:///ab.md`. An empty
/// one holds all.
///
/// ```
/// # use rekall_core::is_under;
/// assert!(is_under("file:///a/b.md", "file:///a"));
/// assert!(!is_under("file:///ab.md", "file:///a/"));
/// ```
#[must_use]
pub fn is_under(uri: &str, root: &str) -> bool {
    let root = root.trim_end_matches('/');
    match uri.strip_prefix(root) {
        Some(rest) => root.is_empty() || rest.is_empty() || rest.starts_with('/'),
        None => false,
    }
}

/// A root as engines compare with it.
pub(crate) fn prefix(root: &str) -> &str {
    root.trim_end_matches('/')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_root_ends_at_a_slash() {
        for (uri, root, under) in [
            ("file:///a/b.md", "file:///a", true),
            ("file:///a/b.md", "file:///a/", true),
            ("file:///a/b.md", "file:///a/b.md", true),
            ("file:///ab.md", "file:///a", false),
            ("file:///a", "file:///a/b.md", false),
            ("file:///a0", "file:///a", false),
            ("note:1", "", true),
        ] {
            assert_eq!(is_under(uri, root), under, "{uri} under {root}");
        }
    }
}
