//! The model itself: tokens looked up, weighted and summed.

use std::path::Path;

use super::bundled::BundledModel;
use super::files::{Convention, StaticFiles};
use super::number::normalize;
use super::rows::TokenVectors;
use crate::embedder::{Embedder, Embeddings, Progress};
use crate::files::folder_name;
use crate::fingerprint::{Fingerprint, SpaceParts};
use crate::tokenize::{Known, TextTokenizer};
use crate::unigram::Scratch;
use crate::{Error, LoadOptions, Precision};

/// A Model2Vec model.
///
/// Rows are used where they lie: in the mapped file, or in the executable. The heap holds the
/// tokenizer, and nothing for the bundled model.
///
/// Each call runs on the caller's thread; call it from several threads to use more cores.
///
/// ```
/// # #[cfg(feature = "bundled-model")] {
/// use rekall_model::{Embedder, LoadOptions, StaticEmbedder};
///
/// let model = StaticEmbedder::bundled(&LoadOptions::new())?;
/// assert_eq!(model.embed_query("what did we decide about caching?")?.len(), model.dimensions());
/// assert_eq!(model.memory_bytes(), 0, "it lies in the executable");
/// # }
/// # Ok::<(), rekall_model::Error>(())
/// ```
#[derive(Debug)]
pub struct StaticEmbedder {
    tokenizer: TextTokenizer,
    /// The token that is left out.
    unknown: Option<u32>,
    vectors: TokenVectors,
    /// Most tokens read from a text with its prefix.
    limit: Option<usize>,
    /// `limit` less the document prefix.
    max_tokens: Option<usize>,
    query_prefix: String,
    document_prefix: String,
    fingerprint: Fingerprint,
}

impl StaticEmbedder {
    /// Reads a folder: `model.safetensors` (tensor `embeddings`, rows in `f32`, `f16`, `f64` or `int8`;
    /// optional `weights` per token and `mapping` from token to row), `tokenizer.json`, `config.json`;
    /// or the layouts sentence-transformers gives such models, whose vectors are then that package's: the mean of all
    /// tokens, unknown ones among them. The weights are mapped: do not
    /// rewrite the file in place while the model is in use.
    ///
    /// # Errors
    /// [`Error::MissingFile`] and [`Error::InvalidFile`], also when the tokenizer has another number of
    /// tokens than the file has vectors; [`Error::InvalidInput`] for options it cannot honor.
    ///
    /// ```no_run
    /// use rekall_model::{Embedder, LoadOptions, StaticEmbedder};
    ///
    /// let model = StaticEmbedder::from_folder("models/potion-base-8M", &LoadOptions::new())?;
    /// let vector = model.embed_query("which server is down?")?;
    /// # Ok::<(), rekall_model::Error>(())
    /// ```
    pub fn from_folder(folder: impl AsRef<Path>, options: &LoadOptions) -> Result<Self, Error> {
        let folder = folder.as_ref();
        Self::from_named_folder(folder, &folder_name(folder), options)
    }

    pub(crate) fn from_named_folder(folder: &Path, name: &str, options: &LoadOptions) -> Result<Self, Error> {
        Self::from_files(StaticFiles::open(folder, name)?, options)
    }

    /// Says which file a folder lacks.
    pub(crate) fn check_files(folder: &Path) -> Result<(), Error> {
        StaticFiles::layout(folder).map(drop)
    }

    /// The French and English model compiled into this crate.
    ///
    /// Cost: microseconds and no heap. Its 10 MB lie in the executable and are used in place, shared between
    /// processes, and become resident page by page as tokens are looked up.
    ///
    /// # Errors
    /// [`Error::InvalidInput`] for options it cannot honor.
    ///
    /// ```
    /// use rekall_model::{Embedder, LoadOptions, StaticEmbedder};
    ///
    /// let model = StaticEmbedder::bundled(&LoadOptions::new())?;
    /// let question = model.embed_query("pourquoi le serveur est-il lent ?")?;
    /// let rows = model.embed_documents(&["the server is slow", "a recipe for bread"])?;
    /// let similarity = |row: &[f32]| row.iter().zip(&question).map(|(a, b)| a * b).sum::<f32>();
    /// let (server, bread) = rows.split_at(model.dimensions());
    /// assert!(similarity(server) > similarity(bread));
    /// # Ok::<(), rekall_model::Error>(())
    /// ```
    #[cfg(feature = "bundled-model")]
    pub fn bundled(options: &LoadOptions) -> Result<Self, Error> {
        Self::from_bundled(&super::CURRENT, options)
    }

    /// The first model that was compiled into this crate, for vectors that it made; see
    /// [`ModelSource::BundledV1`](crate::ModelSource::BundledV1).
    ///
    /// # Errors
    /// [`Error::InvalidInput`] for options it cannot honor.
    ///
    /// ```
    /// use rekall_model::{Embedder, LoadOptions, StaticEmbedder};
    ///
    /// let model = StaticEmbedder::bundled_v1(&LoadOptions::new())?;
    /// assert_eq!(model.embed_query("le serveur ne répond plus")?.len(), 256);
    /// # Ok::<(), rekall_model::Error>(())
    /// ```
    #[cfg(feature = "bundled-model-v1")]
    pub fn bundled_v1(options: &LoadOptions) -> Result<Self, Error> {
        Self::from_bundled(&super::V1, options)
    }

    pub(crate) fn from_bundled(model: &BundledModel, options: &LoadOptions) -> Result<Self, Error> {
        Self::from_files(model.files()?, options)
    }

    fn from_files(files: StaticFiles, options: &LoadOptions) -> Result<Self, Error> {
        let StaticFiles { name, tokenizer, vectors, max_length, convention, .. } = files;
        let StaticFiles { weights_digest, tokenizer_digest, .. } = files;
        options.check_precision(false)?;
        if let Some(dimensions) = options.dimensions
            && dimensions != vectors.dimensions()
        {
            return Err(Error::InvalidInput {
                what: "dimensions",
                expected: format!("{}, as the model declares no shorter ones", vectors.dimensions()),
                got: dimensions.to_string(),
            });
        }
        if options.max_tokens == Some(0) {
            return Err(Error::InvalidInput {
                what: "max_tokens",
                expected: "at least 1".into(),
                got: "0".into(),
            });
        }
        let limit = match (max_length, options.max_tokens) {
            (Some(own), Some(asked)) => Some(own.min(asked)),
            (own, asked) => own.or(asked),
        };
        let query_prefix = options.query_prefix.clone().unwrap_or_default();
        let document_prefix = options.document_prefix.clone().unwrap_or_default();
        let prefix_tokens = tokenizer.count(&document_prefix)?;
        let fingerprint = Fingerprint::of_parts(&SpaceParts {
            family: "static",
            model: &name,
            weights: &weights_digest,
            tokenizer: &tokenizer_digest,
            // A lookup and a sum: all that its configuration may change has a part of its own.
            config: None,
            precision: Precision::F32,
            pooling: convention.pooling(),
            query_prefix: &query_prefix,
            document_prefix: &document_prefix,
            dimensions: vectors.dimensions(),
            max_tokens: limit,
        });
        Ok(Self {
            unknown: tokenizer.unknown_id().filter(|_| convention == Convention::Model2Vec),
            tokenizer,
            vectors,
            limit,
            max_tokens: limit.map(|limit| limit.saturating_sub(prefix_tokens)),
            query_prefix,
            document_prefix,
            fingerprint,
        })
    }

    /// What the model knows of a text, prefixes left out.
    fn known(&self, text: &str, scratch: &mut Scratch) -> Result<Known, Error> {
        self.tokenizer.encode(text, self.limit.unwrap_or(usize::MAX), scratch, &mut Vec::new())?;
        Ok(scratch.known)
    }

    /// Fills `row` with the unit vector of one text behind a prefix, and gives what of the text is known. The row stays zero
    /// where that is no word: the vectors of letters and of punctuation say nothing.
    fn embed_into(
        &self,
        prefix: &str,
        text: &str,
        buffers: &mut Buffers,
        row: &mut [f32],
    ) -> Result<Option<Known>, Error> {
        let Buffers { scratch, ids } = buffers;
        ids.clear();
        row.fill(0.0);
        let limit = self.limit.unwrap_or(usize::MAX);
        let known = if prefix.is_empty() {
            self.tokenizer.encode(text, limit, scratch, ids)?;
            scratch.known
        } else {
            self.tokenizer.encode(&format!("{prefix}{text}"), limit, scratch, ids)?;
            self.known(text, scratch)?
        };
        if !known.has_word() {
            return Ok(None);
        }
        self.vectors.add(ids.iter().copied().filter(|&id| Some(id) != self.unknown), row)?;
        match normalize(row) {
            0.0 => Ok(None),
            norm if norm.is_finite() => Ok(Some(known)),
            _ => Err(Error::Compute { reason: "the sum of token vectors is too large for a number".into() }),
        }
    }

    fn embed_document_into(
        &self,
        text: &str,
        buffers: &mut Buffers,
        row: &mut [f32],
    ) -> Result<Option<Known>, Error> {
        self.embed_into(&self.document_prefix, text, buffers, row)
    }
}

/// Buffers reused between the texts of a call.
#[derive(Default)]
struct Buffers {
    scratch: Scratch,
    ids: Vec<u32>,
}

/// Gives an error about one text its position in the batch.
fn at_index(error: Error, index: usize) -> Error {
    match error {
        Error::Tokenize { reason, .. } => Error::Tokenize { index, reason },
        other => other,
    }
}

impl Embedder for StaticEmbedder {
    fn fingerprint(&self) -> &Fingerprint {
        &self.fingerprint
    }

    fn dimensions(&self) -> usize {
        self.vectors.dimensions()
    }

    fn max_tokens(&self) -> Option<usize> {
        self.max_tokens
    }

    fn count_tokens(&self, text: &str) -> Result<usize, Error> {
        self.tokenizer.count(text)
    }

    fn embed_documents(&self, texts: &[&str]) -> Result<Vec<f32>, Error> {
        let mut rows = vec![0.0; texts.len() * self.dimensions()];
        let mut buffers = Buffers::default();
        for (index, (text, row)) in texts.iter().zip(rows.chunks_exact_mut(self.dimensions())).enumerate() {
            let known = self.embed_document_into(text, &mut buffers, row).map_err(|e| at_index(e, index))?;
            known.ok_or(Error::Unembeddable { index })?;
        }
        Ok(rows)
    }

    fn embed_query(&self, text: &str) -> Result<Vec<f32>, Error> {
        let mut row = vec![0.0; self.dimensions()];
        let known = self.embed_into(&self.query_prefix, text, &mut Buffers::default(), &mut row)?;
        known.map(|_| row).ok_or(Error::Unembeddable { index: 0 })
    }

    fn known_share(&self, text: &str) -> Result<Option<f32>, Error> {
        Ok(Some(self.known(text, &mut Scratch::default())?.share()))
    }

    fn memory_bytes(&self) -> usize {
        self.tokenizer.memory_bytes() + self.vectors.memory_bytes()
    }

    fn embed_documents_observed(
        &self,
        texts: &[&str],
        observe: &mut dyn FnMut(Progress) -> std::ops::ControlFlow<()>,
    ) -> Result<Embeddings, Error> {
        /// A few milliseconds of work: often enough to stop promptly, seldom enough to cost nothing.
        const MICRO_BATCH: usize = 256;
        let total = texts.len();
        let d = self.dimensions();
        let mut result = Embeddings::zeroed(total, d);
        let mut buffers = Buffers::default();
        let mut tokens = 0;
        for (index, text) in texts.iter().enumerate() {
            let row = &mut result.rows[index * d..][..d];
            let known = self.embed_document_into(text, &mut buffers, row).map_err(|e| at_index(e, index))?;
            if known.is_none() {
                result.unembeddable.push(index);
            }
            result.known_shares[index] = Some(known.map_or(0.0, |known| known.share()));
            // `ids` holds the whole text, prefix included, unless the limit was reached.
            let whole = self.document_prefix.is_empty() && self.limit.is_none_or(|l| buffers.ids.len() < l);
            let count = if whole { buffers.ids.len() } else { self.count_tokens(text)? };
            result.note_tokens(index, count, self.max_tokens);
            tokens += count;
            let done = index + 1;
            if (done % MICRO_BATCH == 0 || done == total)
                && observe(Progress { texts: done, total, tokens }).is_break()
            {
                return Err(Error::Cancelled { done, total });
            }
        }
        Ok(result)
    }
}
