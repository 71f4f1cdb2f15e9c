//! The open file, and how the server's one thread calls a library that blocks.

use std::ops::Deref;
use std::sync::Arc;

use rekall::{CancelToken, Rekall};
use tokio_util::sync::CancellationToken;

use crate::failure::Failure;
use crate::options::Options;
use crate::place;

/// The most calls at once; further ones wait for their turn. Searches use one processor each, and writes wait for
/// each other anyway.
pub(crate) const THREADS: usize = 8;

/// The open file, as tools see it.
#[derive(Clone)]
pub(crate) struct Opened {
    rekall: Arc<Rekall>,
    /// How many hits of a search a reranker judges.
    pub(crate) reranked: usize,
}

impl Opened {
    pub(crate) fn new(rekall: Arc<Rekall>, reranked: usize) -> Self {
        Self { rekall, reranked }
    }
}

impl Deref for Opened {
    type Target = Rekall;

    fn deref(&self) -> &Rekall {
        &self.rekall
    }
}

/// The open file, and the calls under way. Clones share it.
#[derive(Clone)]
pub(crate) struct Memory {
    opened: Opened,
    /// Stops all calls when the server ends.
    ending: CancelToken,
}

impl Memory {
    /// Opens the database that the command line or the environment names, and makes it if it is not there.
    pub(crate) fn open(options: &Options) -> Result<Self, Box<dyn std::error::Error>> {
        let path = place::database(options.db.as_deref()).ok_or(place::NO_PLACE)?;
        place::make_default_folder(options.db.as_deref(), &path)?;
        let mut builder = Rekall::builder(&path)
            .model_idle_timeout(options.idle)
            .unload_in_background()
            .release_memory_on_unload();
        if let Some(model) = &options.model {
            builder = builder.model(model.clone());
        }
        if let Some(precision) = options.precision {
            builder = builder.precision(precision);
        }
        if options.model_host {
            builder = builder.model_host(true);
        }
        if let Some(reranker) = &options.reranker {
            builder = builder.reranker(reranker.clone());
        }
        let rekall = builder.open().map_err(|error| format!("{}: {error}", path.display()))?;
        let rekall = match &options.scope {
            Some(scope) => rekall.scope(scope).map_err(|error| format!("{}: {error}", rekall.location()))?,
            None => Arc::new(rekall),
        };
        let reranked = if options.reranker.is_some() { options.rerank } else { 0 };
        Ok(Self { opened: Opened::new(rekall, reranked), ending: CancelToken::new() })
    }

    /// Does work that blocks on a thread of its own, and stops it when the host cancels its request or the server
    /// ends. Work that was stopped has changed nothing.
    pub(crate) async fn call<T: Send + 'static>(
        &self,
        cancelled: &CancellationToken,
        work: impl FnOnce(&Opened, &CancelToken) -> Result<T, Failure> + Send + 'static,
    ) -> Result<T, Failure> {
        let (opened, cancel) = (self.opened.clone(), self.ending.child());
        let of_work = cancel.clone();
        let mut working = tokio::task::spawn_blocking(move || work(&opened, &of_work));
        let done = tokio::select! {
            done = &mut working => done,
            () = cancelled.cancelled() => {
                cancel.cancel();
                working.await
            }
        };
        done.unwrap_or_else(|error| Err(Failure::Internal(error.to_string())))
    }

    /// Stops all calls that are under way.
    pub(crate) fn stop(&self) {
        self.ending.cancel();
    }
}
