//! The rows of an import.

use std::collections::{BTreeSet, HashMap};

use rekall_core::engine::entry_id;
use rekall_core::jsonl::{Record, RecordWriter, Reference, SpaceLine, invalid_line};
use rekall_core::store::ReadSpaces;
use rekall_core::{EntryId, Error, Space, SpaceId, SpaceState, Store};
use serde_json::Value;

use super::super::PostgresStore;
use super::super::entries::{Columns, insert, update};
use super::super::scope::{Numbering, Scope};
use super::super::tx::{Tx, column};
use super::super::values::{byte_lists, int, ints, limit, text, texts};
use super::super::vectors::NewRows;
use super::read::JSON_KEY;

/// Tables whose rows hang on an entry, by their column for it; links lead from it.
const HANGING: [(&str, &str); 7] = [
    ("embedding", "entry_id"),
    ("quarantine", "entry_id"),
    ("pending", "entry_id"),
    ("wordless", "entry_id"),
    ("section", "entry_id"),
    ("usage", "entry_id"),
    ("link", "source_id"),
];

/// A transaction that an import is written in.
pub(super) struct Writer<'s> {
    tx: Tx<'s>,
}

impl<'s> Writer<'s> {
    pub(super) fn begin(store: &'s PostgresStore) -> Result<Self, Error> {
        Ok(Self { tx: store.begin_write()? })
    }

    pub(super) fn finish(self) -> Result<(), Error> {
        self.tx.finish()
    }

    fn scope(&self) -> Scope {
        self.tx.scope()
    }

    /// Writes the entries themselves; gives their row numbers, in the order of the records.
    fn put_entries(&self, records: &[Record]) -> Result<Vec<i64>, Error> {
        let mut new = Columns::default();
        for record in records {
            match record.replaces {
                None => new.push_line(&record.entry),
                Some(_) => {
                    let mut columns = Columns::default();
                    columns.push_line(&record.entry);
                    columns.with_first(|values| self.tx.execute(&update(self.scope()), values))?;
                }
            }
        }
        let inserted = new.with_all(|values| self.tx.returning(&insert(self.scope()), values))?;
        let inserted = inserted
            .iter()
            .map(|row| Ok((column(row, 0)?, self.scope().row(column(row, 1)?))))
            .collect::<Result<HashMap<&str, i64>, Error>>()?;
        let row = |record: &Record| match record.replaces {
            Some(row) => Ok(row),
            None => {
                let id = record.entry.id;
                inserted.get(id.to_string().as_str()).copied().ok_or(Error::DuplicateId { id })
            }
        };
        records.iter().map(row).collect()
    }

    /// Lets no entry keep what it had.
    fn clear(&self, records: &[Record]) -> Result<(), Error> {
        let replaced: Vec<i64> = records.iter().filter_map(|record| record.replaces).collect();
        if replaced.is_empty() {
            return Ok(());
        }
        let replaced = self.scope().stored_all(&replaced);
        for (table, name) in HANGING {
            self.tx.execute(&format!("DELETE FROM {table} WHERE {name} = ANY ($1)"), &[ints(&replaced)])?;
        }
        Ok(())
    }

    fn put_pending(&self, rows: &[i64], records: &[Record]) -> Result<(), Error> {
        let of = |pending| {
            let chosen = rows.iter().zip(records).filter(move |(_, record)| record.pending == pending);
            chosen.map(|(&row, _)| self.scope().stored(row)).collect::<Vec<i64>>()
        };
        self.tx.execute("DELETE FROM pending WHERE entry_id = ANY ($1)", &[ints(&of(false))])?;
        let sql = "INSERT INTO pending SELECT unnest($1::bigint[]) ON CONFLICT DO NOTHING";
        self.tx.execute(sql, &[ints(&of(true))]).map(drop)
    }

    fn put_quarantine(&self, rows: &[i64], records: &[Record]) -> Result<(), Error> {
        let asides: Vec<_> = rows
            .iter()
            .zip(records)
            .flat_map(|(row, r)| r.quarantine.iter().map(move |q| (*row, q)))
            .collect();
        if asides.is_empty() {
            return Ok(());
        }
        let sql = "INSERT INTO quarantine (entry_id, space_id, role, chunk, reason, vector, found_at)
            SELECT entry_id, space_id, role, chunk, reason, vector, found_at
            FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[], $5::text[], $6::bytea[], $7::bigint[])
                WITH ORDINALITY AS new (entry_id, space_id, role, chunk, reason, vector, found_at, number)
            ORDER BY number";
        let entries: Vec<i64> = asides.iter().map(|(row, _)| self.scope().stored(*row)).collect();
        let spaces: Vec<Option<i64>> =
            asides.iter().map(|(_, (line, _))| line.space.map(|space| self.scope().stored(space))).collect();
        let numbers = |of: fn(&rekall_core::jsonl::QuarantineLine) -> Option<i64>| {
            asides.iter().map(|(_, (line, _))| of(line)).collect::<Vec<Option<i64>>>()
        };
        let reasons: Vec<&str> = asides.iter().map(|(_, (line, _))| line.reason.as_str()).collect();
        let vectors: Vec<Option<&[u8]>> = asides.iter().map(|(_, (_, bytes))| bytes.as_deref()).collect();
        let found_at: Vec<i64> = asides.iter().map(|(_, (line, _))| line.found_at).collect();
        self.tx
            .execute(
                sql,
                &[
                    ints(&entries),
                    ints(&spaces),
                    ints(&numbers(|line| line.role)),
                    ints(&numbers(|line| line.chunk)),
                    texts(&reasons),
                    byte_lists(&vectors),
                    ints(&found_at),
                ],
            )
            .map(drop)
    }

    /// Where another entry has a place, both stay, and the imported one comes from nowhere.
    fn put_sections(&self, rows: &[i64], records: &[Record]) -> Result<(), Error> {
        let placed: Vec<_> = rows
            .iter()
            .zip(records)
            .filter_map(|(row, record)| Some((*row, record.entry.source.as_ref()?, &record.section_digest)))
            .collect();
        if placed.is_empty() {
            return Ok(());
        }
        // Without a stamp: the source is to be read, and compared with what came.
        let uris: BTreeSet<&str> = placed.iter().map(|(_, section, _)| section.uri.as_str()).collect();
        let uris: Vec<&str> = uris.into_iter().collect();
        let Numbering { with, column, overriding, value, from } =
            self.scope().numbering("sources", "cardinality($1)", "number");
        let sql = format!(
            "{with}INSERT INTO source ({column}uri, synced_at)
            {overriding}SELECT {value}uri, $2 FROM {from}unnest($1::text[]) WITH ORDINALITY AS new (uri, number)
            ON CONFLICT {} DO UPDATE SET stamp = NULL",
            self.scope().unique("uri")
        );
        self.tx.execute(&sql, &[texts(&uris), int(&self.tx.now_ms())])?;
        let sql = format!(
            "INSERT INTO section (entry_id, source_id, number, path, line, digest, tags)
            SELECT entry_id, source.id, number, path, line, new.digest, tags
            FROM unnest($1::bigint[], $2::text[], $3::bigint[], $4::text[], $5::bigint[], $6::bytea[], $7::text[])
                WITH ORDINALITY AS new (entry_id, uri, number, path, line, digest, tags, place)
            JOIN source ON source.uri = new.uri AND {} ORDER BY place
            ON CONFLICT DO NOTHING",
            self.scope().holds("source.id")
        );
        let list = |texts: &[String]| serde_json::json!(texts).to_string();
        let entries: Vec<i64> = placed.iter().map(|(row, ..)| self.scope().stored(*row)).collect();
        let uris: Vec<&str> = placed.iter().map(|(_, section, _)| section.uri.as_str()).collect();
        let number = |(row, section, _): &(i64, &rekall_core::jsonl::SectionLine, _)| {
            if section.number < 0 { -1 - row } else { section.number }
        };
        let numbers: Vec<i64> = placed.iter().map(number).collect();
        let paths: Vec<String> = placed.iter().map(|(_, section, _)| list(&section.path)).collect();
        let lines: Vec<Option<i64>> = placed.iter().map(|(_, section, _)| section.line).collect();
        let digests: Vec<&[u8]> = placed.iter().map(|(.., digest)| digest.as_slice()).collect();
        let tags: Vec<String> = placed.iter().map(|(_, section, _)| list(&section.tags)).collect();
        self.tx
            .execute(
                &sql,
                &[
                    ints(&entries),
                    texts(&uris),
                    ints(&numbers),
                    texts(&paths),
                    ints(&lines),
                    byte_lists(&digests),
                    texts(&tags),
                ],
            )
            .map(drop)
    }

    fn put_usage(&self, rows: &[i64], records: &[Record]) -> Result<(), Error> {
        let used =
            rows.iter().zip(records).filter_map(|(row, record)| Some((*row, record.entry.usage.as_ref()?)));
        let used: Vec<[i64; 3]> =
            used.map(|(row, usage)| [self.scope().stored(row), usage.last_used_at, usage.uses]).collect();
        let [entries, times, uses] = [0, 1, 2].map(|at| used.iter().map(|row| row[at]).collect::<Vec<i64>>());
        let sql = "INSERT INTO usage (entry_id, last_used_at, uses)
            SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::bigint[])";
        self.tx.execute(sql, &[ints(&entries), ints(&times), ints(&uses)]).map(drop)
    }
}

impl Writer<'_> {
    /// The number of a new space.
    fn next_space(&self) -> Result<i64, Error> {
        let scope = self.scope().number();
        let rows = match scope {
            0 => self.tx.returning("SELECT nextval(pg_get_serial_sequence('space', 'id'))", &[])?,
            _ => {
                let sql = "UPDATE scope SET spaces = spaces + 1 WHERE number = $1 RETURNING spaces";
                self.tx.returning(sql, &[int(&scope)])?
            }
        };
        rows.first().map(|row| column(row, 0)).transpose().map(Option::unwrap_or_default)
    }

    /// Numbers go on from where they are: what is given next must not be one that was given here.
    fn give_no_space_up_to(&self, number: i64) -> Result<(), Error> {
        let scope = self.scope().number();
        if scope != 0 {
            let sql = "UPDATE scope SET spaces = greatest(spaces, $2) WHERE number = $1";
            return self.tx.execute(sql, &[int(&scope), int(&number)]).map(drop);
        }
        let sql = "SELECT setval(pg_get_serial_sequence('space', 'id'),
            greatest($1, nextval(pg_get_serial_sequence('space', 'id')) - 1))";
        self.tx.returning(sql, &[int(&number)]).map(drop)
    }
}

impl RecordWriter for Writer<'_> {
    fn now_ms(&self) -> i64 {
        self.tx.now_ms()
    }

    fn next_id(&mut self) -> Result<EntryId, Error> {
        self.tx.store.new_id()
    }

    fn spaces(&mut self) -> Result<Vec<Space>, Error> {
        self.tx.spaces()
    }

    fn add_space(
        &mut self,
        number: Option<i64>,
        line: &SpaceLine,
        state: SpaceState,
    ) -> Result<Space, Error> {
        let number = match number {
            Some(number) => number,
            None => self.next_space()?,
        };
        let sql = "INSERT INTO space (id, fingerprint, dimensions, state, created_at) OVERRIDING SYSTEM VALUE
            VALUES ($1, $2, $3, $4, $5)";
        let (dimensions, state) = (limit(line.dimensions), state.name());
        let stored = self.scope().stored(number);
        let values =
            [int(&stored), text(&line.fingerprint), int(&dimensions), text(&state), int(&line.created_at)];
        self.tx.execute(sql, &values)?;
        self.give_no_space_up_to(number)?;
        self.tx.space(SpaceId(number))
    }

    fn put_origin(&mut self, key: &str, value: &Value) -> Result<bool, Error> {
        let rest = key.strip_prefix("legacy:").unwrap_or(key);
        let (key, value) = match value {
            Value::String(text) => (key.to_owned(), text.clone()),
            other => (format!("{JSON_KEY}{rest}"), other.to_string()),
        };
        if key.contains('\0') || value.contains('\0') {
            return Ok(false);
        }
        let key = self.scope().key(&key);
        let sql = "INSERT INTO meta (key, value) VALUES ($1, $2) ON CONFLICT DO NOTHING";
        self.tx.execute(sql, &[text(&key), text(&value)])?;
        Ok(true)
    }

    fn rows_of(&mut self, ids: &[EntryId]) -> Result<HashMap<EntryId, i64>, Error> {
        let ulids: Vec<String> = ids.iter().map(EntryId::to_string).collect();
        let scope = self.scope();
        let sql = format!("SELECT ulid, id FROM entry WHERE ulid = ANY ($1) AND {}", scope.holds("id"));
        let found = self.tx.query(&sql, &[texts(&ulids)])?;
        found.iter().map(|row| Ok((entry_id(column(row, 0)?)?, scope.row(column(row, 1)?)))).collect()
    }

    fn write(&mut self, records: &[Record]) -> Result<(), Error> {
        let rows = self.put_entries(records)?;
        self.clear(records)?;
        let mut vectors = NewRows::default();
        for (row, record) in rows.iter().zip(records) {
            for vector in &record.vectors {
                vectors.add_stored(self.scope(), *row, vector);
            }
        }
        vectors.insert(&self.tx)?;
        self.put_pending(&rows, records)?;
        self.put_quarantine(&rows, records)?;
        self.put_sections(&rows, records)?;
        self.put_usage(&rows, records)
    }

    fn refer(&mut self, references: &[Reference]) -> Result<(), Error> {
        let targets: Vec<EntryId> = references.iter().map(|reference| reference.target).collect();
        let sources: Vec<EntryId> = references.iter().map(|reference| reference.source).collect();
        let scope = self.scope();
        let (targets, sources) = (self.rows_of(&targets)?, self.rows_of(&sources)?);
        // The last of several that are the same: a statement writes a row once.
        let mut links = HashMap::new();
        let (mut older, mut newer) = (Vec::new(), Vec::new());
        for Reference { line, source, target, link } in references {
            let (Some(&from), Some(&to)) = (sources.get(source), targets.get(target)) else {
                return Err(invalid_line(*line, "a reference to an entry that is there", target.to_string()));
            };
            let (from, to) = (scope.stored(from), scope.stored(to));
            match link {
                Some(link) => drop(links.insert((from, to, link.relation.as_str()), link)),
                None => {
                    older.push(from);
                    newer.push(to);
                }
            }
        }
        let sql = "INSERT INTO link (source_id, target_id, relation, reason, created_at)
            SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::text[], $4::text[], $5::bigint[])
            ON CONFLICT (source_id, target_id, relation)
                DO UPDATE SET reason = excluded.reason, created_at = excluded.created_at";
        let links: Vec<_> = links.into_iter().collect();
        let from: Vec<i64> = links.iter().map(|((from, ..), _)| *from).collect();
        let to: Vec<i64> = links.iter().map(|((_, to, _), _)| *to).collect();
        let relations: Vec<&str> = links.iter().map(|((.., relation), _)| *relation).collect();
        let reasons: Vec<Option<&str>> = links.iter().map(|(_, link)| link.reason.as_deref()).collect();
        let times: Vec<i64> = links.iter().map(|(_, link)| link.created_at).collect();
        self.tx.execute(sql, &[ints(&from), ints(&to), texts(&relations), texts(&reasons), ints(&times)])?;
        let sql = "UPDATE entry SET superseded_by = pair.newer
            FROM unnest($1::bigint[], $2::bigint[]) AS pair (older, newer) WHERE entry.id = pair.older";
        self.tx.execute(sql, &[ints(&older), ints(&newer)]).map(drop)
    }
}
