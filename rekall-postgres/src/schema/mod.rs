//! The tables of a memory: recognized, made and upgraded.

mod identify;
mod position;
#[cfg(test)]
#[cfg(unix)]
mod tests;

use tokio_postgres::types::Type;

use crate::Error;
use crate::client::{Client, Mode, Transaction};
use crate::url::quoted;
pub(crate) use identify::{Format, identify};
pub(crate) use position::{POSITION, number_of, position, scope_position};

/// Version written by this library, in the table `meta`. Up to 5 it is the number of a file with the same tables; triggers that a file has no
/// need of have moved it on since.
pub(crate) const VERSION: i64 = 6;

/// What leads from each version to the next one that there was, in order. The first one makes the tables, and a new memory goes
/// through all of them.
const MIGRATIONS: &[Migration] =
    &[(4, include_str!("schema.sql")), (5, include_str!("scopes.sql")), (VERSION, include_str!("whole.sql"))];

/// What brings the policies into force that keep a session to its scope: run once, with the first scope.
pub(crate) const WALLS: &str = include_str!("walls.sql");

/// Whether that was done.
pub(crate) const HAS_WALLS: &str = "SELECT relforcerowsecurity FROM pg_class WHERE oid = 'entry'::regclass";

type Migration = (i64, &'static str);

/// The lock of those who make or upgrade a memory; the second number is the schema's.
const MAKING: &str = "SELECT pg_advisory_xact_lock(1380666418, hashtext($1))";

/// The lock of those who write to one: the triggers of the schema take it, too.
pub(crate) const TURN: &str = "SELECT pg_advisory_xact_lock(1380666417, hashtext($1))";

/// Whether a memory may be made, or changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Access {
    /// It is made where there is none.
    Create,
    /// It has to be there.
    Write,
    /// It has to be there, and stays as it is.
    Read,
}

/// Sees to it that the schema holds a memory of this version.
///
/// Any number of processes may do that at once: one of them makes the tables, the others wait for it. Making and upgrading are one
/// transaction each.
///
/// # Errors
/// [`Error::NotFound`], [`Error::NotAMemory`], [`Error::NewerVersion`]; [`Error::Unfit`] for a server that is too old, or whose database
/// is not in UTF-8; [`Error::ReadOnly`] when the user may not do what is needed, or the access is.
pub(crate) fn open(client: &Client, access: Access) -> Result<(), Error> {
    open_with(client, access, MIGRATIONS)
}

fn open_with(client: &Client, access: Access, migrations: &[Migration]) -> Result<(), Error> {
    let (transaction, _) = client.begin(Mode::Read, &[], None)?;
    let format = identify(client, &transaction)?;
    drop(transaction);
    if let Some(needed) = needed(client, &format, access, migrations)? {
        tracing::debug!(?format, steps = needed.len(), "tables are made");
        migrate(client, access, migrations)?;
    }
    Ok(())
}

/// The steps that lead to the newest version; `None` if that is there.
fn needed<'m>(
    client: &Client,
    format: &Format,
    access: Access,
    migrations: &'m [Migration],
) -> Result<Option<&'m [Migration]>, Error> {
    let server = || client.address().to_string();
    let newest = migrations.last().map_or(VERSION, |&(version, _)| version);
    let found = match format {
        Format::Foreign { found } => {
            return Err(Error::NotAMemory { server: server(), found: found.clone() });
        }
        Format::Version(found) if *found > newest => {
            return Err(Error::NewerVersion { server: server(), found: *found, supported: newest });
        }
        Format::Version(found) if *found == newest => return Ok(None),
        Format::Version(found) => *found,
        Format::Absent | Format::Empty if access == Access::Create => 0,
        Format::Absent | Format::Empty => return Err(Error::NotFound { server: server() }),
    };
    if access == Access::Read {
        let detail = format!("{} has version {found} and has to be upgraded first", server());
        return Err(Error::ReadOnly { detail });
    }
    let begin = migrations.partition_point(|&(version, _)| version <= found);
    Ok(migrations.get(begin..))
}

/// Makes or upgrades the tables: all of it, or nothing.
fn migrate(client: &Client, access: Access, migrations: &[Migration]) -> Result<(), Error> {
    let schema = &client.address().schema;
    let name: &[_] = &[(schema as _, Type::TEXT)];
    let (transaction, _) = client.begin(Mode::Write, &[(MAKING, name), (TURN, name)], None)?;
    // Again, now that nobody else does the same.
    let format = identify(client, &transaction)?;
    let Some(steps) = needed(client, &format, access, migrations)? else { return Ok(()) };
    if format == Format::Absent {
        transaction.batch(&format!("CREATE SCHEMA {}", quoted(schema)))?;
    }
    for &(version, sql) in steps {
        transaction.batch(sql)?;
        note_version(&transaction, version)?;
    }
    // Makes it another memory than one that had this name before.
    transaction.batch("INSERT INTO meta VALUES ('life', gen_random_uuid()) ON CONFLICT DO NOTHING")?;
    transaction.commit(None)
}

fn note_version(transaction: &Transaction, version: i64) -> Result<(), Error> {
    let sql =
        "INSERT INTO meta VALUES ('version', $1) ON CONFLICT (key) DO UPDATE SET value = excluded.value";
    transaction.execute(sql, &[(&version.to_string(), Type::TEXT)]).map(drop)
}
