//! Each of rekall's backends, as a contender.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use rekall_index::{
    BinaryIndex, Error, FlatIndex, Key, Neighbor, ResidentIndex, SearchOptions, Sq8Index, Sq8Stats,
    Sq8Stream, SqliteVecIndex, VectorIndex, VectorSearch, VectorSource,
};
use rusqlite::Connection;
use serde::Deserialize;

use crate::input::Input;
use crate::limit::ReadLimit;
use crate::sources::{Database, FileRows};
use crate::{BoxError, K};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Kind {
    /// No index: the limit that reading memory sets.
    Read,
    Flat,
    /// int8 codes, exact rows from a plain file.
    Sq8,
    /// int8 codes, exact rows from SQLite, as in the facade.
    Sq8Sqlite,
    /// int8 codes and exact rows, both read from SQLite at each search.
    Sq8Stream,
    Binary,
    Vec0,
}

pub(crate) enum Contender {
    Read(ReadLimit),
    Flat(FlatIndex),
    Sq8(Sq8Index),
    Stream(Sq8Stream<Arc<Database>, Arc<Database>>),
    Binary(BinaryIndex),
    Vec0(SqliteVecIndex<'static>),
}

/// A contender, what it keeps on disk, and what it took to make.
pub(crate) struct Built {
    pub(crate) contender: Contender,
    pub(crate) seconds: f64,
    database: Option<Arc<Database>>,
    codes: PathBuf,
}

pub(crate) fn keys(first: usize, count: usize) -> Vec<Key> {
    (first..first + count).map(|row| Key::new(row as i64, 0, 0)).collect()
}

/// Hands rows over, and times what is done with them, not the reading.
struct Filling<'a> {
    input: &'a Input,
    seconds: f64,
}

impl Filling<'_> {
    fn fill(&mut self, mut add: impl FnMut(usize, &[f32]) -> Result<(), BoxError>) -> Result<(), BoxError> {
        let input = self.input;
        input.each_part(|first, rows| self.timed(|| add(first, rows)))
    }

    fn timed<T>(&mut self, work: impl FnOnce() -> T) -> T {
        let started = Instant::now();
        let done = work();
        self.seconds += started.elapsed().as_secs_f64();
        done
    }

    fn index<I: VectorIndex>(&mut self, mut index: I) -> Result<I, BoxError> {
        let dimensions = index.dimensions();
        self.fill(|first, rows| Ok(index.upsert(&keys(first, rows.len() / dimensions), rows)?))?;
        Ok(index)
    }
}

/// Makes a contender.
pub(crate) fn build(kind: Kind, input: &Input, folder: &Path) -> Result<Built, BoxError> {
    let dimensions = input.dimensions;
    let file = |name: &str| folder.join(name);
    let mut filling = Filling { input, seconds: 0.0 };
    let mut database = None;
    let contender = match kind {
        Kind::Read => {
            let mut limit = ReadLimit::with_capacity(input.rows * dimensions);
            filling.fill(|_, rows| {
                limit.extend(rows);
                Ok(())
            })?;
            Contender::Read(limit)
        }
        Kind::Flat => Contender::Flat(filling.index(FlatIndex::new(dimensions)?)?),
        Kind::Sq8 => {
            let source = Arc::new(FileRows::open(input)?);
            Contender::Sq8(filling.index(Sq8Index::new(dimensions, source)?)?)
        }
        Kind::Binary => {
            let source = Arc::new(FileRows::open(input)?);
            Contender::Binary(filling.index(BinaryIndex::new(dimensions, source)?)?)
        }
        Kind::Sq8Sqlite | Kind::Sq8Stream => {
            let rows = Arc::new(Database::open(&file("rows.db"))?);
            input.each_part(|first, part| rows.add_rows(first, part, dimensions).map_err(BoxError::from))?;
            database = Some(Arc::clone(&rows));
            let index = filling.index(Sq8Index::new(dimensions, Arc::clone(&rows) as _)?)?;
            rows.add_blocks(index.export())?;
            if kind == Kind::Sq8Stream {
                Contender::Stream(Sq8Stream::new(dimensions, input.rows, Arc::clone(&rows), rows)?)
            } else {
                Contender::Sq8(index)
            }
        }
        Kind::Vec0 => {
            // The index borrows its connection, and both live as long as the process.
            let connection = Box::leak(Box::new(Connection::open(file("vec0.db"))?));
            connection.execute_batch(
                "PRAGMA page_size = 8192; PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;
                 PRAGMA mmap_size = 4294967296; BEGIN;",
            )?;
            let index = filling.index(SqliteVecIndex::open(connection, "vectors", dimensions)?)?;
            filling.timed(|| connection.execute_batch("COMMIT"))?;
            Contender::Vec0(index)
        }
    };
    Ok(Built { contender, seconds: filling.seconds, database, codes: file("codes.bin") })
}

impl Contender {
    pub(crate) fn as_search(&self) -> Option<&dyn VectorSearch> {
        Some(match self {
            Self::Read(_) => return None,
            Self::Flat(index) => index,
            Self::Sq8(index) => index,
            Self::Stream(index) => index,
            Self::Binary(index) => index,
            Self::Vec0(index) => index,
        })
    }

    pub(crate) fn as_resident(&mut self) -> Option<&mut dyn ResidentIndex> {
        Some(match self {
            Self::Flat(index) => index,
            Self::Sq8(index) => index,
            Self::Binary(index) => index,
            Self::Read(_) | Self::Stream(_) | Self::Vec0(_) => return None,
        })
    }

    pub(crate) fn memory_bytes(&self) -> usize {
        match self {
            Self::Read(limit) => limit.memory_bytes(),
            other => other.as_search().map_or(0, VectorSearch::memory_bytes),
        }
    }

    pub(crate) fn stats(&self) -> Option<Sq8Stats> {
        match self {
            Self::Sq8(index) => Some(index.stats()),
            Self::Stream(index) => Some(index.stats()),
            _ => None,
        }
    }

    /// One search for one query, or one for several.
    pub(crate) fn search(
        &mut self,
        queries: &[f32],
        batch: bool,
        threads: usize,
    ) -> Result<Vec<Vec<Neighbor>>, Error> {
        if let Self::Read(limit) = self {
            limit.read(threads);
            return Ok(Vec::new());
        }
        let options = SearchOptions::new(K).with_threads(threads);
        let Some(index) = self.as_search() else { return Ok(Vec::new()) };
        if batch {
            return index.search_batch(queries, &options);
        }
        Ok(vec![index.search(queries, &options)?])
    }
}

impl Built {
    /// Lays the codes by and reads them back; the seconds that reading their bytes takes, and those that making an index of
    /// them takes on top. `None` for what has no saved form of its own.
    pub(crate) fn reload(&mut self, dimensions: usize) -> Result<Option<Reload>, BoxError> {
        let Contender::Sq8(index) = &mut self.contender else { return Ok(None) };
        let blocks: Vec<Vec<u8>> = index.export().collect();
        let lengths: Vec<usize> = blocks.iter().map(Vec::len).collect();
        std::fs::write(&self.codes, blocks.concat())?;
        drop(blocks);
        let started = Instant::now();
        let bytes = std::fs::read(&self.codes)?;
        let read = started.elapsed().as_secs_f64();
        let source: Arc<dyn VectorSource + Send + Sync> = match &self.database {
            Some(database) => Arc::clone(database) as _,
            None => Arc::new(NoRows),
        };
        let started = Instant::now();
        let mut rest = bytes.as_slice();
        let blocks = lengths.iter().map(|&length| {
            let (block, others) = rest.split_at(length);
            rest = others;
            Ok(block)
        });
        let copy = Sq8Index::import(dimensions, source, blocks)?;
        let import = started.elapsed().as_secs_f64();
        drop(copy);
        Ok(Some(Reload { bytes: bytes.len(), read, import }))
    }
}

#[derive(Debug, serde::Serialize)]
pub(crate) struct Reload {
    bytes: usize,
    read: f64,
    import: f64,
}

/// For an index that is never searched.
struct NoRows;

impl VectorSource for NoRows {
    fn rows(&self, keys: &[Key], _out: &mut Vec<f32>) -> Result<(), Error> {
        keys.first().map_or(Ok(()), |&key| Err(Error::MissingRow { key }))
    }
}
