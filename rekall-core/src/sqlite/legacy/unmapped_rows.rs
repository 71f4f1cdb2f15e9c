//! Rows of the legacy file that have no table here: suggestions, sources, filters, anything unknown.
//!
//! Each becomes a row of `meta`, its key `legacy:TABLE:DIGEST`, its value the row as a JSON object (NULLs left
//! out). DIGEST is that of the JSON text, so importing a row twice keeps it once; rows of one file that are
//! equal get the suffix `.2`, `.3`, …. `legacy:file:DIGEST` describes each imported file: its name, schema,
//! tables, their columns and numbers of rows.

use std::collections::{BTreeMap, HashMap};
use std::ops::Deref;

use rusqlite::Connection;
use serde_json::Value;

use crate::sqlite::SqliteTx;
use crate::store::ReadLegacyRows;
use crate::{Error, TextDigest};

const PREFIX: &str = "legacy:";

/// Writes rows into `meta`.
pub(super) struct UnmappedRows<'c> {
    connection: &'c Connection,
    occurrences: HashMap<String, u32>,
    pub(super) written: BTreeMap<String, u64>,
}

impl<'c> UnmappedRows<'c> {
    pub(super) fn new(connection: &'c Connection) -> Self {
        Self { connection, occurrences: HashMap::new(), written: BTreeMap::new() }
    }

    pub(super) fn put(&mut self, table: &str, row: &Value) -> Result<(), Error> {
        let text = row.to_string();
        let mut key = format!("{PREFIX}{table}:{:?}", TextDigest::of(&text));
        let count = self.occurrences.entry(key.clone()).or_default();
        *count += 1;
        if *count > 1 {
            key = format!("{key}.{count}");
        }
        let written = self
            .connection
            .prepare_cached("INSERT INTO meta (key, value) VALUES (?1, ?2) ON CONFLICT DO NOTHING")?
            .execute((key, text))?;
        if written > 0 {
            *self.written.entry(table.to_owned()).or_default() += 1;
        }
        Ok(())
    }
}

impl<C: Deref<Target = Connection>> ReadLegacyRows for SqliteTx<'_, C> {
    fn legacy_tables(&self) -> Result<BTreeMap<String, u64>, Error> {
        let rows = self.reach.rows();
        let mut statement = self.connection.prepare("SELECT key FROM meta WHERE key >= ?1 AND key < ?2")?;
        let mut tables = BTreeMap::new();
        let mut keys = statement.query([rows.key(PREFIX), rows.key("legacy;")])?;
        while let Some(key) = keys.next()? {
            let key: String = key.get(0)?;
            let key = rows.name(&key).unwrap_or_default().strip_prefix(PREFIX).unwrap_or_default();
            let table = key.rsplit_once(':').map_or("", |(table, _)| table);
            *tables.entry(table.to_owned()).or_default() += 1;
        }
        Ok(tables)
    }

    fn legacy_rows(&self, table: &str) -> Result<Vec<Value>, Error> {
        // From "legacy:TABLE:" to "legacy:TABLE;", the next character.
        let scope = self.reach.rows();
        let (start, end) = (scope.key(&format!("{PREFIX}{table}:")), scope.key(&format!("{PREFIX}{table};")));
        let mut statement = self
            .connection
            .prepare("SELECT key, value FROM meta WHERE key >= ?1 AND key < ?2 ORDER BY key")?;
        let mut found = Vec::new();
        let mut rows = statement.query([&start, &end])?;
        while let Some(row) = rows.next()? {
            // A table may be named like the beginning of another's key.
            if row.get_ref(0)?.as_str().is_ok_and(|key| !key[start.len()..].contains(':')) {
                let text: String = row.get(1)?;
                let value = serde_json::from_str(&text).map_err(|error| Error::Corrupt {
                    detail: format!("a row of meta under {start} is no JSON: {error}"),
                })?;
                found.push(value);
            }
        }
        Ok(found)
    }
}
