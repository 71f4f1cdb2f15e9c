//! Rows of the Python tool's files that have no table here.

use std::collections::BTreeMap;

use rekall_core::Error;
use rekall_core::store::ReadLegacyRows;
use serde_json::Value;

use super::tx::{Tx, column};
use super::values::text;

const PREFIX: &str = "legacy:";

impl ReadLegacyRows for Tx<'_> {
    fn legacy_tables(&self) -> Result<BTreeMap<String, u64>, Error> {
        let (first, beyond) = (self.scope().key(PREFIX), self.scope().key("legacy;"));
        let sql = "SELECT key FROM meta WHERE key >= $1 AND key < $2";
        let rows = self.query(sql, &[text(&first), text(&beyond)])?;
        let mut tables = BTreeMap::new();
        for row in &rows {
            let key: &str = column(row, 0)?;
            let table = key[first.len()..].rsplit_once(':').map_or("", |(table, _)| table);
            *tables.entry(table.to_owned()).or_default() += 1;
        }
        Ok(tables)
    }

    fn legacy_rows(&self, table: &str) -> Result<Vec<Value>, Error> {
        if table.contains('\0') {
            return Ok(Vec::new());
        }
        // From "legacy:TABLE:" to "legacy:TABLE;", the next character.
        let (start, end) = (format!("{PREFIX}{table}:"), format!("{PREFIX}{table};"));
        let (start, end) = (self.scope().key(&start), self.scope().key(&end));
        let sql = "SELECT key, value FROM meta WHERE key >= $1 AND key < $2 ORDER BY key";
        let rows = self.query(sql, &[text(&start), text(&end)])?;
        let mut found = Vec::new();
        for row in &rows {
            // A table may be named like the beginning of another's key.
            if column::<&str>(row, 0)?[start.len()..].contains(':') {
                continue;
            }
            let value = column::<Option<&str>>(row, 1)?.unwrap_or_default();
            found.push(serde_json::from_str(value).map_err(|error| Error::Corrupt {
                detail: format!("a row of meta under {start} is no JSON: {error}"),
            })?);
        }
        Ok(found)
    }
}
