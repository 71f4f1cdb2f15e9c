//! Reading the tables that belong to entries.
//!
//! Every table is read as a whole and without its indexes, so that a damaged index can hide nothing. Entries
//! and vectors are then fetched one by one, by row number; what hangs on them (tags, keywords, links,
//! sources) is held in memory, some hundred bytes an entry.

use std::collections::{HashMap, HashSet};

use rusqlite::Connection;
use serde_json::{Map, Value};

use super::cell::{Fields, names, quoted};
use super::probe::Layout;
use super::time::{self, Written, Zone};
use crate::{EntryId, Error};

/// An entry to come, found in the first pass.
#[derive(Debug)]
pub(super) struct Planned {
    pub(super) rowid: i64,
    /// Its id in the legacy file; `None` when that is not text.
    pub(super) old_id: Option<String>,
    /// Its id here: the same, if that is a ULID.
    pub(super) id: EntryId,
}

/// A link as it stands in the file.
#[derive(Debug)]
pub(super) struct LegacyLink {
    pub(super) id: Option<String>,
    pub(super) source: String,
    pub(super) target: String,
    pub(super) relation: String,
    pub(super) reason: Option<String>,
    pub(super) created: Option<Written>,
    /// The whole row.
    pub(super) row: Map<String, Value>,
}

/// What hangs on entries, by the entry's old id.
#[derive(Debug, Default)]
pub(super) struct Attached {
    pub(super) tags: HashMap<String, Vec<String>>,
    pub(super) keywords: HashMap<String, Vec<String>>,
    pub(super) sources: HashMap<String, Vec<Value>>,
    /// In the order of the file.
    pub(super) links: Vec<LegacyLink>,
    /// Rows that hang on no entry, or cannot: table and row.
    pub(super) loose: Vec<(&'static str, Value)>,
}

/// Tables that `Attached`, the entries and the vectors come from; all others are carried as they are.
pub(super) const KNOWN_TABLES: [&str; 6] =
    ["entries", "tags", "context_keywords", "entry_sources", "links", "embeddings"];

/// Passes every row of one of [`KNOWN_TABLES`], with its row number, if the table is there.
pub(super) fn each_known_row(
    connection: &Connection,
    layout: &Layout,
    table: &str,
    mut each: impl FnMut(i64, Fields) -> Result<(), Error>,
) -> Result<(), Error> {
    if !layout.has(table) {
        return Ok(());
    }
    let sql = format!("SELECT rowid, * FROM {} NOT INDEXED ORDER BY rowid", quoted(table));
    let mut statement = connection.prepare(&sql)?;
    let names = names(&statement);
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        each(row.get(0)?, Fields::read(row, &names, 1)?)?;
    }
    Ok(())
}

/// Passes every row of any table, which may have no row numbers; gives their count.
pub(super) fn each_row(
    connection: &Connection,
    table: &str,
    mut each: impl FnMut(Fields) -> Result<(), Error>,
) -> Result<u64, Error> {
    let mut statement = connection.prepare(&format!("SELECT * FROM {} NOT INDEXED", quoted(table)))?;
    let names = names(&statement);
    let mut rows = statement.query([])?;
    let mut count = 0;
    while let Some(row) = rows.next()? {
        each(Fields::read(row, &names, 0)?)?;
        count += 1;
    }
    Ok(count)
}

/// The entries in the order of their ids here, and all that ids tell about time.
pub(super) fn plan(connection: &Connection, zone: &mut Zone) -> Result<Vec<Planned>, Error> {
    let mut statement =
        connection.prepare("SELECT rowid, id, created_at FROM entries NOT INDEXED ORDER BY rowid")?;
    let mut rows = statement.query([])?;
    let mut given = Vec::new();
    while let Some(row) = rows.next()? {
        let text = |column| Ok::<_, rusqlite::Error>(super::cell::Cell::of(row.get_ref(column)?));
        let old_id = text(1)?.text().map(str::to_owned);
        let created = text(2)?.text().and_then(time::parse);
        if let Some(id) = &old_id {
            zone.learn(id, created);
        }
        given.push((row.get::<_, i64>(0)?, old_id, created));
    }
    // One id may stand there twice, in capitals and in small letters: the canonical spelling comes first.
    let canonical =
        |id: &Option<String>| id.as_ref().is_some_and(|id| !id.bytes().any(|byte| byte.is_ascii_lowercase()));
    given.sort_by_key(|(_, old_id, _)| !canonical(old_id));
    let mut used = HashSet::with_capacity(given.len());
    let mut planned = Vec::with_capacity(given.len());
    let mut nameless = Vec::new();
    for (rowid, old_id, created) in given {
        match old_id.as_deref().and_then(EntryId::in_any_case) {
            Some(id) if used.insert(id) => planned.push(Planned { rowid, old_id, id }),
            _ => nameless.push((rowid, old_id, created)),
        }
    }
    for (rowid, old_id, created) in nameless {
        let name = old_id.clone().unwrap_or_else(|| format!("row {rowid}"));
        let id = derived_id(&name, created, &mut used);
        planned.push(Planned { rowid, old_id, id });
    }
    planned.sort_unstable_by_key(|planned| planned.id);
    Ok(planned)
}

/// An id for an entry whose own is no ULID, or one that another entry has, spelt otherwise. It follows from
/// what the file says, so that a second import knows the entry again.
fn derived_id(name: &str, created: Option<Written>, used: &mut HashSet<EntryId>) -> EntryId {
    let ms = created.and_then(|written| u64::try_from(written.micros / 1000).ok()).unwrap_or(0);
    let mut salt = 0_u32;
    loop {
        let hash = blake3::hash(format!("{name}\0{salt}").as_bytes());
        let mut low = [0; 16];
        low[6..].copy_from_slice(&hash.as_bytes()[..10]);
        let made = ulid::Ulid::from_parts(ms, u128::from_be_bytes(low)).to_string();
        if let Ok(id) = made.parse()
            && used.insert(id)
        {
            return id;
        }
        salt += 1;
    }
}

/// Reads what hangs on the entries `known`, by old id.
pub(super) fn attached(
    connection: &Connection,
    layout: &Layout,
    known: &HashMap<&str, usize>,
    zone: &mut Zone,
) -> Result<Attached, Error> {
    let mut attached = Attached::default();
    for table in ["tags", "context_keywords"] {
        let column = if table == "tags" { "tag" } else { "keyword" };
        each_known_row(connection, layout, table, |_, fields| {
            let whole = fields.clone();
            let (mut fields, mut odd) = (fields, Map::new());
            let entry = fields.take_text("entry_id", &mut odd);
            let word = fields.take_text(column, &mut odd);
            // A row with more to it than these two texts is carried as it is, besides.
            if !odd.is_empty() || fields.rest().next().is_some() {
                attached.loose.push((table, whole.clone().into_json()));
            }
            match (entry, word) {
                (Some(entry), Some(word)) if known.contains_key(entry.as_str()) => {
                    let words = if table == "tags" { &mut attached.tags } else { &mut attached.keywords };
                    words.entry(entry).or_default().push(word);
                }
                _ => attached.loose.push((table, whole.into_json())),
            }
            Ok(())
        })?;
    }
    for words in attached.tags.values_mut().chain(attached.keywords.values_mut()) {
        words.sort_unstable();
        words.dedup();
    }
    each_known_row(connection, layout, "entry_sources", |_, mut fields| {
        match fields.take_text("entry_id", &mut Map::new()) {
            Some(entry) if known.contains_key(entry.as_str()) => {
                attached.sources.entry(entry).or_default().push(fields.into_json());
            }
            entry => attached.loose.push(("entry_sources", with_entry(fields, entry))),
        }
        Ok(())
    })?;
    each_known_row(connection, layout, "links", |_, fields| {
        let row: Map<String, Value> = fields.clone().rest().collect();
        let (mut fields, mut odd) = (fields, Map::new());
        let mut text = |column| fields.take_text(column, &mut odd);
        let (id, reason) = (text("id"), text("reason"));
        let created = text("created_at").as_deref().and_then(time::parse);
        match (text("source_id"), text("target_id"), text("relation_type")) {
            (Some(source), Some(target), Some(relation))
                if source != target
                    && known.contains_key(source.as_str())
                    && known.contains_key(target.as_str()) =>
            {
                if let Some(id) = &id {
                    zone.learn(id, created);
                }
                attached.links.push(LegacyLink { id, source, target, relation, reason, created, row });
            }
            _ => attached.loose.push(("links", Value::Object(row))),
        }
        Ok(())
    })?;
    Ok(attached)
}

pub(super) fn with_entry(fields: Fields, entry: Option<String>) -> Value {
    let mut row: Map<String, Value> = fields.rest().collect();
    if let Some(entry) = entry {
        row.insert("entry_id".to_owned(), Value::String(entry));
    }
    Value::Object(row)
}

/// Fetches whole entries.
pub(super) struct Entries<'c> {
    statement: rusqlite::Statement<'c>,
    names: Vec<String>,
}

impl<'c> Entries<'c> {
    pub(super) fn new(connection: &'c Connection) -> Result<Self, Error> {
        let statement = connection.prepare("SELECT * FROM entries NOT INDEXED WHERE rowid = ?1")?;
        let names = names(&statement);
        Ok(Self { statement, names })
    }

    pub(super) fn fetch(&mut self, rowid: i64) -> Result<Fields, Error> {
        let names = &self.names;
        Ok(self.statement.query_row([rowid], |row| Fields::read(row, names, 0))?)
    }
}
