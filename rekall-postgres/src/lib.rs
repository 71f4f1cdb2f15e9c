//! The storage of rekall on a PostgreSQL server.
//!
//! A memory is a schema of a database, with the tables of a file. [`PostgresStore::open`] takes a URL, in which the parameter
//! `schema` names it (`rekall` if it is left out):
//!
//! ```no_run
//! use rekall_core::{Draft, NewEntry, Store};
//! use rekall_postgres::{PostgresOptions, PostgresStore};
//!
//! # fn main() -> Result<(), rekall_core::Error> {
//! let url = "postgres://ann@db.example/team?schema=notes&sslmode=verify-full";
//! let store = PostgresStore::open(url, &PostgresOptions::default())?;
//!
//! let mut tx = store.write()?;
//! let ids = tx.insert(&[Draft::new(&NewEntry::new("CORS fails on Safari"))])?;
//! tx.commit()?;
//! assert_eq!(store.get(ids[0].id)?.title, "CORS fails on Safari");
//! # Ok(())
//! # }
//! ```
//!
//! The server has to be PostgreSQL 14 or newer, with a database in UTF-8; no extension is needed. `docs/postgres.md` says what the URL
//! may hold, what lies in the schema, and what happens when connections break.
#![forbid(unsafe_code)]
#![warn(missing_docs)]

mod client;
mod error;
mod options;
mod passfile;
mod schema;
mod store;
#[cfg(all(unix, any(test, feature = "testing")))]
pub mod testing;
mod url;

pub use error::Error;
pub use options::PostgresOptions;
pub use store::PostgresStore;
