//! What an open memory was asked for.

use std::fmt;
use std::str::FromStr;

use rekall_model::ManagerOptions;
use serde::{Deserialize, Serialize};

use crate::ConfigError;

/// Which vector index searches use.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum VectorBackend {
    /// What was measured to be best for the file's size.
    #[default]
    Auto,
    /// Exact search over `f32` rows in memory: 4 bytes a component, nothing else needed.
    Flat,
    /// Exact search over int8 codes in memory: 1 byte a component, a few exact rows read from the file.
    Sq8,
    /// Approximate search over sign bits in memory, rescored exactly. Never chosen unasked.
    Binary,
    /// Exact search on a vec0 table of sqlite-vec in the file: nothing in memory, and slow. Needs the feature
    /// `sqlite-vec`. Never chosen unasked. The table is filled by the first write and kept up to date by
    /// later ones, or rebuilt by [`Rekall::rebuild_index`](crate::Rekall::rebuild_index); until then the
    /// rows themselves are searched.
    SqliteVec,
    /// Exact search by the server of a memory on PostgreSQL, in a table of pgvector: no vector in memory, for memories too large for that.
    /// Never chosen unasked. The table is made by the next write, or of more than 10,000 vectors by
    /// [`Rekall::rebuild_index`](crate::Rekall::rebuild_index), and kept up to date by later writes; until then the rows themselves
    /// are searched. Needs the extension `vector`, 0.8.4 or newer, in the database; docs/postgres.md says more.
    Pgvector,
    /// The same by way of a graph (HNSW) over the table: approximate, faster in large memories. Searches say so
    /// ([`Degraded::Approximate`](crate::Degraded::Approximate)).
    PgvectorHnsw,
}

impl VectorBackend {
    /// What a store that is no server, or one without it, cannot do.
    pub(crate) const PUSHED: &str = "the vector backend pgvector, which is a table on a PostgreSQL server";

    /// Of a backend that is a table on a server, whether it has a graph.
    pub(crate) fn pushed_graph(self) -> Option<bool> {
        match self {
            Self::Pgvector => Some(false),
            Self::PgvectorHnsw => Some(true),
            _ => None,
        }
    }
}

impl FromStr for VectorBackend {
    type Err = ConfigError;

    fn from_str(name: &str) -> Result<Self, ConfigError> {
        match name {
            "auto" => Ok(Self::Auto),
            // "numpy" is what the Python tool called its exact search.
            "flat" | "numpy" => Ok(Self::Flat),
            "sq8" => Ok(Self::Sq8),
            "binary" => Ok(Self::Binary),
            "sqlite-vec" | "sqlite_vec" => Ok(Self::SqliteVec),
            "pgvector" => Ok(Self::Pgvector),
            "pgvector-hnsw" | "pgvector_hnsw" => Ok(Self::PgvectorHnsw),
            other => Err(ConfigError::UnknownValue {
                key: "vector_backend",
                expected: "auto, flat, sq8, binary, sqlite-vec, pgvector or pgvector-hnsw",
                got: other.to_owned(),
            }),
        }
    }
}

impl fmt::Display for VectorBackend {
    /// The name that settings have for it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Auto => "auto",
            Self::Flat => "flat",
            Self::Sq8 => "sq8",
            Self::Binary => "binary",
            Self::SqliteVec => "sqlite-vec",
            Self::Pgvector => "pgvector",
            Self::PgvectorHnsw => "pgvector-hnsw",
        })
    }
}

/// Settings that operations look at while the memory is open.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    pub(crate) search_threads: usize,
    pub(crate) manager: ManagerOptions,
    pub(crate) reaper: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn backends_are_written_as_they_are_read() {
        for name in ["auto", "flat", "sq8", "binary", "sqlite-vec", "pgvector", "pgvector-hnsw"] {
            assert_eq!(name.parse::<VectorBackend>().unwrap().to_string(), name);
        }
    }
}
