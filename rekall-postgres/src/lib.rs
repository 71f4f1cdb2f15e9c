//! The storage of rekall on a PostgreSQL server.
//!
//! A memory is a schema of a database, with the tables of a file. [`PostgresStore::open`] takes a URL, in which the parameter
//! `schema` names it (`rekall` if it is left out):
//!
//! ```no_run
//! use rekall_postgres::{PostgresOptions, PostgresStore};
//!
//! # fn main() -> Result<(), rekall_postgres::Error> {
//! let url = "postgres://ann@db.example/team?schema=notes&sslmode=verify-full";
//! let store = PostgresStore::open(url, &PostgresOptions::default())?;
//! println!("{}", store.position()?.number());
//! # Ok(())
//! # }
//! ```
//!
//! The server has to be PostgreSQL 14 or newer, with a database in UTF-8; no extension is needed. `docs/postgres.md` says what the URL
//! may hold, what lies in the schema, and what happens when connections break.
#![forbid(unsafe_code)]
#![warn(missing_docs)]

// What the store does not use yet is tested by itself.
#[allow(dead_code, reason = "the operations of a store come next")]
mod client;
#[allow(dead_code, reason = "the operations of a store come next")]
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
