//! Rerankers: an encoder that reads a query and a passage behind one another, and a head that makes a score of it.

mod head;
mod pair;
mod score;

use std::path::Path;

use serde_json::Value;

use super::encoder::Encoder;
use super::kept::Place;
use super::quantization::Quantization;
use super::settings::{TokenizerConfig, limited};
use super::shape::Shape;
use super::weight_files::WeightFiles;
use super::workspace::Workspaces;
use crate::files::{self, MAX_TOKENIZER_BYTES, folder_name, read_json};
use crate::tokenize::TextTokenizer;
use crate::{Device, Error, LoadOptions};

use head::{Head, HeadShape};
use pair::PairTemplate;

/// A reranker of the BERT family: `BertForSequenceClassification` (ms-marco-MiniLM), that of RoBERTa, XLM-RoBERTa
/// (bge-reranker) and CamemBERT, and that of ModernBERT (gte-reranker-modernbert), with one label.
///
/// Scores are the network's own, before any function that maps them to 0 to 1; they agree with the reference
/// implementation to single precision.
///
/// Of a pair that is longer than the model reads, the longer text is cut at its end, and both where both are long. Pairs are
/// spread over up to [`LoadOptions::max_threads`] threads. Memory: as of a [`BertEmbedder`](crate::BertEmbedder).
///
/// ```no_run
/// use rekall_model::{CrossEncoder, LoadOptions, Reranker};
///
/// let model = CrossEncoder::from_folder("models/ms-marco-MiniLM-L6-v2", &LoadOptions::new())?;
/// let scores = model.scores("why is it slow?", &["the disk is full", "a recipe for bread"])?;
/// assert!(scores[0] > scores[1]);
/// # Ok::<(), rekall_model::Error>(())
/// ```
pub struct CrossEncoder {
    name: String,
    encoder: Box<dyn Encoder>,
    head: Head,
    tokenizer: TextTokenizer,
    pair: PairTemplate,
    /// Most tokens of a pair, with special ones.
    limit: usize,
    max_threads: usize,
    workspaces: Workspaces,
}

impl CrossEncoder {
    /// Reads a folder: `config.json`, `model.safetensors` (or several files of weights and their index), `tokenizer.json`, and
    /// where there is one `tokenizer_config.json`. The weights are mapped: do not rewrite them in place while the model is in use.
    ///
    /// # Errors
    /// [`Error::MissingFile`], [`Error::InvalidFile`] or [`Error::UnsupportedModel`] naming the file, what
    /// was expected and what was got; [`Error::InvalidInput`] for options it cannot honor.
    ///
    /// ```
    /// use rekall_model::{CrossEncoder, ErrorKind, LoadOptions};
    ///
    /// let missing = CrossEncoder::from_folder("no/such/folder", &LoadOptions::new());
    /// assert_eq!(missing.err().map(|error| error.kind()), Some(ErrorKind::NotFound));
    /// ```
    pub fn from_folder(folder: impl AsRef<Path>, options: &LoadOptions) -> Result<Self, Error> {
        let folder = folder.as_ref();
        Self::from_named_folder(folder, &folder_name(folder), None, options)
    }

    /// Says why a folder's model cannot be run, as far as its settings show.
    pub(crate) fn judge(folder: &Path, options: &LoadOptions) -> Result<(), Error> {
        let path = folder.join("config.json");
        let shape = Shape::read(&path)?;
        Quantization::read(&path)?;
        let config: Value = read_json(&path)?;
        head::check(&path, &config)?;
        HeadShape::of(&shape, &path, &config)?;
        match options.device {
            Device::Cpu => Ok(()),
            device => Err(Error::InvalidInput {
                what: "device",
                expected: "the processor, on which alone rerankers run".into(),
                got: format!("{device:?}"),
            }),
        }
    }

    /// `kept`: the folder in which what is made of the files may be kept.
    pub(crate) fn from_named_folder(
        folder: &Path,
        name: &str,
        kept: Option<&Path>,
        options: &LoadOptions,
    ) -> Result<Self, Error> {
        Self::judge(folder, options)?;
        crate::BertEmbedder::check_files(folder)?;
        let config_path = folder.join("config.json");
        let shape = Shape::read(&config_path)?;
        let config: Value = read_json(&config_path)?;
        let tokenizer_path = folder.join("tokenizer.json");
        let json = files::read(&tokenizer_path, MAX_TOKENIZER_BYTES)?;
        let tokenizer = TextTokenizer::parse(&tokenizer_path, &json)?;
        let pair = PairTemplate::read(&tokenizer_path, &json)?;
        super::vocabulary::check(&tokenizer_path, &tokenizer, pair.highest(), &shape)?;
        let limit = limit(folder, &shape, options, pair.count())?;
        let weights = WeightFiles::of(folder)?;
        let place = match kept {
            Some(kept) => Place::of(Some(kept), &weights.digest()?, options),
            None => None,
        };
        let mapped = weights.map()?;
        let tensors = mapped.tensors(Quantization::read(&config_path)?)?;
        let encoder = shape.read_encoder(&tensors, limit, options.precision, place.as_ref())?;
        let head = HeadShape::of(&shape, &config_path, &config)?;
        let head = Head::read(&shape.reader(&tensors), head, shape.width())?;
        // Packing has read all of the files; only the pages with token vectors are needed again.
        mapped.forget_pages();
        Ok(Self {
            name: name.to_owned(),
            encoder,
            head,
            tokenizer,
            pair,
            limit,
            max_threads: options.max_threads.unwrap_or(1).max(1),
            workspaces: Workspaces::default(),
        })
    }
}

/// The most tokens of a pair.
fn limit(folder: &Path, shape: &Shape, options: &LoadOptions, special: usize) -> Result<usize, Error> {
    let tokens = TokenizerConfig::read(folder)?;
    let limit = limited(tokens.limit(shape.positions()), options, special);
    // A token of each text, at the least.
    if limit < special + 2 {
        return Err(Error::InvalidInput {
            what: "max_tokens",
            expected: "room for a query and a passage beside special tokens".into(),
            got: limit.to_string(),
        });
    }
    Ok(limit)
}

impl std::fmt::Debug for CrossEncoder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CrossEncoder").field("name", &self.name).finish_non_exhaustive()
    }
}
