//! Exact search on a vec0 table of sqlite-vec: nothing resident.

mod near;
mod register;

use std::collections::HashMap;

use rusqlite::{Connection, ErrorCode, OptionalExtension, params};

use crate::check::{check_search, check_upsert};
use crate::shortlist::{Candidate, Shortlist};
use crate::{Error, Key, Neighbor, SearchOptions, VectorIndex, VectorSearch, similarity};

/// Exact search on a [sqlite-vec](https://github.com/asg017/sqlite-vec) `vec0` table, through a borrowed connection.
///
/// For vectors that shall live in SQLite alone: nothing is held in memory, changes are part of whatever transaction the
/// connection is in, and other programs can read the table. In exchange it is by far the slowest backend.
///
/// # Algorithm
/// vec0 finds the nearest rows by Euclidean distance in `f32`; for unit vectors that is nearly, not exactly, the order by
/// similarity. So some more rows than asked for are fetched and rescored exactly, until the distance of the last one
/// proves that no other row can belong to the result. Where vec0 can't answer (it returns at most 4,096 rows) or can't prove
/// it (thousands of near ties), the table is read whole.
///
/// # Tables
/// `NAME`, the vec0 table with one column `vector`, and `NAME_keys` (`id`, `entry`, `role`, `chunk`), whose `id` is the
/// vec0 rowid. Both are made when they are not there.
///
/// # Costs
/// - Memory: none beyond SQLite's own cache.
/// - Search: vec0 reads all vectors: as compiled by the crate (plain C, no SIMD) about 50 ms for 100,000 × 384 with `PRAGMA mmap_size`
///   set, 85 ms without; reading the table whole takes about as long. Building with `CFLAGS="-mavx -DSQLITE_VEC_ENABLE_AVX"`
///   more than halves it.
/// - Deleting frees a row's place but not its bytes (as vec0 0.1 does): after many deletions rebuild the table.
///
/// # Limits
/// Up to 8,192 dimensions. The cancel flag is looked at before and after each query to vec0, not within one: a search that was
/// cancelled meanwhile ends with [`Error::Cancelled`], never with a result. `threads` is ignored.
/// [`len`](VectorSearch::len) counts by a query, and is 0 if that fails.
///
/// # Examples
/// ```
/// use rekall_index::{Key, SearchOptions, SqliteVecIndex, VectorIndex, VectorSearch};
/// let connection = rusqlite::Connection::open_in_memory()?;
/// let mut index = SqliteVecIndex::open(&connection, "vectors", 2)?;
/// index.upsert(&[Key::new(1, 0, 0), Key::new(2, 0, 0)], &[1.0, 0.0, 0.6, 0.8])?;
/// let hits = index.search(&[0.0, 1.0], &SearchOptions::new(1))?;
/// assert_eq!((hits[0].key.entry, hits[0].similarity), (2, 0.8));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct SqliteVecIndex<'c> {
    connection: &'c Connection,
    name: String,
    dimensions: usize,
}

/// The most dimensions vec0 takes.
const MOST_DIMENSIONS: usize = 8192;
/// Bytes of a vec0 chunk, about: vec0 reads one at a time.
const CHUNK_BYTES: usize = 3 << 19;

impl From<rusqlite::Error> for Error {
    fn from(error: rusqlite::Error) -> Self {
        use rusqlite::ErrorCode;
        match error.sqlite_error_code() {
            // A table that is not there, bytes of another length, a value that is no key: these statements are sound, so it is
            // the table that is not.
            None | Some(ErrorCode::Unknown | ErrorCode::DatabaseCorrupt | ErrorCode::TypeMismatch) => {
                Self::Corrupt { detail: error.to_string() }
            }
            Some(_) => Self::from_source(error),
        }
    }
}

impl<'c> SqliteVecIndex<'c> {
    /// A view of the table `name`, which is created if it is not there. Registers sqlite-vec on this connection, and only on
    /// it, if it is not registered yet.
    ///
    /// # Errors
    /// [`Error::InvalidDimensions`] for 0 or more than 8,192; [`Error::Dimensions`] if the table exists with others;
    /// [`Error::Unavailable`] if sqlite-vec does not start, or if `name` is not made of ASCII letters, digits and `_`;
    /// [`Error::Source`] from SQLite.
    pub fn open(connection: &'c Connection, name: &str, dimensions: usize) -> Result<Self, Error> {
        if let Some(index) = Self::existing(connection, name, dimensions)? {
            return Ok(index);
        }
        let index = Self { connection, name: name.to_owned(), dimensions };
        index.create()?;
        Ok(index)
    }

    /// A view of the table `name` if it is there: writes nothing.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn existing(
        connection: &'c Connection,
        name: &str,
        dimensions: usize,
    ) -> Result<Option<Self>, Error> {
        if dimensions == 0 || dimensions > MOST_DIMENSIONS {
            return Err(Error::InvalidDimensions { most: MOST_DIMENSIONS, got: dimensions });
        }
        check_name(name)?;
        register::register(connection)?;
        let index = Self { connection, name: name.to_owned(), dimensions };
        match index.stored_dimensions()? {
            Some(stored) if stored == dimensions => Ok(Some(index)),
            Some(stored) => Err(Error::Dimensions { expected: stored, got: dimensions }),
            None => Ok(None),
        }
    }

    /// A view of the table `name` if it is there, of vectors of this length, and [whole](Self::is_whole) with that many rows.
    ///
    /// ```
    /// use rekall_index::{Key, SqliteVecIndex, VectorIndex};
    /// let connection = rusqlite::Connection::open_in_memory()?;
    /// assert!(SqliteVecIndex::existing(&connection, "vectors", 2)?.is_none());
    /// let mut index = SqliteVecIndex::open(&connection, "vectors", 2)?;
    /// index.upsert(&[Key::new(1, 0, 0)], &[1.0, 0.0])?;
    /// assert!(index.slots()? >= 1);
    /// assert!(SqliteVecIndex::whole(&connection, "vectors", 2, 1)?.is_some());
    /// assert!(SqliteVecIndex::whole(&connection, "vectors", 2, 2)?.is_none(), "another row is missing");
    /// SqliteVecIndex::discard(&connection, "vectors")?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// As [`open`](Self::open), but for [`Error::Dimensions`].
    pub fn whole(
        connection: &'c Connection,
        name: &str,
        dimensions: usize,
        rows: usize,
    ) -> Result<Option<Self>, Error> {
        let table = match Self::existing(connection, name, dimensions) {
            Err(Error::Dimensions { .. }) => None,
            table => table?,
        };
        match table {
            Some(table) if table.is_whole(rows)? => Ok(Some(table)),
            _ => Ok(None),
        }
    }

    /// Whether all tables that make up this one hold `rows` rows each, as many as were put there: where another program has
    /// deleted some of them, a search would find less and not know it. Reads no vector; a millisecond or two for 100,000 rows.
    ///
    /// # Errors
    /// [`Error::Corrupt`] or [`Error::Source`] from SQLite; that a table is missing is no error but false.
    pub fn is_whole(&self, rows: usize) -> Result<bool, Error> {
        let name = &self.name;
        for table in ["keys", "rowids", "chunks", "vector_chunks00"] {
            let sql = "SELECT EXISTS (SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?1)";
            let mut statement = self.connection.prepare_cached(sql)?;
            if !statement.query_row([format!("{name}_{table}")], |row| row.get::<_, bool>(0))? {
                return Ok(false);
            }
        }
        for table in ["keys", "rowids"] {
            let sql = format!("SELECT count(*) FROM \"{name}_{table}\"");
            let count: i64 = self.connection.prepare_cached(&sql)?.query_row([], |row| row.get(0))?;
            if usize::try_from(count) != Ok(rows) {
                return Ok(false);
            }
        }
        // A bit for each place that holds a vector.
        let sql = format!(
            "SELECT validity, EXISTS (SELECT 1 FROM \"{name}_vector_chunks00\" v WHERE v.rowid = c.chunk_id)
             FROM \"{name}_chunks\" c"
        );
        let mut statement = self.connection.prepare_cached(&sql)?;
        let mut chunks = statement.query([])?;
        let mut valid = 0;
        while let Some(chunk) = chunks.next()? {
            let bits = chunk.get_ref(0)?.as_blob().unwrap_or_default();
            if chunk.get(1)? {
                valid += bits.iter().map(|byte| byte.count_ones() as usize).sum::<usize>();
            }
        }
        Ok(valid == rows)
    }

    /// Drops the table `name` with all it holds, whatever its dimensions; nothing happens if it is not there.
    ///
    /// # Errors
    /// [`Error::Unavailable`] if sqlite-vec does not start or the name is malformed; [`Error::Source`] from SQLite.
    pub fn discard(connection: &Connection, name: &str) -> Result<(), Error> {
        check_name(name)?;
        register::register(connection)?;
        match connection.execute_batch(&format!("DROP TABLE IF EXISTS \"{name}\"")) {
            // vec0 does not drop a table that lacks one of the tables behind it, and says no more than this.
            Err(error) if error.sqlite_error_code() == Some(ErrorCode::Unknown) => {
                let sql =
                    format!("PRAGMA writable_schema = ON; DELETE FROM sqlite_schema WHERE name = '{name}'");
                let deleted = connection.execute_batch(&sql);
                connection.execute_batch("PRAGMA writable_schema = RESET")?;
                deleted?;
            }
            dropped => dropped?,
        }
        let sql = "SELECT name FROM sqlite_schema WHERE type = 'table' AND substr(name, 1, length(?1)) = ?1";
        let mut statement = connection.prepare(sql)?;
        let parts = statement.query_map([format!("{name}_")], |row| row.get::<_, String>(0))?;
        let parts: Vec<String> = parts.collect::<Result<_, _>>()?;
        for part in parts {
            connection.execute_batch(&format!("DROP TABLE \"{part}\""))?;
        }
        Ok(())
    }

    /// Rows that the table has room for: what it takes in the file. vec0 does not use the room of deleted rows again, it
    /// only drops chunks that hold none any more.
    ///
    /// # Errors
    /// [`Error::Source`] from SQLite.
    pub fn slots(&self) -> Result<usize, Error> {
        let sql = format!("SELECT coalesce(sum(size), 0) FROM \"{}_chunks\"", self.name);
        let slots: i64 = self.connection.prepare_cached(&sql)?.query_row([], |row| row.get(0))?;
        Ok(usize::try_from(slots).unwrap_or(0))
    }

    /// The dimensions of an existing table, from its definition.
    fn stored_dimensions(&self) -> Result<Option<usize>, Error> {
        let sql = "SELECT sql FROM sqlite_master WHERE type = 'table' AND name = ?1";
        let definition: Option<String> =
            self.connection.query_row(sql, [&self.name], |row| row.get(0)).optional()?;
        let Some(definition) = definition else { return Ok(None) };
        let number = definition.split_once("float[").and_then(|(_, rest)| rest.split_once(']'));
        match number.and_then(|(number, _)| number.parse().ok()) {
            Some(dimensions) => Ok(Some(dimensions)),
            None => Err(Error::Unavailable {
                detail: format!("table {} is not a vec0 table of floats", self.name),
            }),
        }
    }

    fn create(&self) -> Result<(), Error> {
        let Self { name, dimensions, .. } = self;
        // vec0 wants a multiple of 8, up to 4096.
        let rows = (CHUNK_BYTES / (4 * dimensions)).clamp(8, 1024) / 8 * 8;
        self.in_savepoint(|| {
            self.connection.execute_batch(&format!(
                "CREATE VIRTUAL TABLE \"{name}\" USING vec0(vector float[{dimensions}] distance_metric=L2, chunk_size={rows});
                 CREATE TABLE \"{name}_keys\" (id INTEGER PRIMARY KEY, entry INTEGER NOT NULL, role INTEGER NOT NULL,
                     chunk INTEGER NOT NULL, UNIQUE (entry, role, chunk));"
            ))?;
            Ok(())
        })
    }

    /// Runs a change that happens whole or not at all, within the caller's transaction if there is one.
    fn in_savepoint<T>(&self, change: impl FnOnce() -> Result<T, Error>) -> Result<T, Error> {
        self.connection.execute_batch("SAVEPOINT rekall_index")?;
        match change() {
            Ok(done) => {
                self.connection.execute_batch("RELEASE rekall_index")?;
                Ok(done)
            }
            Err(error) => {
                // If this fails too, SQLite has already rolled back; the first error is the one to tell.
                let _ = self.connection.execute_batch("ROLLBACK TO rekall_index; RELEASE rekall_index");
                Err(error)
            }
        }
    }

    fn id(&self, key: Key) -> Result<Option<i64>, Error> {
        let sql =
            format!("SELECT id FROM \"{}_keys\" WHERE entry = ?1 AND role = ?2 AND chunk = ?3", self.name);
        let mut statement = self.connection.prepare_cached(&sql)?;
        Ok(statement.query_row(params![key.entry, key.role, key.chunk], |row| row.get(0)).optional()?)
    }

    fn upsert_one(&self, key: Key, row: &[f32]) -> Result<(), Error> {
        let (connection, name) = (self.connection, &self.name);
        let bytes = to_bytes(row);
        if let Some(id) = self.id(key)? {
            let sql = format!("UPDATE \"{name}\" SET vector = ?1 WHERE rowid = ?2");
            connection.prepare_cached(&sql)?.execute(params![bytes, id])?;
        } else {
            let sql = format!("INSERT INTO \"{name}_keys\" (entry, role, chunk) VALUES (?1, ?2, ?3)");
            let id = connection.prepare_cached(&sql)?.insert(params![key.entry, key.role, key.chunk])?;
            let sql = format!("INSERT INTO \"{name}\" (rowid, vector) VALUES (?1, ?2)");
            connection.prepare_cached(&sql)?.execute(params![id, bytes])?;
        }
        Ok(())
    }

    fn delete(&self, id: i64) -> Result<(), Error> {
        for table in ["", "_keys"] {
            let column = if table.is_empty() { "rowid" } else { "id" };
            let sql = format!("DELETE FROM \"{}{table}\" WHERE {column} = ?1", self.name);
            self.connection.prepare_cached(&sql)?.execute([id])?;
        }
        Ok(())
    }

    /// Reads every row, from the chunks in which vec0 keeps them: row by row it takes ten times as long.
    fn scan(&self, query: &[f32], options: &SearchOptions<'_>) -> Result<Vec<Neighbor>, Error> {
        let mut shortlist = Shortlist::new(options);
        // Candidates are exact from the start.
        let mut settle = |candidates: &[Candidate], out: &mut Vec<f32>| {
            out.extend(candidates.iter().map(|candidate| candidate.upper));
            Ok(())
        };
        let keys = self.admitted_keys(options)?;
        let name = &self.name;
        let sql = format!(
            "SELECT c.validity, c.rowids, v.vectors
             FROM \"{name}_chunks\" c JOIN \"{name}_vector_chunks00\" v ON v.rowid = c.chunk_id"
        );
        let mut statement = self.connection.prepare_cached(&sql)?;
        let mut chunks = statement.query([])?;
        let mut vector = Vec::new();
        while let Some(chunk) = chunks.next()? {
            options.check_cancelled()?;
            let blob = |column| chunk.get_ref(column)?.as_blob().map_err(Error::from_source);
            let (valid, ids, vectors) = (blob(0)?, blob(1)?, blob(2)?);
            let rows = ids.as_chunks::<8>().0.iter().zip(vectors.chunks_exact(4 * self.dimensions));
            for (number, (id, bytes)) in rows.enumerate() {
                let is_valid = valid.get(number / 8).is_some_and(|bits| bits >> (number % 8) & 1 == 1);
                let Some(&key) = keys.get(&i64::from_ne_bytes(*id)).filter(|_| is_valid) else { continue };
                from_bytes(bytes, &mut vector);
                let exact = similarity(query, &vector);
                if exact >= shortlist.threshold() {
                    let candidate = Candidate { key, position: 0, lower: exact, upper: exact };
                    shortlist.push(candidate, &mut settle)?;
                }
            }
        }
        shortlist.finish(&mut settle)
    }

    /// The keys of the rows that may be returned, by row number.
    fn admitted_keys(&self, options: &SearchOptions<'_>) -> Result<HashMap<i64, Key>, Error> {
        let sql = format!("SELECT entry, role, chunk, id FROM \"{}_keys\"", self.name);
        let mut statement = self.connection.prepare_cached(&sql)?;
        let mut rows = statement.query([])?;
        let mut keys = HashMap::new();
        while let Some(row) = rows.next()? {
            let key = key_of(row)?;
            if options.admits(key) {
                keys.insert(row.get(3)?, key);
            }
        }
        Ok(keys)
    }
}

/// The name goes into SQL, so it may hold nothing that means something there.
fn check_name(name: &str) -> Result<(), Error> {
    if !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') {
        return Ok(());
    }
    Err(Error::Unavailable {
        detail: format!("expected a table name of letters, digits and _, got {name:?}"),
    })
}

fn key_of(row: &rusqlite::Row<'_>) -> Result<Key, Error> {
    Ok(Key::new(row.get(0)?, row.get(1)?, row.get(2)?))
}

/// vec0 keeps floats as the machine does.
fn to_bytes(row: &[f32]) -> Vec<u8> {
    row.iter().flat_map(|x| x.to_ne_bytes()).collect()
}

fn from_bytes(bytes: &[u8], out: &mut Vec<f32>) {
    out.clear();
    out.extend(bytes.as_chunks::<4>().0.iter().map(|four| f32::from_ne_bytes(*four)));
}

impl VectorSearch for SqliteVecIndex<'_> {
    fn dimensions(&self) -> usize {
        self.dimensions
    }

    fn len(&self) -> usize {
        let sql = format!("SELECT count(*) FROM \"{}_keys\"", self.name);
        let mut statement = self.connection.prepare_cached(&sql);
        let count: rusqlite::Result<i64> =
            statement.as_mut().map_or(Ok(0), |statement| statement.query_row([], |row| row.get(0)));
        count.map_or(0, |count| usize::try_from(count).unwrap_or(0))
    }

    fn search(&self, query: &[f32], options: &SearchOptions<'_>) -> Result<Vec<Neighbor>, Error> {
        check_search(query, self.dimensions, Some(1), options)?;
        match self.search_near(query, options)? {
            Some(hits) => Ok(hits),
            None => self.scan(query, options),
        }
    }

    fn memory_bytes(&self) -> usize {
        self.name.capacity()
    }
}

impl VectorIndex for SqliteVecIndex<'_> {
    fn upsert(&mut self, keys: &[Key], rows: &[f32]) -> Result<(), Error> {
        check_upsert(keys, rows, self.dimensions)?;
        let rows = keys.iter().zip(rows.chunks_exact(self.dimensions));
        self.in_savepoint(|| rows.into_iter().try_for_each(|(&key, row)| self.upsert_one(key, row)))
    }

    fn remove(&mut self, keys: &[Key]) -> Result<usize, Error> {
        self.in_savepoint(|| {
            let mut removed = 0;
            for &key in keys {
                if let Some(id) = self.id(key)? {
                    self.delete(id)?;
                    removed += 1;
                }
            }
            Ok(removed)
        })
    }

    fn remove_entry(&mut self, entry: i64) -> Result<usize, Error> {
        self.in_savepoint(|| {
            let sql = format!("SELECT id FROM \"{}_keys\" WHERE entry = ?1", self.name);
            let mut statement = self.connection.prepare_cached(&sql)?;
            let ids: Vec<i64> = statement.query_map([entry], |row| row.get(0))?.collect::<Result<_, _>>()?;
            ids.iter().try_for_each(|&id| self.delete(id))?;
            Ok(ids.len())
        })
    }

    fn clear(&mut self) -> Result<(), Error> {
        self.in_savepoint(|| {
            // Dropping gives the bytes back, which deleting rows of a vec0 table does not.
            Self::discard(self.connection, &self.name)?;
            self.create()
        })
    }
}

#[cfg(test)]
mod tests;
