//! Telling what a schema holds.

use tokio_postgres::types::Type;

use crate::Error;
use crate::client::{Client, Transaction};

/// The oldest server that has what the tables need, as it counts its versions.
const OLDEST_SERVER: i64 = 140_000;

/// What a schema turns out to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Format {
    /// There is none of that name.
    Absent,
    /// It has no tables.
    Empty,
    /// A memory of this version.
    Version(i64),
    /// Something else.
    Foreign {
        /// In words.
        found: String,
    },
}

/// The server's version, the database's encoding, and of the schema: whether it is there, its tables, and how many of those that tell
/// a memory it has.
const LOOK: &str = "SELECT current_setting('server_version_num')::bigint, current_setting('server_encoding'),
        pg_namespace.oid IS NOT NULL,
        (SELECT count(*) FROM pg_class WHERE relnamespace = pg_namespace.oid AND relkind IN ('r', 'p', 'v', 'm', 'f')),
        (SELECT count(*) FROM pg_class JOIN pg_attribute ON attrelid = pg_class.oid
            WHERE relnamespace = pg_namespace.oid
                AND (relname, attname) IN (('meta', 'key'), ('meta', 'value'), ('entry', 'ulid'), ('change', 'seq')))
    FROM (VALUES (1)) AS always LEFT JOIN pg_namespace ON nspname = $1";

/// # Errors
/// [`Error::Unfit`] for a server on which no memory can be; what asking fails with.
pub(crate) fn identify(client: &Client, transaction: &Transaction) -> Result<Format, Error> {
    let row = transaction.query_one(LOOK, &[(&client.address().schema, Type::TEXT)])?;
    let unfit = |expected, got| Err(Error::Unfit { server: client.address().to_string(), expected, got });
    let (version, encoding): (i64, String) = (row.try_get(0)?, row.try_get(1)?);
    if version < OLDEST_SERVER {
        return unfit("PostgreSQL 14 or newer", format!("{}", version / 10_000));
    }
    if encoding != "UTF8" {
        return unfit("a database in UTF8", encoding);
    }
    let (exists, tables, signs): (bool, i64, i64) = (row.try_get(2)?, row.try_get(3)?, row.try_get(4)?);
    Ok(match (exists, tables, signs) {
        (false, ..) => Format::Absent,
        (true, 0, _) => Format::Empty,
        (true, _, 4) => of_memory(transaction)?,
        (true, others, _) => Format::Foreign { found: format!("{others} tables of another program") },
    })
}

fn of_memory(transaction: &Transaction) -> Result<Format, Error> {
    let row = transaction.query_opt("SELECT value FROM meta WHERE key = 'version'", &[])?;
    let value: Option<String> = row.map(|row| row.try_get(0)).transpose()?.flatten();
    Ok(match value.as_deref().and_then(|value| value.parse().ok()) {
        Some(version) => Format::Version(version),
        None => Format::Foreign { found: "no version that is a number".to_owned() },
    })
}
