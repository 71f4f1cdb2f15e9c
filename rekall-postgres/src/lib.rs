//! The storage of rekall on a PostgreSQL server.
#![forbid(unsafe_code)]
#![warn(missing_docs)]

#[cfg(all(unix, feature = "testing"))]
pub mod testing;
