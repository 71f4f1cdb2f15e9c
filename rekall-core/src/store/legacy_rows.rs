//! Rows of the Python tool's files that have no table here.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::Error;

/// Rows that were carried over from a file of the Python tool ([`legacy`](crate::legacy)) and mean nothing here.
pub trait ReadLegacyRows {
    /// The legacy tables of which rows were carried over without a table of their own here (`suggestions`,
    /// `sources`, …), with their numbers of rows. `file` stands for the imported files themselves.
    ///
    /// # Errors
    /// [`Error::Engine`] or [`Error::Corrupt`].
    fn legacy_tables(&self) -> Result<BTreeMap<String, u64>, Error>;

    /// The carried rows of one legacy table, each a JSON object of the columns that were not NULL, in the
    /// order of their digests.
    ///
    /// # Errors
    /// [`Error::Engine`] or [`Error::Corrupt`].
    fn legacy_rows(&self, table: &str) -> Result<Vec<Value>, Error>;
}
