//! Settings from a TOML file, as users of the Python tool wrote them.

use std::fs::{self, File};
use std::io::{self, Read};
use std::num::NonZeroUsize;
use std::path::Path;
use std::str::FromStr;
use std::time::Duration;

use rekall_index::BinaryIndex;
use rekall_model::{ModelSource, Precision};
use serde::{Deserialize, Deserializer};

use crate::{ConfigError, Error, VectorBackend};

/// What a precision may be.
const PRECISIONS: &str = "f32 or int8";

/// Where a reranker may come from: none is built in.
const RERANKERS: &str = "path:DIR or hub:REPO";

/// Bytes of a settings file, of which there is no use for a hundredth.
const LONGEST: u64 = 1 << 20;

/// Settings of an open memory. Times of zero and sizes of zero mean just that: expired at once, none kept.
///
/// ```
/// let config: rekall::Config = "
///     [performance]
///     cache_max_size = 2000
///     cache_ttl_seconds = 600
///     model_idle_timeout_minutes = 10
///     vector_backend = 'auto'
/// ".parse()?;
/// assert_eq!(config.cache_max_size, 2000);
/// # Ok::<(), rekall::ConfigError>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Config {
    /// Query vectors kept, in entries. Default 1000.
    pub cache_max_size: usize,
    /// How long a query vector is kept. Default 600 s.
    pub cache_ttl: Duration,
    /// How long an unused model stays loaded; `None`: until the memory is closed. Default 10 minutes.
    pub model_idle_timeout: Option<Duration>,
    /// Which vector index searches use. Default [`VectorBackend::Auto`].
    pub vector_backend: VectorBackend,
    /// Most bytes of memory that the vector index may take; `None`: no limit. The default.
    pub memory_budget: Option<usize>,
    /// Rows that a search of [`VectorBackend::Binary`] rescores. Default 1000.
    pub rescored_rows: usize,
    /// The model; `None`: the built-in one.
    pub model: Option<ModelSource>,
    /// What numbers the model's matrices are multiplied in; `None`: what its load options say, 32-bit floats.
    pub precision: Option<Precision>,
    /// Whether the processes of a user share one loaded model, and one loaded reranker; `None`: what their load options say, no.
    pub model_host: Option<bool>,
    /// The reranker; `None`, the default: there is none.
    pub reranker: Option<ModelSource>,
    /// As `precision`, of the reranker.
    pub reranker_precision: Option<Precision>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            cache_max_size: 1000,
            cache_ttl: Duration::from_secs(600),
            model_idle_timeout: Some(Duration::from_secs(600)),
            vector_backend: VectorBackend::Auto,
            memory_budget: None,
            rescored_rows: BinaryIndex::RESCORED_ROWS,
            model: None,
            precision: None,
            model_host: None,
            reranker: None,
            reranker_precision: None,
        }
    }
}

/// The file as written; `deny_unknown_fields` makes every misspelt key an error that names it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Sections {
    #[serde(default)]
    performance: Performance,
    #[serde(default)]
    model: Model,
    #[serde(default)]
    reranker: Reranker,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Performance {
    cache_max_size: Option<usize>,
    cache_ttl_seconds: Option<u64>,
    #[serde(default, deserialize_with = "minutes")]
    model_idle_timeout_minutes: Option<Duration>,
    #[serde(alias = "vector_index_backend")]
    vector_backend: Option<String>,
    memory_budget_bytes: Option<usize>,
    rescored_rows: Option<NonZeroUsize>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Model {
    source: Option<String>,
    precision: Option<String>,
    host: Option<bool>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Reranker {
    source: Option<String>,
    precision: Option<String>,
}

fn parsed<T: FromStr>(
    value: Option<String>,
    key: &'static str,
    expected: &'static str,
) -> Result<Option<T>, ConfigError> {
    let parsed = value.map(|got| got.parse().map_err(|_| ConfigError::UnknownValue { key, expected, got }));
    parsed.transpose()
}

/// Minutes may have a fraction, as they had in the Python tool.
fn minutes<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Duration>, D::Error> {
    let minutes = f64::deserialize(deserializer)?;
    Duration::try_from_secs_f64(minutes * 60.0).map(Some).map_err(|_| {
        serde::de::Error::custom(format!("model_idle_timeout_minutes must be 0 or more, got {minutes}"))
    })
}

impl Config {
    /// Reads a TOML file, of a mebibyte at the most.
    ///
    /// ```
    /// # fn main() -> Result<(), rekall::Error> {
    /// # use rekall::Config;
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let path = folder.path().join("settings.toml");
    /// std::fs::write(&path, "[performance]\nvector_backend = 'sq8'").unwrap();
    /// let config = Config::from_file(&path)?;
    /// # assert_eq!(config.vector_backend, rekall::VectorBackend::Sq8);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`ConfigError`], naming the file, key or value.
    pub fn from_file(path: impl AsRef<Path>) -> Result<Self, ConfigError> {
        let path = path.as_ref();
        read(path).map_err(|source| ConfigError::Io { path: path.to_owned(), source })?.parse()
    }

    /// Whether this build can do what the settings ask for. No model is looked for: that is done
    /// when one is needed.
    ///
    /// ```
    /// let config: rekall::Config = "[performance]\nvector_backend = 'sq8'".parse()?;
    /// config.check()?;
    /// # Ok::<(), rekall::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::NotBuilt`], naming the feature that is missing.
    pub fn check(&self) -> Result<(), Error> {
        if self.vector_backend == VectorBackend::SqliteVec && !cfg!(feature = "sqlite-vec") {
            return Err(Error::NotBuilt { what: "the vector backend sqlite-vec", feature: "sqlite-vec" });
        }
        match &self.reranker {
            Some(source @ (ModelSource::Bundled | ModelSource::BundledV1)) => {
                Err(ConfigError::UnknownValue {
                    key: "reranker.source",
                    expected: RERANKERS,
                    got: source.to_string(),
                }
                .into())
            }
            _ => Ok(()),
        }
    }
}

/// The text of a settings file: not what a pipe or a device has to say, which may never end.
fn read(path: &Path) -> io::Result<String> {
    if !fs::metadata(path)?.is_file() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "not a file"));
    }
    let mut text = String::new();
    File::open(path)?.take(LONGEST + 1).read_to_string(&mut text)?;
    match text.len() as u64 > LONGEST {
        true => {
            Err(io::Error::new(io::ErrorKind::InvalidInput, format!("settings of more than {LONGEST} bytes")))
        }
        false => Ok(text),
    }
}

impl FromStr for Config {
    type Err = ConfigError;

    /// Reads TOML: section `[performance]` with `cache_max_size`, `cache_ttl_seconds`,
    /// `model_idle_timeout_minutes`, `memory_budget_bytes`, `rescored_rows` and `vector_backend` (old
    /// spelling `vector_index_backend`), sections `[model]` and `[reranker]` with `source` (`"bundled"`, `"path:DIR"`,
    /// `"hub:REPO"`) and `precision` (`"f32"`, `"int8"`), and in `[model]` `host`, of both. What is absent has its default.
    fn from_str(toml: &str) -> Result<Self, ConfigError> {
        let file: Sections =
            toml::from_str(toml).map_err(|error| ConfigError::Syntax { message: error.to_string() })?;
        let default = Self::default();
        let performance = file.performance;
        let model = parsed(file.model.source, "model.source", "bundled, path:DIR or hub:REPO")?;
        let precision = parsed(file.model.precision, "model.precision", PRECISIONS)?;
        let reranker = parsed(file.reranker.source, "reranker.source", RERANKERS)?;
        let reranker_precision = parsed(file.reranker.precision, "reranker.precision", PRECISIONS)?;
        Ok(Self {
            cache_max_size: performance.cache_max_size.unwrap_or(default.cache_max_size),
            cache_ttl: performance.cache_ttl_seconds.map_or(default.cache_ttl, Duration::from_secs),
            model_idle_timeout: performance.model_idle_timeout_minutes.or(default.model_idle_timeout),
            vector_backend: performance
                .vector_backend
                .as_deref()
                .map_or(Ok(default.vector_backend), str::parse)?,
            memory_budget: performance.memory_budget_bytes,
            rescored_rows: performance.rescored_rows.map_or(default.rescored_rows, NonZeroUsize::get),
            model,
            precision,
            model_host: file.model.host,
            reranker,
            reranker_precision,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn old_spellings_are_read() {
        let config: Config =
            "[performance]\nvector_index_backend = 'numpy'\nmodel_idle_timeout_minutes = 0.5"
                .parse()
                .unwrap();
        assert_eq!(config.vector_backend, VectorBackend::Flat);
        assert_eq!(config.model_idle_timeout, Some(Duration::from_secs(30)));
        assert_eq!(config.cache_max_size, 1000);
    }

    #[test]
    fn what_is_no_file_or_too_long_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("settings.toml");
        let refused = |path: &Path| Config::from_file(path).unwrap_err().to_string();
        assert!(refused(folder.path()).contains("not a file"));
        assert!(!cfg!(unix) || refused(Path::new("/dev/zero")).contains("not a file"));
        fs::write(&path, "#".repeat(LONGEST as usize + 1)).unwrap();
        assert!(refused(&path).contains("more than 1048576 bytes"));
        fs::write(&path, "#".repeat(LONGEST as usize)).unwrap();
        assert_eq!(Config::from_file(&path).unwrap(), Config::default());
    }

    #[test]
    fn zero_means_zero() {
        let config: Config = "[performance]\ncache_max_size = 0\ncache_ttl_seconds = 0".parse().unwrap();
        assert_eq!((config.cache_max_size, config.cache_ttl), (0, Duration::ZERO));
    }

    #[test]
    fn unknown_keys_and_values_are_named() {
        let refused = |toml: &str| toml.parse::<Config>().expect_err(toml).to_string();
        assert!(refused("[performance]\ncache_max_sise = 1").contains("cache_max_sise"));
        assert!(refused("[perf]\n").contains("perf"));
        assert_eq!(
            refused("[performance]\nvector_backend = 'faiss'"),
            "vector_backend must be auto, flat, sq8, binary, sqlite-vec, pgvector or pgvector-hnsw, got \"faiss\""
        );
        assert!(refused("[performance]\ncache_max_size = -1").contains("cache_max_size"));
        assert!(refused("[performance]\nmodel_idle_timeout_minutes = -1").contains("got -1"));
        assert!(refused("cache_max_size").contains("cache_max_size"));
        assert_eq!(
            refused("[reranker]\nprecision = 'fp16'"),
            "reranker.precision must be f32 or int8, got \"fp16\""
        );
        assert!(refused("[model]\nsource = 'ftp:x'").starts_with("model.source must be"));
        let host = |toml: &str| toml.parse::<Config>().unwrap().model_host;
        assert_eq!(
            ["[model]", "[model]\nhost = false", "[model]\nhost = true"].map(host),
            [None, Some(false), Some(true)]
        );
        assert!(refused("[reranker]\nhost = true").contains("host"), "the model's rules both");
    }
}
