//! Opening a memory.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, RwLock};
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use rekall_cache::{CacheOptions, Clock, EmbeddingCache};
use rekall_core::{Store, StoreOptions, Synchronous, WallClock};
use rekall_model::{Embedder, Fingerprint, KeepAlive, LoadOptions, ManagerOptions, ModelSource};

use crate::event::Events;
use crate::models::{ModelChoice, Models};
use crate::recall::health::Health;
use crate::recall::newest_search::NewestSearches;
use crate::settings::Settings;
use crate::vector_index::{IndexSettings, VectorIndexKeeper};
use crate::{Config, Error, Event, Rekall, VectorBackend};

/// What to open, and how. Nothing happens before [`open`](Self::open).
///
/// ```
/// # use rekall::Rekall;
/// # fn main() -> Result<(), rekall::Error> {
/// # let folder = tempfile::tempdir().unwrap();
/// # let path = folder.path().join("knowledge.db");
/// let rekall = Rekall::builder(path)
///     .cache_max_size(2_000)
///     .on_event(|event| eprintln!("{event:?}"))
///     .open()?;
/// # Ok(())
/// # }
/// ```
#[must_use]
pub struct Builder {
    path: PathBuf,
    store: StoreOptions,
    config: Config,
    model: Option<ModelChoice>,
    load: LoadOptions,
    clock: Option<Arc<dyn Clock>>,
    reaper: bool,
    release_memory: bool,
    events: Events,
    search_threads: usize,
}

impl Rekall {
    /// Begins to open the memory in the file at `path`, which is made if it is not there.
    ///
    /// ```
    /// # fn main() -> Result<(), rekall::Error> {
    /// # use rekall::Rekall;
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let path = folder.path().join("a.db");
    /// let rekall = Rekall::builder(&path).open()?;
    /// assert!(rekall.path().ends_with("a.db"));
    /// # Ok(())
    /// # }
    /// ```
    pub fn builder(path: impl AsRef<Path>) -> Builder {
        Builder::new(path.as_ref())
    }
}

impl Builder {
    fn new(path: &Path) -> Self {
        Self {
            path: path.to_owned(),
            store: StoreOptions::default(),
            config: Config::default(),
            model: None,
            load: LoadOptions::default(),
            clock: None,
            reaper: false,
            release_memory: false,
            events: Events::default(),
            search_threads: 1,
        }
    }

    /// Takes all settings of a configuration. Setters called later override it.
    ///
    /// ```
    /// # fn main() -> Result<(), rekall::Error> {
    /// # use rekall::{Config, Rekall};
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let path = folder.path().join("a.db");
    /// let config: Config = "[performance]\ncache_max_size = 50".parse()?;
    /// let rekall = Rekall::builder(path).config(config).open()?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn config(mut self, config: Config) -> Self {
        self.config = config;
        self
    }

    /// The model that makes the vectors. Default: the built-in one, if this build has it.
    ///
    /// ```
    /// # fn main() -> Result<(), rekall::Error> {
    /// # use rekall::{ModelSource, Rekall};
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let path = folder.path().join("a.db");
    /// // Named on a command line. It is looked for when it is first needed.
    /// let source: ModelSource = "path:/var/lib/models/e5-small".parse()?;
    /// let rekall = Rekall::builder(path).model(source).open()?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn model(mut self, source: ModelSource) -> Self {
        self.model = None;
        self.config.model = Some(source);
        self
    }

    /// How the model is loaded: cut vectors, prefixes, cache folder of the hub.
    ///
    /// ```
    /// # fn main() -> Result<(), rekall::Error> {
    /// # use rekall::{ModelSource, Rekall, model::LoadOptions};
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let path = folder.path().join("a.db");
    /// let options = LoadOptions::new().query_prefix("query: ").document_prefix("passage: ");
    /// let rekall = Rekall::builder(path).model(ModelSource::Path("e5-small".into())).load_options(options).open()?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn load_options(mut self, options: LoadOptions) -> Self {
        self.load = options;
        self
    }

    /// The host's own model.
    ///
    /// ```
    /// # fn main() -> Result<(), rekall::Error> {
    /// # use rekall::Rekall;
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let path = folder.path().join("a.db");
    /// use std::sync::Arc;
    /// use rekall::{Embedder, NewEntry, model::{Error, Fingerprint}};
    ///
    /// /// Tells texts by how often they name the first letters of the alphabet.
    /// struct Letters(Fingerprint);
    ///
    /// impl Embedder for Letters {
    ///     fn fingerprint(&self) -> &Fingerprint {
    ///         &self.0
    ///     }
    ///     fn dimensions(&self) -> usize {
    ///         3
    ///     }
    ///     fn max_tokens(&self) -> Option<usize> {
    ///         None
    ///     }
    ///     fn count_tokens(&self, text: &str) -> Result<usize, Error> {
    ///         Ok(text.split_whitespace().count())
    ///     }
    ///     fn embed_documents(&self, texts: &[&str]) -> Result<Vec<f32>, Error> {
    ///         let rows: Result<Vec<_>, _> = texts.iter().map(|text| self.embed_query(text)).collect();
    ///         Ok(rows?.concat())
    ///     }
    ///     fn embed_query(&self, text: &str) -> Result<Vec<f32>, Error> {
    ///         let row = ['a', 'b', 'c'].map(|letter| text.matches(letter).count() as f32);
    ///         match row.iter().map(|value| value * value).sum::<f32>().sqrt() {
    ///             0.0 => Err(Error::Unembeddable { index: 0 }),
    ///             length => Ok(row.map(|value| value / length).to_vec()),
    ///         }
    ///     }
    ///     fn memory_bytes(&self) -> usize {
    ///         0
    ///     }
    /// }
    ///
    /// let letters = Letters(Fingerprint::external("letters", 3));
    /// let rekall = Rekall::builder(path).embedder(Arc::new(letters)).open()?;
    /// rekall.remember(NewEntry::new("abc"))?;
    /// assert!(rekall.recall("cab").run()?[0].similarity > Some(0.99));
    /// # Ok(())
    /// # }
    /// ```
    pub fn embedder(mut self, embedder: Arc<dyn Embedder>) -> Self {
        self.model = Some(ModelChoice::Own(embedder));
        self
    }

    /// No model: the host hands in vectors of a model it calls `name`, with `dimensions` components. Text is
    /// then found by words, and by meaning when the query comes as a vector.
    ///
    /// ```
    /// # fn main() -> Result<(), rekall::Error> {
    /// # use rekall::{NewEntry, Rekall};
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let path = folder.path().join("a.db");
    /// let rekall = Rekall::builder(path).vectors_of("our model, version 3", 2).open()?;
    /// rekall.remember_with_vector(NewEntry::new("disk full"), &[0.6, 0.8])?;
    /// assert_eq!(rekall.recall_vector(&[1.0, 0.0]).run()?.len(), 1);
    /// # Ok(())
    /// # }
    /// ```
    pub fn vectors_of(mut self, name: &str, dimensions: usize) -> Self {
        self.model = Some(ModelChoice::Vectors(Fingerprint::external(name, dimensions)));
        self
    }

    /// No model and no vectors: text is found by words only.
    ///
    /// ```
    /// # fn main() -> Result<(), rekall::Error> {
    /// # use rekall::{NewEntry, Rekall};
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let path = folder.path().join("a.db");
    /// let rekall = Rekall::builder(path).without_model().open()?;
    /// rekall.remember(NewEntry::new("disk full"))?;
    /// assert_eq!(rekall.recall("disk").run()?.len(), 1);
    /// # Ok(())
    /// # }
    /// ```
    pub fn without_model(mut self) -> Self {
        self.model = Some(ModelChoice::None);
        self
    }

    /// Query vectors kept, in entries; 0 keeps none. Default 1000.
    ///
    /// ```
    /// # fn main() -> Result<(), rekall::Error> {
    /// # use rekall::Rekall;
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let path = folder.path().join("a.db");
    /// let rekall = Rekall::builder(path).cache_max_size(10_000).open()?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn cache_max_size(mut self, entries: usize) -> Self {
        self.config.cache_max_size = entries;
        self
    }

    /// How long a query vector is kept. Default 600 s.
    ///
    /// ```
    /// # fn main() -> Result<(), rekall::Error> {
    /// # use rekall::Rekall;
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let path = folder.path().join("a.db");
    /// use std::time::Duration;
    ///
    /// let rekall = Rekall::builder(path).cache_ttl(Duration::from_secs(3600)).open()?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn cache_ttl(mut self, age: Duration) -> Self {
        self.config.cache_ttl = age;
        self
    }

    /// Which vector index searches use.
    ///
    /// ```
    /// # fn main() -> Result<(), rekall::Error> {
    /// # use rekall::{Rekall, VectorBackend};
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let path = folder.path().join("a.db");
    /// let rekall = Rekall::builder(path).vector_backend(VectorBackend::Sq8).open()?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn vector_backend(mut self, backend: VectorBackend) -> Self {
        self.config.vector_backend = backend;
        self
    }

    /// Most bytes of memory that the vector index of [`VectorBackend::Auto`] may take; `None`: no limit. What
    /// does not fit stays in the file and is read at each search: codes that writes and
    /// [`Rekall::rebuild_index`] persist and, in memory, the rows of entries changed since (up to a mebibyte
    /// even when the budget is less; one read of 64 entries may pass that for a moment). The backends that
    /// are asked for by name ignore it, for what they hold is their nature: `Flat`, `Sq8` and `Binary`
    /// everything, `SqliteVec` next to nothing. Default: no limit.
    ///
    /// ```
    /// # fn main() -> Result<(), rekall::Error> {
    /// # use rekall::Rekall;
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let path = folder.path().join("a.db");
    /// let rekall = Rekall::builder(path).memory_budget(64 << 20).open()?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn memory_budget(mut self, bytes: impl Into<Option<usize>>) -> Self {
        self.config.memory_budget = bytes.into();
        self
    }

    /// Rows that a search of [`VectorBackend::Binary`] rescores exactly, 1 or more: more rows, fewer misses,
    /// more time. [`Rekall::audit_index`] says how many are missed on this file. Default 1000.
    ///
    /// ```
    /// # fn main() -> Result<(), rekall::Error> {
    /// # use rekall::{Rekall, VectorBackend};
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let path = folder.path().join("a.db");
    /// let rekall =
    ///     Rekall::builder(path).vector_backend(VectorBackend::Binary).rescored_rows(5_000).open()?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn rescored_rows(mut self, rows: usize) -> Self {
        self.config.rescored_rows = rows.max(1);
        self
    }

    /// The most threads one search may use. Searches at the same time share those beside the callers' own:
    /// eight callers who may use four each run on eight and three. Default 1; results are the same with any
    /// number.
    ///
    /// ```
    /// # fn main() -> Result<(), rekall::Error> {
    /// # use rekall::Rekall;
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let path = folder.path().join("a.db");
    /// let rekall = Rekall::builder(path).search_threads(4).open()?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn search_threads(mut self, threads: usize) -> Self {
        self.search_threads = threads.max(1);
        self
    }

    /// Whether a missing file is made. Default true.
    ///
    /// ```
    /// # fn main() -> Result<(), rekall::Error> {
    /// # use rekall::{ErrorKind, Rekall};
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let path = folder.path().join("a.db");
    /// let refused = Rekall::builder(path).create(false).open();
    /// assert_eq!(refused.err().map(|error| error.kind()), Some(ErrorKind::NotFound));
    /// # Ok(())
    /// # }
    /// ```
    pub fn create(mut self, create: bool) -> Self {
        self.store.create = create;
        self
    }

    /// Puts a new file in the place of one that the Python tool wrote, which is kept beside it. Default
    /// false: such a file is refused.
    ///
    /// ```
    /// # fn main() -> Result<(), rekall::Error> {
    /// # use rekall::Rekall;
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let path = folder.path().join("a.db");
    /// let rekall = Rekall::builder(path).migrate(true).open()?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn migrate(mut self, migrate: bool) -> Self {
        self.store.migrate = migrate;
        self
    }

    /// Refuses every write.
    ///
    /// ```
    /// # fn main() -> Result<(), rekall::Error> {
    /// # use rekall::{ErrorKind, NewEntry, Rekall};
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let path = folder.path().join("a.db");
    /// drop(Rekall::builder(&path).open()?);
    /// let rekall = Rekall::builder(&path).read_only().open()?;
    /// let refused = rekall.remember(NewEntry::new("disk full"));
    /// assert_eq!(refused.err().map(|error| error.kind()), Some(ErrorKind::ReadOnly));
    /// # Ok(())
    /// # }
    /// ```
    pub fn read_only(mut self) -> Self {
        self.store.read_only = true;
        self
    }

    /// How long to wait for another writer. Default 5 s.
    ///
    /// ```
    /// # fn main() -> Result<(), rekall::Error> {
    /// # use rekall::Rekall;
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let path = folder.path().join("a.db");
    /// use std::time::Duration;
    ///
    /// let rekall = Rekall::builder(path).busy_timeout(Duration::from_millis(200)).open()?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn busy_timeout(mut self, timeout: Duration) -> Self {
        self.store.busy_timeout = timeout;
        self
    }

    /// How safely a commit is flushed to the disk. Default [`Synchronous::Normal`].
    ///
    /// ```
    /// # fn main() -> Result<(), rekall::Error> {
    /// # use rekall::{Rekall, core::Synchronous};
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let path = folder.path().join("a.db");
    /// // A commit is on the disk when it returns, even if the machine loses power.
    /// let rekall = Rekall::builder(path).synchronous(Synchronous::Full).open()?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn synchronous(mut self, synchronous: Synchronous) -> Self {
        self.store.synchronous = synchronous;
        self
    }

    /// Overwrites what is forgotten with zeroes. Default false. A search or export that looks at an older
    /// state, in this process or another one, delays it: [`Event::NotErased`] says so.
    ///
    /// ```
    /// # fn main() -> Result<(), rekall::Error> {
    /// # use rekall::{Event, Rekall};
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let path = folder.path().join("a.db");
    /// let rekall = Rekall::builder(path)
    ///     .secure_delete(true)
    ///     .on_event(|event| {
    ///         if let Event::NotErased { reason } = event {
    ///             eprintln!("not erased yet: {reason}");
    ///         }
    ///     })
    ///     .open()?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn secure_delete(mut self, secure: bool) -> Self {
        self.store.secure_delete = secure;
        self
    }

    /// How long an unused model stays loaded; `None`: for ever; zero: not at all. Default 10 minutes.
    ///
    /// The time is looked at by [`Rekall::unload_if_idle`], or by a thread
    /// ([`unload_in_background`](Self::unload_in_background)).
    ///
    /// ```
    /// # fn main() -> Result<(), rekall::Error> {
    /// # use rekall::Rekall;
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let path = folder.path().join("a.db");
    /// use std::time::Duration;
    ///
    /// let rekall = Rekall::builder(path).model_idle_timeout(Duration::from_secs(60)).unload_in_background().open()?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn model_idle_timeout(mut self, idle: impl Into<Option<Duration>>) -> Self {
        self.config.model_idle_timeout = idle.into();
        self
    }

    /// Starts a thread that unloads the idle model in time and is joined when the memory is closed. Default:
    /// none.
    ///
    /// ```
    /// # fn main() -> Result<(), rekall::Error> {
    /// # use rekall::Rekall;
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let path = folder.path().join("a.db");
    /// let rekall = Rekall::builder(path).unload_in_background().open()?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn unload_in_background(mut self) -> Self {
        self.reaper = true;
        self
    }

    /// Asks the allocator to return freed memory to the system after each unload. Concerns the whole process,
    /// so it is the host's choice. Default: no.
    ///
    /// ```
    /// # fn main() -> Result<(), rekall::Error> {
    /// # use rekall::Rekall;
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let path = folder.path().join("a.db");
    /// let rekall = Rekall::builder(path).unload_in_background().release_memory_on_unload().open()?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn release_memory_on_unload(mut self) -> Self {
        self.release_memory = true;
        self
    }

    /// The clock that cached vectors and an idle model age by. Default: the system's monotonic clock.
    ///
    /// ```
    /// # fn main() -> Result<(), rekall::Error> {
    /// # use rekall::{Rekall, cache::ManualClock};
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let path = folder.path().join("a.db");
    /// use std::time::Duration;
    ///
    /// let clock = ManualClock::new();
    /// let rekall = Rekall::builder(path).clock(clock.clone()).open()?;
    /// // Cached query vectors are expired now, and an idle model may be unloaded.
    /// clock.advance(Duration::from_secs(3600));
    /// # Ok(())
    /// # }
    /// ```
    pub fn clock(mut self, clock: impl Clock + 'static) -> Self {
        self.clock = Some(Arc::new(clock));
        self
    }

    /// The clock that entries are stamped by. Default: the system's.
    ///
    /// ```
    /// # fn main() -> Result<(), rekall::Error> {
    /// # use rekall::{NewEntry, Rekall};
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let path = folder.path().join("a.db");
    /// use rekall::storage::WallClock;
    ///
    /// /// The same time always, for a test.
    /// struct Noon;
    ///
    /// impl WallClock for Noon {
    ///     fn now_ms(&self) -> i64 {
    ///         1_700_000_000_000
    ///     }
    /// }
    ///
    /// let rekall = Rekall::builder(path).without_model().wall_clock(Noon).open()?;
    /// let id = rekall.remember(NewEntry::new("disk full"))?;
    /// assert_eq!(rekall.get(id)?.created_at, 1_700_000_000_000);
    /// # Ok(())
    /// # }
    /// ```
    pub fn wall_clock(mut self, clock: impl WallClock + 'static) -> Self {
        self.store.clock = Arc::new(clock);
        self
    }

    /// Hears what happens meanwhile; see [`Event`].
    ///
    /// ```
    /// # fn main() -> Result<(), rekall::Error> {
    /// # use rekall::{Event, Rekall};
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let path = folder.path().join("a.db");
    /// let rekall = Rekall::builder(path)
    ///     .on_event(|event| match event {
    ///         Event::ModelLoading { model } => eprintln!("loading {model}"),
    ///         other => eprintln!("{other:?}"),
    ///     })
    ///     .open()?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn on_event(mut self, callback: impl Fn(&Event) + Send + Sync + 'static) -> Self {
        self.events = Events::new(callback);
        self
    }

    /// Opens the memory. Costs about a millisecond: no model is loaded and no vector read yet.
    ///
    /// ```
    /// # fn main() -> Result<(), rekall::Error> {
    /// # use rekall::Rekall;
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let path = folder.path().join("a.db");
    /// let rekall = Rekall::builder(path).open()?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::Core`] when the path does not hold a rekall file and none can be made there;
    /// [`Error::NotBuilt`] for a backend that this build lacks.
    pub fn open(self) -> Result<Rekall, Error> {
        self.config.check()?;
        let store = Store::open(&self.path, &self.store)?;
        let mut cache =
            CacheOptions::new().max_entries(self.config.cache_max_size).time_to_live(self.config.cache_ttl);
        if let Some(clock) = &self.clock {
            cache = cache.clock(SharedClock(Arc::clone(clock)));
        }
        let choice = match (self.model, self.config.model) {
            (Some(choice), _) => choice,
            (None, Some(source)) => ModelChoice::Source(source, Box::new(self.load)),
            (None, None) if cfg!(feature = "bundled-model") => {
                ModelChoice::Source(ModelSource::Bundled, Box::new(self.load))
            }
            (None, None) => ModelChoice::None,
        };
        let mut manager = ManagerOptions::default();
        manager.keep_alive = match self.config.model_idle_timeout {
            Some(Duration::ZERO) => KeepAlive::Unload,
            Some(idle) => KeepAlive::For(idle),
            None => KeepAlive::Forever,
        };
        manager.release_memory = self.release_memory;
        if let Some(clock) = &self.clock {
            manager.clock = Arc::new(SharedClock(Arc::clone(clock)));
        }
        let settings = Settings { search_threads: self.search_threads, manager, reaper: self.reaper };
        let models = Models::new(choice, &settings, &self.events)?;
        let store = Arc::new(store);
        let index_settings = IndexSettings {
            backend: self.config.vector_backend,
            memory_budget: self.config.memory_budget,
            rescored_rows: self.config.rescored_rows,
        };
        Ok(Rekall {
            vector_index: VectorIndexKeeper::new(Arc::clone(&store), self.events.clone(), index_settings),
            store,
            models: ArcSwap::from_pointee(models),
            switching: RwLock::default(),
            queries: EmbeddingCache::new(cache),
            events: self.events,
            newest_searches: NewestSearches::default(),
            health: Health::default(),
            settings,
        })
    }
}

impl fmt::Debug for Builder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder")
            .field("path", &self.path)
            .field("store", &self.store)
            .field("config", &self.config)
            .finish_non_exhaustive()
    }
}

struct SharedClock(Arc<dyn Clock>);

impl Clock for SharedClock {
    fn now(&self) -> Instant {
        self.0.now()
    }
}

impl rekall_model::Clock for SharedClock {
    fn now(&self) -> Instant {
        self.0.now()
    }
}
