//! How much the full-text index holds: the figures that BM25 weighs words by.

use rusqlite::{Connection, OptionalExtension};

use crate::Error;

/// FTS5's record of averages: the number of rows, then of tokens in each column, as varints.
/// <https://sqlite.org/fts5.html#fts5_data_structures>
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Averages {
    /// Entries in the index.
    pub(crate) rows: u64,
    /// Words in each column, of all entries.
    pub(crate) tokens: Vec<u64>,
}

impl Averages {
    /// The record as it stands in the file, in O(1); `None` when it is not there or not readable.
    pub(crate) fn read(connection: &Connection) -> Result<Option<Self>, Error> {
        let sql = "SELECT block FROM entry_fts_data WHERE id = 1";
        let mut statement = connection.prepare_cached(sql)?;
        let record = statement
            .query_row([], |row| Ok(row.get_ref(0)?.as_blob().ok().and_then(numbers)))
            .optional()?
            .flatten();
        Ok(record.and_then(|numbers| {
            let (&rows, tokens) = numbers.split_first()?;
            Some(Self { rows, tokens: tokens.to_vec() })
        }))
    }
}

/// SQLite's varints, as many as there are: seven bits a byte, the highest bit says that more follow, a ninth byte counts
/// whole. `None` if the last one is cut off.
pub(crate) fn numbers(mut bytes: &[u8]) -> Option<Vec<u64>> {
    let mut numbers = Vec::new();
    while !bytes.is_empty() {
        let (number, length) = varint(bytes)?;
        numbers.push(number);
        bytes = &bytes[length..];
    }
    Some(numbers)
}

/// The varint at the beginning, and how many bytes it takes.
pub(crate) fn varint(bytes: &[u8]) -> Option<(u64, usize)> {
    let mut number = 0;
    for (at, &byte) in bytes.iter().take(8).enumerate() {
        number = number << 7 | u64::from(byte & 0x7f);
        if byte < 0x80 {
            return Some((number, at + 1));
        }
    }
    bytes.get(8).map(|&last| (number << 8 | u64::from(last), 9))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn varints_are_read_as_sqlite_writes_them() {
        // https://sqlite.org/fileformat.html#varint
        for (bytes, number) in [
            (&[0x00][..], 0),
            (&[0x7f], 127),
            (&[0x81, 0x00], 128),
            (&[0xa7, 0x08], 5_000),
            (&[0xff; 9], u64::MAX),
        ] {
            assert_eq!(varint(bytes), Some((number, bytes.len())));
            assert_eq!(varint(&bytes[..bytes.len() - 1]), None);
        }
        assert_eq!(numbers(&[0x05, 0x81, 0x00, 0x00]), Some(vec![5, 128, 0]));
        assert_eq!(numbers(&[0x05, 0x81]), None);
    }
}
