//! Where indexes of codes get their exact rows and their blocks: a plain file, and SQLite as the facade uses it.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use rekall_index::{BlockSource, Error, Key, VectorSource};
use rusqlite::{Connection, params};

use crate::input::{Input, numbers};

/// The file of vectors; a row's number is its entry.
pub(crate) struct FileRows {
    file: File,
    row_bytes: usize,
}

impl FileRows {
    pub(crate) fn open(input: &Input) -> std::io::Result<Self> {
        let file = File::open(&input.vectors)?;
        Ok(Self { file, row_bytes: input.dimensions * size_of::<f32>() })
    }
}

impl VectorSource for FileRows {
    fn rows(&self, keys: &[Key], out: &mut Vec<f32>) -> Result<(), Error> {
        let mut row = vec![0; self.row_bytes];
        for key in keys {
            let at = key.entry.cast_unsigned() * self.row_bytes as u64;
            self.file.read_exact_at(&mut row, at).map_err(Error::from_source)?;
            out.extend(numbers(&row));
        }
        Ok(())
    }
}

/// A file with rows and blocks of codes, in tables and with settings like the facade's.
pub(crate) struct Database(Mutex<Connection>);

impl Database {
    pub(crate) fn open(file: &Path) -> rusqlite::Result<Self> {
        let connection = Connection::open(file)?;
        connection.execute_batch(
            "PRAGMA page_size = 8192; PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;
             PRAGMA cache_size = -2048; PRAGMA cell_size_check = ON;
             CREATE TABLE IF NOT EXISTS embedding (
                 entry_id INTEGER NOT NULL, space_id INTEGER NOT NULL, role INTEGER NOT NULL, chunk INTEGER NOT NULL,
                 vector BLOB NOT NULL, PRIMARY KEY (entry_id, space_id, role, chunk));
             CREATE TABLE IF NOT EXISTS index_block (number INTEGER PRIMARY KEY, data BLOB NOT NULL);",
        )?;
        Ok(Self(Mutex::new(connection)))
    }

    fn connection(&self) -> MutexGuard<'_, Connection> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn add_rows(&self, first: usize, rows: &[f32], dimensions: usize) -> rusqlite::Result<()> {
        let mut connection = self.connection();
        let transaction = connection.transaction()?;
        {
            let mut insert = transaction.prepare_cached("INSERT INTO embedding VALUES (?1, 1, 0, 0, ?2)")?;
            for (number, row) in rows.chunks_exact(dimensions).enumerate() {
                let bytes: Vec<u8> = row.iter().flat_map(|x| x.to_le_bytes()).collect();
                insert.execute(params![(first + number) as i64, bytes])?;
            }
        }
        transaction.commit()
    }

    pub(crate) fn add_blocks(&self, blocks: impl Iterator<Item = Vec<u8>>) -> rusqlite::Result<()> {
        let mut connection = self.connection();
        let transaction = connection.transaction()?;
        transaction.execute("DELETE FROM index_block", [])?;
        for block in blocks {
            transaction.prepare_cached("INSERT INTO index_block (data) VALUES (?1)")?.execute([block])?;
        }
        transaction.commit()
    }
}

impl VectorSource for Database {
    fn rows(&self, keys: &[Key], out: &mut Vec<f32>) -> Result<(), Error> {
        let mut connection = self.connection();
        // One moment for all of them, as the facade reads.
        let transaction = connection.transaction()?;
        let sql =
            "SELECT vector FROM embedding WHERE entry_id = ?1 AND space_id = 1 AND role = ?2 AND chunk = ?3";
        let mut select = transaction.prepare_cached(sql)?;
        for &key in keys {
            let mut found = select.query(params![key.entry, key.role, key.chunk])?;
            let row = found.next()?.ok_or(Error::MissingRow { key })?;
            out.extend(numbers(row.get_ref(0)?.as_blob().map_err(Error::from_source)?));
        }
        Ok(())
    }
}

impl BlockSource for Database {
    fn blocks(&self, visit: &mut dyn FnMut(&[u8]) -> Result<(), Error>) -> Result<(), Error> {
        let connection = self.connection();
        let mut select = connection.prepare_cached("SELECT data FROM index_block ORDER BY number")?;
        let mut rows = select.query([])?;
        while let Some(row) = rows.next()? {
            visit(row.get_ref(0)?.as_blob().map_err(Error::from_source)?)?;
        }
        Ok(())
    }
}
