//! Sources, and the places that entries have in them.

use super::reach::{Numbered, Reach};
use super::{SqliteTx, SqliteWriteTx, rows};
use crate::source::prefix;
use crate::store::ReadSources;
use crate::store::WriteSources;
use crate::{Error, NewPlace, StoredSection, StoredSource, TextDigest, json};
use rusqlite::{Connection, OptionalExtension, Row};
use std::ops::Deref;
use std::time::Duration;

impl<C: Deref<Target = Connection>> ReadSources for SqliteTx<'_, C> {
    fn sources(&self, root: &str) -> Result<Vec<StoredSource>, Error> {
        let sql = format!("SELECT {SOURCE} FROM source WHERE {} ORDER BY uri", under(self.reach));
        let mut statement = self.connection.prepare_cached(&sql)?;
        let key = self.reach.rows().key(prefix(root));
        let sources = statement.query_map([key], |row| source(row, self.reach))?;
        Ok(sources.collect::<Result<_, _>>()?)
    }

    fn source(&self, uri: &str) -> Result<Option<StoredSource>, Error> {
        let sql = format!("SELECT {SOURCE} FROM source WHERE uri = ?1");
        let mut statement = self.connection.prepare_cached(&sql)?;
        let found = statement
            .query_row([self.reach.rows().key(uri)], |row| Ok((row.get(0)?, source(row, self.reach)?)));
        Ok(found.optional()?.filter(|&(stored, _)| self.reach.has(stored)).map(|(_, source)| source))
    }

    fn sections(&self, source: i64) -> Result<Vec<StoredSection>, Error> {
        let sql = format!("SELECT {SECTION} WHERE source_id = ?1 ORDER BY number");
        let mut statement = self.connection.prepare_cached(&sql)?;
        let sections = statement.query_map([self.stored(source)], |row| section(row, self.reach))?;
        Ok(sections.collect::<Result<_, _>>()?)
    }

    fn orphaned_sections(&self, root: &str) -> Result<Vec<StoredSection>, Error> {
        let sql = format!(
            "SELECT {SECTION} JOIN source ON source.id = source_id WHERE number < 0 AND {} ORDER BY entry_id",
            under(self.reach)
        );
        let mut statement = self.connection.prepare_cached(&sql)?;
        let key = self.reach.rows().key(prefix(root));
        let sections = statement.query_map([key], |row| section(row, self.reach))?;
        Ok(sections.collect::<Result<_, _>>()?)
    }

    fn abandoned_sections(&self, root: &str, age: Duration) -> Result<Vec<i64>, Error> {
        let before = self.now_ms().saturating_sub(i64::try_from(age.as_millis()).unwrap_or(i64::MAX));
        let sql = format!(
            "SELECT entry_id FROM section JOIN source ON source.id = source_id
             WHERE number < 0 AND (number < {RELEASED} OR synced_at < ?2) AND {} ORDER BY entry_id",
            under(self.reach)
        );
        let mut statement = self.connection.prepare_cached(&sql)?;
        let key = self.reach.rows().key(prefix(root));
        let rows = statement.query_map((key, before), |row| Ok(self.row(row.get(0)?)))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    fn count_sections(&self, root: &str) -> Result<u64, Error> {
        let under = under(self.reach);
        let sql = format!("SELECT count(*) FROM section JOIN source ON source.id = source_id WHERE {under}");
        let key = self.reach.rows().key(prefix(root));
        Ok(self.connection.prepare_cached(&sql)?.query_row([key], |row| row.get(0))?)
    }

    fn section_of(&self, row: i64) -> Result<Option<StoredSection>, Error> {
        let sql = format!("SELECT {SECTION} WHERE entry_id = ?1");
        let mut statement = self.connection.prepare_cached(&sql)?;
        Ok(statement.query_row([self.stored(row)], |row| section(row, self.reach)).optional()?)
    }
}

impl WriteSources for SqliteWriteTx<'_> {
    fn put_source(&mut self, uri: &str, stamp: Option<&str>, digest: TextDigest) -> Result<i64, Error> {
        crate::check_uri(uri)?;
        let mut statement = self.connection.prepare_cached(
            "INSERT INTO source (id, uri, stamp, digest, synced_at) VALUES (?5, ?1, ?2, ?3, ?4)
             ON CONFLICT (uri) DO UPDATE SET stamp = excluded.stamp, digest = excluded.digest,
                 synced_at = excluded.synced_at
             RETURNING id",
        )?;
        let number = match self.reach == Reach::ALL || self.source(uri)?.is_some() {
            true => None,
            false => self.next_number(Numbered::Source)?,
        };
        let key = self.reach.rows().key(uri);
        let values = (key, stamp, digest.as_bytes(), self.now_ms(), number);
        Ok(self.row(statement.query_row(values, |row| row.get(0))?))
    }

    fn delete_source(&mut self, source: i64) -> Result<(), Error> {
        self.connection.prepare_cached("DELETE FROM source WHERE id = ?1")?.execute([self.stored(source)])?;
        Ok(())
    }

    fn orphan_sections(&mut self, source: i64, rows: &[i64]) -> Result<(), Error> {
        let sql = format!(
            "UPDATE section SET number = -1 - ({}) WHERE entry_id = ?1 AND source_id = ?2 AND number >= 0",
            self.reach.row_of("entry_id")
        );
        let mut statement = self.connection.prepare_cached(&sql)?;
        let (reach, source) = (self.reach, self.stored(source));
        rows.iter().try_for_each(|&row| statement.execute((reach.stored(row), source)).map(drop))?;
        Ok(())
    }

    fn release_sections(&mut self, rows: &[i64]) -> Result<(), Error> {
        let sql = format!(
            "UPDATE section SET number = {RELEASED} - ({})
             WHERE entry_id = ?1 AND number < 0 AND number > {RELEASED}",
            self.reach.row_of("entry_id")
        );
        let mut statement = self.connection.prepare_cached(&sql)?;
        let reach = self.reach;
        rows.iter().try_for_each(|&row| statement.execute([reach.stored(row)]).map(drop))?;
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
            .execute((self.stored(row), self.stored(*source), number, list(path), line, digest.as_bytes(), list(tags)))?;
        Ok(())
    }
}

/// That a source is the one whose key is ?1, or lies under it: two conditions that the index of URIs answers. The key of the
/// empty URI holds all.
fn under(reach: Reach) -> String {
    let (all, ours) = (reach.rows().key(""), reach.and("source.id"));
    format!("(source.uri = ?1 OR source.uri >= ?1 || '/' AND source.uri < ?1 || '0' OR ?1 = '{all}'){ours}")
}

/// Sections that were released have numbers below this one, those of a run under way numbers between it and 0.
const RELEASED: i64 = -(1 << 62);

const SOURCE: &str = "source.id, source.uri, source.stamp, source.digest, source.synced_at,
    (SELECT count(*) FROM section WHERE section.source_id = source.id)";

fn source(row: &Row<'_>, reach: Reach) -> rusqlite::Result<StoredSource> {
    let key: String = row.get(1)?;
    Ok(StoredSource {
        number: reach.row(row.get(0)?),
        uri: reach.uri(&key).unwrap_or_default().to_owned(),
        stamp: row.get(2)?,
        digest: TextDigest::from_stored(row.get_ref(3)?.as_blob().unwrap_or_default()),
        synced_at: row.get(4)?,
        sections: row.get::<_, i64>(5)?.unsigned_abs(),
    })
}

const SECTION: &str =
    "section.entry_id, entry.ulid, section.source_id, section.number, section.path, section.line,
    section.digest, section.tags FROM section JOIN entry ON entry.id = section.entry_id";

fn section(row: &Row<'_>, reach: Reach) -> rusqlite::Result<StoredSection> {
    let list = |column| {
        let text = row.get_ref(column)?.as_str()?;
        json::read::<Vec<String>>(text).map_err(|error| rows::unreadable(column, error))
    };
    Ok(StoredSection {
        row: reach.row(row.get(0)?),
        id: reach.id(row, 1)?,
        source: reach.row(row.get(2)?),
        number: row.get(3)?,
        path: list(4)?,
        line: row.get(5)?,
        digest: TextDigest::from_stored(row.get_ref(6)?.as_blob().unwrap_or_default()),
        tags: list(7)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::ScopeRows;
    use crate::is_under;

    #[test]
    fn a_source_is_under_another_in_sql_as_elsewhere() {
        let connection = Connection::open_in_memory().unwrap();
        let scoped = ScopeRows::of(7).unwrap();
        for (uri, of) in [
            ("file:///a/b.md", "file:///a"),
            ("file:///a/b.md", "file:///a/"),
            ("file:///a/b.md", "file:///a/b.md"),
            ("file:///ab.md", "file:///a"),
            ("file:///a", "file:///a/b.md"),
            ("file:///a0", "file:///a"),
            ("note:1", ""),
        ] {
            for (rows, reach) in [
                (ScopeRows::UNNAMED, Reach::ALL),
                (ScopeRows::UNNAMED, Reach::among_others(ScopeRows::UNNAMED)),
                (scoped, Reach::among_others(scoped)),
            ] {
                let sql = format!(
                    "SELECT count(*) FROM (SELECT ?2 AS uri, ?3 AS id) AS source WHERE {}",
                    under(reach)
                );
                let values = (rows.key(prefix(of)), rows.key(uri), rows.stored(1));
                let found: i64 = connection.query_row(&sql, values, |row| row.get(0)).unwrap();
                assert_eq!(found == 1, is_under(uri, of), "{uri} under {of} in {reach:?}");
            }
        }
    }
}
