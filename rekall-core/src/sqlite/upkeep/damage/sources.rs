//! Rows of `source`, `section` and `usage` that cannot be read, and making them readable.

use rusqlite::Connection;
use rusqlite::types::{Value as Sql, ValueRef};

use crate::engine::ScopeRows;
use crate::{Error, json as exact};

/// A column that another program may have filled with anything.
struct Column {
    table: &'static str,
    /// The column that the row is named by.
    key: &'static str,
    name: &'static str,
    form: Form,
}

#[derive(Clone, Copy)]
enum Form {
    /// Unique texts that cannot be empty.
    Uri,
    OptionalText,
    Digest,
    Time,
    /// Row numbers of the file, or none.
    Line,
    /// The order of a source's sections; below 0 where one is gone from it.
    Number,
    ListOfTexts,
    Count,
}

const fn column(table: &'static str, key: &'static str, name: &'static str, form: Form) -> Column {
    Column { table, key, name, form }
}

const COLUMNS: [Column; 11] = [
    column("source", "id", "uri", Form::Uri),
    column("source", "id", "stamp", Form::OptionalText),
    column("source", "id", "digest", Form::Digest),
    column("source", "id", "synced_at", Form::Time),
    column("section", "entry_id", "number", Form::Number),
    column("section", "entry_id", "path", Form::ListOfTexts),
    column("section", "entry_id", "line", Form::Line),
    column("section", "entry_id", "digest", Form::Digest),
    column("section", "entry_id", "tags", Form::ListOfTexts),
    column("usage", "entry_id", "last_used_at", Form::Time),
    column("usage", "entry_id", "uses", Form::Count),
];

/// A value that cannot be read.
pub(super) struct Unreadable {
    /// In a line.
    pub(super) detail: String,
    /// The entry concerned.
    pub(super) entry: Option<i64>,
    column: &'static Column,
    row: i64,
    value: Sql,
}

/// The values of these tables that cannot be read. O(rows).
pub(super) fn faults(connection: &Connection) -> Result<Vec<Unreadable>, Error> {
    let mut found = Vec::new();
    for column in &COLUMNS {
        let Column { table, key, name, form } = column;
        // NOT INDEXED: the indexes may be what is wrong.
        let mut statement = connection.prepare(&format!("SELECT {key}, {name} FROM {table} NOT INDEXED"))?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let value = row.get_ref(1)?;
            let number: i64 = row.get(0)?;
            let memory = ScopeRows::owning(number);
            if form.fits(value, memory) {
                continue;
            }
            let expected = form.expected();
            found.push(Unreadable {
                detail: format!(
                    "{name} of {table} {} must be {expected}, got {}",
                    memory.row(number),
                    value.data_type().to_string().to_lowercase()
                ),
                entry: (*key == "entry_id").then_some(number),
                column,
                row: number,
                value: match value {
                    // Text that is not UTF-8 counts as bytes.
                    ValueRef::Text(bytes) | ValueRef::Blob(bytes) => Sql::Blob(bytes.to_vec()),
                    ValueRef::Null => Sql::Null,
                    ValueRef::Integer(number) => Sql::Integer(number),
                    ValueRef::Real(number) => Sql::Real(number),
                },
            });
        }
    }
    Ok(found)
}

/// Gives each of them a value that can be read. Stamps go: what is missing of a source comes back when it is read again.
pub(super) fn repair(connection: &Connection) -> Result<(), Error> {
    for fault in faults(connection)? {
        let Column { table, key, name, form } = fault.column;
        let value = form.nearest(&fault.value, fault.row);
        let value = match form {
            Form::Number => {
                let next =
                    "SELECT 1 + max(ifnull(max(CASE WHEN typeof(number) = 'integer' THEN number END), 0), 0)
                    FROM section WHERE source_id = (SELECT source_id FROM section WHERE entry_id = ?1)";
                Sql::Integer(connection.query_row(next, [fault.row], |row| row.get(0))?)
            }
            _ => value,
        };
        connection
            .execute(&format!("UPDATE {table} SET {name} = ?2 WHERE {key} = ?1"), (fault.row, value))?;
    }
    connection.execute("UPDATE source SET stamp = NULL WHERE stamp IS NOT NULL", [])?;
    Ok(())
}

impl Form {
    fn fits(self, value: ValueRef<'_>, memory: ScopeRows) -> bool {
        match (self, value) {
            (Self::Uri, value) => {
                value.as_str().is_ok_and(|key| memory.name(key).is_some_and(|uri| !uri.is_empty()))
            }
            (Self::OptionalText | Self::Line, ValueRef::Null) => true,
            (Self::OptionalText, value) => value.as_str().is_ok(),
            (Self::Digest, value) => matches!(value, ValueRef::Blob(_)),
            (Self::Time | Self::Number, value) => matches!(value, ValueRef::Integer(_)),
            (Self::Line | Self::Count, value) => matches!(value, ValueRef::Integer(0..)),
            (Self::ListOfTexts, value) => {
                value.as_str().is_ok_and(|text| exact::read::<Vec<String>>(text).is_ok())
            }
        }
    }

    const fn expected(self) -> &'static str {
        match self {
            Self::Uri => "a URI",
            Self::OptionalText => "text or nothing",
            Self::Digest => "bytes",
            Self::Time | Self::Number => "an integer",
            Self::Line => "an integer from 0, or nothing",
            Self::Count => "an integer from 0",
            Self::ListOfTexts => "a JSON array of texts",
        }
    }

    /// A value that can be read, as near as possible to what was there.
    fn nearest(self, value: &Sql, row: i64) -> Sql {
        match self {
            Self::Uri => {
                let said = match value {
                    Sql::Blob(bytes) => String::from_utf8_lossy(bytes).into_owned(),
                    _ => String::new(),
                };
                // No other source has it, and it begins like none of another memory.
                let memory = ScopeRows::owning(row);
                let said = memory.name(&said).unwrap_or(&said).trim_start_matches('\u{1}');
                Sql::Text(memory.key(&format!("{said}#unreadable-{}", memory.row(row))))
            }
            Self::OptionalText | Self::Line => Sql::Null,
            Self::Digest => Sql::Blob(Vec::new()),
            Self::Time | Self::Number | Self::Count => Sql::Integer(0),
            Self::ListOfTexts => Sql::Text("[]".to_owned()),
        }
    }
}
