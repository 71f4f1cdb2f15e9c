//! Vectors: written with their entry, read in batches.

use std::collections::hash_map::Entry::Vacant;
use std::collections::{HashMap, HashSet};
use std::ops::ControlFlow;

use rekall_core::engine::{check_vector, spread_over, vector_bytes};
use rekall_core::jsonl::RecordVector;
use rekall_core::store::{ReadSpaces, ReadVectors, WritePending, WriteVectors};
use rekall_core::{
    Draft, Error, Inserted, NewVector, Role, Space, SpaceId, StoredVector, TextDigest, VectorBatch, VectorKey,
};
use tokio_postgres::Row;

use super::scope::Scope;
use super::tx::{Tx, column};
use super::values::{byte_lists, int, ints, limit};
use crate::client::Value;

/// Entries whose vectors are read with one statement.
pub(super) const AT_ONCE: usize = 4_096;

/// Keys are looked up by lists of their parts where these name at most so many times as many places: what lies at the others is read in vain.
const MOST_PLACES: usize = 4;

/// Bytes of vectors that are written with one statement.
const BYTES_AT_ONCE: usize = 8 << 20;

/// The vectors of some entries, for [`read_of_entries`], which needs [`those_there`] beside it: for one statement that looks for the entry of
/// each vector, the server may choose to look through all entries for each, by what it last knew of a table that has grown since.
pub(super) const OF_ENTRIES: &str = "SELECT entry_id, role, chunk, vector FROM embedding
    WHERE entry_id = ANY ($1) AND space_id = $2 ORDER BY entry_id, role, chunk";

/// The columns that [`read_at`] reads, the fourth of a row, and those that [`spans_in`] does, alone and beside it.
pub(super) const VECTOR: &str = "vector";
pub(super) const SPAN: &str = "start, \"end\"";
pub(super) const VECTOR_AND_SPAN: &str = "vector, start, \"end\"";

/// What a statement asks for: vectors by their keys, with entries, roles, chunks and the space as values.
pub(super) struct AtKeys {
    pub(super) sql: String,
    lists: [Vec<i64>; 3],
    space: i64,
}

impl AtKeys {
    /// Of a few keys lists of their parts are looked up, which takes the server half the time to plan. What has the parts of several
    /// keys is found with them, and left out by who reads.
    pub(super) fn new(scope: Scope, space: SpaceId, keys: &[VectorKey], columns: &str) -> Self {
        let (lists, space) = (scope.stored_keys(keys), scope.stored_space(space));
        let mut parts = lists.clone();
        for list in &mut parts {
            list.sort_unstable();
            list.dedup();
        }
        if parts.iter().map(Vec::len).product::<usize>() <= MOST_PLACES * keys.len() {
            let sql = format!(
                "SELECT entry_id, role, chunk, {columns} FROM embedding
                WHERE entry_id = ANY ($1) AND space_id = $4 AND role = ANY ($2) AND chunk = ANY ($3)"
            );
            return Self { sql, lists: parts, space };
        }
        let sql = format!(
            "SELECT entry_id, role, chunk, {columns}
            FROM unnest($1::bigint[], $2::bigint[], $3::bigint[]) AS key (entry_id, role, chunk)
            JOIN embedding USING (entry_id, role, chunk) WHERE space_id = $4"
        );
        Self { sql, lists, space }
    }

    pub(super) fn values(&self) -> [Value<'_>; 4] {
        let [entries, roles, chunks] = &self.lists;
        [ints(entries), ints(roles), ints(chunks), int(&self.space)]
    }
}

/// Asks which of some entries are there.
pub(super) fn those_there(scope: Scope) -> String {
    format!("SELECT id FROM entry WHERE id = ANY ($1) AND {}", scope.range("id"))
}

impl ReadVectors for Tx<'_> {
    fn each_vectors(
        &self,
        space: &Space,
        batch_rows: usize,
        each: &mut dyn FnMut(&VectorBatch) -> ControlFlow<()>,
    ) -> Result<(), Error> {
        let scope = self.scope();
        let sql = format!(
            "SELECT entry_id, role, chunk, vector, entry.id IS NOT NULL
            FROM embedding LEFT JOIN entry ON entry.id = entry_id AND {} WHERE space_id = $1 AND {}",
            scope.range("entry.id"),
            scope.range("entry_id")
        );
        let mut batch = VectorBatch::new(space.dimensions);
        batch.rows.reserve(batch_rows.saturating_mul(space.dimensions));
        let mut broken = false;
        self.for_each(&sql, &[int(&scope.stored_space(space.id))], |row| {
            read_into(row, scope, row.try_get(4)?, &mut batch)?;
            if batch.keys.len() >= batch_rows && !broken {
                broken = each(&batch).is_break();
                batch.keys.clear();
                batch.rows.clear();
                batch.unusable.clear();
            }
            Ok(())
        })?;
        let is_empty = batch.keys.is_empty() && batch.unusable.is_empty();
        if !broken && !is_empty {
            let _ = each(&batch);
        }
        Ok(())
    }

    fn vectors_of(&self, space: &Space, entries: &[i64]) -> Result<VectorBatch, Error> {
        let (mut batch, scope) = (VectorBatch::new(space.dimensions), self.scope());
        let those_there = those_there(scope);
        for entries in entries.chunks(AT_ONCE) {
            let entries = scope.stored_all(entries);
            let space = scope.stored_space(space.id);
            let (of_space, all) = ([ints(&entries), int(&space)], [ints(&entries)]);
            let statements = [(OF_ENTRIES, of_space.as_slice()), (&*those_there, all.as_slice())];
            if let [vectors, those_there] = self.query_all(&statements)?.as_slice() {
                read_of_entries(&entries, vectors, those_there, scope, &mut batch)?;
            }
        }
        Ok(batch)
    }

    fn sample_of_entries(&self, space: SpaceId, role: Role, most: usize) -> Result<Vec<i64>, Error> {
        let (scope, of_scope) = (self.scope(), self.scope().range("entry_id"));
        let sql = format!("SELECT min(entry_id), max(entry_id) FROM embedding WHERE {of_scope}");
        let range = self.query_one(&sql, &[])?;
        let (Some(first), Some(last)) = (column(&range, 0)?, column(&range, 1)?) else {
            return Ok(Vec::new());
        };
        let places: Vec<i64> = spread_over(first, last, most).collect();
        let sql = format!(
            "SELECT found.entry_id FROM unnest($1::bigint[]) WITH ORDINALITY AS place (at, number),
            LATERAL (SELECT entry_id FROM embedding WHERE entry_id >= place.at AND space_id = $2 AND role = $3
                AND {of_scope} ORDER BY entry_id LIMIT 1) AS found
            ORDER BY number"
        );
        let (space, role) = (scope.stored_space(space), i64::from(role.number()));
        let found = self.query(&sql, &[ints(&places), int(&space), int(&role)])?;
        let mut seen = HashSet::new();
        Ok(self.rows_in(&found)?.into_iter().filter(|&row| seen.insert(row)).collect())
    }

    fn entries_of_several_passages(&self, space: SpaceId, role: Role) -> Result<Vec<i64>, Error> {
        let sql = format!(
            "SELECT DISTINCT entry_id FROM embedding WHERE space_id = $1 AND role = $2 AND chunk > 0 AND {}
            ORDER BY entry_id",
            self.scope().range("entry_id")
        );
        let space = self.scope().stored_space(space);
        self.rows_in(&self.query(&sql, &[int(&space), int(&i64::from(role.number()))])?)
    }

    fn vectors_at(&self, space: &Space, keys: &[VectorKey]) -> Result<VectorBatch, Error> {
        let mut batch = VectorBatch::new(space.dimensions);
        for keys in keys.chunks(AT_ONCE) {
            let asked = AtKeys::new(self.scope(), space.id, keys, VECTOR);
            read_at(keys, &self.query(&asked.sql, &asked.values())?, self.scope(), &mut batch)?;
        }
        Ok(batch)
    }

    fn stored_vectors(&self, entry: i64) -> Result<Vec<StoredVector>, Error> {
        let sql = "SELECT space_id, entry_id, role, chunk, start, \"end\", digest FROM embedding
            WHERE entry_id = $1 ORDER BY space_id, role, chunk";
        let number = |row, at| Ok::<i64, Error>(self.scope().row(column(row, at)?));
        let stored = |row| {
            Ok(StoredVector {
                space: SpaceId(number(row, 0)?),
                key: VectorKey { entry: number(row, 1)?, role: small(row, 2)?, chunk: small(row, 3)? },
                start: small(row, 4)?,
                end: small(row, 5)?,
                digest: TextDigest::from_stored(column(row, 6)?),
            })
        };
        self.query(sql, &[int(&self.scope().stored(entry))])?.iter().map(stored).collect()
    }

    fn spans(&self, space: SpaceId, keys: &[VectorKey]) -> Result<Vec<Option<(u32, u32)>>, Error> {
        let mut spans = Vec::with_capacity(keys.len());
        for keys in keys.chunks(AT_ONCE) {
            let asked = AtKeys::new(self.scope(), space, keys, SPAN);
            let rows = self.query(&asked.sql, &asked.values())?;
            spans.extend(spans_in(keys, &rows, 3, self.scope())?);
        }
        Ok(spans)
    }

    fn count_vectors(&self, space: SpaceId) -> Result<u64, Error> {
        let of_scope = self.scope().range("entry_id");
        let sql = format!("SELECT count(*) FROM embedding WHERE space_id = $1 AND {of_scope}");
        Ok(self.number(&sql, &[int(&self.scope().stored_space(space))])?.unsigned_abs())
    }

    fn has_more_vectors_than(&self, space: SpaceId, most: usize) -> Result<bool, Error> {
        let of_scope = self.scope().range("entry_id");
        let sql =
            format!("SELECT EXISTS (SELECT FROM embedding WHERE space_id = $1 AND {of_scope} OFFSET $2)");
        column(&self.query_one(&sql, &[int(&self.scope().stored_space(space)), int(&limit(most))])?, 0)
    }
}

impl WriteVectors for Tx<'_> {
    fn insert_vectors(&mut self, entry: i64, vectors: &[NewVector<'_>]) -> Result<(), Error> {
        let mut rows = NewRows::default();
        rows.add(self, entry, vectors)?;
        rows.insert(self)
    }

    fn set_vectors(
        &mut self,
        entry: i64,
        space: SpaceId,
        keep: &[VectorKey],
        new: &[NewVector<'_>],
    ) -> Result<(), Error> {
        let kept = keep.iter().filter(|key| key.entry == entry);
        let kept = kept.map(|key| (i64::from(key.role), i64::from(key.chunk)));
        let (roles, chunks): (Vec<i64>, Vec<i64>) = kept.unzip();
        let sql = "DELETE FROM embedding WHERE entry_id = $1 AND space_id = $2
            AND (role, chunk) NOT IN (SELECT * FROM unnest($3::bigint[], $4::bigint[]))";
        let stored = [self.scope().stored(entry), self.scope().stored_space(space)];
        self.execute(sql, &[int(&stored[0]), int(&stored[1]), ints(&roles), ints(&chunks)])?;
        self.insert_vectors(entry, new)?;
        self.clear_pending(entry)
    }
}

impl Tx<'_> {
    /// Writes the vectors of new entries. While the server is at the first of them, `work` is done, and while it is at some, the next ones
    /// are made ready.
    pub(super) fn insert_vectors_while(
        &self,
        drafts: &[Draft<'_>],
        inserted: &[Inserted],
        work: impl FnOnce(),
    ) -> Result<(), Error> {
        let (mut left, mut work) = (drafts.iter().zip(inserted), Some(work));
        // Asked for before, because a connection is at one statement at a time.
        let mut spaces = HashMap::new();
        for new in drafts.iter().flat_map(|draft| draft.vectors) {
            if let Vacant(place) = spaces.entry(new.space.0) {
                place.insert(self.space(new.space)?.dimensions);
            }
        }
        let mut now = NewRows { spaces, ..NewRows::default() }.filled(self, &mut left)?;
        while !now.vectors.is_empty() {
            let spaces = now.spaces.clone();
            let next = now.with_all(|sql, values| {
                self.returning_while(sql, values, || {
                    work.take().into_iter().for_each(|work| work());
                    NewRows { spaces, ..NewRows::default() }.filled(self, &mut left)
                })
            });
            now = next?.1?;
        }
        work.into_iter().for_each(|work| work());
        Ok(())
    }
}

/// Rows of `embedding` to be written together.
#[derive(Default)]
pub(super) struct NewRows {
    spaces: HashMap<i64, usize>,
    /// Entry, space, role, chunk, start and end.
    numbers: [Vec<i64>; 6],
    digests: Vec<Vec<u8>>,
    vectors: Vec<Vec<u8>>,
    bytes: usize,
}

impl NewRows {
    /// Takes the vectors of an entry. Writes when there are many.
    pub(super) fn add(&mut self, tx: &Tx<'_>, entry: i64, vectors: &[NewVector<'_>]) -> Result<(), Error> {
        self.take(tx, entry, vectors)?;
        if self.bytes >= BYTES_AT_ONCE { self.insert(tx) } else { Ok(()) }
    }

    /// Takes those of entries until there are many.
    fn filled<'d>(
        mut self,
        tx: &Tx<'_>,
        entries: &mut impl Iterator<Item = (&'d Draft<'d>, &'d Inserted)>,
    ) -> Result<Self, Error> {
        while self.bytes < BYTES_AT_ONCE
            && let Some((draft, inserted)) = entries.next()
        {
            self.take(tx, inserted.row, draft.vectors)?;
        }
        Ok(self)
    }

    /// Takes the vectors of an entry, if they are sound and their spaces are there.
    fn take(&mut self, tx: &Tx<'_>, entry: i64, vectors: &[NewVector<'_>]) -> Result<(), Error> {
        for new in vectors {
            let dimensions = match self.spaces.get(&new.space.0) {
                Some(&dimensions) => dimensions,
                None => tx.space(new.space)?.dimensions,
            };
            self.spaces.insert(new.space.0, dimensions);
            check_vector(new.values, dimensions)?;
            let row = [
                tx.scope().stored(entry),
                tx.scope().stored_space(new.space),
                new.role.number().into(),
                new.chunk.into(),
                new.start.into(),
                new.end.into(),
            ];
            self.numbers.iter_mut().zip(row).for_each(|(column, number)| column.push(number));
            self.digests.push(new.digest.as_bytes().to_vec());
            self.vectors.push(vector_bytes(new.values));
            self.bytes += 4 * new.values.len();
        }
        Ok(())
    }

    /// Takes a vector of an import, which was checked.
    pub(super) fn add_stored(&mut self, scope: Scope, entry: i64, vector: &RecordVector) {
        let role = vector.role.number().into();
        let (entry, space) = (scope.stored(entry), scope.stored_space(vector.space));
        let row = [entry, space, role, vector.chunk.into(), vector.start.into(), vector.end.into()];
        self.numbers.iter_mut().zip(row).for_each(|(column, number)| column.push(number));
        self.digests.push(vector.digest.clone());
        self.vectors.push(vector.bytes.clone());
    }

    /// Writes what was taken.
    pub(super) fn insert(&mut self, tx: &Tx<'_>) -> Result<(), Error> {
        if self.vectors.is_empty() {
            return Ok(());
        }
        self.with_all(|sql, values| tx.execute(sql, values))?;
        *self = Self { spaces: std::mem::take(&mut self.spaces), ..Self::default() };
        Ok(())
    }

    /// All as lists, with the statement that writes them.
    fn with_all<R>(&self, run: impl FnOnce(&str, &[Value<'_>]) -> R) -> R {
        let sql = "INSERT INTO embedding (entry_id, space_id, role, chunk, start, \"end\", digest, vector)
            SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[],
                $7::bytea[], $8::bytea[])";
        let [entries, spaces, roles, chunks, starts, ends] = &self.numbers;
        run(
            sql,
            &[
                ints(entries),
                ints(spaces),
                ints(roles),
                ints(chunks),
                ints(starts),
                ints(ends),
                byte_lists(&self.digests),
                byte_lists(&self.vectors),
            ],
        )
    }
}

/// Adds the vectors of entries, in the order in which these were asked for.
pub(super) fn read_of_entries(
    entries: &[i64],
    vectors: &[Row],
    those_there: &[Row],
    scope: Scope,
    batch: &mut VectorBatch,
) -> Result<(), Error> {
    let those_there = those_there.iter().map(|row| column(row, 0)).collect::<Result<HashSet<i64>, _>>()?;
    let mut of_entry: HashMap<i64, Vec<&Row>> = HashMap::new();
    for row in vectors {
        of_entry.entry(column(row, 0)?).or_default().push(row);
    }
    for entry in entries {
        for row in of_entry.get(entry).into_iter().flatten() {
            read_into(row, scope, those_there.contains(entry), batch)?;
        }
    }
    Ok(())
}

/// Adds the vectors with these keys, in their order.
pub(super) fn read_at(
    keys: &[VectorKey],
    rows: &[Row],
    scope: Scope,
    batch: &mut VectorBatch,
) -> Result<(), Error> {
    let stored = by_key(rows, scope)?;
    for key in keys {
        match stored.get(key) {
            Some(row) => batch.push(*key, column(row, 3)?, true),
            None => batch.unusable.push(*key),
        }
    }
    Ok(())
}

/// The spans of these keys, in their order, from the column `start` and the next one.
pub(super) fn spans_in(
    keys: &[VectorKey],
    rows: &[Row],
    start: usize,
    scope: Scope,
) -> Result<Vec<Option<(u32, u32)>>, Error> {
    let stored = by_key(rows, scope)?;
    let span = |row: &&Row| -> Result<(u32, u32), Error> { Ok((small(row, start)?, small(row, start + 1)?)) };
    keys.iter().map(|key| stored.get(key).map(span).transpose()).collect()
}

/// Rows by the keys in their first columns.
fn by_key(rows: &[Row], scope: Scope) -> Result<HashMap<VectorKey, &Row>, Error> {
    let key = |row: &Row| -> Result<VectorKey, Error> {
        Ok(VectorKey { entry: scope.row(column(row, 0)?), role: small(row, 1)?, chunk: small(row, 2)? })
    };
    rows.iter().map(|row| Ok((key(row)?, row))).collect()
}

/// Adds a row of entry, role, chunk and vector.
fn read_into(row: &Row, scope: Scope, has_entry: bool, batch: &mut VectorBatch) -> Result<(), crate::Error> {
    let (entry, role, chunk): (i64, i64, i64) =
        (scope.row(row.try_get(0)?), row.try_get(1)?, row.try_get(2)?);
    match (u8::try_from(role), u16::try_from(chunk)) {
        (Ok(role), Ok(chunk)) => batch.push(VectorKey { entry, role, chunk }, row.try_get(3)?, has_entry),
        // Another program's doing: one damaged row may not stop a search over the others.
        _ => batch.unusable.push(VectorKey { entry, role: u8::MAX, chunk: u16::MAX }),
    }
    Ok(())
}

/// A number that is small wherever the library wrote it.
fn small<T: TryFrom<i64>>(row: &Row, at: usize) -> Result<T, Error> {
    let number: i64 = column(row, at)?;
    T::try_from(number)
        .map_err(|_| Error::Corrupt { detail: format!("a vector's key or span holds {number}") })
}
