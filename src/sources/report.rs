//! What a synchronization did.

use serde::Serialize;

/// What a synchronization did, in entries unless it says otherwise.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct SyncReport {
    /// Sections that are new.
    pub added: usize,
    /// Sections that say something else than before, under another title or tag perhaps; moved ones included.
    pub changed: usize,
    /// Sections that say the same in another source or under other headings.
    pub moved: usize,
    /// Sections that are as they were.
    pub kept: usize,
    /// Entries that were forgotten, because their section or source is gone.
    pub gone: usize,
    /// Entries whose section or source is gone, and that were not forgotten: they are too many, nothing of what was known
    /// was seen, or a source that has entries could not be read. With [`SourceSync::prune`](crate::SourceSync::prune) they are.
    pub held_back: usize,
    /// Sources that had not changed, by their stamp.
    pub current: usize,
    /// Sources that were read.
    pub read: usize,
    /// Sources that were not read, and why. Their entries are as they were.
    pub skipped: Vec<SourceProblem>,
    /// What could not be understood of sources that were read.
    pub problems: Vec<SourceProblem>,
}

/// A source, and what is the matter with it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct SourceProblem {
    /// Its name.
    pub uri: String,
    /// In a line.
    pub reason: String,
}
