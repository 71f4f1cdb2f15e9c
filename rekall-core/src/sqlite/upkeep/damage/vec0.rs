//! The vec0 table of sqlite-vec against the vectors, read from its shadow tables, without the extension.
//! Their layout: <https://github.com/asg017/sqlite-vec/blob/main/ARCHITECTURE.md>

use rusqlite::{Connection, OptionalExtension};

use crate::{Error, Space, vector};

/// Kind of the seal that vouches for the table, and the table.
pub(super) const KIND: &str = "sqlite-vec";
const TABLE: &str = "rekall_vec0";
const PARTS: [&str; 5] = ["", "_keys", "_rowids", "_chunks", "_vector_chunks00"];

/// What a search of the table gets wrong, if it is filled up to position `filled_to`; entries that changed since are read
/// elsewhere.
pub(super) fn faults(connection: &Connection, space: &Space, filled_to: i64) -> Result<Vec<String>, Error> {
    for part in PARTS {
        let sql = "SELECT EXISTS (SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = ?1)";
        if !connection.query_row(sql, [format!("{TABLE}{part}")], |row| row.get(0))? {
            return Ok(vec![format!("the table {TABLE}{part} is sealed and is not there")]);
        }
    }
    let (mut lost, mut wrong) = (0_u64, 0_u64);
    let mut chunk = Chunk::default();
    let mut statement = connection.prepare(&format!(
        "SELECT keys.id, place.chunk_id, place.chunk_offset,
                (SELECT vector FROM embedding WHERE entry_id = keys.entry AND space_id = ?1
                     AND embedding.role = keys.role AND embedding.chunk = keys.chunk)
         FROM {TABLE}_keys AS keys LEFT JOIN {TABLE}_rowids AS place ON place.rowid = keys.id
         WHERE NOT EXISTS (SELECT 1 FROM change WHERE change.entry_id = keys.entry AND seq > ?2)
         ORDER BY place.chunk_id"
    ))?;
    let mut rows = statement.query((space.id.0, filled_to))?;
    while let Some(row) = rows.next()? {
        let number = |column| row.get_ref(column).map(|value| value.as_i64().ok());
        let (id, place, offset) = (number(0)?, number(1)?, number(2)?);
        chunk.turn_to(connection, place)?;
        let offset = offset.and_then(|offset| usize::try_from(offset).ok());
        match offset.and_then(|offset| chunk.vector(offset, id, space.dimensions)) {
            None => lost += 1,
            Some(kept) if row.get_ref(3)?.as_blob().is_ok_and(|vector| vector == kept) => {}
            Some(_) => wrong += 1,
        }
    }
    let keys: u64 =
        connection.query_row(&format!("SELECT count(*) FROM {TABLE}_keys"), [], |row| row.get(0))?;
    let mut found = Vec::new();
    let mut fault = |number: u64, what: &str| {
        if number > 0 {
            found.push(format!("{number} {what}"));
        }
    };
    fault(lost, "rows of the table rekall_vec0 cannot be found in it");
    fault(wrong, "rows of the table rekall_vec0 are not the vectors of their entries");
    fault(
        places(connection)?.abs_diff(keys),
        "rows of the table rekall_vec0 are without a name, or have two",
    );
    fault(missing(connection, space, filled_to)?, "vectors are missing in the table rekall_vec0");
    Ok(found)
}

/// Places in the table that hold something.
fn places(connection: &Connection) -> Result<u64, Error> {
    let mut statement = connection.prepare(&format!("SELECT validity FROM {TABLE}_chunks"))?;
    let mut rows = statement.query([])?;
    let mut places = 0;
    while let Some(row) = rows.next()? {
        let bits = row.get_ref(0)?.as_blob().unwrap_or_default();
        places += bits.iter().map(|byte| u64::from(byte.count_ones())).sum::<u64>();
    }
    Ok(places)
}

/// Vectors that a search may see and the table does not have.
fn missing(connection: &Connection, space: &Space, filled_to: i64) -> Result<u64, Error> {
    let mut statement = connection.prepare(&format!(
        "SELECT vector FROM embedding WHERE space_id = ?1 AND entry_id IN (SELECT id FROM entry)
             AND NOT EXISTS (SELECT 1 FROM {TABLE}_keys AS keys WHERE keys.entry = entry_id
                 AND keys.role = embedding.role AND keys.chunk = embedding.chunk)
             AND NOT EXISTS (SELECT 1 FROM change WHERE change.entry_id = embedding.entry_id AND seq > ?2)"
    ))?;
    let mut rows = statement.query((space.id.0, filled_to))?;
    let (mut missing, mut values) = (0, Vec::new());
    while let Some(row) = rows.next()? {
        values.clear();
        let bytes = row.get_ref(0)?.as_blob().unwrap_or_default();
        let is_sound = vector::decode(bytes, space.dimensions, &mut values).is_some()
            && vector::problem(&values).is_none();
        missing += u64::from(is_sound);
    }
    Ok(missing)
}

/// A chunk of the table, as last read.
#[derive(Default)]
struct Chunk {
    number: Option<i64>,
    validity: Vec<u8>,
    rowids: Vec<u8>,
    vectors: Vec<u8>,
}

impl Chunk {
    fn turn_to(&mut self, connection: &Connection, number: Option<i64>) -> Result<(), Error> {
        if self.number == number {
            return Ok(());
        }
        let sql = format!(
            "SELECT validity, rowids, vectors FROM {TABLE}_chunks AS chunks
             JOIN {TABLE}_vector_chunks00 AS vectors ON vectors.rowid = chunks.chunk_id WHERE chunk_id = ?1"
        );
        let mut statement = connection.prepare_cached(&sql)?;
        let read = statement.query_row([number], |row| {
            let bytes =
                |column| row.get_ref(column).map(|value| value.as_blob().unwrap_or_default().to_vec());
            Ok(Self { number, validity: bytes(0)?, rowids: bytes(1)?, vectors: bytes(2)? })
        });
        *self = read.optional()?.unwrap_or(Self { number, ..Self::default() });
        Ok(())
    }

    /// The bytes at a place, if they are taken for those of row `id`.
    fn vector(&self, place: usize, id: Option<i64>, dimensions: usize) -> Option<&[u8]> {
        let is_taken = self.validity.get(place / 8)? >> (place % 8) & 1 == 1;
        let rowid = self.rowids.as_chunks::<8>().0.get(place)?;
        let is_its_own = Some(i64::from_ne_bytes(*rowid)) == id;
        (is_taken && is_its_own).then(|| self.vectors.chunks_exact(4 * dimensions).nth(place)).flatten()
    }
}
