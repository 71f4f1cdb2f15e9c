//! Search by words.

use std::sync::atomic::AtomicBool;

use rekall_core::store::SearchWords;
use rekall_core::{Error, Filter, TextQuery, WordHit};

use super::ENGINE;
use super::tx::Tx;

/// The index of words is not kept on a server yet: the tables are there, and what would have to be indexed is noted in them.
fn unsupported() -> Error {
    Error::Unsupported { capability: "search by words", engine: ENGINE }
}

impl SearchWords for Tx<'_> {
    fn search_words(&self, _: &TextQuery, filter: &Filter, _: usize) -> Result<Vec<WordHit>, Error> {
        filter.validate()?;
        Err(unsupported())
    }

    fn search_words_among(
        &self,
        _: &TextQuery,
        _: &dyn Fn(i64) -> bool,
        _: usize,
        _: Option<&AtomicBool>,
    ) -> Result<Vec<WordHit>, Error> {
        Err(unsupported())
    }

    fn fault_of_words(&self) -> Result<Option<String>, Error> {
        Ok(Some(unsupported().to_string()))
    }

    fn fault_of_tags(&self) -> Result<Option<String>, Error> {
        // Triggers keep the tags, and the server keeps the triggers.
        Ok(None)
    }
}
