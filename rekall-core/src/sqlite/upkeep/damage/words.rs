//! The word index against the entries.

use std::collections::HashSet;
use std::ops::Deref;

use rusqlite::Connection;

use crate::Error;
use crate::sqlite::SqliteTx;
use crate::sqlite::forward::Forward;
use crate::sqlite::reach::Reach;
use crate::sqlite::upkeep::progress::Count;
use crate::sqlite::words::faults;
use crate::words::stored::inspect::Inspection;

/// Entries indexed once more at a time, in memory.
const BATCH: usize = 500;

/// Something in which the index and the entries differ.
pub(super) struct Difference {
    /// Row number of an entry, or of a row in the index that is no entry; `None`: it is about the whole index.
    pub(super) row: Option<i64>,
    pub(super) detail: String,
}

/// Calls `differs` for each entry whose words in the index are not those of its text, for each row in the index that is no
/// entry, and for what is wrong with the index itself. Memory: the tables of passages, about 20 bytes each. Counts the
/// entries.
pub(super) fn compare<C: Deref<Target = Connection>>(
    tx: &SqliteTx<'_, C>,
    count: &mut Count<'_>,
    mut differs: impl FnMut(Difference),
) -> Result<(), Error> {
    let mut of = |row, detail: String| differs(Difference { row, detail });
    for fault in faults::faults_of_tables(&tx.connection, tx.reach)? {
        of(None, fault);
    }
    let view = tx.with_words(|index| index.view_anew())?;
    let tables = tx.words();
    let mut again = Inspection::new(&tables, &view);
    for fault in again.faults_of_segments()? {
        of(None, fault);
    }
    let mut seen = HashSet::new();
    let mut walk = Forward::after("row numbers of entries", None);
    let mut last = i64::MIN;
    loop {
        let batch = rows_after(&tx.connection, tx.reach, last)?;
        batch.iter().try_for_each(|&row| walk.step(row))?;
        let Some(&highest) = batch.last() else { break };
        last = highest;
        for &row in &batch {
            if let Some(fault) = again.fault_of_entry(row)? {
                of(Some(row), fault);
            }
        }
        count.add(batch.len() as u64)?;
        seen.extend(batch);
    }
    let strangers = view.rows().filter(|row| !seen.contains(row));
    strangers.for_each(|row| of(Some(row), "the word index has words of no entry".to_owned()));
    Ok(())
}

fn rows_after(connection: &Connection, reach: Reach, row: i64) -> Result<Vec<i64>, Error> {
    let sql = format!("SELECT id FROM entry WHERE id > ?1{} ORDER BY id LIMIT ?2", reach.and("id"));
    let mut statement = connection.prepare_cached(&sql)?;
    let after = reach.stored_after(row);
    let rows = statement.query_map((after, BATCH as i64), |row| Ok(reach.row(row.get(0)?)))?;
    Ok(rows.collect::<Result<_, _>>()?)
}
