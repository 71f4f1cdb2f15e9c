//! The model: its files are read and checked here, and all of its operations use this state.

use std::path::Path;
use std::sync::Arc;

use super::dense::Dense;
use super::encoder::Network;
use super::kept::Place;
use super::settings::{Settings, limited};
#[cfg(feature = "candle")]
use super::shape::Shape;
use super::special_tokens::SpecialTokens;
use super::vocabulary;
use super::weight_files::WeightFiles;
use super::worker_pool::WorkerPool;
use super::workspace::Workspaces;
use crate::files::{self, MAX_TOKENIZER_BYTES, digest, folder_name};
use crate::fingerprint::{Fingerprint, SpaceParts};
use crate::tokenize::{Known, TextTokenizer};
use crate::unigram::Scratch;
use crate::{Device, Error, LoadOptions};

/// A sentence model of the BERT family (BERT, RoBERTa, XLM-RoBERTa, CamemBERT; DistilBERT, MPNet, NomicBERT, GTE, JinaBERT,
/// ModernBERT; Qwen3, Gemma 3), run on the processor unless [`LoadOptions::device`] says otherwise, which the first four allow.
///
/// Vectors agree with those of sentence-transformers to single precision: for all-MiniLM-L6-v2 the
/// largest difference of an element over 200 texts is below 1e-6. They have length 1 whether or not the
/// model's own files ask for it.
///
/// Texts are spread over up to [`LoadOptions::max_threads`] threads; a single text, such as a query, is
/// divided among them matrix by matrix. For that, the threads besides the caller's sleep between calls, from
/// the first such call until the model is dropped. Vectors have the same bits with any number of threads.
///
/// A text longer than the model reads is cut at its end; [`max_tokens`](crate::Embedder::max_tokens) says
/// where, and [`embed_documents_observed`](crate::Embedder::embed_documents_observed) which texts were cut.
///
/// Memory: the packed matrices, 4 bytes for each of the encoder's weights (43 MB for MiniLM) or one
/// ([`Precision::Int8`](crate::Precision::Int8)), and the
/// tokenizer. Those of a hub model are kept in the hub's cache, in a file that all processes map. The table of token vectors
/// stays in the mapped file, too. A call uses a few MB more per thread.
///
/// ```no_run
/// use rekall_model::{BertEmbedder, Embedder, LoadOptions};
///
/// let options = LoadOptions::new().max_threads(2);
/// let model = BertEmbedder::from_folder("models/all-MiniLM-L6-v2", &options)?;
/// let rows = model.embed_documents(&["the server is down", "a recipe for bread"])?;
/// assert_eq!(rows.len(), 2 * model.dimensions());
/// # Ok::<(), rekall_model::Error>(())
/// ```
pub struct BertEmbedder {
    pub(super) settings: Settings,
    pub(super) tokenizer: TextTokenizer,
    pub(super) special: SpecialTokens,
    pub(super) engine: Engine,
    pub(super) fingerprint: Fingerprint,
    pub(super) max_tokens: usize,
    pub(super) max_threads: usize,
    pub(super) workers: WorkerPool,
    pub(super) workspaces: Workspaces,
}

/// The implementation that computes vectors.
pub(super) enum Engine {
    /// This crate's own code.
    Processor(Arc<Network>),
    /// candle, on a device.
    #[cfg(feature = "candle")]
    Candle(Box<super::candle::CandleNetwork>),
}

/// A text as the network gets it.
pub(super) struct Tokenized {
    /// With prefix and special tokens, cut at the model's limit.
    pub(super) ids: Vec<u32>,
    /// Tokens of text and prefix before cutting.
    pub(super) count: usize,
    /// What of the text is known.
    pub(super) known: Known,
}

impl BertEmbedder {
    /// Reads a folder: `config.json`, `model.safetensors` (`f32`, `f16` or `bf16`) or several such files with
    /// `model.safetensors.index.json`, `tokenizer.json`, and where there are any `modules.json`,
    /// `1_Pooling/config.json`, `2_Dense/`, `sentence_bert_config.json`, `config_sentence_transformers.json`,
    /// `tokenizer_config.json`. The weights are mapped: do not rewrite them in place while the model is in use.
    ///
    /// # Errors
    /// [`Error::MissingFile`], [`Error::InvalidFile`] or [`Error::UnsupportedModel`] naming the file, what
    /// was expected and what was got; [`Error::InvalidInput`] for options it cannot honor.
    ///
    /// ```
    /// use rekall_model::{BertEmbedder, ErrorKind, LoadOptions};
    ///
    /// let missing = BertEmbedder::from_folder("no/such/folder", &LoadOptions::new());
    /// assert_eq!(missing.err().map(|error| error.kind()), Some(ErrorKind::NotFound));
    /// ```
    pub fn from_folder(folder: impl AsRef<Path>, options: &LoadOptions) -> Result<Self, Error> {
        let folder = folder.as_ref();
        Self::from_named_folder(folder, &folder_name(folder), None, options)
    }

    /// `kept`: the folder in which what is made of the files may be kept.
    pub(crate) fn from_named_folder(
        folder: &Path,
        name: &str,
        kept: Option<&Path>,
        options: &LoadOptions,
    ) -> Result<Self, Error> {
        let mut settings = Settings::read(folder, name, options)?;
        Self::check_files(folder)?;
        let json = files::read(&settings.tokenizer, MAX_TOKENIZER_BYTES)?;
        let tokenizer = TextTokenizer::parse(&settings.tokenizer, &json)?;
        let special = SpecialTokens::read(&settings.tokenizer, &json)?;
        settings.limit = limited(settings.limit, options, special.count());
        vocabulary::check(&settings.tokenizer, &tokenizer, special.highest(), &settings.shape)?;
        let prefix_tokens = tokenizer.count(&settings.document_prefix)?;
        let Some(max_tokens) = settings.limit.checked_sub(special.count() + prefix_tokens).filter(|&n| n > 0)
        else {
            return Err(Error::InvalidInput {
                what: "max_tokens",
                expected: "room for text beside prefix and special tokens".into(),
                got: settings.limit.to_string(),
            });
        };
        let weights = WeightFiles::of(folder)?;
        let weights_digest = weights.digest()?;
        let place = Place::of(kept, &weights_digest, options);
        let mapped = weights.map()?;
        let tensors = mapped.tensors(settings.quantization)?;
        let shape = &settings.shape;
        let encoder = shape.read_encoder(&tensors, settings.limit, options.precision, place.as_ref())?;
        // Packing has read all of the files; only the pages with token vectors are needed again.
        mapped.forget_pages();
        let engine = match options.device {
            Device::Cpu => {
                let dense = settings.dense.iter().map(Dense::read).collect::<Result<_, _>>()?;
                Engine::Processor(Arc::new(Network { encoder, pooling: settings.pooling, dense }))
            }
            #[cfg(feature = "candle")]
            device => {
                // The files are valid; candle reads them into its own layout.
                drop(encoder);
                let Shape::Bert(config) = shape else { return Err(refused(device)) };
                Engine::Candle(Box::new(super::candle::CandleNetwork::load(&tensors, config, device)?))
            }
            #[cfg(not(feature = "candle"))]
            device => return Err(refused(device)),
        };
        let fingerprint = space_of(&settings, &weights_digest, &json, options)?;
        let max_threads = options.max_threads.unwrap_or(1).max(1);
        Ok(Self {
            settings,
            tokenizer,
            special,
            engine,
            fingerprint,
            max_tokens,
            max_threads,
            workers: WorkerPool::new(max_threads - 1),
            workspaces: Workspaces::default(),
        })
    }

    /// The space that a folder's model makes, without loading it. Reads and hashes its files.
    #[cfg(feature = "host")]
    pub(crate) fn space(folder: &Path, name: &str, options: &LoadOptions) -> Result<Fingerprint, Error> {
        let mut settings = Settings::read(folder, name, options)?;
        Self::check_files(folder)?;
        let json = files::read(&settings.tokenizer, MAX_TOKENIZER_BYTES)?;
        let special = SpecialTokens::read(&settings.tokenizer, &json)?;
        settings.limit = limited(settings.limit, options, special.count());
        space_of(&settings, &WeightFiles::of(folder)?.digest()?, &json, options)
    }

    /// The digest of a folder's weights, in however many files they are.
    #[cfg(feature = "host")]
    pub(crate) fn weights_digest(folder: &Path) -> Result<String, Error> {
        WeightFiles::of(folder)?.digest()
    }

    /// Says why a folder's model cannot be run, as far as its settings show.
    pub(crate) fn judge(folder: &Path, name: &str, options: &LoadOptions) -> Result<(), Error> {
        Settings::read(folder, name, options).map(drop)
    }

    /// Says which of the large files a folder lacks.
    pub(crate) fn check_files(folder: &Path) -> Result<(), Error> {
        WeightFiles::of(folder)?;
        let tokenizer = folder.join("tokenizer.json");
        match tokenizer.exists() {
            true => Ok(()),
            false => Err(Error::MissingFile {
                path: tokenizer,
                expected: "a file of a sentence transformer".into(),
            }),
        }
    }

    /// The tokens of a text behind a prefix.
    pub(super) fn tokenize_text(
        &self,
        prefix: &str,
        text: &str,
        scratch: &mut Scratch,
    ) -> Result<Tokenized, Error> {
        let lowered = self.settings.lower_case.then(|| text.to_lowercase());
        let text = lowered.as_deref().unwrap_or(text);
        let mut ids = self.special.before.clone();
        // What is known is counted without the prefix, which the model knows in any case.
        let mut known = if prefix.is_empty() {
            self.tokenizer.encode(text, usize::MAX, scratch, &mut ids)?;
            scratch.known
        } else {
            self.tokenizer.encode(&format!("{prefix}{text}"), usize::MAX, scratch, &mut ids)?;
            self.tokenizer.encode(text, usize::MAX, scratch, &mut Vec::new())?;
            scratch.known
        };
        let shape = &self.settings.shape;
        if shape.foreign_ids() > 0 {
            let all = ids.len();
            ids.retain(|&id| (id as usize) < shape.vocabulary());
            // Nothing that the model has a vector for is a text without words.
            if ids.len() == self.special.before.len() && ids.len() < all {
                known = Known::default();
            }
        }
        let count = ids.len() - self.special.before.len();
        ids.truncate(self.settings.limit - self.special.after.len());
        ids.extend_from_slice(&self.special.after);
        Ok(Tokenized { ids, count, known })
    }
}

/// [`Settings::read`] refuses such a device before.
fn refused(device: Device) -> Error {
    Error::Compute { reason: format!("device {device:?} was not refused with the settings") }
}

fn space_of(
    settings: &Settings,
    weights_digest: &str,
    json: &[u8],
    options: &LoadOptions,
) -> Result<Fingerprint, Error> {
    Ok(Fingerprint::of_parts(&SpaceParts {
        family: settings.shape.family(),
        model: &settings.name,
        weights: weights_digest,
        tokenizer: &digest(json),
        config: Some(&settings.digest()?),
        precision: options.precision,
        pooling: settings.pooling.name(),
        query_prefix: &settings.query_prefix,
        document_prefix: &settings.document_prefix,
        dimensions: settings.dimensions,
        max_tokens: Some(settings.limit),
    }))
}

impl std::fmt::Debug for BertEmbedder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("BertEmbedder").field("fingerprint", &self.fingerprint).finish_non_exhaustive()
    }
}
