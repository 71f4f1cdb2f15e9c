//! Rebuilding and merging the full-text index.

use rusqlite::Connection;

use crate::Error;

/// Rebuilds the index from the entries.
pub(crate) fn rebuild(connection: &Connection) -> Result<(), Error> {
    connection.execute("INSERT INTO entry_fts (entry_fts) VALUES ('rebuild')", [])?;
    Ok(())
}

/// Pages of the index that one step of a [`Merge`] writes, at the most: some milliseconds.
const MERGED_AT_ONCE: i64 = 64;

/// Merging all parts of the index into one, in steps short enough for a transaction each:
/// <https://sqlite.org/fts5.html#the_merge_command>
pub(crate) struct Merge {
    begun: bool,
    /// Writers add parts meanwhile, which must not keep it going without end.
    steps_left: i64,
}

impl Merge {
    pub(crate) fn begin(connection: &Connection) -> Result<Self, Error> {
        let pages: i64 = connection.query_row("SELECT count(*) FROM entry_fts_data", [], |row| row.get(0))?;
        Ok(Self { begun: false, steps_left: 16 + 2 * pages / MERGED_AT_ONCE })
    }

    /// One step more; whether another one is needed.
    pub(crate) fn step(&mut self, connection: &Connection) -> Result<bool, Error> {
        // A negative number begins to merge everything, a positive one goes on.
        let pages = if self.begun { MERGED_AT_ONCE } else { -MERGED_AT_ONCE };
        self.begun = true;
        self.steps_left -= 1;
        let before = connection.total_changes();
        connection
            .prepare_cached("INSERT INTO entry_fts (entry_fts, rank) VALUES ('merge', ?1)")?
            .execute([pages])?;
        // The statement itself counts for one.
        Ok(connection.total_changes() - before >= 2 && self.steps_left > 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_merged_step_by_step_into_one_part() {
        let connection = Connection::open_in_memory().unwrap();
        connection.execute_batch("CREATE VIRTUAL TABLE entry_fts USING fts5 (text)").unwrap();
        // One part a transaction; the automatic merging would join some of them.
        connection.execute_batch("INSERT INTO entry_fts (entry_fts, rank) VALUES ('automerge', 0)").unwrap();
        for row in 0..40 {
            let text: Vec<String> = (0..2_000).map(|word| format!("word{row}x{word}")).collect();
            connection.execute("INSERT INTO entry_fts (text) VALUES (?1)", [text.join(" ")]).unwrap();
        }
        let parts = || -> i64 {
            let sql = "SELECT count(DISTINCT segid) FROM entry_fts_idx";
            connection.query_row(sql, [], |row| row.get(0)).unwrap()
        };
        assert!(parts() > 1);
        let mut merge = Merge::begin(&connection).unwrap();
        let mut steps = 1;
        while merge.step(&connection).unwrap() {
            steps += 1;
        }
        assert_eq!(parts(), 1);
        assert!((2..200).contains(&steps), "{steps}");
        // Nothing is left to be done.
        assert!(!Merge::begin(&connection).unwrap().step(&connection).unwrap());
    }
}
