//! Erasing words (`secure_delete`): what was changed or deleted leaves the segments in the transaction that did it.

use std::ops::Deref;

use rusqlite::Connection;

use super::pages::{self, StoredPages};
use super::pending;
use super::segments::{self, NewSegment, Segment, State};
use crate::Error;
use crate::sqlite::SqliteTx;
use crate::words::index::{Dead, Docs, Merge, merged_docs};

/// Takes the words of all entries that wait out of the segments: these are of texts as they were. Every segment that has one of
/// them is written again without them, so that O(their size).
pub(crate) fn erase_waiting<C: Deref<Target = Connection>>(tx: &SqliteTx<'_, C>) -> Result<(), Error> {
    let connection: &Connection = &tx.connection;
    let rows = pending::rows(connection)?;
    if rows.is_empty() {
        return Ok(());
    }
    // Copies of segments: what a merge has made so far, and what it has replaced.
    for leaving in segments::in_state(connection, State::Leaving)? {
        segments::delete(connection, leaving.id, usize::MAX)?;
    }
    for building in segments::in_state(connection, State::Building)? {
        let docs = Docs::decode(&segments::docs(connection, building.id)?.unwrap_or_default());
        if !docs.is_ok_and(|docs| dead_of(&docs, &rows).count() == 0) {
            segments::delete(connection, building.id, usize::MAX)?;
        }
    }
    let mut is_oldest = true;
    for (segment, docs) in tx.word_tables()? {
        let dead = dead_of(&docs, &rows);
        if dead.count() > 0 {
            write_again(connection, &segment, &docs, &dead, is_oldest)?;
        }
        is_oldest = false;
    }
    Ok(())
}

fn dead_of(docs: &Docs, rows: &[i64]) -> Dead {
    let mut dead = Dead::default();
    dead.mark_rows(docs, rows.iter().copied());
    dead
}

/// Puts a segment without its dead passages in the place of one.
fn write_again(
    connection: &Connection,
    segment: &Segment,
    docs: &Docs,
    dead: &Dead,
    is_oldest: bool,
) -> Result<(), Error> {
    let living = merged_docs(&[(docs, dead)], is_oldest);
    let stored = StoredPages::new(connection, segment.id);
    let again = NewSegment {
        state: State::Building,
        range: Some((segment.oldest, segment.newest)),
        passages: living.passages().len(),
        pages: 0,
        docs: &living.encode(),
    };
    let again = again.insert(connection)?;
    let mut merge = Merge::new(&[(docs, &stored)], &living, &[])?;
    while let Some(page) = merge.next_page()? {
        pages::write(connection, again, &page)?;
    }
    segments::delete(connection, segment.id, usize::MAX)?;
    segments::finish(connection, again)
}
