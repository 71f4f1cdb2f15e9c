//! The first answer of a new process.

use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use rekall_index::{BlockSource, SearchOptions, Sq8Import, VectorSearch};
use serde_json::{Value, json};

use crate::input::Input;
use crate::sources::Database;
use crate::{BoxError, K};

/// Opens the database, reads the codes persisted in it, and answers one query. Seconds since the program's first line.
pub(crate) fn first_answer(input: &Input, folder: &Path, started: Instant) -> Result<Value, BoxError> {
    let queries = input.queries()?;
    let database = Arc::new(Database::open(&folder.join("rows.db"))?);
    let opened = started.elapsed().as_secs_f64();
    let mut import = Sq8Import::new(input.dimensions, Arc::clone(&database) as _)?;
    database.blocks(&mut |bytes| import.add(bytes))?;
    let index = import.finish()?;
    let imported = started.elapsed().as_secs_f64();
    let hits = index.search(&queries[..input.dimensions], &SearchOptions::new(K))?;
    let answered = started.elapsed().as_secs_f64();
    let ids: Vec<i64> = hits.iter().map(|hit| hit.key.entry).collect();
    Ok(json!({ "opened": opened, "imported": imported, "answered": answered, "ids": ids }))
}
