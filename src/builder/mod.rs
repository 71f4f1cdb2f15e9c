//! Opening a memory.

mod file;
mod model;
mod place;
mod reranker;
mod search;

use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rekall_cache::{CacheOptions, Clock};
use rekall_core::StoreOptions;
use rekall_model::{KeepAlive, LoadOptions, ManagerOptions, ModelSource};

use crate::event::Events;
use crate::models::{ModelChoice, Models, OpenReranker};
use crate::opening::Opening;
use crate::settings::Settings;
use crate::vector_index::IndexSettings;
use crate::{Config, Error, Event, Rekall};
use place::Place;
pub(crate) use place::expect_file;

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
    place: Place,
    store: StoreOptions,
    config: Config,
    model: Option<ModelChoice>,
    load: LoadOptions,
    reranker: reranker::ChosenReranker,
    clock: Option<Arc<dyn Clock>>,
    reaper: bool,
    release_memory: bool,
    check_model: bool,
    events: Events,
    search_threads: usize,
}

impl Rekall {
    /// Begins to open the memory in the file at `path`, which is made if it is not there. Where it begins with `postgres://` or
    /// `postgresql://` it is the URL of a memory on a PostgreSQL server, whose parameter `schema` names the memory
    /// (`docs/postgres.md`); that takes the feature `postgres`.
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
            place: Place::of(path),
            store: StoreOptions::default(),
            config: Config::default(),
            model: None,
            load: LoadOptions::default(),
            reranker: reranker::ChosenReranker::default(),
            clock: None,
            reaper: false,
            release_memory: false,
            check_model: false,
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

    /// Opens the memory. Costs about a millisecond, on a server a few round trips: no model is loaded and no vector read yet.
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
    /// [`Error::Core`] when the path does not hold a rekall file and none can be made there, when the server cannot be
    /// reached or has no memory, and, of kind `Unsupported`, for a setting that only a file can have;
    /// [`Error::NotBuilt`] for a backend that this build lacks, and for a URL in a build without `postgres`; with [`check_model`](Self::check_model) also
    /// [`Error::Model`].
    pub fn open(self) -> Result<Rekall, Error> {
        self.config.check()?;
        let mut cache =
            CacheOptions::new().max_entries(self.config.cache_max_size).time_to_live(self.config.cache_ttl);
        if let Some(clock) = &self.clock {
            cache = cache.clock(SharedClock(Arc::clone(clock)));
        }
        let reranker = self.reranker.choice(&self.config, &self.load);
        let mut load = Box::new(match self.config.precision {
            Some(precision) => self.load.precision(precision),
            None => self.load,
        });
        if let Some(shared) = self.config.model_host {
            load.model_host = shared;
        }
        let (precision, model_host) = (load.precision, load.model_host);
        let choice = match (self.model, self.config.model) {
            (Some(choice), _) => choice,
            (None, Some(source)) => ModelChoice::Source(source, load),
            (None, None) if cfg!(feature = "bundled-model") => {
                ModelChoice::Source(ModelSource::Bundled, load)
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
        let reranker =
            reranker.map(|choice| OpenReranker::new(choice, &settings, &self.events)).transpose()?;
        if self.check_model {
            // Before a file is made.
            models.check()?;
            reranker.as_ref().map_or(Ok(()), OpenReranker::check)?;
        }
        let store = self.place.open(&self.store, self.config.vector_backend)?;
        let index = IndexSettings {
            backend: self.config.vector_backend,
            memory_budget: self.config.memory_budget,
            rescored_rows: self.config.rescored_rows,
        };
        let reranker = reranker.map(Arc::new);
        Opening { precision, model_host, reranker, cache, index, events: self.events, settings }
            .open(store, &Arc::new(models))
    }
}

impl fmt::Debug for Builder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder")
            .field("place", &self.place)
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
