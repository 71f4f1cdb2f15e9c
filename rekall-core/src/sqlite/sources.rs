//! Sources, and the places that entries have in them.

use super::{SqliteTx, SqliteWriteTx, rows};
use crate::source::{UNDER, prefix};
use crate::store::ReadSources;
use crate::store::WriteSources;
use crate::{Error, NewPlace, StoredSection, StoredSource, TextDigest, json};
use rusqlite::{Connection, OptionalExtension, Row};
use std::ops::Deref;
use std::time::Duration;

impl<C: Deref<Target = Connection>> ReadSources for SqliteTx<'_, C> {
    fn sources(&self, scope: &str) -> Result<Vec<StoredSource>, Error> {
        let sql = format!("SELECT {SOURCE} FROM source WHERE {UNDER} ORDER BY uri");
        let mut statement = self.connection.prepare_cached(&sql)?;
        let sources = statement.query_map([prefix(scope)], source)?;
        Ok(sources.collect::<Result<_, _>>()?)
    }

    fn source(&self, uri: &str) -> Result<Option<StoredSource>, Error> {
        let sql = format!("SELECT {SOURCE} FROM source WHERE uri = ?1");
        Ok(self.connection.prepare_cached(&sql)?.query_row([uri], source).optional()?)
    }

    fn sections(&self, source: i64) -> Result<Vec<StoredSection>, Error> {
        let sql = format!("SELECT {SECTION} WHERE source_id = ?1 ORDER BY number");
        let mut statement = self.connection.prepare_cached(&sql)?;
        let sections = statement.query_map([source], section)?;
        Ok(sections.collect::<Result<_, _>>()?)
    }

    fn orphaned_sections(&self, scope: &str) -> Result<Vec<StoredSection>, Error> {
        let sql = format!(
            "SELECT {SECTION} JOIN source ON source.id = source_id WHERE number < 0 AND {UNDER} ORDER BY entry_id"
        );
        let mut statement = self.connection.prepare_cached(&sql)?;
        let sections = statement.query_map([prefix(scope)], section)?;
        Ok(sections.collect::<Result<_, _>>()?)
    }

    fn abandoned_sections(&self, scope: &str, age: Duration) -> Result<Vec<i64>, Error> {
        let before = self.now_ms().saturating_sub(i64::try_from(age.as_millis()).unwrap_or(i64::MAX));
        let sql = format!(
            "SELECT entry_id FROM section JOIN source ON source.id = source_id
             WHERE number < 0 AND (number < {RELEASED} OR synced_at < ?2) AND {UNDER} ORDER BY entry_id"
        );
        let mut statement = self.connection.prepare_cached(&sql)?;
        let rows = statement.query_map((prefix(scope), before), |row| row.get(0))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    fn count_sections(&self, scope: &str) -> Result<u64, Error> {
        let sql = format!("SELECT count(*) FROM section JOIN source ON source.id = source_id WHERE {UNDER}");
        Ok(self.connection.prepare_cached(&sql)?.query_row([prefix(scope)], |row| row.get(0))?)
    }

    fn section_of(&self, row: i64) -> Result<Option<StoredSection>, Error> {
        let sql = format!("SELECT {SECTION} WHERE entry_id = ?1");
        Ok(self.connection.prepare_cached(&sql)?.query_row([row], section).optional()?)
    }
}

impl WriteSources for SqliteWriteTx<'_> {
    fn put_source(&mut self, uri: &str, stamp: Option<&str>, digest: TextDigest) -> Result<i64, Error> {
        crate::check_uri(uri)?;
        let mut statement = self.connection.prepare_cached(
            "INSERT INTO source (uri, stamp, digest, synced_at) VALUES (?1, ?2, ?3, ?4)
             ON CONFLICT (uri) DO UPDATE SET stamp = excluded.stamp, digest = excluded.digest,
                 synced_at = excluded.synced_at
             RETURNING id",
        )?;
        Ok(statement.query_row((uri, stamp, digest.as_bytes(), self.now_ms()), |row| row.get(0))?)
    }

    fn delete_source(&mut self, source: i64) -> Result<(), Error> {
        self.connection.prepare_cached("DELETE FROM source WHERE id = ?1")?.execute([source])?;
        Ok(())
    }

    fn orphan_sections(&mut self, source: i64, rows: &[i64]) -> Result<(), Error> {
        let sql = "UPDATE section SET number = -1 - entry_id WHERE entry_id = ?1 AND source_id = ?2 AND number >= 0";
        let mut statement = self.connection.prepare_cached(sql)?;
        rows.iter().try_for_each(|row| statement.execute((row, source)).map(drop))?;
        Ok(())
    }

    fn release_sections(&mut self, rows: &[i64]) -> Result<(), Error> {
        let sql = format!(
            "UPDATE section SET number = {RELEASED} - entry_id
             WHERE entry_id = ?1 AND number < 0 AND number > {RELEASED}"
        );
        let mut statement = self.connection.prepare_cached(&sql)?;
        rows.iter().try_for_each(|row| statement.execute([row]).map(drop))?;
        Ok(())
    }

    fn place_section(&mut self, row: i64, place: &NewPlace<'_>) -> Result<(), Error> {
        let list = |texts: &[String]| serde_json::json!(texts).to_string();
        let NewPlace { source, number, path, line, digest, tags } = place;
        self.connection
            .prepare_cached(
                "INSERT INTO section (entry_id, source_id, number, path, line, digest, tags)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
                 ON CONFLICT (entry_id) DO UPDATE SET source_id = excluded.source_id, number = excluded.number,
                     path = excluded.path, line = excluded.line, digest = excluded.digest, tags = excluded.tags",
            )?
            .execute((row, source, number, list(path), line, digest.as_bytes(), list(tags)))?;
        Ok(())
    }
}

/// Sections that were released have numbers below this one, those of a run under way numbers between it and 0.
const RELEASED: i64 = -(1 << 62);

const SOURCE: &str = "source.id, source.uri, source.stamp, source.digest, source.synced_at,
    (SELECT count(*) FROM section WHERE section.source_id = source.id)";

fn source(row: &Row<'_>) -> rusqlite::Result<StoredSource> {
    Ok(StoredSource {
        number: row.get(0)?,
        uri: row.get(1)?,
        stamp: row.get(2)?,
        digest: TextDigest::from_stored(row.get_ref(3)?.as_blob().unwrap_or_default()),
        synced_at: row.get(4)?,
        sections: row.get::<_, i64>(5)?.unsigned_abs(),
    })
}

const SECTION: &str =
    "section.entry_id, entry.ulid, section.source_id, section.number, section.path, section.line,
    section.digest, section.tags FROM section JOIN entry ON entry.id = section.entry_id";

fn section(row: &Row<'_>) -> rusqlite::Result<StoredSection> {
    let list = |column| {
        let text = row.get_ref(column)?.as_str()?;
        json::read::<Vec<String>>(text).map_err(|error| rows::unreadable(column, error))
    };
    Ok(StoredSection {
        row: row.get(0)?,
        id: rows::ulid(row, 1)?,
        source: row.get(2)?,
        number: row.get(3)?,
        path: list(4)?,
        line: row.get(5)?,
        digest: TextDigest::from_stored(row.get_ref(6)?.as_blob().unwrap_or_default()),
        tags: list(7)?,
    })
}
