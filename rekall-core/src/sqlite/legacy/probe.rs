//! Telling a file of the Python tool by its tables and columns.
//!
//! `user_version` alone says little: three commits shipped three different schemas numbered 12, and the tool
//! opened files of any version without complaint. The number is only used to refuse what is newer than
//! anything known.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use rusqlite::Connection;
use serde::Serialize;

use super::cell::{names, quoted};
use crate::Error;

/// Newest schema of the Python tool that is known.
pub(super) const NEWEST: i64 = 12;

/// A file of the Python tool, as its tables show it.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct LegacyFile {
    /// Where it is.
    pub path: PathBuf,
    /// Schema number that the tables and columns show, 0 to 12.
    pub schema: i64,
    /// Which of the three schemas numbered 12 it is; `None` below 12.
    pub variant: Option<Variant>,
    /// The number in the file's header, for what it is worth.
    pub user_version: i64,
    /// Entries in it.
    pub entries: u64,
    /// Links in it.
    pub links: u64,
    /// Vectors in it, good and bad.
    pub vectors: u64,
}

/// The three schemas that were numbered 12.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Variant {
    /// Entries have a centrality score, sources no `ai_` columns.
    Centrality,
    /// Sources have `ai_` columns, entries no centrality score.
    SourcesAi,
    /// Both.
    Both,
}

/// The ordinary tables of a file, with their columns.
#[derive(Debug)]
pub(super) struct Layout {
    pub(super) tables: BTreeMap<String, Vec<String>>,
    /// Virtual tables, which cannot be read without the module that made them.
    pub(super) virtual_tables: Vec<String>,
}

/// Tables that only repeat what others hold, and the prefix of their shadow tables.
const DERIVED: [&str; 2] = ["entries_fts", "embeddings_vec"];

impl Layout {
    pub(super) fn read(connection: &Connection) -> Result<Self, Error> {
        let mut tables = BTreeMap::new();
        let mut virtual_tables = Vec::new();
        let mut statement = connection.prepare(
            "SELECT name, coalesce(sql, '') FROM sqlite_schema WHERE type = 'table' ORDER BY name",
        )?;
        let listed = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
        for (name, sql) in listed.collect::<Result<Vec<(String, String)>, _>>()? {
            let derived = DERIVED.iter().any(|table| {
                name.strip_prefix(table).is_some_and(|rest| rest.is_empty() || rest.starts_with('_'))
            });
            if derived || name.starts_with("sqlite_") {
                continue;
            }
            if sql.get(..14).is_some_and(|start| start.eq_ignore_ascii_case("CREATE VIRTUAL")) {
                virtual_tables.push(name);
                continue;
            }
            let columns = names(&connection.prepare(&format!("SELECT * FROM {}", quoted(&name)))?);
            tables.insert(name, columns);
        }
        Ok(Self { tables, virtual_tables })
    }

    pub(super) fn has(&self, table: &str) -> bool {
        self.tables.contains_key(table)
    }

    pub(super) fn has_column(&self, table: &str, column: &str) -> bool {
        self.tables.get(table).is_some_and(|columns| columns.iter().any(|known| known == column))
    }

    /// Whether the tables are those of the Python tool, of any schema.
    fn is_legacy(&self) -> bool {
        let entry = ["id", "title", "content", "type", "project", "status", "created_at", "updated_at"];
        entry.iter().all(|column| self.has_column("entries", column))
            && ["entry_id", "tag"].iter().all(|column| self.has_column("tags", column))
    }

    /// The newest schema of which something is there.
    fn schema(&self) -> i64 {
        let signs = [
            (12, self.has_column("entries", "centrality_score") || self.has_column("sources", "ai_type")),
            (
                11,
                ["sources_inbox", "sources_staging", "connector_imports"].iter().any(|table| self.has(table)),
            ),
            (10, self.has("saved_filters")),
            (9, self.has_column("sources", "role") || self.has("known_domains") || self.has("source_themes")),
            (8, self.has("sources") || self.has("entry_sources")),
            (7, self.has_column("entries", "context_blob") || self.has("context_keywords")),
            (6, self.has_column("entries", "context_structured")),
            (5, self.has_column("links", "reason")),
            (4, self.has_column("entries", "context_compressed")),
            (3, ["embeddings", "suggestions", "metadata"].iter().any(|table| self.has(table))),
            (2, self.has("links")),
            (1, self.has_column("entries", "memory_type")),
        ];
        signs.into_iter().find(|(_, there)| *there).map_or(0, |(schema, _)| schema)
    }

    fn variant(&self) -> Option<Variant> {
        match (self.has_column("entries", "centrality_score"), self.has_column("sources", "ai_type")) {
            (true, true) => Some(Variant::Both),
            (true, false) => Some(Variant::Centrality),
            (false, true) => Some(Variant::SourcesAi),
            (false, false) => None,
        }
    }
}

/// The error for a file that needs no import.
pub(super) fn is_ours(path: &Path) -> Error {
    Error::NotALegacyFile { path: path.to_owned(), found: "a rekall file, which needs no import".to_owned() }
}

/// Looks at an open database; `path` is for messages.
pub(super) fn examine(connection: &Connection, path: &Path) -> Result<(LegacyFile, Layout), Error> {
    let not_legacy = |found: String| Error::NotALegacyFile { path: path.to_owned(), found };
    let number = |pragma: &str| connection.pragma_query_value(None, pragma, |row| row.get::<_, i64>(0));
    let application_id = number("application_id")?;
    if application_id == crate::sqlite::schema::APPLICATION_ID {
        return Err(is_ours(path));
    }
    let layout = Layout::read(connection)?;
    if application_id != 0 || !layout.is_legacy() {
        let tables = layout.tables.len();
        return Err(not_legacy(match (application_id, tables) {
            (0, 0) => "an SQLite database without tables".to_owned(),
            _ => format!("an SQLite database with application id {application_id:#010x} and {tables} tables"),
        }));
    }
    let user_version = number("user_version")?;
    if user_version > NEWEST {
        return Err(Error::NewerVersion { path: path.to_owned(), found: user_version, supported: NEWEST });
    }
    let count = |table: &str| if layout.has(table) { count(connection, table) } else { Ok(0) };
    let file = LegacyFile {
        path: path.to_owned(),
        schema: layout.schema(),
        variant: layout.variant(),
        user_version,
        entries: count("entries")?,
        links: count("links")?,
        vectors: count("embeddings")?,
    };
    Ok((file, layout))
}

pub(super) fn count(connection: &Connection, table: &str) -> Result<u64, Error> {
    // NOT INDEXED: an index may be damaged, the table is what counts.
    let sql = format!("SELECT count(*) FROM {} NOT INDEXED", quoted(table));
    Ok(connection.query_row(&sql, [], |row| row.get(0))?)
}

/// Refuses a file with a damaged table: what cannot be read cannot be brought over without loss.
///
/// Broken promises about values (CHECK, NOT NULL, UNIQUE) are no damage; the import copes with them.
pub(super) fn check_tables(connection: &Connection, layout: &Layout) -> Result<(), Error> {
    for table in layout.tables.keys() {
        let mut statement = connection.prepare(&format!("PRAGMA quick_check({})", quoted(table)))?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let found: String = row.get(0)?;
            let about_values = ["CHECK constraint", "NULL value", "non-unique", "row "]
                .iter()
                .any(|start| found.starts_with(start))
                || found.contains(" value in ");
            if found != "ok" && !about_values {
                return Err(Error::Corrupt { detail: found });
            }
        }
    }
    Ok(())
}
