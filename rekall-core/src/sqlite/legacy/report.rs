//! What an import did, for people and programs.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::Serialize;

use super::time::OffsetSource;
use super::{LegacyFile, Variant};
use crate::{EntryId, Role, SpaceState};

/// What an import or a migration brought into the store, and what it met on the way.
///
/// Counts are of what was written, so a second import of the same file counts nothing but `existing`.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct LegacyImportReport {
    /// Entries written.
    pub entries: u64,
    /// Tags of those entries.
    pub tags: u64,
    /// Links written.
    pub links: u64,
    /// Vectors written that searches can use.
    pub vectors: u64,
    /// Vectors that no search can use: kept in the table `quarantine`, named in `quarantine_reasons`.
    pub quarantined: u64,
    /// Where a migration left the file as it was; `None` for an import, which leaves it in its place.
    pub backup: Option<PathBuf>,
    /// Schema number of the Python tool that the file's tables and columns show.
    pub legacy_schema: i64,
    /// Which of the three schemas numbered 12 it is.
    pub legacy_variant: Option<Variant>,
    /// Entries left alone because the store has entries with their ids.
    pub existing: u64,
    /// Entries that wait for a vector: they came without one, theirs is in quarantine, or it is in a space that
    /// searches do not use.
    pub pending: u64,
    /// Vectors older than the last change of their entry. They may or may not fit its text still; they are used.
    pub possibly_stale: u64,
    /// Vectors whose length was not 1 and was made 1.
    pub normalized: u64,
    /// The vector spaces filled.
    pub spaces: Vec<ImportedSpace>,
    /// Why vectors are in quarantine.
    pub quarantine_reasons: Vec<Quarantined>,
    /// Rows of tables that have no table here, by table; kept in `meta`.
    pub unmapped_rows: BTreeMap<String, u64>,
    /// How the offset of the entries' creation times from UTC was found, and for how many entries.
    pub time_sources: BTreeMap<OffsetSource, u64>,
    /// Those offsets, in minutes east of Greenwich, and for how many entries.
    pub utc_offsets: BTreeMap<i64, u64>,
    /// Anything else worth a look, a sentence each.
    pub notes: Vec<String>,
}

/// A vector space that an import filled.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct ImportedSpace {
    /// `imported, model NAME, unverified`.
    pub fingerprint: String,
    /// Components of each vector.
    pub dimensions: usize,
    /// Vectors written to it.
    pub vectors: u64,
    /// Whether searches use it.
    pub active: bool,
}

impl ImportedSpace {
    pub(super) fn new(fingerprint: String, dimensions: usize, vectors: u64, state: SpaceState) -> Self {
        Self { fingerprint, dimensions, vectors, active: state == SpaceState::Active }
    }
}

/// A vector that is kept out of searches.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Quarantined {
    /// The entry it belongs to.
    pub entry: EntryId,
    /// Its role, if it has one that is known: `"summary"` or `"context"`.
    #[serde(serialize_with = "role_name")]
    pub role: Option<Role>,
    /// What is wrong with it.
    pub reason: String,
}

#[expect(clippy::ref_option, reason = "serde's signature")]
fn role_name<S: serde::Serializer>(role: &Option<Role>, serializer: S) -> Result<S::Ok, S::Error> {
    role.map(Role::name).serialize(serializer)
}

impl LegacyImportReport {
    pub(super) fn new(file: &LegacyFile) -> Self {
        Self {
            entries: 0,
            tags: 0,
            links: 0,
            vectors: 0,
            quarantined: 0,
            backup: None,
            legacy_schema: file.schema,
            legacy_variant: file.variant,
            existing: 0,
            pending: 0,
            possibly_stale: 0,
            normalized: 0,
            spaces: Vec::new(),
            quarantine_reasons: Vec::new(),
            unmapped_rows: BTreeMap::new(),
            time_sources: BTreeMap::new(),
            utc_offsets: BTreeMap::new(),
            notes: Vec::new(),
        }
    }
}

/// Collects remarks: one sentence for each kind, however often it occurred.
#[derive(Debug, Default)]
pub(super) struct Notes(BTreeMap<&'static str, (u64, Vec<String>)>);

impl Notes {
    /// How many examples of a remark are named.
    const EXAMPLES: usize = 3;

    pub(super) fn add(&mut self, remark: &'static str, example: impl Into<String>) {
        let (count, examples) = self.0.entry(remark).or_default();
        *count += 1;
        if examples.len() < Self::EXAMPLES {
            examples.push(example.into());
        }
    }

    pub(super) fn into_sentences(self) -> Vec<String> {
        let sentence = |(remark, (count, examples)): (&str, (u64, Vec<String>))| {
            let more = if count > examples.len() as u64 { ", …" } else { "" };
            format!("{remark} ({count}: {}{more})", examples.join(", "))
        };
        self.0.into_iter().map(sentence).collect()
    }
}
