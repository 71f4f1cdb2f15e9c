//! The reranker that judges hits where a search asks for it.

use std::sync::Arc;

use rekall_model::{LoadOptions, ModelSource, Precision, Reranker};

use super::Builder;
use crate::Config;
use crate::models::RerankerChoice;

/// What a builder was told of the reranker beside its configuration.
#[derive(Default)]
pub(super) struct ChosenReranker {
    own: Option<Arc<dyn Reranker>>,
    load: Option<LoadOptions>,
}

impl ChosenReranker {
    /// The reranker asked for. What is not said of its loading and concerns any model, follows `model`'s options.
    pub(super) fn choice(self, config: &Config, model: &LoadOptions) -> Option<RerankerChoice> {
        if let Some(own) = self.own {
            return Some(RerankerChoice::Own(own));
        }
        let source = config.reranker.clone()?;
        let mut load = self.load.unwrap_or_else(|| {
            let mut load = LoadOptions::new().offline(model.offline);
            load.max_threads = model.max_threads;
            load.model_host = model.model_host;
            load.progress.clone_from(&model.progress);
            load.hub_endpoint.clone_from(&model.hub_endpoint);
            load.hub_cache.clone_from(&model.hub_cache);
            load
        });
        if let Some(precision) = config.reranker_precision {
            load.precision = precision;
        }
        if let Some(shared) = config.model_host {
            load.model_host = shared;
        }
        Some(RerankerChoice::Source(source, Box::new(load)))
    }
}

impl Builder {
    /// The reranker of searches that ask for one ([`Recall::rerank`](crate::Recall::rerank)), from a folder or a hub, such as
    /// `hub:cross-encoder/ms-marco-MiniLM-L6-v2` (English) and `hub:BAAI/bge-reranker-base` (`docs/models.md`). Default: none;
    /// none is built in. It is looked for when it is first needed, and stays loaded as long as
    /// [`model_idle_timeout`](Self::model_idle_timeout) says of a model; events tell of it as of a model.
    ///
    /// ```
    /// # fn main() -> Result<(), rekall::Error> {
    /// # use rekall::Rekall;
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let path = folder.path().join("a.db");
    /// let reranker = "hub:cross-encoder/ms-marco-MiniLM-L6-v2".parse()?;
    /// let rekall = Rekall::builder(path).reranker(reranker).open()?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn reranker(mut self, source: ModelSource) -> Self {
        self.reranker.own = None;
        self.config.reranker = Some(source);
        self
    }

    /// How the reranker is loaded. Default: with the cache, address, progress, threads, `offline` and `model_host` of
    /// [`load_options`](Self::load_options).
    ///
    /// ```
    /// # fn main() -> Result<(), rekall::Error> {
    /// # use rekall::{Rekall, model::LoadOptions};
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let path = folder.path().join("a.db");
    /// let rekall = Rekall::builder(path)
    ///     .reranker("path:/var/lib/models/ms-marco-MiniLM-L6-v2".parse()?)
    ///     .reranker_load_options(LoadOptions::new().max_threads(2).max_tokens(256))
    ///     .open()?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn reranker_load_options(mut self, options: LoadOptions) -> Self {
        self.reranker.load = Some(options);
        self
    }

    /// What numbers the reranker's matrices are multiplied in; counts more than its load options. Default: theirs.
    ///
    /// ```
    /// # fn main() -> Result<(), rekall::Error> {
    /// # use rekall::{Precision, Rekall};
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let path = folder.path().join("a.db");
    /// let reranker = "hub:BAAI/bge-reranker-base".parse()?;
    /// let rekall = Rekall::builder(path).reranker(reranker).reranker_precision(Precision::Int8).open()?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn reranker_precision(mut self, precision: Precision) -> Self {
        self.config.reranker_precision = Some(precision);
        self
    }

    /// The host's own reranker.
    ///
    /// ```
    /// # fn main() -> Result<(), rekall::Error> {
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let path = folder.path().join("a.db");
    /// use std::sync::Arc;
    /// use rekall::{NewEntry, Rekall, Reranker, model::Error};
    ///
    /// /// Prefers what says how.
    /// struct Instructions;
    ///
    /// impl Reranker for Instructions {
    ///     fn model(&self) -> &str {
    ///         "instructions"
    ///     }
    ///     fn max_tokens(&self) -> Option<usize> {
    ///         None
    ///     }
    ///     fn scores(&self, _query: &str, passages: &[&str]) -> Result<Vec<f32>, Error> {
    ///         Ok(passages.iter().map(|passage| passage.matches("How").count() as f32).collect())
    ///     }
    ///     fn memory_bytes(&self) -> usize {
    ///         0
    ///     }
    /// }
    ///
    /// let rekall = Rekall::builder(path).own_reranker(Arc::new(Instructions)).without_model().open()?;
    /// rekall.remember(NewEntry::new("Disk full"))?;
    /// rekall.remember(NewEntry::new("How to clean the disk of the build machine"))?;
    /// let found = rekall.recall("disk").rerank(20).run()?;
    /// assert_eq!(found[0].explain.rerank.map(|rerank| (rerank.rank_before, rerank.score)), Some((2, 1.0)));
    /// # Ok(())
    /// # }
    /// ```
    pub fn own_reranker(mut self, reranker: Arc<dyn Reranker>) -> Self {
        self.reranker.own = Some(reranker);
        self
    }
}
