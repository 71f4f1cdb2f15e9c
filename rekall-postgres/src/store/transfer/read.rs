//! The rows of an export.

use std::collections::HashMap;

use rekall_core::engine::{entry_id, read_json};
use rekall_core::jsonl::{
    EntryLine, LinkLine, QuarantineLine, RecordReader, SectionLine, SpaceLine, UsageLine, VectorColumns,
    encode, stored_json,
};
use rekall_core::store::MatchEntries;
use rekall_core::{Context, EntryId, Error, Status};
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;
use serde_json::{Map, Value};
use tokio_postgres::Row;

use super::super::PostgresStore;
use super::super::scope::Scope;
use super::super::tx::{Tx, column};
use super::super::values::{int, ints, text};

/// Entries that are read together.
const AT_ONCE: i64 = 500;

/// How a value of another store's `meta` is kept here that was no text: as JSON, under a longer key.
pub(super) const JSON_KEY: &str = "legacy-json:";

/// Entries after an id, page by page.
fn entries(scope: Scope) -> String {
    let (of_scope, of_pending) = (scope.holds("entry.id"), scope.range("pending.entry_id"));
    format!("SELECT id, ulid, title, content, kind, project, tags, status, confidence, memory_type, context, metadata,
        legacy, created_at, updated_at,
        (SELECT newer.ulid FROM entry AS newer WHERE newer.id = entry.superseded_by),
        EXISTS (SELECT FROM pending WHERE pending.entry_id = entry.id AND {of_pending}), expires_at, valid_from, valid_to
    FROM entry WHERE ulid > $1 AND {of_scope} ORDER BY entry.ulid LIMIT $2")
}

const VECTORS: &str = "SELECT entry_id, space_id, role, chunk, start, \"end\", digest, vector FROM embedding
    WHERE entry_id = ANY ($1) ORDER BY space_id, role, chunk";

const LINKS: &str = "SELECT source_id, target.ulid, relation, reason, link.created_at
    FROM link JOIN entry AS target ON target.id = target_id WHERE source_id = ANY ($1) ORDER BY target.ulid, relation";

const QUARANTINE: &str = "SELECT entry_id, space_id, role, chunk, reason, vector, found_at FROM quarantine
    WHERE entry_id = ANY ($1) ORDER BY id";

const SECTIONS: &str = "SELECT entry_id, uri, number, path, line, section.digest, tags
    FROM section JOIN source ON source.id = source_id WHERE entry_id = ANY ($1)";

const USAGE: &str = "SELECT entry_id, last_used_at, uses FROM usage WHERE entry_id = ANY ($1)";

/// A memory, at one moment.
pub(super) struct Reader<'s> {
    tx: Tx<'s>,
    dimensions: HashMap<i64, usize>,
}

impl<'s> Reader<'s> {
    pub(super) fn begin(store: &'s PostgresStore) -> Result<Self, Error> {
        let tx = store.begin_read()?;
        let dimensions = spaces(&tx)?.into_iter().map(|space| (space.number, space.dimensions)).collect();
        Ok(Self { tx, dimensions })
    }
}

impl RecordReader for Reader<'_> {
    fn spaces(&self) -> Result<Vec<SpaceLine>, Error> {
        spaces(&self.tx)
    }

    fn origins(&self) -> Result<Vec<(String, Value)>, Error> {
        let own = self.tx.scope().key("");
        let (texts, others) = (format!("{own}legacy:%"), format!("{own}{JSON_KEY}%"));
        let sql = "SELECT key, value FROM meta WHERE key LIKE $1 OR key LIKE $2";
        let mut origins = Vec::new();
        for row in self.tx.query(sql, &[text(&texts), text(&others)])? {
            let (key, value): (&str, Option<&str>) = (column(&row, 0)?, column(&row, 1)?);
            let (key, value) = (&key[own.len()..], value.unwrap_or_default());
            origins.push(match key.strip_prefix(JSON_KEY) {
                Some(rest) => {
                    (format!("legacy:{rest}"), read_json(value).map_err(|error| damaged(key, &error))?)
                }
                None => (key.to_owned(), Value::from(value)),
            });
        }
        origins.sort_by(|a, b| a.0.cmp(&b.0));
        Ok(origins)
    }

    fn count(&self) -> Result<u64, Error> {
        self.tx.count_entries()
    }

    fn page(&self, after: Option<EntryId>, vectors: bool) -> Result<Vec<EntryLine>, Error> {
        let after = after.map(|id| id.to_string()).unwrap_or_default();
        let found = self.tx.query(&entries(self.tx.scope()), &[text(&after), int(&AT_ONCE)])?;
        let numbers = found.iter().map(|row| column(row, 0)).collect::<Result<Vec<i64>, _>>()?;
        let mut entries = found.iter().map(entry).collect::<Result<Vec<_>, _>>()?;
        let scope = self.tx.scope();
        let at: HashMap<i64, usize> = numbers.iter().enumerate().map(|(at, &number)| (number, at)).collect();
        let with_vectors = if vectors { numbers.as_slice() } else { &[] };
        let (with_vectors, all) = ([ints(&with_vectors)], [ints(&numbers)]);
        let hanging = [
            (QUARANTINE, with_vectors.as_slice()),
            (VECTORS, &with_vectors),
            (LINKS, &all),
            (SECTIONS, &all),
            (USAGE, &all),
        ];
        let mut hanging = self.tx.query_all(&hanging)?.into_iter();
        let mut each = |hang: &dyn Fn(&Row, &mut EntryLine) -> Result<(), Error>| {
            hanging.next().unwrap_or_default().iter().try_for_each(|row| {
                at.get(&column(row, 0)?).map_or(Ok(()), |&at| hang(row, &mut entries[at]))
            })
        };
        each(&|row, entry| {
            entry.quarantine.push(quarantined(row, scope)?);
            Ok(())
        })?;
        each(&|row, entry| {
            let space = scope.row(column(row, 1)?);
            let vector = VectorColumns {
                space,
                role: column(row, 2)?,
                chunk: column(row, 3)?,
                start: column(row, 4)?,
                end: column(row, 5)?,
                digest: column(row, 6)?,
                bytes: column(row, 7)?,
            };
            vector.hang(self.dimensions.get(&space).copied(), entry);
            Ok(())
        })?;
        each(&|row, entry| {
            entry.links.push(link(row)?);
            Ok(())
        })?;
        each(&|row, entry| {
            entry.source = Some(section(row)?);
            Ok(())
        })?;
        each(&|row, entry| {
            entry.usage = Some(UsageLine { last_used_at: column(row, 1)?, uses: column(row, 2)? });
            Ok(())
        })?;
        Ok(entries)
    }
}

fn spaces(tx: &Tx<'_>) -> Result<Vec<SpaceLine>, Error> {
    let sql = format!(
        "SELECT id, fingerprint, dimensions, state, created_at FROM space WHERE {} ORDER BY id",
        tx.scope().range("id")
    );
    let line = |row: &Row| {
        Ok(SpaceLine {
            number: tx.scope().row(column(row, 0)?),
            fingerprint: column(row, 1)?,
            dimensions: usize::try_from(column::<i64>(row, 2)?).unwrap_or_default(),
            state: column(row, 3)?,
            created_at: column(row, 4)?,
        })
    };
    tx.query(&sql, &[])?.iter().map(line).collect()
}

fn damaged(what: &str, error: &dyn std::fmt::Display) -> Error {
    Error::Corrupt { detail: format!("{what}: {error}") }
}

fn entry(row: &Row) -> Result<EntryLine, Error> {
    let id = entry_id(column(row, 1)?)?;
    let newer: Option<&str> = column(row, 15)?;
    let confidence: i64 = column(row, 8)?;
    Ok(EntryLine {
        id,
        title: column(row, 2)?,
        content: column(row, 3)?,
        kind: column(row, 4)?,
        project: column(row, 5)?,
        tags: json::<Vec<String>>(id, row, 6)?,
        status: if column::<&str>(row, 7)? == Status::Active.name() {
            Status::Active
        } else {
            Status::Obsolete
        },
        superseded_by: newer.map(entry_id).transpose()?,
        confidence: u8::try_from(confidence).map_err(|error| unreadable(id, "confidence", &error))?,
        memory_type: column(row, 9)?,
        context: optional_json::<Context>(id, row, 10)?,
        metadata: json::<Map<String, Value>>(id, row, 11)?,
        // The word null says no more than nothing.
        legacy: optional_json::<Value>(id, row, 12)?.filter(|legacy| legacy.get() != "null"),
        created_at: column(row, 13)?,
        updated_at: column(row, 14)?,
        pending: column(row, 16)?,
        expires_at: column(row, 17)?,
        valid_from: column(row, 18)?,
        valid_to: column(row, 19)?,
        source: None,
        usage: None,
        links: Vec::new(),
        vectors: Vec::new(),
        quarantine: Vec::new(),
    })
}

fn unreadable(id: EntryId, what: &str, error: &dyn std::fmt::Display) -> Error {
    Error::UnreadableEntry { id, detail: format!("{what}: {error}") }
}

/// The column's JSON, if it is what an import will accept.
fn json<T: DeserializeOwned>(id: EntryId, row: &Row, at: usize) -> Result<Box<RawValue>, Error> {
    stored_json::<T>(column(row, at)?).map_err(|error| unreadable(id, row.columns()[at].name(), &error))
}

fn optional_json<T: DeserializeOwned>(
    id: EntryId,
    row: &Row,
    at: usize,
) -> Result<Option<Box<RawValue>>, Error> {
    match column::<Option<&str>>(row, at)? {
        Some(_) => json::<T>(id, row, at).map(Some),
        None => Ok(None),
    }
}

fn link(row: &Row) -> Result<LinkLine, Error> {
    Ok(LinkLine {
        target: entry_id(column(row, 1)?)?,
        relation: column(row, 2)?,
        reason: column(row, 3)?,
        created_at: column(row, 4)?,
    })
}

fn quarantined(row: &Row, scope: Scope) -> Result<QuarantineLine, Error> {
    Ok(QuarantineLine {
        space: column::<Option<i64>>(row, 1)?.map(|space| scope.row(space)),
        role: column(row, 2)?,
        chunk: column(row, 3)?,
        reason: column(row, 4)?,
        vector: column::<Option<&[u8]>>(row, 5)?.map(encode),
        found_at: column(row, 6)?,
    })
}

/// What can be read of it: a place in a source is worth no failed export.
fn section(row: &Row) -> Result<SectionLine, Error> {
    let texts = |at| Ok::<Vec<String>, Error>(read_json(column(row, at)?).unwrap_or_default());
    Ok(SectionLine {
        uri: column(row, 1)?,
        // Which number one has that is gone from its source says nothing.
        number: column::<i64>(row, 2)?.max(-1),
        path: texts(3)?,
        line: column(row, 4)?,
        digest: encode(column(row, 5)?),
        tags: texts(6)?,
    })
}
