//! Which rows of the tables are those of the memory that a store is bound to.

use rekall_core::engine::ScopeRows;
use rekall_core::{SpaceId, VectorKey};

/// Between the row numbers that callers have and those of the tables, and what says in SQL which rows are the memory's own. No statement has a
/// bound or a row number that was not made here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Scope(ScopeRows);

/// How an `INSERT` numbers its rows: parts of the statement. All are empty for the memory without a name, whose rows the table's own sequence numbers.
#[derive(Debug, Default)]
pub(super) struct Numbering {
    /// Before the statement.
    pub(super) with: String,
    /// The first column.
    pub(super) column: &'static str,
    /// After the columns.
    pub(super) overriding: &'static str,
    /// The first value.
    pub(super) value: String,
    /// What `FROM` begins with.
    pub(super) from: &'static str,
}

impl Scope {
    /// The memory without a name.
    pub(super) const UNNAMED: Self = Self(ScopeRows::UNNAMED);

    pub(super) const fn new(rows: ScopeRows) -> Self {
        Self(rows)
    }

    /// The scope's number; 0: the memory without a name.
    pub(super) const fn number(self) -> i64 {
        self.0.number()
    }

    /// The number that a row has in the tables.
    pub(super) fn stored(self, row: i64) -> i64 {
        self.0.stored(row)
    }

    /// The numbers that rows have in the tables.
    pub(super) fn stored_all(self, rows: &[i64]) -> Vec<i64> {
        rows.iter().map(|&row| self.stored(row)).collect()
    }

    /// The number of a space in the tables.
    pub(super) fn stored_space(self, space: SpaceId) -> i64 {
        self.stored(space.0)
    }

    /// The number to go on after, also beside the first row and the last one.
    pub(super) fn stored_after(self, row: i64) -> i64 {
        self.0.stored_after(row)
    }

    /// The number that a row of the tables has for callers.
    pub(super) const fn row(self, stored: i64) -> i64 {
        self.0.row(stored)
    }

    /// The number in the tables that is no row's. In the change log it stands for the spaces.
    pub(super) const fn zero(self) -> i64 {
        self.0.zero()
    }

    /// Entries, roles and chunks of keys, as lists that a statement takes.
    pub(super) fn stored_keys(self, keys: &[VectorKey]) -> [Vec<i64>; 3] {
        [
            keys.iter().map(|key| self.stored(key.entry)).collect(),
            keys.iter().map(|key| key.role.into()).collect(),
            keys.iter().map(|key| key.chunk.into()).collect(),
        ]
    }

    /// The condition that a number is the memory's own, for a statement that is answered by another column: the indexes of a
    /// scope's rows begin with the scope, those of the memory without a name have its rows alone.
    pub(super) fn holds(self, column: &str) -> String {
        match self.number() {
            0 => format!("{column} >= 0"),
            scope => format!("{column} < 0 AND ({column} >> 32) = {}", -scope),
        }
    }

    /// The same for a statement that is answered by the order of the numbers.
    pub(super) fn range(self, column: &str) -> String {
        let range = self.0.range();
        match self.number() {
            0 => format!("{column} >= 0"),
            _ => format!("{column} BETWEEN {} AND {}", range.start(), range.end()),
        }
    }

    /// The same for a statement that is answered by the scope itself.
    pub(super) fn same(self, column: &str) -> String {
        format!("({column} >> 32) = {}", -self.number())
    }

    /// The condition that a number of the memory's own comes after another one of them.
    pub(super) fn after(self, column: &str, place: &str) -> String {
        match self.number() {
            0 => format!("{column} > {place}"),
            _ => format!("{column} > {place} AND {column} <= {}", self.0.range().end()),
        }
    }

    /// What a row is known by for callers, of a column that has its number.
    pub(super) fn row_of(self, column: &str) -> String {
        match self.number() {
            0 => column.to_owned(),
            _ => format!("({column} - ({}))", self.zero()),
        }
    }

    /// By which index two rows of the memory have the same name, for `ON CONFLICT`.
    pub(super) fn unique(self, column: &str) -> String {
        match self.number() {
            0 => format!("({column}) WHERE id >= 0"),
            _ => format!("((id >> 32), {column}) WHERE id < 0"),
        }
    }

    /// A key of `meta`. Those of scopes begin with a digit, which no other does.
    pub(super) fn key(self, key: &str) -> String {
        match self.number() {
            0 => key.to_owned(),
            scope => format!("{scope}/{key}"),
        }
    }

    /// The scope's numbers for so many new rows, counted by a column of `scope`. Where the statement numbers its rows from 1 is `number`.
    pub(super) fn numbering(self, counter: &str, count: &str, number: &str) -> Numbering {
        match self.number() {
            0 => Numbering::default(),
            scope => Numbering {
                with: format!(
                    "WITH taken AS (UPDATE scope SET {counter} = {counter} + {count} WHERE number = {scope}
                        RETURNING {counter} - {count} AS before) "
                ),
                column: "id, ",
                overriding: "OVERRIDING SYSTEM VALUE ",
                value: format!("({}) + taken.before + {number}, ", self.zero()),
                from: "taken, ",
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statements_of_the_memory_without_a_name_are_bounded_by_zero() {
        let unnamed = Scope::UNNAMED;
        assert_eq!(unnamed.holds("entry.id"), "entry.id >= 0");
        assert_eq!(
            (unnamed.key("log_floor"), unnamed.row_of("entry_id")),
            ("log_floor".into(), "entry_id".into())
        );
        assert_eq!(unnamed.stored_all(&[3, -1]), [3, -1]);
        assert!(unnamed.numbering("entries", "$1", "1").with.is_empty());
    }

    #[test]
    fn statements_of_a_scope_name_it_in_every_bound() {
        let scope = Scope::new(ScopeRows::of(2).unwrap());
        assert_eq!(scope.holds("id"), "id < 0 AND (id >> 32) = -2");
        assert_eq!(scope.range("id"), "id BETWEEN -8589934592 AND -4294967297");
        assert_eq!(scope.after("id", "$1"), "id > $1 AND id <= -4294967297");
        assert_eq!(scope.key("log_floor"), "2/log_floor");
        assert_eq!(scope.stored_all(&[1, -1, i64::MAX]), [-8589934591, -8589934592, -8589934592]);
        assert_eq!(scope.row_of("entry_id"), "(entry_id - (-8589934592))");
    }
}
