//! Where a test keeps its memories: in files, or on a server.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rekall::{Builder, Rekall};
#[cfg(all(feature = "postgres", unix))]
use rekall_postgres::testing::Server;
use tempfile::TempDir;

use super::WordModel;

/// What keeps a test's memories.
#[derive(Clone, Copy)]
pub enum Engine {
    /// A file for each.
    File,
    /// A schema for each, on the server that all tests of a program share.
    #[cfg(all(feature = "postgres", unix))]
    Server(&'static Server),
}

/// Makes tests of functions that take an [`Engine`]: each is run on files and, with the feature `postgres`, on a server. Where
/// no server was fetched, a line says so.
macro_rules! on_every_engine {
    ($($name:ident),+ $(,)?) => {
        mod in_files {
            $(#[test]
            fn $name() {
                super::$name($crate::common::engine::Engine::File);
            })+
        }

        #[cfg(all(feature = "postgres", unix))]
        mod on_a_server {
            $(#[test]
            fn $name() {
                if let Some(server) = rekall_postgres::testing::Server::shared() {
                    super::$name($crate::common::engine::Engine::Server(server));
                }
            })+
        }
    };
}
pub(crate) use on_every_engine;

impl Engine {
    /// A place where no memory is yet: a path, or a URL.
    pub fn place(self, folder: &Path) -> PathBuf {
        match self {
            Self::File => folder.join("knowledge.db"),
            #[cfg(all(feature = "postgres", unix))]
            Self::Server(server) => server.memory_url().into(),
        }
    }

    pub fn memory_with(self, configure: impl FnOnce(Builder) -> Builder) -> Memory {
        let folder = tempfile::tempdir().unwrap();
        let place = self.place(folder.path());
        Memory { rekall: configure(Rekall::builder(&place)).open().unwrap(), engine: self, place, folder }
    }

    /// A memory with the word model, 16 dimensions.
    pub fn memory(self) -> Memory {
        self.memory_with(|builder| builder.embedder(Arc::new(WordModel::new(16))))
    }

    pub fn is_file(self) -> bool {
        matches!(self, Self::File)
    }
}

/// A memory in a place of its own, and a folder that goes away with it.
pub struct Memory {
    pub rekall: Rekall,
    pub engine: Engine,
    pub place: PathBuf,
    pub folder: TempDir,
}

impl Memory {
    /// The same memory once more.
    pub fn again(&self, configure: impl FnOnce(Builder) -> Builder) -> Rekall {
        configure(Rekall::builder(&self.place)).open().unwrap()
    }

    /// Runs SQL as another program would.
    pub fn foreign_sql(&self, sql: &str) {
        match self.engine {
            Engine::File => {
                rusqlite::Connection::open(&self.place).unwrap().execute_batch(sql).unwrap();
            }
            #[cfg(all(feature = "postgres", unix))]
            Engine::Server(server) => {
                let url = self.place.to_str().unwrap();
                let (_, schema) = url.split_once("schema=").unwrap();
                server.psql("rekall", &format!("SET search_path TO {schema}; {sql}")).unwrap();
            }
        }
    }

    /// Checks that nothing is damaged, where the library can look: a server has its own means.
    pub fn assert_sound(&self) {
        if self.engine.is_file() {
            let report = self.rekall.check().run().unwrap();
            assert!(report.is_clean(), "{:?}", report.problems);
        }
    }
}

impl std::ops::Deref for Memory {
    type Target = Rekall;

    fn deref(&self) -> &Rekall {
        &self.rekall
    }
}
