//! The open memory of one command.

use std::io::{self, IsTerminal};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use rekall::{Builder, Config, ErrorKind, Event, ModelSource, Precision, Rekall, VectorBackend};

use crate::args::{Cli, Index};
use crate::failure::Failure;
use crate::place;
use crate::style::counted;

/// What a command is going to do with the database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// Only look: a missing file is an error, one that may not be written is good enough.
    Read,
    /// Write: a missing file is made.
    Write,
    /// Change what is there: a missing file is an error.
    Change,
}

/// An open memory, and what it reported meanwhile.
pub(crate) struct Session {
    pub(crate) rekall: Arc<Rekall>,
    /// Of the model, as the command line or the configuration says.
    pub(crate) precision: Precision,
    unembedded: Arc<Mutex<Unembedded>>,
}

/// Notes that were stored without vectors.
#[derive(Default)]
struct Unembedded {
    count: usize,
    reason: String,
}

impl Session {
    /// Opens the database that the command line, or the environment, names.
    pub(crate) fn open(cli: &Cli, purpose: Purpose) -> Result<Self, Failure> {
        let given = cli.db.as_deref();
        let path = place::database(given).ok_or_else(|| Failure::Usage(place::NO_PLACE.to_owned()))?;
        if purpose == Purpose::Write {
            place::make_default_folder(given, &path)
                .map_err(|error| Failure::io("create the folder of", &path, error))?;
        }
        Self::open_at(cli, &path, purpose)
    }

    /// Opens a given database, with the settings of the command line.
    pub(crate) fn open_at(cli: &Cli, path: &Path, purpose: Purpose) -> Result<Self, Failure> {
        let settings = Settings::of(cli)?;
        // A misspelt path must not look like a memory that knows nothing.
        if purpose != Purpose::Write && !is_url(path) && !path.exists() {
            let path = path.display();
            return Err(Failure::NotFound(format!(
                "no database at {path} yet: add, index or import makes it"
            )));
        }
        let unembedded = Arc::default();
        let builder = || settings.builder(path, &unembedded).create(purpose == Purpose::Write);
        let rekall = match builder().open() {
            Err(error) if purpose == Purpose::Read && error.kind() == ErrorKind::ReadOnly => {
                builder().read_only().open()?
            }
            opened => opened?,
        };
        let precision = settings.precision.or(settings.config.precision).unwrap_or_default();
        let rekall = match &cli.scope {
            Some(scope) => rekall.scope(scope)?,
            None => Arc::new(rekall),
        };
        Ok(Self { rekall, precision, unembedded })
    }

    /// What a user should know beside the result.
    pub(crate) fn notes(&self) -> Vec<String> {
        let unembedded = self.unembedded.lock().unwrap_or_else(PoisonError::into_inner);
        if unembedded.count == 0 {
            return Vec::new();
        }
        let notes = counted(unembedded.count, "note");
        vec![format!("{notes} without a vector, so found by words only: {}", unembedded.reason)]
    }
}

/// What the command line and the configuration file say about opening.
struct Settings {
    config: Config,
    index: Option<VectorBackend>,
    model: Option<ModelSource>,
    precision: Option<Precision>,
    model_host: bool,
    reranker: Option<ModelSource>,
}

impl Settings {
    fn of(cli: &Cli) -> Result<Self, Failure> {
        let config = match &cli.config {
            Some(file) => Config::from_file(file).map_err(rekall::Error::from)?,
            None => Config::default(),
        };
        let index = cli.index.map(backend);
        let (model, reranker) = (cli.model.clone(), cli.reranker.clone());
        let (precision, model_host) = (cli.precision, cli.model_host);
        Ok(Self { config, index, model, precision, model_host, reranker })
    }

    fn builder(&self, path: &Path, unembedded: &Arc<Mutex<Unembedded>>) -> Builder {
        let mut builder = Rekall::builder(path).config(self.config.clone());
        if let Some(index) = self.index {
            builder = builder.vector_backend(index);
        }
        if let Some(model) = &self.model {
            builder = builder.model(model.clone());
        }
        if let Some(precision) = self.precision {
            builder = builder.precision(precision);
        }
        if self.model_host {
            builder = builder.model_host(true);
        }
        if let Some(reranker) = &self.reranker {
            builder = builder.reranker(reranker.clone());
        }
        let unembedded = Arc::clone(unembedded);
        let watched = io::stderr().is_terminal();
        builder.on_event(move |event| match event {
            Event::NotEmbedded { reason, .. } => {
                let mut unembedded = unembedded.lock().unwrap_or_else(PoisonError::into_inner);
                unembedded.count += 1;
                unembedded.reason.clone_from(reason);
            }
            // The built-in model is there in milliseconds; another one may take seconds, or a download.
            Event::ModelLoading { model } if watched && model != "bundled" => eprintln!("loading {model} …"),
            _ => {}
        })
    }
}

const fn backend(index: Index) -> VectorBackend {
    match index {
        Index::Auto => VectorBackend::Auto,
        Index::Flat => VectorBackend::Flat,
        Index::Sq8 => VectorBackend::Sq8,
        Index::Binary => VectorBackend::Binary,
        Index::SqliteVec => VectorBackend::SqliteVec,
        Index::Pgvector => VectorBackend::Pgvector,
        Index::PgvectorHnsw => VectorBackend::PgvectorHnsw,
    }
}

/// Whether the place is a URL of a memory on a server, not a file.
fn is_url(place: &Path) -> bool {
    place.to_str().is_some_and(|place| place.starts_with("postgres://") || place.starts_with("postgresql://"))
}
