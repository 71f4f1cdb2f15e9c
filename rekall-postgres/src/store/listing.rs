//! Entries page by page, without a search.

use rekall_core::store::{ListEntries, MatchEntries, ReadEntries};
use rekall_core::{Entry, EntryId, Error, Filter, ListCursor, NewestBy, NewestPage};
use serde_json::Value;

use super::ENGINE;
use super::rows;
use super::tx::{Tx, column};
use super::values::{limit, text};

impl ListEntries for Tx<'_> {
    fn list(&self, filter: &Filter, after: Option<EntryId>, count: usize) -> Result<Vec<Entry>, Error> {
        let mut condition = self.condition(filter)?;
        let count = condition.number(limit(count));
        let mut values = condition.values();
        // Ids are text, and every text is greater than none.
        let after = after.map_or_else(String::new, |id| id.to_string());
        values.push(text(&after));
        let sql = format!(
            "{} WHERE {} AND entry.ulid > ${} ORDER BY entry.ulid LIMIT {count}",
            rows::entries(self.scope()),
            condition.sql,
            values.len()
        );
        let mut found = Vec::new();
        for row in self.query(&sql, &values)? {
            match rows::entry(&row, self.scope()) {
                Ok((_, entry)) => found.push(entry),
                // The next page begins with it and reports it.
                Err(Error::UnreadableEntry { .. }) if !found.is_empty() => break,
                Err(error) => return Err(error),
            }
        }
        Ok(found)
    }

    fn list_newest(
        &self,
        filter: &Filter,
        by: NewestBy,
        after: Option<ListCursor>,
        count: usize,
    ) -> Result<NewestPage, Error> {
        let time = match by {
            NewestBy::Created => "entry.created_at",
            NewestBy::Updated => "entry.updated_at",
            _ => return Err(Error::Unsupported { capability: "lists in this order", engine: ENGINE }),
        };
        let mut condition = self.condition(filter)?;
        let beyond = after.map(ListCursor::to_words).map_or_else(String::new, |[at_ms, row]| {
            let row = self.scope().stored_after(row);
            let (at_ms, row) = (condition.number(at_ms), condition.number(row));
            format!(" AND ({time}, entry.id) < ({at_ms}, {row})")
        });
        let count = condition.number(limit(count));
        let sql = format!(
            "SELECT {time}, entry.id, entry.ulid FROM entry WHERE {}{beyond}
             ORDER BY {time} DESC, entry.id DESC LIMIT {count}",
            condition.sql
        );
        let places = self.query(&sql, &condition.values())?;
        let mut page = NewestPage::default();
        let mut wanted = Vec::with_capacity(places.len());
        for place in &places {
            let row = self.scope().row(column(place, 1)?);
            page.next = Some(ListCursor::from_words([column(place, 0)?, row]));
            wanted.push(row);
        }
        for (_, entry) in self.readable_entries(&wanted)? {
            match entry {
                Ok(entry) => page.entries.push(entry),
                Err(Error::UnreadableEntry { id, .. }) => page.unreadable.push(id),
                Err(error) => return Err(error),
            }
        }
        Ok(page)
    }

    fn ids_with_metadata(&self, key: &str, value: &Value) -> Result<Vec<EntryId>, Error> {
        let filter = Filter::new().any_status().include_expired().metadata(key, value.clone());
        let rows = self.matching(&filter)?;
        Ok(self.entries(&rows)?.into_iter().map(|(_, entry)| entry.id).collect())
    }

    fn count(&self, filter: &Filter) -> Result<u64, Error> {
        let condition = self.condition(filter)?;
        let sql = format!("SELECT count(*) FROM entry WHERE {}", condition.sql);
        Ok(self.number(&sql, &condition.values())?.unsigned_abs())
    }
}
