//! Faults in rows, described in one way for check, repair, salvage and export.

use rusqlite::Row;

use crate::engine::ScopeRows;
use crate::vector::SPACE_DIMENSIONS;
use crate::{Role, vector};

/// A column that names a row of another table.
pub(crate) struct Reference {
    pub(crate) table: &'static str,
    pub(crate) column: &'static str,
    pub(crate) parent: &'static str,
    /// The column that says which memory the row belongs to.
    owner: &'static str,
}

const fn reference(
    table: &'static str,
    column: &'static str,
    parent: &'static str,
    owner: &'static str,
) -> Reference {
    Reference { table, column, parent, owner }
}

/// Every reference of the file.
pub(crate) const REFERENCES: [Reference; 14] = [
    reference("embedding", "entry_id", "entry", "entry_id"),
    reference("embedding", "space_id", "space", "entry_id"),
    reference("tag", "entry_id", "entry", "entry_id"),
    reference("link", "source_id", "entry", "source_id"),
    reference("link", "target_id", "entry", "source_id"),
    reference("quarantine", "entry_id", "entry", "entry_id"),
    reference("pending", "entry_id", "entry", "entry_id"),
    reference("wordless", "entry_id", "entry", "entry_id"),
    reference("section", "entry_id", "entry", "entry_id"),
    reference("section", "source_id", "source", "entry_id"),
    reference("usage", "entry_id", "entry", "entry_id"),
    reference("wordless", "space_id", "space", "entry_id"),
    reference("index_block", "space_id", "space", "space_id"),
    reference("entry", "superseded_by", "entry", "id"),
];

impl Reference {
    /// The rows that name nothing, or something of another memory, as an SQL condition on the table.
    pub(crate) fn dangling(&self) -> String {
        let Self { table, column, parent, owner } = self;
        format!(
            "{column} IS NOT NULL AND (min({table}.{owner} >> 32, 0) <> min({table}.{column} >> 32, 0) OR NOT EXISTS
                 (SELECT 1 FROM {parent} AS parent WHERE parent.id = {table}.{column}))"
        )
    }
}

impl Reference {
    /// The statement that removes the rows that name nothing; an entry stays, and its reference is cleared.
    pub(crate) fn removal(&self) -> String {
        let Self { table, column, .. } = self;
        match *table {
            "entry" => format!("UPDATE entry SET {column} = NULL WHERE {}", self.dangling()),
            _ => format!("DELETE FROM {table} WHERE {}", self.dangling()),
        }
    }
}

/// Columns of a vector for [`VectorRow::read`], without the dimensions of its space.
pub(crate) const VECTOR_COLUMNS: &str =
    "embedding.rowid, embedding.entry_id, embedding.space_id, embedding.role,
    embedding.chunk, embedding.start, embedding.end, embedding.digest, embedding.vector";

/// The last of them.
pub(crate) const DIMENSIONS: &str = "(SELECT dimensions FROM space WHERE space.id = embedding.space_id)";

/// A row of `embedding`, whatever it holds.
#[derive(Debug, Default)]
pub(crate) struct VectorRow {
    pub(crate) rowid: i64,
    pub(crate) entry: i64,
    pub(crate) space: i64,
    pub(crate) role: Option<i64>,
    pub(crate) chunk: Option<i64>,
    pub(crate) start: Option<i64>,
    pub(crate) end: Option<i64>,
    pub(crate) digest: Option<Vec<u8>>,
    pub(crate) bytes: Option<Vec<u8>>,
    pub(crate) dimensions: Option<i64>,
}

impl VectorRow {
    pub(crate) fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        let number = |column| row.get_ref(column).map(|value| value.as_i64().ok());
        let bytes = |column| row.get_ref(column).map(|value| value.as_blob().ok().map(<[u8]>::to_vec));
        Ok(Self {
            rowid: row.get(0)?,
            entry: number(1)?.unwrap_or_default(),
            space: number(2)?.unwrap_or_default(),
            role: number(3)?,
            chunk: number(4)?,
            start: number(5)?,
            end: number(6)?,
            digest: bytes(7)?,
            bytes: bytes(8)?,
            dimensions: number(9)?,
        })
    }

    /// Why no search may see this vector; `None` when it is sound.
    pub(crate) fn fault(&self) -> Option<String> {
        let space = ScopeRows::owning(self.space).row(self.space);
        let Some(dimensions) = self.dimensions else {
            return Some(format!("space {space} does not exist"));
        };
        let Some(dimensions) = possible(dimensions) else {
            return Some(format!("space {space} must have {DIMENSIONS_ALLOWED}, got {dimensions}"));
        };
        let role = self.role.and_then(|role| u8::try_from(role).ok()).and_then(Role::from_number);
        if role.is_none() {
            return Some(format!("role must be 0 or 1, got {}", shown(self.role)));
        }
        if self.chunk.and_then(|chunk| u16::try_from(chunk).ok()).is_none() {
            return Some(format!("chunk must be 0 to 65535, got {}", shown(self.chunk)));
        }
        let span = [self.start, self.end].map(|at| at.and_then(|at| u32::try_from(at).ok()));
        if !matches!(span, [Some(start), Some(end)] if start <= end) {
            return Some(format!("span must go forward, got {} to {}", shown(self.start), shown(self.end)));
        }
        let Some(bytes) = &self.bytes else { return Some("vector must be a BLOB".to_owned()) };
        let mut values = Vec::new();
        if vector::decode(bytes, dimensions, &mut values).is_none() {
            return Some(format!("vector must have {} bytes, got {}", dimensions * 4, bytes.len()));
        }
        vector::problem(&values)
            .map(|problem| format!("vector must be finite and of length 1, got {problem}"))
    }
}

fn shown(number: Option<i64>) -> String {
    number.map_or_else(|| "something else".to_owned(), |number| number.to_string())
}

/// How many dimensions a space may have, in words.
pub(crate) const DIMENSIONS_ALLOWED: &str = "1 to 65536 dimensions";

/// Dimensions as they stand in the file, if a space can have so many: nothing is sized by others.
pub(crate) fn possible(dimensions: i64) -> Option<usize> {
    usize::try_from(dimensions).ok().filter(|count| SPACE_DIMENSIONS.contains(count))
}
