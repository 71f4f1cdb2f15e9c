//! What several test files share.
#![allow(
    dead_code,
    unused_imports,
    unused_macros,
    unreachable_pub,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

pub mod engine;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use rekall::model::{Error, Fingerprint};
use rekall::storage::WallClock;
use rekall::{Builder, Embedder, Mode, Rekall, VectorBackend};

pub use engine::{Engine, Memory};

/// A model small enough to be obvious: each word adds a fixed direction drawn from its letters.
pub struct WordModel {
    fingerprint: Fingerprint,
    dimensions: usize,
    max_tokens: Option<usize>,
}

impl WordModel {
    pub fn new(dimensions: usize) -> Self {
        Self { fingerprint: Fingerprint::external("words", dimensions), dimensions, max_tokens: None }
    }

    pub fn named(name: &str, dimensions: usize) -> Self {
        Self { fingerprint: Fingerprint::external(name, dimensions), dimensions, max_tokens: None }
    }

    pub fn max_tokens(mut self, words: usize) -> Self {
        self.max_tokens = Some(words);
        self
    }

    fn embed(&self, index: usize, text: &str) -> Result<Vec<f32>, Error> {
        let mut sum = vec![0.0_f64; self.dimensions];
        for word in text.split_whitespace().take(self.max_tokens.unwrap_or(usize::MAX)) {
            let seed = word.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
                (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
            });
            for (at, value) in sum.iter_mut().enumerate() {
                *value += mixed(seed.wrapping_add(at as u64)) as f64 / f64::from(1 << 23) - 1.0;
            }
        }
        let norm = sum.iter().map(|value| value * value).sum::<f64>().sqrt();
        if norm == 0.0 {
            return Err(Error::Unembeddable { index });
        }
        Ok(sum.into_iter().map(|value| (value / norm) as f32).collect())
    }
}

/// 24 bits of SplitMix64's finaliser: without mixing, sums of words would coincide.
fn mixed(mut state: u64) -> u64 {
    state = state.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    state = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    state = (state ^ (state >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    (state ^ (state >> 31)) >> 40
}

impl Embedder for WordModel {
    fn fingerprint(&self) -> &Fingerprint {
        &self.fingerprint
    }
    fn dimensions(&self) -> usize {
        self.dimensions
    }
    fn max_tokens(&self) -> Option<usize> {
        self.max_tokens
    }
    fn count_tokens(&self, text: &str) -> Result<usize, Error> {
        Ok(text.split_whitespace().count())
    }
    fn embed_documents(&self, texts: &[&str]) -> Result<Vec<f32>, Error> {
        let mut rows = Vec::new();
        for (index, text) in texts.iter().enumerate() {
            rows.extend(self.embed(index, text)?);
        }
        Ok(rows)
    }
    fn embed_query(&self, text: &str) -> Result<Vec<f32>, Error> {
        self.embed(0, text)
    }
    fn memory_bytes(&self) -> usize {
        0
    }
}

/// A wall clock that stands where it was put.
#[derive(Debug, Clone, Default)]
pub struct FixedClock(Arc<AtomicI64>);

impl FixedClock {
    pub fn at(ms: i64) -> Self {
        Self(Arc::new(AtomicI64::new(ms)))
    }

    pub fn set(&self, ms: i64) {
        self.0.store(ms, Ordering::Relaxed);
    }
}

impl WallClock for FixedClock {
    fn now_ms(&self) -> i64 {
        self.0.load(Ordering::Relaxed)
    }
}

pub fn memory_with(configure: impl FnOnce(Builder) -> Builder) -> Memory {
    Engine::File.memory_with(configure)
}

/// A memory with the word model, 16 dimensions.
pub fn memory() -> Memory {
    Engine::File.memory()
}

/// How one backend is asked for.
pub type Configure = fn(Builder) -> Builder;

/// Every way of searching by meaning that a memory of this build has; "streamed" answers from the file, from codes where they
/// are persisted and else from the rows.
pub const BACKENDS: &[(&str, Configure)] = &[
    ("flat", |builder| builder.vector_backend(VectorBackend::Flat)),
    ("sq8", |builder| builder.vector_backend(VectorBackend::Sq8)),
    ("binary", |builder| builder.vector_backend(VectorBackend::Binary)),
    ("streamed", |builder| builder.memory_budget(0)),
    #[cfg(feature = "sqlite-vec")]
    ("sqlite-vec", |builder| builder.vector_backend(VectorBackend::SqliteVec)),
];

/// Opens the file with the word model, 16 dimensions.
pub fn open(path: &Path, configure: Configure) -> Rekall {
    configure(Rekall::builder(path).embedder(Arc::new(WordModel::new(16)))).open().unwrap()
}

/// Ids and similarities, bit by bit, of what is nearest to a text.
pub type Answer = Vec<(String, u32)>;

pub fn nearest(rekall: &Rekall, text: &str, limit: usize) -> Answer {
    let found = rekall.recall(text).mode(Mode::Semantic).limit(limit).run().unwrap();
    found.iter().map(|hit| (hit.entry.id.to_string(), hit.similarity.unwrap().to_bits())).collect()
}

/// Fails the test instead of hanging when the work does not end within half a minute. The work's thread is left behind then.
pub fn ends<T: Send + 'static>(what: &str, work: impl FnOnce() -> T + Send + 'static) -> T {
    let (done, result) = std::sync::mpsc::channel();
    let thread = std::thread::spawn(move || {
        let _ = done.send(work());
    });
    match result.recv_timeout(std::time::Duration::from_secs(30)) {
        Ok(result) => result,
        Err(std::sync::mpsc::RecvTimeoutError::Timeout) => panic!("{what} did not end"),
        Err(std::sync::mpsc::RecvTimeoutError::Disconnected) => {
            std::panic::resume_unwind(thread.join().expect_err("it sent nothing"))
        }
    }
}

/// Numbers that look random and are the same in every run of a seed (SplitMix64).
pub struct Random(pub u64);

impl Random {
    pub fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % bound
    }
}

/// A memory with default options and these notes, titles and contents.
#[cfg(feature = "bundled-model")]
pub fn memory_of(notes: &[(&str, &str)]) -> Memory {
    let memory = memory_with(|builder| builder);
    let entries: Vec<_> =
        notes.iter().map(|(title, content)| rekall::NewEntry::new(*title).content(*content)).collect();
    memory.remember_many(&entries).run().unwrap();
    memory
}

/// The titles that a search with default options finds, best first.
pub fn titles(memory: &Rekall, query: &str, mode: Mode) -> Vec<String> {
    memory.recall(query).mode(mode).run().unwrap().into_iter().map(|hit| hit.entry.title).collect()
}

/// Checks that the note of this title comes first, by words and in a hybrid search.
pub fn assert_first(memory: &Rekall, query: &str, title: &str) {
    for mode in [Mode::Text, Mode::Hybrid] {
        let found = titles(memory, query, mode);
        assert_eq!(found.first().map(String::as_str), Some(title), "{query:?}, {mode:?}: {found:#?}");
    }
}
