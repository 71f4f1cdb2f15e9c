//! Sources, and the places that entries have in them.

use std::time::Duration;

use rekall_core::engine::{SectionColumns, root_of, stored_source};
use rekall_core::store::{ReadSources, WriteSources};
use rekall_core::{Error, NewPlace, StoredSection, StoredSource, TextDigest};
use tokio_postgres::Row;

use super::scope::{Numbering, Scope};
use super::tx::{Tx, column};
use super::values::{bytes, int, ints, text};

/// What a root $1 holds: two conditions that the index of URIs answers.
const UNDER: &str = "(source.uri = $1 OR source.uri >= $1 || '/' AND source.uri < $1 || '0' OR $1 = '')";

/// Sections that were released have numbers below this one, those of a run under way numbers between it and 0.
const RELEASED: i64 = -(1 << 62);

const SOURCE: &str = "SELECT source.id, source.uri, source.stamp, source.digest, source.synced_at,
    (SELECT count(*) FROM section WHERE section.source_id = source.id) FROM source";

const SECTION: &str =
    "SELECT section.entry_id, entry.ulid, section.source_id, section.number, section.path, section.line,
    section.digest, section.tags FROM section JOIN entry ON entry.id = section.entry_id";

/// No text of the store has a NUL, and the server takes none.
fn possible(uri: &str) -> bool {
    !uri.contains('\0')
}

impl ReadSources for Tx<'_> {
    fn sources(&self, root: &str) -> Result<Vec<StoredSource>, Error> {
        if !possible(root) {
            return Ok(Vec::new());
        }
        let sql = format!("{SOURCE} WHERE {UNDER} AND {} ORDER BY source.uri", self.of_source());
        self.query(&sql, &[text(&root_of(root))])?.iter().map(|row| source(row, self.scope())).collect()
    }

    fn source(&self, uri: &str) -> Result<Option<StoredSource>, Error> {
        if !possible(uri) {
            return Ok(None);
        }
        let sql = format!("{SOURCE} WHERE source.uri = $1 AND {}", self.of_source());
        self.query_opt(&sql, &[text(&uri)])?.map(|row| source(&row, self.scope())).transpose()
    }

    fn sections(&self, source: i64) -> Result<Vec<StoredSection>, Error> {
        let sql = format!("{SECTION} WHERE section.source_id = $1 ORDER BY section.number");
        let rows = self.query(&sql, &[int(&self.scope().stored(source))])?;
        rows.iter().map(|row| section(row, self.scope())).collect()
    }

    fn orphaned_sections(&self, root: &str) -> Result<Vec<StoredSection>, Error> {
        if !possible(root) {
            return Ok(Vec::new());
        }
        let sql = format!(
            "{SECTION} JOIN source ON source.id = section.source_id
             WHERE section.number < 0 AND {UNDER} AND {} ORDER BY section.entry_id",
            self.of_source()
        );
        self.query(&sql, &[text(&root_of(root))])?.iter().map(|row| section(row, self.scope())).collect()
    }

    fn abandoned_sections(&self, root: &str, age: Duration) -> Result<Vec<i64>, Error> {
        if !possible(root) {
            return Ok(Vec::new());
        }
        let before = self.now_ms().saturating_sub(i64::try_from(age.as_millis()).unwrap_or(i64::MAX));
        let sql = format!(
            "SELECT section.entry_id FROM section JOIN source ON source.id = section.source_id
             WHERE section.number < 0 AND (section.number < $3 OR source.synced_at < $2) AND {UNDER} AND {}
             ORDER BY section.entry_id",
            self.of_source()
        );
        self.rows_in(&self.query(&sql, &[text(&root_of(root)), int(&before), int(&RELEASED)])?)
    }

    fn count_sections(&self, root: &str) -> Result<u64, Error> {
        if !possible(root) {
            return Ok(0);
        }
        let sql = format!(
            "SELECT count(*) FROM section JOIN source ON source.id = section.source_id
             WHERE {UNDER} AND {}",
            self.of_source()
        );
        Ok(self.number(&sql, &[text(&root_of(root))])?.unsigned_abs())
    }

    fn section_of(&self, row: i64) -> Result<Option<StoredSection>, Error> {
        let row = self.scope().stored(row);
        let found = self.query_opt(&format!("{SECTION} WHERE section.entry_id = $1"), &[int(&row)])?;
        found.map(|row| section(&row, self.scope())).transpose()
    }
}

impl WriteSources for Tx<'_> {
    fn put_source(&mut self, uri: &str, stamp: Option<&str>, digest: TextDigest) -> Result<i64, Error> {
        rekall_core::check_uri(uri)?;
        let Numbering { with, column, overriding, value, from } = self.scope().numbering("sources", "1", "1");
        let sql = format!(
            "{with}INSERT INTO source ({column}uri, stamp, digest, synced_at)
            {overriding}SELECT {value}new.* FROM {from}(VALUES ($1, $2, $3, $4)) AS new
            ON CONFLICT {} DO UPDATE SET stamp = excluded.stamp, digest = excluded.digest, synced_at = excluded.synced_at
            RETURNING id",
            self.scope().unique("uri")
        );
        let (now, digest) = (self.now_ms(), digest.as_bytes().as_slice());
        let rows = self.returning(&sql, &[text(&uri), text(&stamp), bytes(&digest), int(&now)])?;
        Ok(self.rows_in(&rows)?.first().copied().unwrap_or_default())
    }

    fn delete_source(&mut self, source: i64) -> Result<(), Error> {
        let stored = self.scope().stored(source);
        self.execute("DELETE FROM source WHERE id = $1", &[int(&stored)]).map(drop)
    }

    fn orphan_sections(&mut self, source: i64, rows: &[i64]) -> Result<(), Error> {
        let sql = format!(
            "UPDATE section SET number = -1 - {} WHERE entry_id = ANY ($1) AND source_id = $2 AND number >= 0",
            self.scope().row_of("entry_id")
        );
        let (rows, source) = (self.scope().stored_all(rows), self.scope().stored(source));
        self.execute(&sql, &[ints(&rows), int(&source)]).map(drop)
    }

    fn release_sections(&mut self, rows: &[i64]) -> Result<(), Error> {
        let sql = format!(
            "UPDATE section SET number = $2 - {} WHERE entry_id = ANY ($1) AND number < 0 AND number > $2",
            self.scope().row_of("entry_id")
        );
        self.execute(&sql, &[ints(&self.scope().stored_all(rows)), int(&RELEASED)]).map(drop)
    }

    fn place_section(&mut self, row: i64, place: &NewPlace<'_>) -> Result<(), Error> {
        let list = |texts: &[String]| serde_json::json!(texts).to_string();
        let NewPlace { source, number, path, line, digest, tags } = place;
        let sql = "INSERT INTO section (entry_id, source_id, number, path, line, digest, tags)
            VALUES ($1, $2, $3, $4, $5, $6, $7)
            ON CONFLICT (entry_id) DO UPDATE SET source_id = excluded.source_id, number = excluded.number,
                path = excluded.path, line = excluded.line, digest = excluded.digest, tags = excluded.tags";
        let (path, tags, line) = (list(path), list(tags), line.map(i64::from));
        let digest = digest.as_bytes().as_slice();
        let (row, source) = (self.scope().stored(row), self.scope().stored(*source));
        let values =
            [int(&row), int(&source), int(number), text(&path), int(&line), bytes(&digest), text(&tags)];
        self.execute(sql, &values).map(drop)
    }
}

impl Tx<'_> {
    fn of_source(&self) -> String {
        self.scope().holds("source.id")
    }
}

fn source(row: &Row, scope: Scope) -> Result<StoredSource, Error> {
    let (stamp, digest) = (column::<Option<&str>>(row, 2)?, column::<&[u8]>(row, 3)?);
    let number = scope.row(column(row, 0)?);
    Ok(stored_source(number, column(row, 1)?, stamp, digest, column(row, 4)?, column(row, 5)?))
}

fn section(row: &Row, scope: Scope) -> Result<StoredSection, Error> {
    let columns = SectionColumns {
        row: scope.row(column(row, 0)?),
        ulid: column(row, 1)?,
        source: scope.row(column(row, 2)?),
        number: column(row, 3)?,
        path: column(row, 4)?,
        line: column(row, 5)?,
        digest: column(row, 6)?,
        tags: column(row, 7)?,
    };
    columns.read()
}
