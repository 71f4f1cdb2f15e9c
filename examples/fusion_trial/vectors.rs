//! A model that keeps the vectors it has made in a file: a transformer takes minutes for a set that it then
//! has to be asked about again and again.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use rekall::Embedder;
use rekall::model::{Error, Fingerprint};
use rusqlite::{Connection, OptionalExtension, params};

use crate::judged::Failure;

/// A model, and the file with the vectors that it has made.
pub(crate) struct Kept {
    model: Arc<dyn Embedder>,
    file: Mutex<Connection>,
}

impl Kept {
    pub(crate) fn new(model: Arc<dyn Embedder>, path: &Path) -> Result<Self, Failure> {
        let file = Connection::open(path)?;
        file.execute_batch(
            "PRAGMA journal_mode = WAL;
             CREATE TABLE IF NOT EXISTS vector(
                 fingerprint TEXT NOT NULL, purpose TEXT NOT NULL, text TEXT NOT NULL, vector BLOB NOT NULL,
                 PRIMARY KEY (fingerprint, purpose, text)
             ) WITHOUT ROWID;",
        )?;
        Ok(Self { model, file: Mutex::new(file) })
    }

    /// The vector kept of a text, or the one that `make` makes and that is kept from now on.
    fn vector(
        &self,
        purpose: &str,
        text: &str,
        make: impl FnOnce() -> Result<Vec<f32>, Error>,
    ) -> Result<Vec<f32>, Error> {
        let file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        let fingerprint = self.model.fingerprint().as_str();
        let kept: Option<Vec<u8>> = file
            .query_row(
                "SELECT vector FROM vector WHERE fingerprint = ? AND purpose = ? AND text = ?",
                params![fingerprint, purpose, text],
                |row| row.get(0),
            )
            .optional()
            .map_err(of_file)?;
        if let Some(bytes) = kept {
            return Ok(bytes.as_chunks().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect());
        }
        let vector = make()?;
        let bytes: Vec<u8> = vector.iter().flat_map(|value| value.to_le_bytes()).collect();
        file.execute("INSERT INTO vector VALUES (?, ?, ?, ?)", params![fingerprint, purpose, text, bytes])
            .map_err(of_file)?;
        Ok(vector)
    }
}

fn of_file(error: rusqlite::Error) -> Error {
    Error::Compute { reason: format!("the file of kept vectors: {error}") }
}

impl Embedder for Kept {
    fn fingerprint(&self) -> &Fingerprint {
        self.model.fingerprint()
    }

    fn dimensions(&self) -> usize {
        self.model.dimensions()
    }

    fn max_tokens(&self) -> Option<usize> {
        self.model.max_tokens()
    }

    fn count_tokens(&self, text: &str) -> Result<usize, Error> {
        self.model.count_tokens(text)
    }

    fn embed_documents(&self, texts: &[&str]) -> Result<Vec<f32>, Error> {
        let mut rows = Vec::with_capacity(texts.len() * self.dimensions());
        for (index, text) in texts.iter().enumerate() {
            let made = self.vector("document", text, || self.model.embed_documents(&[text]));
            rows.extend(made.map_err(|error| match error {
                Error::Unembeddable { .. } => Error::Unembeddable { index },
                error => error,
            })?);
        }
        Ok(rows)
    }

    fn embed_query(&self, text: &str) -> Result<Vec<f32>, Error> {
        self.vector("query", text, || self.model.embed_query(text))
    }

    fn memory_bytes(&self) -> usize {
        self.model.memory_bytes()
    }
}
