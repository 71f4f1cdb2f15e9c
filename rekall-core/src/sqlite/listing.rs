//! Entries page by page, without a search.

use super::filter::Led;
use super::forward::Forward;
use super::{SqliteTx, rows};
use crate::ListCursor;
use crate::NewestBy;
use crate::NewestPage;
use crate::store::ListEntries;
use crate::store::MatchEntries;
use crate::{Entry, EntryId, Error, Filter};
use rusqlite::types::Value as SqlValue;
use rusqlite::{Connection, params_from_iter};
use serde_json::Value;
use std::ops::Deref;

impl<C: Deref<Target = Connection>> ListEntries for SqliteTx<'_, C> {
    fn list(&self, filter: &Filter, after: Option<EntryId>, limit: usize) -> Result<Vec<Entry>, Error> {
        let compiled = filter.compile(self.now_ms(), self.reach, Led::ByIds)?;
        let mut parameters = compiled.parameters;
        // Ids are text, and every text is greater than none.
        parameters
            .push(SqlValue::Text(after.map_or_else(|| self.reach.before_keys(), |id| self.reach.key(id))));
        parameters.push(SqlValue::Integer(i64::try_from(limit).unwrap_or(i64::MAX)));
        let condition = compiled.condition;
        let entries = rows::selected(
            &self.connection,
            self.reach,
            &format!(
                "{}WHERE ({condition}) AND entry.ulid > ?{} ORDER BY entry.ulid LIMIT ?",
                // No other index begins with the scope and has ids in order.
                if self.reach.rows().number() > 0 { "INDEXED BY sqlite_autoindex_entry_1 " } else { "" },
                self.reach.and_key("entry.ulid")
            ),
            params_from_iter(parameters),
        )?;
        let mut walk = Forward::after("ids", after);
        entries.iter().try_for_each(|entry| walk.step(entry.id))?;
        Ok(entries)
    }

    fn list_newest(
        &self,
        filter: &Filter,
        by: NewestBy,
        after: Option<ListCursor>,
        limit: usize,
    ) -> Result<NewestPage, Error> {
        let column = match by {
            NewestBy::Created => "entry.created_at",
            NewestBy::Updated => "entry.updated_at",
        };
        let compiled = filter.compile(self.now_ms(), self.reach, Led::ByFilter)?;
        let (condition, mut parameters) = (compiled.condition, compiled.parameters);
        let beyond = match after {
            Some(cursor) => {
                let [at_ms, row] = cursor.to_words();
                parameters
                    .extend([SqlValue::Integer(at_ms), SqlValue::Integer(self.reach.stored_after(row))]);
                format!(" AND ({column}, entry.id) < (?, ?)")
            }
            None => String::new(),
        };
        parameters.push(SqlValue::Integer(i64::try_from(limit).unwrap_or(i64::MAX)));
        let sql = format!(
            "SELECT {column}, entry.id FROM entry WHERE ({condition}){beyond}
             ORDER BY {column} DESC, entry.id DESC LIMIT ?"
        );
        let mut statement = self.connection.prepare_cached(&sql)?;
        let places = statement.query_map(params_from_iter(parameters), |row| {
            Ok(ListCursor::from_words([row.get(0)?, self.row(row.get(1)?)]))
        })?;
        let places: Vec<ListCursor> = places.collect::<Result<_, _>>()?;
        let mut page = NewestPage { next: places.last().copied(), ..NewestPage::default() };
        for place in places {
            match rows::by_row(&self.connection, self.reach, place.row()) {
                Ok(entry) => page.entries.extend(entry),
                Err(Error::UnreadableEntry { id, .. }) => page.unreadable.push(id),
                Err(error) => return Err(error),
            }
        }
        Ok(page)
    }

    fn ids_with_metadata(&self, key: &str, value: &Value) -> Result<Vec<EntryId>, Error> {
        let rows =
            self.matching(&Filter::new().any_status().include_expired().metadata(key, value.clone()))?;
        rows.iter()
            .filter_map(|&row| rows::by_row(&self.connection, self.reach, row).transpose())
            .map(|entry| Ok(entry?.id))
            .collect()
    }

    fn count(&self, filter: &Filter) -> Result<u64, Error> {
        let compiled = filter.compile(self.now_ms(), self.reach, Led::ByFilter)?;
        let sql = format!("SELECT count(*) FROM entry WHERE {}", compiled.condition);
        let mut statement = self.connection.prepare_cached(&sql)?;
        Ok(statement.query_row(params_from_iter(compiled.parameters), |row| row.get(0))?)
    }
}
