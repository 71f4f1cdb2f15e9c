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
    pub fn config(mut self, config: Config) -> Self {
        self.config = config;
        self
    }

    /// The model that makes the vectors. Default: the built-in one, if this build has it.
    pub fn model(mut self, source: ModelSource) -> Self {
        self.model = None;
        self.config.model = Some(source);
        self
    }

    /// How the model is loaded: cut vectors, prefixes, cache folder of the hub.
    pub fn load_options(mut self, options: LoadOptions) -> Self {
        self.load = options;
        self
    }

    /// The host's own model.
    pub fn embedder(mut self, embedder: Arc<dyn Embedder>) -> Self {
        self.model = Some(ModelChoice::Own(embedder));
        self
    }

    /// No model: the host hands in vectors of a model it calls `name`, with `dimensions` components. Text is
    /// then found by words, and by meaning when the query comes as a vector.
    pub fn vectors_of(mut self, name: &str, dimensions: usize) -> Self {
        self.model = Some(ModelChoice::Vectors(Fingerprint::external(name, dimensions)));
        self
    }

    /// No model and no vectors: text is found by words only.
    pub fn without_model(mut self) -> Self {
        self.model = Some(ModelChoice::None);
        self
    }

    /// Query vectors kept, in entries; 0 keeps none. Default 1000.
    pub fn cache_max_size(mut self, entries: usize) -> Self {
        self.config.cache_max_size = entries;
        self
    }

    /// How long a query vector is kept. Default 600 s.
    pub fn cache_ttl(mut self, age: Duration) -> Self {
        self.config.cache_ttl = age;
        self
    }

    /// Which vector index searches use.
    pub fn vector_backend(mut self, backend: VectorBackend) -> Self {
        self.config.vector_backend = backend;
        self
    }

    /// Most bytes of memory that the vector index of [`VectorBackend::Auto`] may take; `None`: no limit. What
    /// does not fit stays in the file and is read at each search: codes that writes and
    /// [`Rekall::rebuild_index`] persist and, in memory, the rows of entries changed since (up to a mebibyte
    /// even when the budget is less; one read of 64 entries may pass that for a moment). The backends that are asked
    /// for by name ignore it, for what they hold is their nature: `Flat`, `Sq8` and `Binary` everything, `SqliteVec` next to
    /// nothing. Default: no limit.
    pub fn memory_budget(mut self, bytes: impl Into<Option<usize>>) -> Self {
        self.config.memory_budget = bytes.into();
        self
    }

    /// Rows that a search of [`VectorBackend::Binary`] rescores exactly, 1 or more: more rows, fewer misses, more
    /// time. [`Rekall::check_recall`] says how many are missed on this file. Default 1000.
    pub fn rescored_rows(mut self, rows: usize) -> Self {
        self.config.rescored_rows = rows.max(1);
        self
    }

    /// The most threads one search may use. Searches at the same time share those beside the callers' own: eight
    /// callers who may use four each run on eight and three. Default 1; results are the same with any number.
    pub fn search_threads(mut self, threads: usize) -> Self {
        self.search_threads = threads.max(1);
        self
    }

    /// Whether a missing file is made. Default true.
    pub fn create(mut self, create: bool) -> Self {
        self.store.create = create;
        self
    }

    /// Puts a new file in the place of one that the Python tool wrote, which is kept beside it. Default false:
    /// such a file is refused.
    pub fn migrate(mut self, migrate: bool) -> Self {
        self.store.migrate = migrate;
        self
    }

    /// Refuses every write.
    pub fn read_only(mut self) -> Self {
        self.store.read_only = true;
        self
    }

    /// How long to wait for another writer. Default 5 s.
    pub fn busy_timeout(mut self, timeout: Duration) -> Self {
        self.store.busy_timeout = timeout;
        self
    }

    /// How hard a commit is pressed onto the disk. Default [`Synchronous::Normal`].
    pub fn synchronous(mut self, synchronous: Synchronous) -> Self {
        self.store.synchronous = synchronous;
        self
    }

    /// Overwrites what is forgotten with zeroes. Default false. A search or export that looks at an older state, in this
    /// process or another one, delays it: [`Event::NotErased`] says so.
    pub fn secure_delete(mut self, secure: bool) -> Self {
        self.store.secure_delete = secure;
        self
    }

    /// How long an unused model stays loaded; `None`: for ever; zero: not at all. Default 10 minutes.
    ///
    /// The time is looked at by [`Rekall::unload_if_idle`], or by a thread
    /// ([`unload_in_background`](Self::unload_in_background)).
    pub fn model_idle_timeout(mut self, idle: impl Into<Option<Duration>>) -> Self {
        self.config.model_idle_timeout = idle.into();
        self
    }

    /// Starts a thread that unloads the idle model in time and is joined when the memory is closed. Default:
    /// none.
    pub fn unload_in_background(mut self) -> Self {
        self.reaper = true;
        self
    }

    /// Asks the allocator to return freed memory to the system after each unload. Concerns the whole process,
    /// so it is the host's choice. Default: no.
    pub fn release_memory_on_unload(mut self) -> Self {
        self.release_memory = true;
        self
    }

    /// The clock that cached vectors and an idle model age by. Default: the system's monotonic clock.
    pub fn clock(mut self, clock: impl Clock + 'static) -> Self {
        self.clock = Some(Arc::new(clock));
        self
    }

    /// The clock that entries are stamped by. Default: the system's.
    pub fn wall_clock(mut self, clock: impl WallClock + 'static) -> Self {
        self.store.clock = Arc::new(clock);
        self
    }

    /// Hears what happens meanwhile; see [`Event`].
    pub fn on_event(mut self, callback: impl Fn(&Event) + Send + Sync + 'static) -> Self {
        self.events = Events::new(callback);
        self
    }

    /// Opens the memory. Costs about a millisecond: no model is loaded and no vector read yet.
    ///
    /// # Errors
    /// [`Error::Core`] when the path does not hold a rekall file and none can be made there; [`Error::NotBuilt`]
    /// for a backend that this build lacks.
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
