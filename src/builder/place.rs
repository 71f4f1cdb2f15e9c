//! Where a memory is: in a file, or on a server. The only file of the facade that names engines.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rekall_core::{Error as CoreError, SqliteStore, Store, StoreOptions};

use crate::{Error, VectorBackend};

/// Schemes of a URL that names a memory on a server.
const SCHEMES: [&str; 2] = ["postgres://", "postgresql://"];

/// Where a memory is.
pub(super) enum Place {
    /// A file, by its path.
    File(PathBuf),
    /// A server, by its URL, which may hold a password.
    Server(String),
}

impl Place {
    pub(super) fn of(path: &Path) -> Self {
        if is_url(path) {
            Self::Server(path.to_string_lossy().into_owned())
        } else {
            Self::File(path.to_owned())
        }
    }

    pub(super) fn open(
        &self,
        options: &StoreOptions,
        backend: VectorBackend,
    ) -> Result<Arc<dyn Store>, Error> {
        Ok(match self {
            // No file is made for it.
            Self::File(_) if backend.pushed_graph().is_some() => {
                let capability = VectorBackend::PUSHED;
                return Err(CoreError::Unsupported { capability, engine: "SQLite" }.into());
            }
            Self::File(path) => Arc::new(SqliteStore::open(path, options)?),
            Self::Server(url) => on_server(url, options, backend)?,
        })
    }
}

/// Without the URL's password, wherever it is in it.
impl fmt::Debug for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => path.fmt(f),
            Self::Server(url) => write!(f, "{}…", url.split_inclusive("://").next().unwrap_or_default()),
        }
    }
}

/// Whether a path is the URL of a memory on a server: no file of that name is ever made.
fn is_url(path: &Path) -> bool {
    let bytes = path.as_os_str().as_encoded_bytes();
    SCHEMES.iter().any(|scheme| {
        bytes.get(..scheme.len()).is_some_and(|start| start.eq_ignore_ascii_case(scheme.as_bytes()))
    })
}

/// Refuses what only a file can do, where a URL was given for one.
pub(crate) fn expect_file(path: &Path, capability: &'static str) -> Result<(), CoreError> {
    if is_url(path) {
        return Err(CoreError::Unsupported { capability, engine: "PostgreSQL" });
    }
    Ok(())
}

#[cfg(feature = "postgres")]
fn on_server(url: &str, options: &StoreOptions, backend: VectorBackend) -> Result<Arc<dyn Store>, Error> {
    use rekall_postgres::{PostgresOptions, PostgresStore};

    let refused = [
        (options.secure_delete, "overwriting what is forgotten (secure_delete)"),
        (options.migrate, "putting a new memory in the place of the Python tool's file (migrate)"),
        (backend == VectorBackend::SqliteVec, "the vector backend sqlite-vec, which is a table in a file"),
    ];
    if let Some((_, capability)) = refused.into_iter().find(|(asked, _)| *asked) {
        return Err(CoreError::Unsupported { capability, engine: "PostgreSQL" }.into());
    }
    let mut server = PostgresOptions::default();
    server.create = options.create;
    server.read_only = options.read_only;
    server.busy_timeout = options.busy_timeout;
    server.clock = Arc::clone(&options.clock);
    Ok(Arc::new(PostgresStore::open(url, &server).map_err(CoreError::from)?))
}

#[cfg(not(feature = "postgres"))]
fn on_server(_: &str, _: &StoreOptions, _: VectorBackend) -> Result<Arc<dyn Store>, Error> {
    Err(Error::NotBuilt { what: "a memory on a PostgreSQL server", feature: "postgres" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_told_from_a_path_and_shows_no_password() {
        for url in ["postgres://ann:secret@db/team", "PostgreSQL://ann:secret@db/team?password=secret"] {
            let place = Place::of(Path::new(url));
            assert!(matches!(&place, Place::Server(kept) if kept == url));
            assert!(!format!("{place:?}").contains("secret"), "{place:?}");
            let refused = expect_file(Path::new(url), "backup").unwrap_err();
            assert_eq!(refused.to_string(), "PostgreSQL cannot do this: backup");
        }
        for path in ["postgres", "postgres:/a.db", "./postgres://a.db", "", "notes/postgres://"] {
            assert!(matches!(Place::of(Path::new(path)), Place::File(kept) if kept == Path::new(path)));
            expect_file(Path::new(path), "backup").unwrap();
        }
    }

    #[cfg(not(feature = "postgres"))]
    #[test]
    fn a_url_is_refused_by_a_build_without_the_feature() {
        let refused = crate::Rekall::builder("postgres://ann:secret@db/team").without_model().open();
        let error = refused.unwrap_err();
        assert!(matches!(error, Error::NotBuilt { feature: "postgres", .. }));
        assert_eq!(
            error.to_string(),
            "a memory on a PostgreSQL server is not in this build: it needs the feature postgres"
        );
        assert!(!Path::new("postgres:").exists(), "no file is made");
    }
}
