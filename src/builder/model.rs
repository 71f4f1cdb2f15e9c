//! The model that makes the vectors, and how long it stays loaded.

use std::sync::Arc;
use std::time::Duration;

use rekall_model::{Embedder, Fingerprint, LoadOptions, ModelSource, Precision};

use super::Builder;
use crate::models::ModelChoice;

impl Builder {
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

    /// What numbers a transformer's matrices are multiplied in; counts more than [`load_options`](Self::load_options).
    /// [`Precision::Int8`] takes a quarter of the memory. Its vectors are a space of their own: those of a file have to be
    /// made anew ([`Rekall::reembed`](crate::Rekall::reembed)). A model that has no such thing, as the built-in one, is then
    /// refused by the first call that needs it. Default: what the load options say, 32-bit floats.
    ///
    /// ```
    /// # fn main() -> Result<(), rekall::Error> {
    /// # use rekall::{ModelSource, Precision, Rekall};
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let path = folder.path().join("a.db");
    /// let source = "hub:intfloat/multilingual-e5-small".parse()?;
    /// let rekall = Rekall::builder(&path).model(source).precision(Precision::Int8).open()?;
    ///
    /// let refused = Rekall::builder(&path).model(ModelSource::Bundled).precision(Precision::Int8).check_model().open();
    /// # #[cfg(feature = "bundled-model")]
    /// assert!(refused.is_err_and(|error| error.to_string().contains("got int8 for a static model")));
    /// # Ok(())
    /// # }
    /// ```
    pub fn precision(mut self, precision: Precision) -> Self {
        self.config.precision = Some(precision);
        self
    }

    /// Whether the processes of this user share one loaded transformer, and one loaded reranker (feature `host`): the
    /// first that loads it answers the others, with the same bits, and a host that ends costs the others a retry. On Windows that was
    /// never run. Counts more than [`load_options`](Self::load_options) and those of the reranker, by which one of the two can be
    /// shared alone. Other models are loaded as without it. Default: what the load options say, no.
    ///
    /// ```
    /// # fn main() -> Result<(), rekall::Error> {
    /// # use rekall::Rekall;
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let path = folder.path().join("a.db");
    /// let source = "hub:sentence-transformers/all-MiniLM-L6-v2".parse()?;
    /// let rekall = Rekall::builder(path).model(source).model_host(true).open()?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn model_host(mut self, shared: bool) -> Self {
        self.config.model_host = Some(shared);
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

    /// Loads the model, and the reranker if there is one, while opening, and refuses to open with one that cannot be used as it is: unsupported, broken,
    /// incomplete, not on the hub. No file is made then. One that cannot be had now is no reason to refuse. Default: no; the
    /// first call that needs the model fails.
    ///
    /// ```
    /// # fn main() -> Result<(), rekall::Error> {
    /// # use rekall::{ErrorKind, Rekall};
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let path = folder.path().join("a.db");
    /// let refused = Rekall::builder(&path).model("path:no/such/folder".parse()?).check_model().open();
    /// assert_eq!(refused.err().map(|error| error.kind()), Some(ErrorKind::InvalidModel));
    /// assert!(!path.exists());
    /// # Ok(())
    /// # }
    /// ```
    pub fn check_model(mut self) -> Self {
        self.check_model = true;
        self
    }

    /// How long an unused model or reranker stays loaded; `None`: for ever; zero: not at all. Default 10 minutes.
    ///
    /// The time is looked at by [`Rekall::unload_if_idle`](crate::Rekall::unload_if_idle), or by a thread
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
}
